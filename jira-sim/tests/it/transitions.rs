//! What is offered, and what happens when it is taken.

use jira_sim::{
    Account, Category, Condition, Fault, Field, JiraSim, Kind, NewIssue, Permission, Project, Transition,
    Validator, When, Workflow,
};
use serde_json::{Value, json};

use crate::support::{Caller, EMAIL, TOKEN, shop, shop_without};

fn ids(answer: &Value) -> Vec<&str> {
    answer["transitions"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect()
}

/// A site whose only project has this workflow.
async fn site(workflow: Workflow) -> JiraSim {
    JiraSim::cloud()
        .account(Account::with_api_token(EMAIL, TOKEN))
        .account(Account::person("ana"))
        .project(Project::new("SHOP").workflow(workflow).version("1.0"))
        .issue(NewIssue::new("SHOP-1"))
        .start()
        .await
        .unwrap()
}

#[tokio::test]
async fn the_simplified_workflow_offers_the_same_from_every_status() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    for status in ["To Do", "In Progress", "Done"] {
        assert!(jira.move_as("ana", "SHOP-1", status));
        assert_eq!(ids(&robot.get("issue/SHOP-1/transitions").await.json()), ["11", "21", "31"]);
    }
    let first = robot.get("issue/SHOP-1/transitions").await.json()["transitions"][0].clone();
    assert_eq!((&first["isGlobal"], &first["hasScreen"]), (&json!(true), &json!(false)));
    assert!(first.get("fields").is_none(), "fields come only with the expand");
}

#[tokio::test]
async fn a_move_is_a_204_and_leaves_its_traces() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    let answer = robot.transition("SHOP-1", "31").await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    let json = robot.get("issue/SHOP-1?expand=changelog").await.json();
    assert_eq!(json["fields"]["status"]["name"], "Done");
    assert_eq!(json["fields"]["resolution"]["name"], "Done");
    let item = &json["changelog"]["histories"][0]["items"][0];
    assert_eq!(
        (&item["field"], &item["fromString"], &item["toString"]),
        (&json!("status"), &json!("To Do"), &json!("Done"))
    );
    assert_eq!(item["to"], json["fields"]["status"]["id"]);

    assert_eq!(robot.transition("SHOP-1", "31").await.status, 204, "a second time is a 204 too");
    assert_eq!(jira.moves("SHOP-1"), ["To Do → Done"], "and changes nothing");
    assert_eq!(robot.transition("SHOP-1", "11").await.status, 204);
    assert_eq!(jira.issue("SHOP-1").unwrap().resolution, None, "leaving a done status unsettles the issue");
}

#[tokio::test]
async fn what_jira_refuses_is_refused_with_its_words() {
    let jira = site(Workflow::classic()).await;
    let robot = Caller::robot(&jira);
    let refused = async |body: Value| robot.post("issue/SHOP-1/transitions", body).await.refusal();
    assert_eq!(refused(json!({})).await, (400, "Missing 'transition' identifier".into()));
    let unknown = refused(json!({ "transition": { "id": "999" } })).await;
    assert_eq!(unknown, (400, "Transition id '999' is not valid for this issue.".into()));
    let (status, words) = refused(json!({ "transition": { "id": "3" } })).await;
    assert_eq!(status, 400);
    let stale = "It seems that you have tried to perform a workflow operation (Reopen Issue) that is not valid for the current state of this issue (SHOP-1).";
    assert!(words.starts_with(stale), "{words}");
    let unfilled = refused(json!({ "transition": { "id": "5" } })).await;
    assert_eq!(unfilled, (400, "resolution: Resolution is required.".into()));
    let off_screen = refused(json!({ "transition": { "id": "4" }, "fields": { "labels": ["x"] } })).await;
    let words = "labels: Field 'labels' cannot be set. It is not on the appropriate screen, or unknown.";
    assert_eq!(off_screen, (400, words.into()));
    let wrong =
        refused(json!({ "transition": { "id": "5" }, "fields": { "resolution": { "name": "Eaten" } } }))
            .await;
    assert_eq!(wrong, (400, "resolution: Resolution name 'Eaten' is not valid".into()));
    assert_eq!(jira.moves("SHOP-1"), Vec::<String>::new());
}

