//! A master that Sentinels know: it dies or steps back, and a replica takes its place.

use std::sync::Arc;

use conduit::clock::Clock;
use conduit::store::Store;
use conduit::store::redis::RedisStore;

use super::super::given::delivery;
use super::cluster::{accepted, work_off};
use crate::support::redis::Redis;
use crate::support::redis_cluster::until;
use crate::support::redis_sentinel::Watched;

async fn role(server: &Redis) -> String {
    let role: Vec<redis::Value> = server.run(&["ROLE"]).await;
    redis::from_redis_value(role[0].clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_takes_over_under_load_and_nothing_accepted_is_lost() {
    let mut watched = Watched::start().await;
    let clock = Clock::system();
    let url = format!("{}?wait=1", watched.url());
    let store: Arc<dyn Store> = Arc::new(RedisStore::open(&url, clock.clone()).await.unwrap());
    let deliveries: Vec<_> = (0..40).map(|number| delivery(&format!("d-{number}"), &clock)).collect();
    for delivery in &deliveries[..20] {
        store.ingest(delivery).await.unwrap();
    }
    watched.master.kill();
    // There is no second replica to wait for: what is accepted from here on is on the new master alone.
    let alone: Arc<dyn Store> = Arc::new(open_when_there(&watched.url(), &clock).await);
    for delivery in &deliveries[20..] {
        assert!(store.ingest(delivery).await.is_err());
        accepted(&alone, delivery).await;
    }
    assert_eq!(role(&watched.replica).await, "master");
    work_off(&alone, &clock, &deliveries).await;
}

/// A start during a failover is refused, and whoever starts services tries again.
async fn open_when_there(url: &str, clock: &Clock) -> RedisStore {
    until(async || RedisStore::open(url, clock.clone()).await.is_ok()).await;
    RedisStore::open(url, clock.clone()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_dies_is_noticed_by_a_store_that_goes_on() {
    let mut watched = Watched::start().await;
    let clock = Clock::system();
    let store: Arc<dyn Store> = Arc::new(RedisStore::open(&watched.url(), clock.clone()).await.unwrap());
    assert!(store.warnings().await.unwrap().concat().contains("?wait=1"));
    watched.master.kill();
    assert!(store.ingest(&delivery("d-1", &clock)).await.is_err());
    accepted(&store, &delivery("d-1", &clock)).await;
    work_off(&store, &clock, &[delivery("d-1", &clock)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_steps_back_takes_nothing_more() {
    let watched = Watched::start().await;
    let clock = Clock::system();
    let store: Arc<dyn Store> = Arc::new(RedisStore::open(&watched.url(), clock.clone()).await.unwrap());
    store.ingest(&delivery("d-1", &clock)).await.unwrap();
    watched.fail_over().await;
    until(async || role(&watched.master).await == "slave").await;
    accepted(&store, &delivery("d-2", &clock)).await;
    assert_eq!(store.queue().await.unwrap().inbox, 2);
    let inbox: u64 = watched.replica.run(&["LLEN", "conduit:{i:0}:in"]).await;
    assert_eq!(inbox, 2, "it is on the new master");
}
