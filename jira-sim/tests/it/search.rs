//! Many issues at once.

use std::time::Duration;

use jira_sim::{Clock, JiraSim, NewIssue};
use serde_json::{Value, json};

use crate::support::{Caller, shop};

fn keys(answer: &Value) -> Vec<&str> {
    answer["issues"].as_array().unwrap().iter().map(|one| one["key"].as_str().unwrap_or("no key")).collect()
}

#[tokio::test]
async fn a_search_answers_ids_alone_unless_it_is_asked_for_more() {
    let jira = shop().issue(NewIssue::new("SHOP-2")).start().await.unwrap();
    let robot = Caller::robot(&jira);
    let bare = robot.post("search/jql", json!({ "jql": "project = SHOP" })).await.json();
    assert_eq!(keys(&bare), ["no key", "no key"]);
    assert!(bare["issues"][0]["id"].is_string() && bare["isLast"] == true && bare.get("total").is_none());
    let body = json!({ "jql": "key in (SHOP-2)", "fields": ["status"], "reconcileIssues": [10101] });
    let full = robot.post("search/jql", body).await.json();
    assert_eq!(
        (keys(&full), &full["issues"][0]["fields"]["status"]["name"]),
        (vec!["SHOP-2"], &json!("To Do"))
    );
}

#[tokio::test]
async fn a_search_is_read_page_by_page() {
    let more = (2..=5).map(|number| NewIssue::new(&format!("SHOP-{number}")));
    let jira = more.fold(shop(), jira_sim::Builder::issue).start().await.unwrap();
    let robot = Caller::robot(&jira);
    let mut body = json!({ "jql": "project = SHOP", "fields": ["key"], "maxResults": 2 });
    let mut found = Vec::new();
    loop {
        let page = robot.post("search/jql", body.clone()).await.json();
        found.extend(keys(&page).into_iter().map(str::to_owned));
        if page["isLast"] == true {
            break;
        }
        body["nextPageToken"] = page["nextPageToken"].clone();
    }
    assert_eq!(found, ["SHOP-1", "SHOP-2", "SHOP-3", "SHOP-4", "SHOP-5"]);
    body["nextPageToken"] = json!("stale");
    assert_eq!(robot.post("search/jql", body).await.status, 400);
}

#[tokio::test]
async fn a_search_that_jira_would_refuse_is_refused() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    let refused = async |body: Value| robot.post("search/jql", body).await.refusal();
    let unbounded =
        "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.";
    for jql in ["", "order by created desc"] {
        assert_eq!(refused(json!({ "jql": jql })).await, (400, unbounded.into()));
    }
    let missing = "An issue with key 'SHOP-9' does not exist for field 'key'.";
    assert_eq!(refused(json!({ "jql": "key in (SHOP-1, SHOP-9)" })).await, (400, missing.into()));
    let ids: Vec<u64> = (0..51).collect();
    assert_eq!(refused(json!({ "jql": "project = SHOP", "reconcileIssues": ids })).await.0, 400);
}

#[tokio::test]
async fn the_old_search_is_gone() {
    let jira = shop().start().await.unwrap();
    let (status, words) = Caller::robot(&jira).get("search?jql=project%3DSHOP").await.refusal();
    assert_eq!(status, 410);
    assert!(words.contains("/rest/api/3/search/jql"), "{words}");
}

#[tokio::test]
async fn a_bulk_read_leaves_out_what_is_missing_and_takes_a_hundred_at_most() {
    let jira = shop().issue(NewIssue::new("SHOP-2")).start().await.unwrap();
    let robot = Caller::robot(&jira);
    let body = json!({ "issueIdsOrKeys": ["SHOP-2", "SHOP-9", "shop-1", "SHOP-2"], "fields": ["status"] });
    let answer = robot.post("issue/bulkfetch", body).await.json();
    assert_eq!(keys(&answer), ["SHOP-2", "SHOP-1"]);
    assert_eq!(answer["issueErrors"], json!([]));
    let many: Vec<String> = (1..=101).map(|number| format!("SHOP-{number}")).collect();
    assert_eq!(robot.post("issue/bulkfetch", json!({ "issueIdsOrKeys": many })).await.status, 400);
}

