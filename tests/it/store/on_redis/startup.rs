//! Which servers are refused at the start, and what is said of the others.

use conduit::clock::Clock;
use conduit::store::redis::RedisStore;
use conduit::store::{Pause, PauseKind, StoreError};
use conduit::trace::Reason;

use super::super::given::{claim_all, finish, routed, settled};
use super::{open, run};
use crate::support::redis::Redis;

async fn refusal(server: &Redis) -> String {
    match RedisStore::open(&server.url(), Clock::system()).await {
        Err(StoreError::Unfit(why)) => why,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_server_that_evicts_or_replicates_is_refused() {
    let server = Redis::start().await;
    run::<()>(&server, &["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).await;
    assert!(refusal(&server).await.contains("noeviction"));
    run::<()>(&server, &["CONFIG", "SET", "maxmemory-policy", "noeviction"]).await;
    run::<()>(&server, &["REPLICAOF", "127.0.0.1", "1"]).await;
    assert!(refusal(&server).await.contains("primary"));
}

#[tokio::test]
async fn a_store_keeps_the_number_of_partitions_that_it_was_created_with() {
    let server = Redis::start().await;
    run::<()>(&server, &["HSET", "conduit:{cfg}:settings", "partitions", "16"]).await;
    let clock = Clock::system();
    let store = open(&server, &clock).await;
    let event = routed(&store, &clock, "d-1", &["SHOP-1", "SHOP-2", "SHOP-3"]).await;
    let maintenance = Pause { kind: PauseKind::Operator, why: "maintenance".into(), rest: None };
    store.pause("other", &maintenance).await.unwrap();
    for claim in claim_all(&store).await {
        finish(&store, &claim, Reason::Moved).await;
    }
    assert_eq!(settled(&store, &event).await.verdict, Reason::Moved.into());
    let used: Vec<String> = run(&server, &["KEYS", "conduit:{j:*}:job:*"]).await;
    assert!(used.iter().any(|key| !key.contains("{j:0}")), "{used:?}");

    run::<()>(&server, &["HSET", "conduit:{cfg}:settings", "partitions", "many"]).await;
    assert!(refusal(&server).await.contains("`many` partitions"));
}

#[tokio::test]
async fn what_weakens_the_promise_is_said_and_what_cannot_be_seen_too() {
    let server = Redis::start().await;
    let store = open(&server, &Clock::system()).await;
    let weak = store.warnings().await.unwrap().join("\n");
    assert!(weak.contains("appendfsync is not always") && weak.contains("maxmemory 0"), "{weak}");

    run::<()>(&server, &["CONFIG", "SET", "appendfsync", "always"]).await;
    run::<()>(&server, &["CONFIG", "SET", "maxmemory", "1gb"]).await;
    assert_eq!(store.warnings().await.unwrap(), Vec::<String>::new());

    // As on managed services.
    run::<()>(&server, &["ACL", "SETUSER", "default", "-config"]).await;
    let managed = open(&server, &Clock::system()).await.warnings().await.unwrap().join("\n");
    assert!(managed.contains("could not be checked"), "{managed}");
}

#[tokio::test]
async fn a_password_is_used_and_a_wrong_one_is_never_repeated() {
    let server = Redis::start().await;
    run::<()>(&server, &["CONFIG", "SET", "requirepass", "correct-horse"]).await;
    let url = |password: &str| server.url().replace("redis://", &format!("redis://:{password}@"));
    let store = RedisStore::open(&url("correct-horse"), Clock::system()).await.unwrap();
    assert!(!format!("{store:?}").contains("horse"));
    let error = RedisStore::open(&url("battery-staple"), Clock::system()).await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains("password") && !text.contains("battery"), "{text}");
}