#[tokio::test]
async fn a_screen_is_described_and_then_filled_in() {
    let jira = site(Workflow::classic()).await;
    let robot = Caller::robot(&jira);
    let json = robot.get("issue/SHOP-1/transitions?expand=transitions.fields&transitionId=5").await.json();
    let fields = &json["transitions"][0]["fields"];
    assert_eq!(ids(&json), ["5"]);
    assert_eq!(
        (&fields["resolution"]["required"], &fields["assignee"]["required"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(fields["resolution"]["allowedValues"][3]["name"], "Fixed");
    let body = json!({
        "transition": { "id": "5" },
        "fields": { "resolution": { "name": "Fixed" } },
        "update": { "fixVersions": [{ "add": { "name": "1.0" } }] },
        "properties": [{ "key": "conduit", "value": { "job": "j1", "hop": 1 } }],
    });
    assert_eq!(robot.post("issue/SHOP-1/transitions", body).await.status, 204);
    let issue = jira.issue("SHOP-1").unwrap();
    assert_eq!(issue.resolution.as_deref(), Some("Fixed"));
    assert_eq!(issue.properties["conduit"]["hop"], 1);
    assert_eq!(jira.fix_versions("SHOP-1"), ["1.0"]);
    assert_eq!(issue.history.len(), 1, "it was one step");
    assert_eq!(robot.get("issue/SHOP-1/transitions?transitionId=5").await.json()["transitions"], json!([]));
}

#[tokio::test]
async fn a_comment_needs_a_screen_and_is_lost_without_one() {
    let comment = json!({ "comment": [{ "add": { "body": {
        "type": "doc", "version": 1, "content": [{ "type": "paragraph", "content": [{ "type": "text", "text": "Merged" }] }],
    } } }] });
    let workflow = Workflow::new()
        .status("Open", Category::New)
        .status("Closed", Category::Done)
        .transition(Transition::new(1, "Quietly", "Closed"))
        .transition(Transition::new(2, "Aloud", "Closed").screen([]));
    let jira = site(workflow).await;
    let robot = Caller::robot(&jira);
    for (id, comments) in [("1", 0), ("2", 1)] {
        let body = json!({ "transition": { "id": id }, "update": comment });
        assert_eq!(robot.post("issue/SHOP-1/transitions", body).await.status, 204);
        assert_eq!(jira.comments("SHOP-1").len(), comments);
    }
}

#[tokio::test]
async fn a_condition_hides_a_transition_and_a_validator_refuses_it() {
    let workflow = Workflow::new()
        .status("Open", Category::New)
        .status("Closed", Category::Done)
        .transition(Transition::new(1, "For Ana", "Closed").condition(Condition::Only("ana".into())))
        .transition(Transition::new(2, "For the assignee", "Closed").condition(Condition::Assignee))
        .transition(
            Transition::new(3, "Checked", "Closed")
                .validator(Validator::field_set("fixVersions", "Say where.")),
        );
    let jira = site(workflow).await;
    let robot = Caller::robot(&jira);
    assert_eq!(ids(&robot.get("issue/SHOP-1/transitions").await.json()), ["3"]);
    let all = robot.get("issue/SHOP-1/transitions?includeUnavailableTransitions=true").await.json();
    assert_eq!(ids(&all), ["1", "2", "3"]);
    assert_eq!(
        (&all["transitions"][0]["isAvailable"], &all["transitions"][0]["isConditional"]),
        (&json!(false), &json!(true))
    );
    let hidden = robot.transition("SHOP-1", "1").await.refusal();
    assert_eq!(hidden, (400, "Transition id '1' is not valid for this issue.".into()));
    assert_eq!(robot.transition("SHOP-1", "3").await.refusal(), (400, "Say where.".into()));
    let version = json!({ "update": { "fixVersions": [{ "add": { "name": "1.0" } }] } });
    assert_eq!(robot.put("issue/SHOP-1", version).await.status, 204);
    assert_eq!(robot.transition("SHOP-1", "3").await.status, 204);
}

#[tokio::test]
async fn without_the_permission_the_list_is_empty_and_the_move_a_400() {
    let jira = shop_without(Permission::TransitionIssues).start().await.unwrap();
    let robot = Caller::robot(&jira);
    let offered = robot.get("issue/SHOP-1/transitions").await;
    assert_eq!((offered.status, &offered.json()["transitions"]), (200, &json!([])));
    assert_eq!(robot.transition("SHOP-1", "31").await.status, 400);
    assert_eq!(jira.status("SHOP-1").as_deref(), Some("To Do"));
}

#[tokio::test]
async fn while_another_transition_runs_it_is_a_409() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    jira.set_in_transition("SHOP-1", true);
    assert_eq!(robot.transition("SHOP-1", "31").await.status, 409);
    jira.set_in_transition("SHOP-1", false);
    assert_eq!(robot.transition("SHOP-1", "31").await.status, 204);
}

#[tokio::test]
async fn each_issue_type_has_its_own_workflow_and_a_team_its_own_statuses() {
    let bugs = Workflow::simplified(&["Reported", "Fixed"]);
    let jira = shop()
        .project(Project::new("TEAM").team_managed().issue_type("Bug", bugs))
        .issue(NewIssue::new("TEAM-1").issue_type("Bug"))
        .issue(NewIssue::new("TEAM-2"))
        .start()
        .await
        .unwrap();
    let robot = Caller::robot(&jira);
    let types = robot.get("project/TEAM/statuses").await.json();
    let names = |name: &str| {
        let types = types.as_array().unwrap();
        let one = types.iter().find(|one| one["name"] == name).unwrap();
        one["statuses"].as_array().unwrap().iter().map(|status| status["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names("Bug"), ["Reported", "Fixed"]);
    assert_eq!(names("Story"), ["To Do", "In Progress", "Done"]);
    let id =
        async |key: &str| robot.get(&format!("issue/{key}")).await.json()["fields"]["status"]["id"].clone();
    assert_ne!(id("SHOP-1").await, id("TEAM-2").await, "the same name, and another status");
}

#[tokio::test]
async fn a_renamed_status_keeps_its_id() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    let before = robot.get("issue/SHOP-1").await.json()["fields"]["status"].clone();
    assert!(jira.rename_status("To Do", "Backlog"));
    let after = robot.get("issue/SHOP-1").await.json()["fields"]["status"].clone();
    assert_eq!((&after["id"], &after["name"]), (&before["id"], &json!("Backlog")));
}

#[tokio::test]
async fn a_required_custom_field_counts_when_it_is_filled() {
    let cause = Field::text("customfield_10050", "Root cause").required();
    let workflow = Workflow::new()
        .status("Open", Category::New)
        .status("Closed", Category::Done)
        .transition(Transition::new(7, "Close", "Closed").from("Open").screen([cause]));
    let jira = site(workflow).await;
    let robot = Caller::robot(&jira);
    let close = async |fields: Value| {
        robot.post("issue/SHOP-1/transitions", json!({ "transition": { "id": "7" }, "fields": fields })).await
    };
    let words = "customfield_10050: Root cause is required.";
    assert_eq!(close(json!({})).await.refusal(), (400, words.into()));
    assert_eq!(close(json!({ "customfield_10050": "" })).await.refusal(), (400, words.into()));
    assert_eq!(close(json!({ "customfield_10050": "a typo" })).await.status, 204);
    assert_eq!(jira.issue("SHOP-1").unwrap().custom["customfield_10050"], "a typo");
}

#[tokio::test]
async fn a_workflow_that_leads_nowhere_does_not_start() {
    let broken =
        Workflow::new().status("Open", Category::New).transition(Transition::new(1, "Close", "Closed"));
    let error = JiraSim::cloud().project(Project::new("SHOP").workflow(broken)).start().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "project SHOP: a transition names the status \"Closed\", which its workflow does not have"
    );
}

#[tokio::test]
async fn a_looped_transition_ends_where_it_began() {
    let workflow = Workflow::simplified(&["To Do", "Done"]).transition(
        Transition::looped(41, "Explain").screen([Field::text("customfield_10050", "Why").required()]),
    );
    let jira = site(workflow).await;
    let robot = Caller::robot(&jira);
    let offered = robot.get("issue/SHOP-1/transitions").await.json()["transitions"][2].clone();
    assert_eq!((&offered["isLooped"], &offered["to"]["name"]), (&json!(true), &json!("To Do")));
    let body = json!({ "transition": { "id": "41" }, "fields": { "customfield_10050": "Because" } });
    assert_eq!(robot.post("issue/SHOP-1/transitions", body).await.status, 204);
    assert!(jira.moves("SHOP-1").is_empty(), "no status changed");
    assert_eq!(jira.issue("SHOP-1").unwrap().custom["customfield_10050"], "Because");
}

#[tokio::test]
async fn refusals_that_no_state_explains_come_on_demand() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    for (fault, status) in
        [(Fault::too_much(), 413), (Fault::misconfigured(), 422), (Fault::unauthorised(), 401)]
    {
        jira.once(When::post(Kind::Transitions), fault);
        assert_eq!(robot.transition("SHOP-1", "31").await.status, status);
    }
    assert_eq!(jira.status("SHOP-1").as_deref(), Some("To Do"));
}
