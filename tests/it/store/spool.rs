//! The spool before a Redis that comes and goes.

use std::sync::Arc;
use std::time::Duration;

use conduit::clock::Clock;
use conduit::registration::Hook;
use conduit::store::redis::RedisStore;
use conduit::store::spool::SpooledStore;
use conduit::store::{NewEvent, SpoolStatus, Store, StoreError, compress};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::given::delivery;
use crate::support::redis::Redis;

const MOST: u64 = 64 << 20;

/// A process that takes deliveries in: its spool, and the task that drains it.
struct Door {
    store: Arc<SpooledStore>,
    stop: watch::Sender<bool>,
    drains: JoinHandle<()>,
}

impl Door {
    async fn open(folder: &TempDir, redis: &Redis) -> Self {
        let door = Self::without_a_store(folder).await;
        door.find(redis).await;
        door
    }

    async fn without_a_store(folder: &TempDir) -> Self {
        let store = Arc::new(SpooledStore::open(folder.path(), MOST).await.unwrap());
        let (stop, stopped) = watch::channel(false);
        let drains = Arc::clone(&store);
        let drains = tokio::spawn(async move { drains.run(stopped).await });
        Self { store, stop, drains }
    }

    async fn find(&self, redis: &Redis) {
        let main = RedisStore::open(&redis.url(), Clock::system()).await.unwrap();
        self.store.connect(Arc::new(main)).await.unwrap();
    }

    /// It ends, as far as the disk can tell without any goodbye.
    async fn die(self) {
        self.stop.send_replace(true);
        self.drains.await.unwrap();
        drop(Arc::into_inner(self.store).expect("nobody else has it"));
    }

    async fn takes(&self, id: &str) -> NewEvent {
        let event = delivery(id, &Clock::system());
        assert!(!self.store.ingest(&event).await.unwrap().duplicate, "{id}");
        event
    }

    async fn status(&self) -> SpoolStatus {
        self.store.spool().await.unwrap()
    }

    async fn until(&self, what: &str, holds: impl Fn(&SpoolStatus) -> bool) {
        let held = async {
            while !holds(&self.status().await) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let late = tokio::time::timeout(Duration::from_secs(20), held).await;
        assert!(late.is_ok(), "{what}: {:?}", self.status().await);
    }

    async fn until_drained(&self) {
        self.until("the spool is empty", |status| !status.in_use && status.waiting == 0).await;
    }
}

/// Waits until the copy of the hooks, as it is on disk, has all of these words.
async fn until_copied(folder: &TempDir, words: &[&str]) {
    let copied = async {
        let copy = rusqlite::Connection::open(folder.path().join("spool.db")).unwrap();
        let all = "SELECT ifnull(group_concat(hook), '') FROM hooks";
        while !copy
            .query_row(all, [], |row| row.get(0))
            .is_ok_and(|text: String| words.iter().all(|word| text.contains(word)))
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), copied).await.expect("the copy follows");
}

/// The delivery ids in the inbox of a Redis, in its order.
async fn inbox(redis: &Redis) -> Vec<String> {
    let store = RedisStore::open(&redis.url(), Clock::system()).await.unwrap();
    let mut ids = Vec::new();
    for item in store.inbox("router", 10_000).await.unwrap() {
        ids.push(store.event(&item.id).await.unwrap().unwrap().delivery_id);
    }
    ids
}

