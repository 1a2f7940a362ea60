//! The journal, and waiting for something to be in it.

use std::time::Duration;

use jira_sim::{Clock, Kind, NewIssue};
use serde_json::json;

use crate::support::{Caller, TOKEN, shop};

#[tokio::test]
async fn every_exchange_is_kept_without_its_secret() {
    let clock = Clock::held("2026-11-22T12:00:00Z".parse().unwrap());
    let jira = shop()
        .issue(NewIssue::new("SHOP-2"))
        .clock(&clock)
        .start()
        .await
        .unwrap();
    let robot = Caller::robot(&jira);
    robot.get("issue/shop-1?fields=status").await;
    clock.advance(Duration::from_secs(5));
    robot.transition("SHOP-1", "31").await;
    robot
        .post("search/jql", json!({ "jql": "key = SHOP-2" }))
        .await;
    robot.get("issue/SHOP-2").await;
    let journal = jira.journal();
    assert_eq!(
        journal.lines(),
        [
            "GET /rest/api/3/issue/shop-1?fields=status 200",
            "POST /rest/api/3/issue/SHOP-1/transitions 204",
            "POST /rest/api/3/search/jql 200",
            "GET /rest/api/3/issue/SHOP-2 200",
        ]
    );
    assert_eq!(
        journal.writes().lines(),
        ["POST /rest/api/3/issue/SHOP-1/transitions 204"]
    );
    assert_eq!(
        (
            journal.requests_for("SHOP-1").len(),
            journal.of(Kind::Issue).len(),
            journal.reads().len()
        ),
        (2, 2, 3)
    );
    assert_eq!(journal.after(3).lines(), journal.lines()[3..]);
    let post = &journal.writes().exchanges[0];
    assert_eq!(post.request_json()["transition"]["id"], "31");
    assert_eq!(post.request_header("authorization"), Some("Basic ***"));
    assert_eq!(post.at.to_string(), "2026-11-22T12:00:05Z");
    assert!(!format!("{journal:?}").contains(TOKEN));
}

#[tokio::test]
async fn a_test_waits_for_what_it_wants_to_see() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    let story = jira.wait_until("SHOP-1 is done", |site| site.is_in("SHOP-1", "Done"));
    let (waited, _) = tokio::join!(story, robot.transition("SHOP-1", "31"));
    waited.unwrap();
    jira.wait_until("the answer was sent", |site| {
        site.count(|one| one.status == Some(204)) == 1
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_test_that_waits_in_vain_is_told_what_happened_instead() {
    let jira = shop().start().await.unwrap();
    Caller::robot(&jira).get("myself").await;
    let waited = jira
        .wait_at_most(Duration::ZERO, "pigs fly", |_| false)
        .await;
    let words = "gave up waiting until pigs fly; the requests so far:\nGET /rest/api/3/myself 200";
    assert_eq!(waited.unwrap_err().to_string(), words);
}
