//! Comments in both of Jira's languages.

use jira_sim::Permission;
use serde_json::{Value, json};

use crate::support::{Caller, EMAIL, Login, TOKEN, shop, shop_without};

fn document(text: &str) -> Value {
    json!({ "type": "doc", "version": 1, "content": [{ "type": "paragraph", "content": [{ "type": "text", "text": text }] }] })
}

#[tokio::test]
async fn a_document_is_posted_and_read_back_in_both_versions() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    let answer = robot.post("issue/SHOP-1/comment", json!({ "body": document("Merged #7") })).await;
    assert_eq!((answer.status, &answer.json()["body"]), (201, &document("Merged #7")));
    assert_eq!(jira.comments("SHOP-1")[0].text(), "Merged #7");
    let version_2 = Caller::new(&jira, 2, Login::Basic(EMAIL, TOKEN));
    let page = version_2.get("issue/SHOP-1/comment").await.json();
    assert_eq!((&page["total"], &page["comments"][0]["body"]), (&json!(1), &json!("Merged #7")));
    assert_eq!(version_2.post("issue/SHOP-1/comment", json!({ "body": "plain" })).await.status, 201);
    assert_eq!(robot.get("issue/SHOP-1/comment").await.json()["comments"][1]["body"], document("plain"));
}

#[tokio::test]
async fn comments_come_in_pages_and_in_either_order() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    for text in ["one", "two", "three"] {
        let property = json!([{ "key": "conduit", "value": text }]);
        robot.post("issue/SHOP-1/comment", json!({ "body": document(text), "properties": property })).await;
    }
    let page = robot.get("issue/SHOP-1/comment?startAt=1&maxResults=1&expand=properties").await.json();
    assert_eq!((&page["total"], page["comments"].as_array().unwrap().len()), (&json!(3), 1));
    assert_eq!(page["comments"][0]["properties"][0]["value"], "two");
    let newest = robot.get("issue/SHOP-1/comment?orderBy=-created&maxResults=1").await.json();
    assert_eq!(newest["comments"][0]["body"], document("three"));
}

#[tokio::test]
async fn what_is_no_comment_is_refused() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    let refused = async |body: Value| robot.post("issue/SHOP-1/comment", body).await.refusal();
    let invalid = (400, "comment: Comment body is not valid!".to_owned());
    assert_eq!(refused(json!({ "body": "a string" })).await, invalid);
    assert_eq!(refused(json!({ "body": { "type": "doc", "version": 2, "content": [] } })).await, invalid);
    let empty = (400, "comment: Comment body can not be empty!".to_owned());
    assert_eq!(refused(json!({})).await, empty);
    assert_eq!(refused(json!({ "body": { "type": "doc", "version": 1, "content": [] } })).await, empty);
    let (status, words) = refused(json!({ "body": document(&"x".repeat(32_768)) })).await;
    assert!(status == 400 && words.contains("32,767"), "{words}");
    assert!(jira.comments("SHOP-1").is_empty());
}

#[tokio::test]
async fn without_the_permission_there_is_no_comment() {
    let jira = shop_without(Permission::AddComments).start().await.unwrap();
    let answer = Caller::robot(&jira).post("issue/SHOP-1/comment", json!({ "body": document("x") })).await;
    assert_eq!(answer.status, 400);
    assert!(jira.comments("SHOP-1").is_empty());
}