fn ids(events: &[NewEvent]) -> Vec<&str> {
    events.iter().map(|event| event.delivery_id.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_accepted_reaches_redis_in_the_order_of_acceptance() {
    let (mut redis, folder) = (Redis::start_careful().await, tempfile::tempdir().unwrap());
    let door = Door::open(&folder, &redis).await;
    let mut accepted = vec![door.takes("direct-1").await, door.takes("direct-2").await];
    assert!(!door.status().await.in_use);

    redis.kill();
    for n in 0..50 {
        accepted.push(door.takes(&format!("spooled-{n}")).await);
    }
    let status = door.status().await;
    assert_eq!((status.in_use, status.waiting), (true, 50));
    assert!(status.store_away.is_some());
    door.store.check().await.expect("a delivery can still be taken");

    // Deliveries keep coming while it drains, until after it went back to direct.
    redis.start_again().await;
    let mut n = 0;
    while door.status().await.in_use || n < 20 {
        accepted.push(door.takes(&format!("late-{n}")).await);
        n += 1;
    }
    door.until_drained().await;
    accepted.push(door.takes("direct-again").await);
    assert_eq!(inbox(&redis).await, ids(&accepted));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_leaves_its_spool_to_the_next_and_nothing_comes_twice() {
    let (mut redis, folder) = (Redis::start_careful().await, tempfile::tempdir().unwrap());
    let door = Door::open(&folder, &redis).await;
    redis.kill();
    let spooled = [door.takes("d-1").await, door.takes("d-2").await, door.takes("d-3").await];
    assert!(door.store.ingest(&spooled[0]).await.unwrap().duplicate, "a redelivery");
    door.store.save_body(&spooled[1].id, &compress(b"{}").unwrap()).await.unwrap();
    door.die().await;

    // The store has one of them already: an answer that was lost, or a drain that was cut off.
    redis.start_again().await;
    let main = RedisStore::open(&redis.url(), Clock::system()).await.unwrap();
    main.ingest(&spooled[0]).await.unwrap();
    let next = Door::open(&folder, &redis).await;
    next.until_drained().await;
    assert_eq!(inbox(&redis).await, ["d-1", "d-2", "d-3"]);
    assert_eq!(main.body(&spooled[1].id).await.unwrap(), Some(compress(b"{}").unwrap()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_that_redis_refuses_for_good_stays_and_the_others_go_on() {
    let (mut redis, folder) = (Redis::start_careful().await, tempfile::tempdir().unwrap());
    let door = Door::open(&folder, &redis).await;
    let known = door.takes("d-0").await;
    redis.kill();
    let spooled = [door.takes("d-1").await, door.takes("d-2").await];
    redis.start_again().await;
    // Where its record should be there is something else.
    let keys: Vec<String> = redis::cmd("KEYS")
        .arg(format!("*ev:{}", known.id))
        .query_async(&mut redis.connect().await)
        .await
        .unwrap();
    let place = keys[0].replace(known.id.as_str(), spooled[0].id.as_str());
    redis.order(&["SET", &place, "nonsense"]).await;

    door.until("d-1 is set aside", |status| status.refused == 1 && !status.in_use).await;
    assert_eq!(inbox(&redis).await, ["d-0", "d-2"]);
    door.takes("d-3").await;
    assert!(!door.status().await.in_use, "and it does not keep the others in the spool");

    redis.order(&["DEL", &place]).await;
    door.die().await;
    let next = Door::open(&folder, &redis).await;
    next.until_drained().await;
    assert_eq!(inbox(&redis).await, ["d-0", "d-2", "d-3", "d-1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_copy_of_the_hooks_follows_what_others_change() {
    let (mut redis, folder) = (Redis::start_careful().await, tempfile::tempdir().unwrap());
    let door = Door::open(&folder, &redis).await;
    let now = Clock::system().now();
    let hook = |id: &str| Hook::new("github", id, "acme/shop", None, "sealed".into(), now).unwrap();
    assert!(door.store.add_hook(&hook("mine")).await.unwrap());
    assert!(door.store.add_hook(&hook("removed-here")).await.unwrap());
    assert!(door.store.remove_hook("github", "removed-here").await.unwrap());

    let other = RedisStore::open(&redis.url(), Clock::system()).await.unwrap();
    assert!(other.add_hook(&hook("theirs")).await.unwrap());
    let mut mine = other.hook("github", "mine").await.unwrap().unwrap();
    mine.rotate("leaked".into(), Duration::ZERO, now);
    assert!(other.save_hook(&mine).await.unwrap());
    until_copied(&folder, &["\"theirs\"", "leaked"]).await;
    redis.kill();

    let found = async |id: &str| door.store.hook("github", id).await;
    assert_eq!(found("mine").await.unwrap().unwrap().secrets, mine.secrets, "an ended secret is gone");
    assert!(found("theirs").await.unwrap().is_some());
    // What the copy does not have may still be in Redis: that is no reason to say that there is none.
    assert!(matches!(found("removed-here").await, Err(StoreError::Unavailable(_))));
    assert!(matches!(door.store.save_hook(&mine).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(door.store.tokens().await, Err(StoreError::Unavailable(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_starts_without_redis_spools_and_finds_it_later() {
    let (mut redis, folder) = (Redis::start_careful().await, tempfile::tempdir().unwrap());
    let door = Door::open(&folder, &redis).await;
    assert!(!door.store.has_copy().await.unwrap(), "nothing is known yet");
    let hook =
        Hook::new("github", "shop", "acme/shop", None, "sealed".into(), Clock::system().now()).unwrap();
    door.store.add_hook(&hook).await.unwrap();
    assert_eq!(door.store.setting_once("key_check", "sealed").await.unwrap(), "sealed");
    door.die().await;
    redis.kill();

    let door = Door::without_a_store(&folder).await;
    assert!(door.store.has_copy().await.unwrap());
    assert_eq!(door.store.setting_once("key_check", "another").await.unwrap(), "sealed");
    assert_eq!(door.store.hook("github", "shop").await.unwrap(), Some(hook));
    door.takes("d-1").await;
    redis.start_again().await;
    door.find(&redis).await;
    door.until_drained().await;
    assert_eq!(inbox(&redis).await, ["d-1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sealed_anew_in_redis_is_sealed_anew_in_the_spool() {
    let (mut redis, folder) = (Redis::start_careful().await, tempfile::tempdir().unwrap());
    let door = Door::open(&folder, &redis).await;
    door.store.setting_once("key_check", "the first").await.unwrap();
    door.store.setting_once("key_in_force", "under the old key").await.unwrap();
    let rotation = RedisStore::open(&redis.url(), Clock::system()).await.unwrap();
    assert!(
        rotation.replace_setting("key_in_force", "under the old key", "under the new key").await.unwrap()
    );
    let hook = Hook::new("github", "shop", "acme/shop", None, "sealed anew".into(), Clock::system().now());
    rotation.add_hook(&hook.unwrap()).await.unwrap();
    until_copied(&folder, &["sealed anew"]).await;
    door.die().await;
    redis.kill();

    let door = Door::without_a_store(&folder).await;
    assert_eq!(door.store.setting_once("key_in_force", "another").await.unwrap(), "under the new key");
    door.takes("d-1").await;
    redis.start_again().await;
    door.find(&redis).await;
    door.until_drained().await;
    assert_eq!(inbox(&redis).await, ["d-1"], "it is the same store all the same");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spool_that_was_filled_for_another_store_is_not_drained_into_this_one() {
    let (redis, folder) = (Redis::start().await, tempfile::tempdir().unwrap());
    let door = Door::open(&folder, &redis).await;
    door.store.setting_once("key_check", "one").await.unwrap();
    door.die().await;

    let other = Redis::start().await;
    let main = RedisStore::open(&other.url(), Clock::system()).await.unwrap();
    main.setting_once("key_check", "two").await.unwrap();
    let spool = SpooledStore::open(folder.path(), MOST).await.unwrap();
    let refused = spool.connect(Arc::new(main)).await.unwrap_err();
    assert!(refused.to_string().contains("belongs to another store"), "{refused}");
    assert!(!spool.is_connected());
}
