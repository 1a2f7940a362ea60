//! Links to other systems, and their update by global id.

use jira_sim::Permission;
use serde_json::json;

use crate::support::{Caller, shop, shop_without};

#[tokio::test]
async fn a_second_post_with_the_same_global_id_replaces_the_link() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    let first = json!({
        "globalId": "pr=7", "relationship": "merged by", "application": { "name": "GitHub" },
        "object": { "title": "#7", "url": "https://example.com/7", "summary": "Sell" },
    });
    let created = robot.post("issue/SHOP-1/remotelink", first).await;
    let second =
        json!({ "globalId": "pr=7", "object": { "title": "#7 again", "url": "https://example.com/7" } });
    let updated = robot.post("issue/SHOP-1/remotelink", second).await;
    assert_eq!((created.status, updated.status), (201, 200));
    assert_eq!(created.json(), updated.json());
    let links = robot.get("issue/SHOP-1/remotelink").await.json();
    assert_eq!(links.as_array().unwrap().len(), 1);
    assert_eq!(links[0]["object"], json!({ "title": "#7 again", "url": "https://example.com/7" }));
    assert!(links[0].get("relationship").is_none(), "what was left out is gone");
    let one = robot.get("issue/SHOP-1/remotelink?globalId=pr%3D7").await;
    assert_eq!(one.json(), links[0]);
    assert_eq!(robot.get("issue/SHOP-1/remotelink?globalId=pr%3D8").await.status, 404);
}

#[tokio::test]
async fn title_and_url_are_required_and_the_global_id_has_a_limit() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    let bare = robot.post("issue/SHOP-1/remotelink", json!({ "object": {} })).await.refusal();
    assert_eq!(bare, (400, "title: 'title' is required. | url: 'url' is required.".into()));
    let object = json!({ "title": "t", "url": "https://example.com" });
    let long = json!({ "globalId": "x".repeat(256), "object": object });
    assert_eq!(robot.post("issue/SHOP-1/remotelink", long).await.status, 400);
    assert!(jira.remote_links("SHOP-1").is_empty());
}

#[tokio::test]
async fn without_the_permission_it_is_a_403() {
    let jira = shop_without(Permission::LinkIssues).start().await.unwrap();
    let body = json!({ "object": { "title": "t", "url": "https://example.com" } });
    assert_eq!(Caller::robot(&jira).post("issue/SHOP-1/remotelink", body).await.status, 403);
}
