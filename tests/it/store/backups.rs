//! Backup and restore, as docs/operating.md tells it: taken under load, put in a new place, and work goes on.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use conduit::clock::Clock;
use conduit::store::redis::RedisStore;
use conduit::store::sqlite::{SqliteStore, back_up};
use conduit::store::{EventId, Store, StoreError};
use conduit::trace::Reason;

use super::given::{claim_all, delivery, finish, keys, route_first, to_tickets};
use crate::support::redis::Redis;

/// Accepts deliveries until `stop`; tells which were accepted, in their order.
async fn load(store: Arc<dyn Store>, clock: Clock, stop: Arc<AtomicBool>) -> Vec<EventId> {
    let mut accepted = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let event = delivery(&format!("d-{}", accepted.len()), &clock);
        store.ingest(&event).await.unwrap();
        accepted.push(event.id);
    }
    accepted
}

/// How many events the store has.
async fn accepted_by(store: &Arc<dyn Store>) -> usize {
    usize::try_from(store.queue().await.unwrap().inbox).unwrap()
}

/// Takes a backup while deliveries come in: all that were accepted before it began are to be in it.
async fn under_load(
    store: &Arc<dyn Store>,
    clock: &Clock,
    take: impl AsyncFnOnce(),
) -> (usize, Vec<EventId>) {
    let stop = Arc::new(AtomicBool::new(false));
    let loading = tokio::spawn(load(Arc::clone(store), clock.clone(), Arc::clone(&stop)));
    while accepted_by(store).await < 50 {
        tokio::task::yield_now().await;
    }
    let before = accepted_by(store).await;
    take().await;
    stop.store(true, Ordering::Relaxed);
    (before, loading.await.unwrap())
}

async fn has_what_was_accepted_and_goes_on(store: Arc<dyn Store>, (before, accepted): (usize, Vec<EventId>)) {
    for id in &accepted[..before] {
        assert!(store.event(id).await.unwrap().is_some(), "{id} was accepted before the backup");
    }
    assert_eq!(store.inbox("router", 1).await.unwrap()[0].id, accepted[0]);
    route_first(&store, &to_tickets(&["SHOP-1"])).await;
    let claims = claim_all(&store).await;
    assert_eq!(keys(&claims), ["SHOP-1"]);
    finish(&store, &claims[0], Reason::Moved).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_backed_up_under_load_and_restored_elsewhere() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::system());
    let [live, kept, new] = ["live.db", "kept.db", "new/conduit.db"].map(|name| folder.path().join(name));
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&live, clock.clone()).unwrap());
    let loaded = under_load(&store, &clock, async || {
        let (live, kept) = (live.clone(), kept.clone());
        tokio::task::spawn_blocking(move || back_up(&live, &kept).unwrap()).await.unwrap();
    })
    .await;
    assert!(!folder.path().join("kept.db.part").exists());
    let twice = back_up(&live, &kept).unwrap_err();
    assert!(matches!(&twice, StoreError::Unfit(why) if why.contains("exists already")), "{twice:?}");

    std::fs::create_dir(new.parent().unwrap()).unwrap();
    std::fs::copy(&kept, &new).unwrap();
    let restored: Arc<dyn Store> = Arc::new(SqliteStore::open(&new, clock).unwrap());
    assert_eq!(restored.warnings().await.unwrap(), Vec::<String>::new(), "nobody else may read it");
    has_what_was_accepted_and_goes_on(restored, loaded).await;
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for file in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_append_only_files_of_redis_are_copied_under_load_and_go_on_elsewhere() {
    let (live, clock) = (Redis::start_careful().await, Clock::system());
    let store: Arc<dyn Store> = Arc::new(RedisStore::open(&live.url(), clock.clone()).await.unwrap());
    let folder = tempfile::tempdir().unwrap();
    let loaded = under_load(&store, &clock, async || {
        live.order(&["CONFIG", "SET", "auto-aof-rewrite-percentage", "0"]).await;
        copy_folder(&live.folder().join("appendonlydir"), &folder.path().join("appendonlydir"));
        live.order(&["CONFIG", "SET", "auto-aof-rewrite-percentage", "100"]).await;
    })
    .await;
    let new = Redis::start_on(folder, &[]).await;
    let restored = Arc::new(RedisStore::open(&new.url(), clock).await.unwrap());
    has_what_was_accepted_and_goes_on(restored, loaded).await;
}
