//! What is hidden is told from what is not there, by a second question that only a failure asks.

use jira_sim::{Condition, Permission, Transition as Edge, Workflow};

use super::*;

fn hidden() -> Workflow {
    let (new, done) = (jira_sim::Category::New, jira_sim::Category::Done);
    Workflow::new()
        .status("To Do", new)
        .status("Done", done)
        .transition(Edge::new(31, "Ship", "Done").from("To Do").condition(Condition::Never))
}

async fn why(caller: &mut Caller, to: &str, via: Option<&str>) -> NoWay {
    let issue = caller.issue("SHOP-1").await;
    let any = !caller.jira.transitions("SHOP-1", &mut caller.log).await.unwrap().is_empty();
    caller.calls();
    caller.jira.why_no_way(&issue, Target::called(to), via, any, &mut caller.log).await.unwrap()
}

#[tokio::test]
async fn a_condition_a_missing_way_and_a_missing_permission_are_three_things() {
    let sim = shop().project(Project::new("CART")).start().await.unwrap();
    let mut caller = Caller::cloud(&sim);
    assert_eq!(why(&mut caller, "Closed", None).await, NoWay::None);
    assert_eq!(caller.calls(), ["transitions"], "what may be done is plain from what is offered");

    let behind = JiraSim::cloud()
        .account(Account::with_api_token(EMAIL, TOKEN))
        .project(Project::new("SHOP").workflow(hidden()))
        .issue(NewIssue::new("SHOP-1"));
    let sim = behind.start().await.unwrap();
    let mut caller = Caller::cloud(&sim);
    assert_eq!(why(&mut caller, "Done", None).await, NoWay::Hidden { name: "Ship".to_owned() });
    assert_eq!(caller.calls(), ["permissions", "transitions"]);
    assert_eq!(why(&mut caller, "Done", Some("Close")).await, NoWay::None);

    let account = Account::with_api_token(EMAIL, TOKEN).without(Permission::TransitionIssues);
    let barred =
        JiraSim::cloud().account(account).project(Project::new("SHOP")).issue(NewIssue::new("SHOP-1"));
    let sim = barred.start().await.unwrap();
    let mut caller = Caller::cloud(&sim);
    assert_eq!(why(&mut caller, "Done", None).await, NoWay::NotPermitted);
    assert_eq!(caller.calls(), ["permissions"]);
    assert!(sim.journal().writes().is_empty());
}

#[tokio::test]
async fn data_center_does_not_tell_hidden_from_missing_and_nobody_says_it_does() {
    let sim = data_center().project(Project::new("CART").workflow(hidden())).start().await.unwrap();
    let mut caller = Caller::data_center(&sim, TOKEN);
    assert_eq!(why(&mut caller, "Closed", None).await, NoWay::NotTold);
    assert_eq!(caller.calls(), [""; 0], "there is nothing more to ask");
}

#[tokio::test]
async fn a_ticket_that_is_not_there_is_told_from_a_project_that_is_not_to_be_seen() {
    let sim = shop().start().await.unwrap();
    let mut caller = Caller::cloud(&sim);
    assert_eq!(caller.jira.why_no_issue("SHOP-99", &mut caller.log).await.unwrap(), NoIssue::Missing);
    assert_eq!(caller.jira.why_no_issue("GONE-1", &mut caller.log).await.unwrap(), NoIssue::NoProject);
    let says_no = r#"{"permissions":{"BROWSE_PROJECTS":{"havePermission":false}}}"#;
    let answer = jira_sim::Answer::text(200, "application/json", says_no.to_owned());
    sim.once(jira_sim::When::get(jira_sim::Kind::MyPermissions), jira_sim::Fault::answer(answer));
    assert_eq!(caller.jira.why_no_issue("SHOP-1", &mut caller.log).await.unwrap(), NoIssue::NotPermitted);
    let down = sim.go_down();
    let error = caller.jira.why_no_issue("SHOP-1", &mut caller.log).await.unwrap_err();
    assert!(matches!(error.failure, Failure::ServerError { .. }), "an outage is no answer: {error}");
    sim.lift(down);
}
