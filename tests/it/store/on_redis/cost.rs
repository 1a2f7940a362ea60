//! What an event costs while it waits, and a claim while many wait.

use std::sync::Arc;

use conduit::clock::Clock;
use conduit::forge::sample::{self, PullRequest, Repository};
use conduit::forge::{Forge as _, github::GitHub};
use conduit::store::{Content, NewEvent, Store, compress};

use super::super::given::{delivery, job, request, routed_as, to_tickets};
use super::monitor::Monitor;
use super::{open, run};
use crate::support::redis::Redis;

const REPO: Repository = Repository { id: 7, owner: "acme", name: "shop", default_branch: "main" };

/// A delivery of 25 KB about a pull request: its body, and what is ingested of it.
fn pull_request(number: u64, merged: bool, clock: &Clock) -> (String, NewEvent) {
    let pull_request = PullRequest {
        action: if merged { "closed" } else { "opened" },
        number,
        title: "SHOP-42: Pay by card, and remember it",
        body: "Adds the card form.\n\nThe form asks for no more than the bank does.",
        head: "feature/SHOP-42-pay-by-card",
        base: "main",
        author: "ada",
        merged,
        at: "2026-11-02T09:30:00Z",
        ..PullRequest::default()
    };
    let body = sample::pull_request(&REPO, &pull_request).to_string();
    let event = GitHub.normalise(&[("X-GitHub-Event", "pull_request")], body.as_bytes()).unwrap();
    let delivery_id = format!("3bd2f0a0-b7c8-11f0-9d1b-{number:012}");
    let event = NewEvent {
        occurrence: Some(format!("github/7/pull_request/{number}/9f3c")),
        content: Content::Event(Box::new(event)),
        ..delivery(&delivery_id, clock)
    };
    (body, event)
}

async fn used_memory(server: &Redis) -> u64 {
    let info: String = run(server, &["INFO", "memory"]).await;
    info.lines().find_map(|line| line.trim_end().strip_prefix("used_memory:")?.parse().ok()).unwrap()
}

/// How many bytes a waiting event takes, without its payload and with it.
async fn bytes_an_event(merged: bool) -> (u64, u64) {
    const EVENTS: u64 = 1000;
    let server = Redis::start().await;
    run::<()>(&server, &["CONFIG", "SET", "appendonly", "no"]).await;
    let clock = Clock::system();
    let store = open(&server, &clock).await;
    store.ingest(&pull_request(EVENTS, merged, &clock).1).await.unwrap();
    let before = used_memory(&server).await;
    for number in 0..EVENTS {
        store.ingest(&pull_request(number, merged, &clock).1).await.unwrap();
    }
    let without = used_memory(&server).await;
    for number in 0..EVENTS {
        let (body, event) = pull_request(number, merged, &clock);
        assert!(body.len() > 19_000, "{} bytes", body.len());
        store.save_body(&event.id, &compress(body.as_bytes()).unwrap()).await.unwrap();
    }
    let with = used_memory(&server).await;
    ((without - before) / EVENTS, (with - before) / EVENTS)
}

#[tokio::test]
async fn a_waiting_event_takes_little_memory_without_its_payload_and_with_it() {
    let (without, with) = bytes_an_event(false).await;
    assert!(without < 1500 && with < 4000, "{without} bytes an event, {with} with its payload");
    // A merged one is found by its commit too.
    let (without, with) = bytes_an_event(true).await;
    assert!(without < 1536 && with < 4000, "{without} bytes a merged one, {with} with its payload");
}

/// How many commands a claim of one ticket runs while so many tickets wait, and as many events for that one.
async fn commands_of_a_claim(server: &Redis, store: &Arc<dyn Store>, clock: &Clock, waiting: usize) -> usize {
    run::<()>(server, &["FLUSHALL"]).await;
    let mut routing = to_tickets(&[]);
    routing.jobs = (0..waiting).map(|number| job("jira", &format!("SHOP-{number}"))).collect();
    routed_as(store, delivery("all", clock), &routing).await;
    for number in 0..waiting / 10 {
        routed_as(store, delivery(&format!("d-{number}"), clock), &to_tickets(&["SHOP-0"])).await;
    }
    let monitor = Monitor::start(server).await;
    assert_eq!(store.claim(&request("worker", 1)).await.unwrap().len(), 1);
    monitor.end(server).await.len()
}

#[tokio::test]
async fn a_claim_does_no_more_however_much_waits() {
    let server = Redis::start().await;
    let clock = Clock::system();
    let store = open(&server, &clock).await;
    // The first one loads the script.
    commands_of_a_claim(&server, &store, &clock, 10).await;
    let of_few = commands_of_a_claim(&server, &store, &clock, 10).await;
    let of_many = commands_of_a_claim(&server, &store, &clock, 2000).await;
    assert_eq!(of_few, of_many);
}
