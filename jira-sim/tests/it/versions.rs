//! Versions, and the project they belong to.

use jira_sim::Permission;
use serde_json::json;

use crate::support::{Caller, shop, shop_without};

#[tokio::test]
async fn a_version_is_created_released_and_listed() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    let project: u64 = robot.get("project/SHOP").await.json()["id"].as_str().unwrap().parse().unwrap();
    let created = robot.post("version", json!({ "projectId": project, "name": "2.0" })).await;
    assert_eq!(created.status, 201);
    let path = format!("version/{}", created.json()["id"].as_str().unwrap());
    let released = robot.put(&path, json!({ "released": true, "releaseDate": "2026-11-22" })).await;
    assert_eq!((released.status, &released.json()["releaseDate"]), (200, &json!("2026-11-22")));
    assert_eq!(robot.get(&path).await.json()["name"], "2.0");
    let listed = robot.get("project/SHOP/versions").await.json();
    let listed: Vec<_> =
        listed.as_array().unwrap().iter().map(|one| (&one["name"], &one["released"])).collect();
    assert_eq!(listed, [(&json!("1.0"), &json!(false)), (&json!("2.0"), &json!(true))]);
    assert!(jira.versions("SHOP").iter().any(|version| version.name == "2.0" && version.released));
}

#[tokio::test]
async fn wrong_versions_are_refused() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    let id: u64 = robot.get("project/SHOP").await.json()["id"].as_str().unwrap().parse().unwrap();
    let taken = robot.post("version", json!({ "projectId": id, "name": "1.0" })).await.refusal();
    assert_eq!(taken, (400, "name: A version with this name already exists in this project.".into()));
    let cases = [
        (json!({ "projectId": id }), 400),
        (json!({ "projectId": id, "name": "3", "releaseDate": "tomorrow" }), 400),
        (json!({ "name": "3" }), 400),
        (json!({ "projectId": 1, "name": "3" }), 404),
    ];
    for (body, status) in cases {
        assert_eq!(robot.post("version", body).await.status, status);
    }
    assert_eq!(robot.get("version/1").await.status, 404);
    assert_eq!(jira.versions("SHOP").len(), 1);
}

#[tokio::test]
async fn only_an_administrator_of_the_project_creates_versions() {
    let jira = shop_without(Permission::AdministerProjects).start().await.unwrap();
    let robot = Caller::robot(&jira);
    assert_eq!(robot.post("version", json!({ "project": "SHOP", "name": "2.0" })).await.status, 404);
}

#[tokio::test]
async fn a_project_that_is_not_there_is_named() {
    let jira = shop().start().await.unwrap();
    let words = "No project could be found with key 'NOPE'.";
    for path in ["project/NOPE", "project/NOPE/statuses", "project/NOPE/versions"] {
        assert_eq!(Caller::robot(&jira).get(path).await.refusal(), (404, words.into()));
    }
}
