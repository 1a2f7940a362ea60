//! What the embedded store costs: bytes of a waiting delivery, and a claim by how much waits. Figures to be read,
//! not promises to be kept, so nothing here runs by itself:
//!
//! `cargo test --release -p conduit --test it store::measure -- --ignored --nocapture --test-threads 1`

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use conduit::clock::Clock;
use conduit::forge::sample::{self, PullRequest, Repository};
use conduit::forge::{Forge as _, github::GitHub};
use conduit::store::sqlite::SqliteStore;
use conduit::store::{Content, EventId, InboxItem, NewEvent, Store, compress};
use futures_util::future::join_all;
use rusqlite::Connection;

use super::given::{claim_all, delivery, request, to_tickets};

const EVENTS: u64 = 2000;

const SHOP: Repository = Repository { id: 101, owner: "acme", name: "shop", default_branch: "main" };

/// A merged pull request of about 25 KB, each a little different.
fn pull_request(number: u64, clock: &Clock) -> (NewEvent, String) {
    let title = format!("SHOP-{number}: pay later, part {number}");
    let head = format!("feature/SHOP-{number}");
    let pull_request = PullRequest {
        action: "closed",
        number,
        title: &title,
        body: "Adds the card form, and asks for no more than the bank does.",
        head: &head,
        base: "main",
        author: "ada",
        merged: true,
        labels: &["checkout"],
        at: "2026-11-02T09:30:00Z",
        ..PullRequest::default()
    };
    let body = sample::pull_request(&SHOP, &pull_request).to_string();
    let event = GitHub.normalise(&[("X-GitHub-Event", "pull_request")], body.as_bytes()).unwrap();
    let delivery_id = format!("72d3162e-cc78-11e3-81ab-{number:012}");
    let new = NewEvent {
        id: EventId::new("github/acme-shop", "101", &delivery_id),
        occurrence: event.occurrence(),
        delivery_id,
        kind: event.kind.clone(),
        content: Content::Event(Box::new(event)),
        ..delivery("", clock)
    };
    (new, body)
}

fn pages(path: &Path) -> Vec<(String, i64)> {
    let conn = Connection::open(path).unwrap();
    let sql = "SELECT name, sum(pgsize) FROM dbstat GROUP BY name HAVING sum(pgsize) > 20000 ORDER BY 2 DESC";
    let mut rows = conn.prepare(sql).unwrap();
    rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

fn print_bytes(path: &Path, what: &str) {
    let pages = pages(path);
    let bytes = |bytes: i64| bytes / i64::try_from(EVENTS).unwrap();
    let all: i64 = pages.iter().map(|(_, size)| size).sum();
    println!("{what}: {} bytes an event", bytes(all));
    for (name, size) in &pages {
        println!("  {:>6}  {name}", bytes(*size));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints figures"]
async fn bytes_of_a_waiting_delivery() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("conduit.db");
    let clock = Clock::system();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path, clock.clone()).unwrap());
    let deliveries: Vec<_> = (0..EVENTS).map(|number| pull_request(number, &clock)).collect();
    println!(
        "a body has {} bytes, {} compressed",
        deliveries[7].1.len(),
        compress(deliveries[7].1.as_bytes()).unwrap().len()
    );
    join_all(deliveries.iter().map(|(event, _)| store.ingest(event))).await;
    print_bytes(&path, "in the inbox, without its body");
    loop {
        let items = store.inbox("router", 250).await.unwrap();
        if items.is_empty() {
            break;
        }
        join_all(items.iter().map(|item| fan_out(&store, item))).await;
    }
    print_bytes(&path, "fanned out to a ticket, without its body");
    let kept = &store;
    join_all(deliveries.iter().map(|(event, body)| async move {
        kept.save_body(&event.id, &compress(body.as_bytes()).unwrap()).await.unwrap();
    }))
    .await;
    print_bytes(&path, "fanned out to a ticket, with its body");
}

async fn fan_out(store: &Arc<dyn Store>, item: &InboxItem) {
    let title = &item.event.as_ref().unwrap().pull_request().unwrap().title;
    store.route(item, &to_tickets(&[title.split(':').next().unwrap()])).await.unwrap();
}

/// Puts this many waiting tickets, of one event each, into a file behind the store's back.
fn fill(path: &Path, tickets: u64) {
    Connection::open(path)
        .unwrap()
        .execute_batch(&format!(
            "PRAGMA synchronous = OFF;
             CREATE TEMP TABLE numbers AS WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {tickets})
                 SELECT n FROM n;
             INSERT INTO events (n, id, provider, delivery_id, repo, kind, received, received_at, event, generation, state, outcome, reason)
                 SELECT n, substr('cccccccccccccccccccccccccc' || replace(replace(printf('%o', n), '0', 'a'), '1', 'b'), -26), 'github', 'd-' || n, 'acme/shop', 'push', '{{}}', n,
                        CAST('{{\"schema\":1,\"provider\":\"github\",\"kind\":\"push\"}}' AS BLOB), 1, 'working', 'waiting', 'queued' FROM numbers;
             INSERT INTO jobs (n, event, key, generation, position, site, project, found_in, received_at, queued_at, outcome, reason)
                 SELECT n, n, 'SHOP-' || n, 1, 1, 'jira', 'SHOP', '[]', n, n, 'waiting', 'queued' FROM numbers;
             INSERT INTO tickets (site, key, project, head, run_at) SELECT site, key, project, n, n FROM jobs;
             INSERT INTO lanes (site, project) VALUES ('jira', 'SHOP');"
        ))
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints figures"]
async fn a_claim_by_how_much_waits() {
    for waiting in [10, 10_000, 1_000_000] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("conduit.db");
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path, Clock::system()).unwrap());
        fill(&path, waiting);
        let mut took: Vec<Duration> = Vec::new();
        for _ in 0..50 {
            let began = Instant::now();
            let claims = store.claim(&request("worker", 10)).await.unwrap();
            took.push(began.elapsed());
            assert_eq!(claims.len(), 10);
            for claim in claims {
                store.hand_back(&claim.lease).await.unwrap();
            }
        }
        took.sort();
        println!(
            "{waiting:>9} tickets wait: ten are claimed in {:?} (median of 50), {:?} at most",
            took[25], took[49]
        );
        drop(claim_all(&store).await);
    }
}
