//! What only a store in a file has to promise: what is removed leaves its tables, and its room is used again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use conduit::clock::Clock;
use conduit::store::sqlite::SqliteStore;
use conduit::store::{NewEvent, Store};
use conduit::trace::Reason;
use futures_util::future::join_all;
use rusqlite::Connection;
use tempfile::TempDir;

use super::given::{RETENTION, delivery};
use super::leftovers;

/// Tables that hold no event: configuration, counters, whose turn it is.
const OF_NO_EVENT: &[&str] = &["settings", "hooks", "tokens", "counters", "lanes", "router", "paused"];

fn open(clock: &Clock) -> (TempDir, PathBuf, Arc<dyn Store>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("conduit.db");
    let store = SqliteStore::open(&path, clock.clone()).unwrap();
    (folder, path, Arc::new(store))
}

/// The tables of a file that hold anything, by name.
fn filled(path: &Path) -> Vec<String> {
    let conn = Connection::open(path).unwrap();
    let mut tables =
        conn.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").unwrap();
    let names = tables.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap);
    let holds = |name: &String| {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {name})");
        conn.query_row(&sql, [], |row| row.get::<_, bool>(0)).unwrap()
    };
    names.filter(holds).collect()
}

#[tokio::test]
async fn nothing_of_a_removed_event_stays_behind() {
    let clock = Clock::system();
    let (_folder, path, store) = open(&clock);
    leftovers::a_whole_life(&store, &clock).await;
    let before = filled(&path);
    for table in ["bodies", "events", "jobs", "merges"] {
        assert!(before.iter().any(|name| name == table), "{table} was not used: {before:?}");
    }
    leftovers::its_end(&store, &clock).await;
    let left: Vec<_> =
        filled(&path).into_iter().filter(|name| !OF_NO_EVENT.contains(&name.as_str())).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn what_another_process_writes_wakes_whoever_waits() {
    let clock = Clock::system();
    let (_folder, path, worker) = open(&clock);
    let web = SqliteStore::open(&path, clock.clone()).unwrap();
    let as_good_as_for_ever = Duration::from_hours(1);
    // Whatever was written before is a reason to look, once.
    worker.wait_for_work(as_good_as_for_ever).await;
    let waiting = tokio::spawn({
        let worker = Arc::clone(&worker);
        async move { worker.wait_for_work(as_good_as_for_ever).await }
    });
    web.ingest(&delivery("d-1", &clock)).await.unwrap();
    tokio::time::timeout(Duration::from_mins(1), waiting).await.expect("it was woken").unwrap();
    assert_eq!(worker.inbox("worker-1", 9).await.unwrap().len(), 1);
}

/// A month of deliveries with large bodies, and its end.
async fn a_month(store: &Arc<dyn Store>, clock: &Clock, name: &str) {
    let body = vec![7; 25_000];
    let deliveries = (0..400).map(|number| {
        let verdict = Some(Reason::UnsupportedEvent.into());
        NewEvent { verdict, ..delivery(&format!("{name}-{number}"), clock) }
    });
    let body = &body;
    join_all(deliveries.map(|event| async move {
        store.ingest(&event).await.unwrap();
        store.save_body(&event.id, body).await.unwrap();
    }))
    .await;
    clock.advance(RETENTION + Duration::from_hours(1));
    while store.tidy(RETENTION).await.unwrap().removed > 0 {}
}

#[tokio::test]
async fn the_room_of_what_was_removed_is_used_again_and_the_log_stays_small() {
    let clock = Clock::system();
    let (_folder, path, store) = open(&clock);
    a_month(&store, &clock, "first").await;
    // Not the file's size: what was written last may still stand in the log.
    let pages =
        || Connection::open(&path).unwrap().query_row("PRAGMA page_count", [], |row| row.get::<_, i64>(0));
    let after_one = pages().unwrap();
    assert!(after_one * 4096 > 400 * 25_000, "{after_one} pages: the bodies were not in it");
    for month in ["second", "third"] {
        a_month(&store, &clock, month).await;
    }
    let after_three = pages().unwrap();
    assert!(after_three <= after_one + after_one / 10, "{after_one} pages grew to {after_three}");
    let log = std::fs::metadata(path.with_extension("db-wal")).unwrap().len();
    assert!(log < 16 * 1024 * 1024, "the log has {log} bytes after 30 MB were written");
}
