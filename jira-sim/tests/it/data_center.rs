//! The other dialect: version 2, wiki text, user names, its own ways with wrong tokens and wrong ids.

use jira_sim::{Account, Builder, JiraSim, NewIssue, Project, Workflow};
use serde_json::json;

use crate::support::{Caller, Login};

fn site() -> Builder {
    JiraSim::data_center()
        .context_path("/jira")
        .account(Account::with_access_token("robot", "pat"))
        .account(Account::with_password("ana", "secret"))
        .project(Project::new("SHOP").workflow(Workflow::classic()))
        .issue(NewIssue::new("SHOP-1").assignee("ana"))
}

#[tokio::test]
async fn both_logins_work_under_the_context_path_and_are_named_in_a_header() {
    let jira = site().start().await.unwrap();
    assert!(jira.url().ends_with("/jira"));
    for (login, name) in [(Login::Bearer("pat"), "robot"), (Login::Basic("ana", "secret"), "ana")] {
        let answer = Caller::new(&jira, 2, login).get("myself").await;
        assert_eq!((answer.header("X-AUSERNAME"), &answer.json()["name"]), (Some(name), &json!(name)));
    }
    let without_path = jira.url().trim_end_matches("/jira").to_owned();
    assert_eq!(reqwest::get(format!("{without_path}/rest/api/2/serverInfo")).await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_wrong_token_is_a_401_or_somebody_anonymous() {
    let strict = site().start().await.unwrap();
    assert_eq!(Caller::new(&strict, 2, Login::Bearer("wrong")).get("issue/SHOP-1").await.status, 401);
    let open = site().anonymous_reads().start().await.unwrap();
    let stranger = Caller::new(&open, 2, Login::Bearer("wrong"));
    let answer = stranger.get("issue/SHOP-1").await;
    assert_eq!((answer.status, answer.header("X-AUSERNAME")), (200, Some("anonymous")));
    assert_eq!(stranger.get("issue/SHOP-1/transitions").await.json()["transitions"], json!([]));
    assert_eq!(stranger.post("issue/SHOP-1/comment", json!({ "body": "x" })).await.status, 401);
}

#[tokio::test]
async fn people_are_names_and_texts_are_strings() {
    let jira = site().start().await.unwrap();
    let robot = Caller::new(&jira, 2, Login::Bearer("pat"));
    let assignee = robot.get("issue/SHOP-1").await.json()["fields"]["assignee"].clone();
    assert_eq!((&assignee["name"], assignee.get("accountId")), (&json!("ana"), None));
    let edit = json!({ "fields": { "assignee": { "name": "robot" } } });
    assert_eq!(robot.put("issue/SHOP-1", edit).await.status, 204);
    let comment = robot.post("issue/SHOP-1/comment", json!({ "body": "*bold*" })).await;
    assert_eq!((comment.status, &comment.json()["body"]), (201, &json!("*bold*")));
    let document = json!({ "body": { "type": "doc", "version": 1, "content": [] } });
    assert_eq!(robot.post("issue/SHOP-1/comment", document).await.status, 400);
}

#[tokio::test]
async fn transitions_say_less_and_a_field_has_an_id_instead_of_a_key() {
    let jira = site().start().await.unwrap();
    let robot = Caller::new(&jira, 2, Login::Bearer("pat"));
    let json = robot.get("issue/SHOP-1/transitions?expand=transitions.fields").await.json();
    let resolve = &json["transitions"][1];
    assert_eq!((&resolve["id"], resolve.get("isGlobal")), (&json!("5"), None));
    assert_eq!(resolve["fields"]["resolution"]["fieldId"], "resolution");
}

#[tokio::test]
async fn a_wrong_transition_may_be_a_500() {
    let jira = site().wrong_transition_is_500().start().await.unwrap();
    assert_eq!(Caller::new(&jira, 2, Login::Bearer("pat")).transition("SHOP-1", "999").await.status, 500);
}

#[tokio::test]
async fn the_old_search_is_kept_and_the_new_paths_are_unknown() {
    let jira = site().start().await.unwrap();
    let robot = Caller::new(&jira, 2, Login::Bearer("pat"));
    let found = robot.post("search", json!({ "jql": "key = SHOP-1", "fields": ["status"] })).await.json();
    assert_eq!((&found["total"], &found["issues"][0]["key"]), (&json!(1), &json!("SHOP-1")));
    let by_get = robot.get("search?jql=project%3DSHOP&fields=status&maxResults=1").await.json();
    assert_eq!(by_get["issues"][0]["fields"]["status"]["name"], "Open");
    let unknown = robot.post("search/jql", json!({})).await;
    assert_eq!((unknown.status, &unknown.json()["status-code"]), (404, &json!(404)));
    let all = robot.get("mypermissions").await.json();
    assert_eq!(all["permissions"]["TRANSITION_ISSUES"]["havePermission"], true);
}
