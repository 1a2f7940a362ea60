//! A start while Redis is not there.

use std::time::Duration;

use conduit::app::service::Service;
use conduit::clock::Clock;
use serde_json::json;

use crate::support::redis::Redis;
use crate::support::service::{On, RULES, board, deliver, register, settings, write_config};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_waits_for_a_redis_that_is_away_and_then_begins_by_itself() {
    let (folder, jira) = (tempfile::tempdir().unwrap(), board(&[]).await);
    write_config(folder.path(), RULES);
    let mut redis = Redis::start().await;
    let settings = settings(folder.path(), &On::Redis(&redis), &jira);
    redis.stop().await;

    let both = async { tokio::join!(Service::start(settings, Clock::system()), redis.start_again()) };
    let (started, ()) = tokio::time::timeout(Duration::from_mins(1), both).await.expect("it begins");
    let service = started.unwrap();
    let url = format!("http://{}", service.address.unwrap());
    let hook = register(&url, "acme/shop").await;
    let ping = json!({ "zen": "Half measures." });
    assert_eq!(deliver(&url, &hook, "ping", "d-1", &ping).await.status, 202);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_does_not_wait_for_what_nobody_mends_by_waiting() {
    let (folder, jira) = (tempfile::tempdir().unwrap(), board(&[]).await);
    write_config(folder.path(), RULES);
    let redis = Redis::start_with(&["--maxmemory-policy", "allkeys-lru"]).await;
    let evicting = settings(folder.path(), &On::Redis(&redis), &jira);
    let refused = Service::start(evicting, Clock::system()).await.err().expect("it evicts");
    assert!(format!("{refused:#}").contains("noeviction"), "{refused:#}");

    redis.order(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).await;
    redis.order(&["CONFIG", "SET", "requirepass", "hunter2"]).await;
    let keyless = settings(folder.path(), &On::Redis(&redis), &jira);
    let refused = Service::start(keyless, Clock::system()).await.err().expect("it asks for a password");
    assert!(format!("{refused:#}").contains("asks for a password"), "{refused:#}");
}
