//! `conduit queue …`, against a running service.

use serde_json::json;

use super::run::{Conduit, masked};
use crate::support::payloads::merged;
use crate::support::service::{On, TestService, board};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_stands_still_until_it_is_told_to_go_on() {
    let jira = board(&[("SHOP-1", "To Do")]).await;
    let service = TestService::start(&On::Sqlite, &jira).await;
    let conduit = |arguments: &[&str]| Conduit::at(&service, arguments);
    let hook = service.register("acme/shop").await;

    let paused = conduit(&["queue", "pause", "--why", "the board is rebuilt"]).run().await;
    assert_eq!((paused.code, paused.err.as_str()), (0, "atlassian stands still.\n"), "{paused:?}");
    let answer = service.deliver(&hook, "pull_request", "d-1", &merged(1, "SHOP-1")).await;
    assert_eq!(answer.status, 202, "deliveries are taken in all the same");
    insta::assert_snapshot!(last_line(&masked(&conduit(&["queue", "status"]).prints().await)), @"! atlassian stands still since TIME                 (operator), until `conduit queue resume atlassian`: paused by first-admin: the board is rebuilt");
    let status = conduit(&["queue", "status", "-o", "json"]).answers("conduit.queue/1").await;
    assert_eq!(status["queue"]["paused"][0]["site"], "atlassian");
    assert_eq!(jira.moves("SHOP-1"), [""; 0]);

    let why = masked(&conduit(&["why", "SHOP-1"]).prints().await);
    insta::assert_snapshot!(why.lines().next().unwrap(), @"… SHOP-1 has not moved yet: site atlassian stands still: paused by first-admin: the board is rebuilt.");
    assert!(why.contains("conduit queue resume"), "{why}");

    let resumed = conduit(&["queue", "resume", "atlassian"]).run().await;
    assert_eq!((resumed.code, resumed.err.as_str()), (0, "atlassian goes on.\n"), "{resumed:?}");
    service.trace(answer.event_id()).await;
    assert_eq!(jira.moves("SHOP-1"), ["To Do → In Progress"]);
    let status = conduit(&["queue", "status", "-o", "json"]).answers("conduit.queue/1").await;
    assert_eq!(status["queue"]["paused"], json!([]));

    let unknown = conduit(&["queue", "pause", "moon"]).refuses(4).await;
    assert!(unknown.contains("known are: atlassian"), "{unknown}");
    service.stop().await;
}

fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or_default()
}