#[tokio::test]
async fn the_search_may_lag_behind_what_was_written() {
    let jira = shop().issue(NewIssue::new("SHOP-2")).start().await.unwrap();
    let robot = Caller::robot(&jira);
    let found = async |more: Value| {
        let mut body = json!({ "jql": "project = SHOP", "fields": ["status"] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = robot.post("search/jql", body).await.json();
        let issues = answer["issues"].as_array().unwrap().clone();
        issues
            .iter()
            .map(|one| one["fields"]["status"]["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    jira.hold_index();
    assert_eq!(robot.transition("SHOP-1", "31").await.status, 204);
    jira.create(&NewIssue::new("SHOP-3")).unwrap();
    assert_eq!(found(json!({})).await, ["To Do", "To Do"]);
    let fresh = ["SHOP-1", "SHOP-3"].map(|key| jira.issue(key).unwrap().id);
    assert_eq!(found(json!({ "reconcileIssues": fresh })).await, ["Done", "To Do", "To Do"]);
    assert_eq!(robot.get("issue/SHOP-1").await.json()["fields"]["status"]["name"], "Done");
    jira.release_index();
    assert_eq!(found(json!({})).await, ["Done", "To Do", "To Do"]);
}

#[tokio::test]
async fn an_index_that_lags_still_finds_what_was_deleted() {
    let jira = shop().issue(NewIssue::new("SHOP-2")).start().await.unwrap();
    let robot = Caller::robot(&jira);
    jira.hold_index();
    let gone = jira.issue("SHOP-2").unwrap().id;
    assert!(jira.delete("SHOP-2"));
    let body = json!({ "jql": "project = SHOP", "fields": ["status"] });
    assert_eq!(keys(&robot.post("search/jql", body).await.json()), ["SHOP-1", "SHOP-2"]);
    let body = json!({ "jql": "project = SHOP", "fields": ["status"], "reconcileIssues": [gone] });
    assert_eq!(keys(&robot.post("search/jql", body).await.json()), ["SHOP-1"]);
}

#[tokio::test]
async fn a_page_is_there_for_seven_days_unless_it_is_forgotten_sooner() {
    let clock = Clock::held("2026-11-22T12:00:00Z".parse().unwrap());
    let jira = shop().issue(NewIssue::new("SHOP-2")).clock(&clock).start().await.unwrap();
    let robot = Caller::robot(&jira);
    let page = async |token: &Value| {
        let going_on = token.as_str().map(|token| format!("&nextPageToken={token}")).unwrap_or_default();
        let path = format!("search/jql?jql=project%3DSHOP&fields=key&maxResults=1{going_on}");
        robot.get(&path).await
    };
    let first = page(&Value::Null).await.json();
    let token = &first["nextPageToken"];
    clock.advance(Duration::from_hours(7 * 24 - 1));
    assert_eq!(keys(&page(token).await.json()), ["SHOP-2"]);
    clock.advance(Duration::from_hours(1));
    let words = "The provided next page token is invalid or expired.";
    assert_eq!(page(token).await.refusal(), (400, words.into()));
    let fresh = page(&Value::Null).await.json();
    jira.expire_page_tokens();
    assert_eq!(page(&fresh["nextPageToken"]).await.refusal(), (400, words.into()));
}

#[tokio::test]
async fn a_data_center_counts_pages_and_tells_the_total() {
    let jira = JiraSim::data_center()
        .account(jira_sim::Account::with_access_token("robot", "pat"))
        .project(jira_sim::Project::new("SHOP"));
    let more = (1..=3).map(|number| NewIssue::new(&format!("SHOP-{number}")));
    let jira = more.fold(jira, jira_sim::Builder::issue).start().await.unwrap();
    let robot = Caller::new(&jira, 2, crate::support::Login::Bearer("pat"));
    let page =
        robot.post("search", json!({ "jql": "project = SHOP", "startAt": 2, "maxResults": 2 })).await.json();
    assert_eq!((keys(&page), &page["total"], &page["startAt"]), (vec!["SHOP-3"], &json!(3), &json!(2)));
}
