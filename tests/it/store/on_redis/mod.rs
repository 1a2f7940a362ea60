//! What only a store on Redis has to promise: its server goes away, is full, is torn, is not fit.

mod cluster;
mod cost;
mod leftovers;
mod monitor;
mod outage;
mod restarts;
mod sentinel;
mod startup;
mod tls;
mod torn;

use std::sync::Arc;

use conduit::clock::Clock;
use conduit::store::Store;
use conduit::store::redis::RedisStore;

use crate::support::redis::Redis;

async fn open(server: &Redis, clock: &Clock) -> Arc<dyn Store> {
    Arc::new(RedisStore::open(&server.url(), clock.clone()).await.unwrap())
}

/// Runs a command behind the store's back.
async fn run<T: redis::FromRedisValue>(server: &Redis, command: &[&str]) -> T {
    let (name, args) = command.split_first().unwrap();
    redis::cmd(name).arg(args).query_async(&mut server.connect().await).await.unwrap()
}
