//! Who is let in, and what they are told of themselves.

use jira_sim::Permission;
use serde_json::json;

use crate::support::{Caller, EMAIL, Login, TOKEN, shop, shop_without};

#[tokio::test]
async fn the_right_token_is_somebody() {
    let jira = shop().start().await.unwrap();
    let json = Caller::robot(&jira).get("myself").await.json();
    assert_eq!((&json["emailAddress"], &json["accountType"]), (&json!(EMAIL), &json!("atlassian")));
}

#[tokio::test]
async fn a_wrong_token_is_a_401_and_no_token_sees_nothing() {
    let jira = shop().start().await.unwrap();
    for login in
        [Login::Basic(EMAIL, "wrong"), Login::Basic("other@example.com", TOKEN), Login::Bearer(TOKEN)]
    {
        let (status, words) = Caller::new(&jira, 3, login).get("issue/SHOP-1").await.refusal();
        assert_eq!((status, words.as_str()), (401, "Client must be authenticated to access this resource."));
    }
    let nobody = Caller::new(&jira, 3, Login::None);
    assert_eq!(nobody.get("myself").await.status, 401);
    assert_eq!(nobody.get("issue/SHOP-1").await.status, 404);
    assert_eq!(nobody.get("serverInfo").await.json()["deploymentType"], "Cloud");
}

#[tokio::test]
async fn permissions_must_be_named_and_are_told() {
    let jira = shop_without(Permission::TransitionIssues).start().await.unwrap();
    let robot = Caller::robot(&jira);
    let words = "The 'permissions' query parameter is required.";
    assert_eq!(robot.get("mypermissions").await.refusal(), (400, words.into()));
    let json =
        robot.get("mypermissions?permissions=BROWSE_PROJECTS,TRANSITION_ISSUES&projectKey=SHOP").await.json();
    let has = |key: &str| json["permissions"][key]["havePermission"].as_bool();
    assert_eq!((has("BROWSE_PROJECTS"), has("TRANSITION_ISSUES")), (Some(true), Some(false)));
    assert_eq!(robot.get("mypermissions?permissions=FLY").await.status, 400);
    assert_eq!(robot.get("mypermissions?permissions=EDIT_ISSUES&projectKey=NOPE").await.status, 404);
}

#[tokio::test]
async fn who_may_not_browse_sees_no_issue_and_no_project() {
    let jira = shop_without(Permission::BrowseProjects).start().await.unwrap();
    let robot = Caller::robot(&jira);
    for path in ["issue/SHOP-1", "project/SHOP", "project/SHOP/statuses", "project/SHOP/versions"] {
        assert_eq!(robot.get(path).await.status, 404, "{path}");
    }
    assert_eq!(robot.transition("SHOP-1", "31").await.status, 404);
    assert_eq!(jira.status("SHOP-1").as_deref(), Some("To Do"));
}
