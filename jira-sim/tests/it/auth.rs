//! Who is let in, and what they are told of themselves.

use std::time::Duration;

use jiff::SignedDuration;
use jira_sim::{Account, Clock, JiraSim, NewIssue, Permission, Project};
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

#[tokio::test]
async fn a_permission_may_be_missing_in_one_project_only() {
    let robot = Account::with_api_token(EMAIL, TOKEN).without_in("OPS", Permission::TransitionIssues);
    let robot = robot.without_in("SECRET", Permission::BrowseProjects);
    let jira = ["SHOP", "OPS", "SECRET"].into_iter().fold(JiraSim::cloud().account(robot), |jira, key| {
        jira.project(Project::new(key)).issue(NewIssue::new(&format!("{key}-1")))
    });
    let jira = jira.start().await.unwrap();
    let robot = Caller::robot(&jira);
    let may = async |place: &str| {
        let path = format!("mypermissions?permissions=TRANSITION_ISSUES{place}");
        robot.get(&path).await.json()["permissions"]["TRANSITION_ISSUES"]["havePermission"].clone()
    };
    assert_eq!(may("").await, true, "in some project");
    assert_eq!((may("&projectKey=SHOP").await, may("&issueKey=OPS-1").await), (json!(true), json!(false)));
    assert_eq!(robot.transition("SHOP-1", "31").await.status, 204);
    assert_eq!(robot.get("issue/OPS-1/transitions").await.json()["transitions"], json!([]));
    assert_eq!(robot.get("issue/SECRET-1").await.status, 404);
    assert_eq!(robot.get("mypermissions?permissions=EDIT_ISSUES&projectKey=SECRET").await.status, 404);
}

#[tokio::test]
async fn the_permissions_of_the_site_are_told_as_such() {
    let jira = shop().start().await.unwrap();
    let json = Caller::robot(&jira).get("mypermissions?permissions=BULK_CHANGE,ADMINISTER").await.json();
    let told = |key: &str| {
        let one = &json["permissions"][key];
        (one["type"].clone(), one["havePermission"].clone())
    };
    assert_eq!(told("BULK_CHANGE"), (json!("GLOBAL"), json!(true)));
    assert_eq!(told("ADMINISTER"), (json!("GLOBAL"), json!(false)), "that one is given, not taken");
}

#[tokio::test]
async fn the_site_tells_its_version_and_what_it_takes_for_the_time() {
    let clock = Clock::held("2026-11-22T12:00:00Z".parse().unwrap());
    let jira = JiraSim::data_center().version(10, 3, 1).clock(&clock).start().await.unwrap();
    let nobody = Caller::new(&jira, 2, Login::None);
    let info = nobody.get("serverInfo").await.json();
    assert_eq!((&info["deploymentType"], &info["version"]), (&json!("Server"), &json!("10.3.1")));
    assert_eq!(info["serverTime"], "2026-11-22T12:00:00.000+0000");
    jira.set_clock_skew(SignedDuration::from_secs(-90));
    clock.advance(Duration::from_secs(1));
    assert_eq!(nobody.get("serverInfo").await.json()["serverTime"], "2026-11-22T11:58:31.000+0000");
}
