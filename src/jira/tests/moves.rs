//! Moving a ticket, in as few calls as can be.

use jira_sim::{Condition, Field, Permission, Transition as Edge, Workflow};
use serde_json::json;

use super::*;

#[tokio::test]
async fn a_cold_move_is_three_calls_and_a_warm_one_is_two() {
    let sim = shop().start().await.unwrap();
    let (mut caller, cache) = (Caller::cloud(&sim), TransitionCache::new());

    caller.move_to(&cache, "SHOP-1", "In Progress").await.unwrap();
    assert_eq!(caller.calls(), ["issue", "transitions", "transition"]);

    caller.move_to(&cache, "SHOP-2", "In Progress").await.unwrap();
    assert_eq!(caller.calls(), ["issue", "transition"]);

    assert_eq!(sim.journal().len(), 5, "{:#?}", sim.journal().lines());
    assert_eq!(sim.moves("SHOP-2"), ["To Do → In Progress"]);
}

#[tokio::test]
async fn each_issue_type_and_each_status_has_its_own_offers() {
    let review = Workflow::simplified(&["To Do", "In Review", "Done"]);
    let sim = shop()
        .project(Project::new("CART").issue_type("Bug", review))
        .issue(NewIssue::new("CART-1").issue_type("Bug"))
        .issue(NewIssue::new("CART-2").issue_type("Task"))
        .start()
        .await
        .unwrap();
    let (mut caller, cache) = (Caller::cloud(&sim), TransitionCache::new());

    let bug = caller.issue("CART-1").await;
    assert!(matches!(caller.find(&cache, &bug, "In Review").await, Lookup::Found { cached: false, .. }));
    assert!(matches!(caller.find(&cache, &bug, "in review").await, Lookup::Found { cached: true, .. }));
    let task = caller.issue("CART-2").await;
    assert!(matches!(caller.find(&cache, &task, "In Review").await, Lookup::Missing { .. }));
}

#[tokio::test]
async fn a_refused_id_is_forgotten_and_asked_for_once_more() {
    let workflow = Workflow::simplified(&["To Do", "Done"])
        .transition(Edge::new(31, "Close", "Closed").condition(Condition::Assignee))
        .transition(Edge::new(41, "Give up", "Closed"))
        .status("Closed", jira_sim::Category::Done);
    let sim = shop()
        .project(Project::new("CART").workflow(workflow))
        .issue(NewIssue::new("CART-1").assignee(EMAIL))
        .issue(NewIssue::new("CART-2"))
        .start()
        .await
        .unwrap();
    let (mut caller, cache) = (Caller::cloud(&sim), TransitionCache::new());
    let ours = caller.issue("CART-1").await;
    let by_name = cache
        .find(&caller.jira, &ours, Target::called("Closed"), Some("Close"), &mut caller.log)
        .await
        .unwrap();
    assert!(matches!(by_name, Lookup::Found { transition, .. } if transition.id == "31"));

    let other = caller.issue("CART-2").await;
    let remembered = cache
        .find(&caller.jira, &other, Target::called("Closed"), Some("Close"), &mut caller.log)
        .await
        .unwrap();
    assert!(matches!(remembered, Lookup::Found { cached: true, .. }));
    let refused = caller.take("CART-2", "31").await.unwrap_err();
    assert_eq!(refused.failure, Failure::Refused { status: 400, fields: Vec::new() });
    assert!(refused.message.contains("'31' is not valid"), "{refused}");

    cache.forget(&caller.jira, &other).await;
    let lookup = caller.find(&cache, &other, "Closed").await;
    assert!(matches!(lookup, Lookup::Found { transition, cached: false } if transition.id == "41"));
}

#[tokio::test]
async fn what_is_missing_from_memory_is_asked_of_jira_before_it_is_believed() {
    let sim = shop().start().await.unwrap();
    let (mut caller, cache) = (Caller::cloud(&sim), TransitionCache::new());
    let issue = caller.issue("SHOP-1").await;
    caller.find(&cache, &issue, "Done").await;
    caller.calls();

    assert!(sim.rename_status("Done", "Shipped"));
    assert!(matches!(caller.find(&cache, &issue, "Shipped").await, Lookup::Found { cached: false, .. }));
    let Lookup::Missing { offered } = caller.find(&cache, &issue, "Done").await else { panic!("it is gone") };
    assert_eq!(offered, ["To Do → To Do", "In Progress → In Progress", "Done → Shipped"]);
    assert_eq!(caller.calls(), ["transitions", "transitions"]);
}

#[tokio::test]
async fn an_empty_offer_is_not_remembered() {
    let robot = Account::with_api_token(EMAIL, TOKEN).without(Permission::TransitionIssues);
    let sim = JiraSim::cloud()
        .account(robot)
        .project(Project::new("SHOP"))
        .issue(NewIssue::new("SHOP-1"))
        .start()
        .await
        .unwrap();
    let (mut caller, cache) = (Caller::cloud(&sim), TransitionCache::new());
    let issue = caller.issue("SHOP-1").await;
    for _ in 0..2 {
        assert_eq!(caller.find(&cache, &issue, "Done").await, Lookup::Missing { offered: Vec::new() });
    }
    assert_eq!(caller.calls(), ["issue", "transitions", "transitions"]);
}

#[tokio::test]
async fn a_comment_and_fields_go_with_the_move() {
    let screen = [Field::resolution().required(), Field::labels()];
    let workflow = Workflow::simplified(&["To Do", "Done"])
        .status("Closed", jira_sim::Category::Done)
        .transition(Edge::new(31, "Close", "Closed").screen(screen));
    let sim = shop()
        .project(Project::new("CART").workflow(workflow))
        .issue(NewIssue::new("CART-1"))
        .start()
        .await
        .unwrap();
    let (mut caller, cache) = (Caller::cloud(&sim), TransitionCache::new());
    let issue = caller.issue("CART-1").await;
    let Lookup::Found { transition, .. } = caller.find(&cache, &issue, "Closed").await else { panic!() };
    assert_eq!(transition.required[0].name, "Resolution");
    assert!(transition.has_screen && transition.screen_fields.contains_key("labels"));

    let refused = caller.take("CART-1", &transition.id).await.unwrap_err();
    let Failure::Refused { status: 400, fields } = refused.failure else { panic!("{refused}") };
    assert_eq!(fields[0].0, "resolution");

    let request = TransitionRequest {
        id: transition.id,
        fields: [("resolution".to_owned(), json!({ "name": "Fixed" }))].into(),
        comment: Some("Merged in *acme/shop*".to_owned()),
    };
    caller.jira.transition("CART-1", &request, &mut caller.log).await.unwrap();
    assert_eq!(sim.status("CART-1").as_deref(), Some("Closed"));
    assert_eq!(sim.comments("CART-1")[0].text().trim(), "Merged in *acme/shop*");
}
