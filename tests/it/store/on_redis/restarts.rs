//! Redis was started anew: its queues are looked through, also when its file was torn.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use conduit::clock::Clock;
use conduit::store::{EventState, NewEvent, QueueStatus, Store};
use conduit::trace::Reason;

use super::super::given::{
    RETENTION, claim_all, delivery, finish, keys, request, route_first, routed, to_tickets, waiting,
};
use super::open;
use crate::support::redis::Redis;
use crate::support::redis_cluster::until;

#[tokio::test]
async fn a_ticket_that_stands_nowhere_after_a_restart_is_found_and_the_file_written_anew() {
    let mut server = Redis::start().await;
    server.run::<()>(&["CONFIG", "SET", "appendfsync", "always"]).await;
    let clock = Clock::system();
    let store = open(&server, &clock).await;
    routed(&store, &clock, "d-1", &["SHOP-1", "SHOP-2", "OPS-1"]).await;
    store.tidy(RETENTION).await.unwrap();
    server.run::<()>(&["LREM", "conduit:{j:0}:ready:jira/SHOP", "1", "jira/SHOP-2"]).await;
    server.run::<()>(&["DEL", "conduit:{j:0}:rota:jira", "conduit:{j:0}:ready:jira/OPS"]).await;
    // As long as the server runs, nobody searches.
    store.tidy(RETENTION).await.unwrap();
    assert_eq!(store.queue().await.unwrap().ready, 0);

    server.kill();
    server.start_again().await;
    store.tidy(RETENTION).await.unwrap();
    let mut found = claim_all(&store).await;
    found.sort_by(|a, b| a.lease.job.key.cmp(&b.lease.job.key));
    assert_eq!(keys(&found), ["OPS-1", "SHOP-1", "SHOP-2"]);
    until(async || {
        !server.run::<String>(&["INFO", "persistence"]).await.contains("aof_last_rewrite_time_sec:-1")
    })
    .await;

    // What is worked on, or ready, is not put there again.
    store.hand_back(&found[0].lease).await.unwrap();
    server.stop().await;
    server.start_again().await;
    store.tidy(RETENTION).await.unwrap();
    let status = store.queue().await.unwrap();
    assert_eq!((status.ready, status.leased), (1, 2));
}

/// How much is cut off: within a command, within a script, and more.
const TEARS: [u64; 10] = [1, 17, 60, 140, 300, 520, 900, 1500, 2300, 3600];

#[tokio::test]
async fn ten_torn_files_strand_nothing() {
    for torn in TEARS {
        let mut server = Redis::start().await;
        server.run::<()>(&["CONFIG", "SET", "appendfsync", "always"]).await;
        let clock = Clock::system();
        let store = open(&server, &clock).await;
        let deliveries: Vec<_> = (0..6).map(|number| delivery(&format!("d-{number}"), &clock)).collect();
        begin(&store, &deliveries).await;
        server.kill();
        tear(&server, torn);
        server.start_again().await;

        // What was accepted in the last moment is gone with the file's end; the sender repeats it.
        for delivery in &deliveries {
            store.ingest(delivery).await.unwrap();
        }
        let finished = work_off(&store, &clock).await;
        assert_eq!(store.queue().await.unwrap(), QueueStatus::default(), "{torn} bytes");
        for delivery in &deliveries {
            let event = store.event(&delivery.id).await.unwrap().unwrap();
            assert_eq!(event.state, EventState::Finished, "{torn} bytes: {event:?}");
        }
        for (key, events) in finished {
            let place = |id| deliveries.iter().position(|delivery| delivery.id == id).unwrap();
            let order: Vec<usize> = events.into_iter().map(place).collect();
            assert!(order.is_sorted_by(|a, b| a < b), "{torn} bytes: {key} in the order {order:?}");
        }
    }
}

/// Work in all its stages: finished, retried, under way, ready, waiting.
async fn begin(store: &Arc<dyn Store>, deliveries: &[NewEvent]) {
    store.tidy(RETENTION).await.unwrap();
    for delivery in deliveries {
        store.ingest(delivery).await.unwrap();
    }
    for _ in 0..4 {
        route_first(store, &to_tickets(&["SHOP-1", "SHOP-2", "SHOP-3"])).await;
    }
    let held = store.claim(&request("worker", 3)).await.unwrap();
    store.checkpoint(&held[0].lease, &waiting(&held[0], Reason::Working, 1)).await.unwrap();
    let later = waiting(&held[1], Reason::Conflict, 1);
    store.retry(&held[1].lease, Duration::from_secs(5), &later).await.unwrap();
    finish(store, &held[2], Reason::Moved).await;
}

/// Cuts the end off the file that the server was writing.
fn tear(server: &Redis, bytes: u64) {
    let files = std::fs::read_dir(server.folder().join("appendonlydir")).unwrap();
    let newest: PathBuf = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.to_string_lossy().contains(".incr."))
        .max()
        .unwrap();
    let file = OpenOptions::new().write(true).open(newest).unwrap();
    let length = file.metadata().unwrap().len();
    assert!(length > bytes, "{length} bytes are there");
    file.set_len(length - bytes).unwrap();
}

/// Works everything off; answers which events each ticket was finished for, in that order.
async fn work_off(store: &Arc<dyn Store>, clock: &Clock) -> HashMap<String, Vec<conduit::store::EventId>> {
    let mut finished: HashMap<String, Vec<_>> = HashMap::new();
    for _ in 0..10 {
        clock.advance(Duration::from_secs(40));
        store.tidy(RETENTION).await.unwrap();
        for item in store.inbox("successor", 10).await.unwrap() {
            store.route(&item, &to_tickets(&["SHOP-1", "SHOP-2", "SHOP-3"])).await.unwrap();
        }
        for claim in claim_all(store).await {
            let job = &claim.lease.job;
            finished.entry(job.key.clone()).or_default().push(job.event.clone());
            finish(store, &claim, Reason::Moved).await;
        }
    }
    finished
}
