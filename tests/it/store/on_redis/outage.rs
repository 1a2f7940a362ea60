//! Redis goes away, comes back, is full.

use std::time::Duration;

use conduit::clock::Clock;
use conduit::store::{EventState, StoreError};
use conduit::trace::Reason;

use super::super::given::{
    RETENTION, by_hand, claim, claim_all, delivery, finish, keys, route_first, routed, settled, to_tickets,
    trace, waiting,
};
use super::{open, run};
use crate::support::redis::Redis;

#[tokio::test]
async fn a_delivery_during_an_outage_is_refused_and_the_first_one_after_it_is_taken() {
    let mut server = Redis::start().await;
    run::<()>(&server, &["CONFIG", "SET", "appendfsync", "always"]).await;
    let clock = Clock::system();
    let store = open(&server, &clock).await;
    store.ingest(&delivery("d-1", &clock)).await.unwrap();
    server.kill();
    for _ in 0..3 {
        let error = store.ingest(&delivery("d-2", &clock)).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
        assert!(matches!(store.check().await, Err(StoreError::Unavailable(_))));
        assert!(matches!(store.queue().await, Err(StoreError::Unavailable(_))));
    }
    store.wait_for_work(Duration::from_millis(10)).await;
    server.start_again().await;
    assert!(!store.ingest(&delivery("d-2", &clock)).await.unwrap().duplicate);
    assert_eq!(store.queue().await.unwrap().inbox, 2);
}

#[tokio::test]
async fn a_server_restarted_while_nobody_asked_is_noticed_by_nobody() {
    let mut server = Redis::start().await;
    let clock = Clock::system();
    let store = open(&server, &clock).await;
    store.ingest(&delivery("d-1", &clock)).await.unwrap();
    server.stop().await;
    server.start_again().await;
    assert!(!store.ingest(&delivery("d-2", &clock)).await.unwrap().duplicate);
}

#[tokio::test]
async fn a_server_killed_between_claim_and_finish_loses_nothing() {
    let mut server = Redis::start().await;
    run::<()>(&server, &["CONFIG", "SET", "appendfsync", "always"]).await;
    let clock = Clock::system();
    let store = open(&server, &clock).await;
    let first = routed(&store, &clock, "d-1", &["SHOP-1", "SHOP-2"]).await;
    let second = routed(&store, &clock, "d-2", &["SHOP-1"]).await;
    let held = claim(&store).await;
    store.checkpoint(&held.lease, &waiting(&held, Reason::Working, 1)).await.unwrap();
    store.ingest(&delivery("d-3", &clock)).await.unwrap();

    server.kill();
    let trace_of_held = trace(&held.lease.job.key, Reason::Moved);
    assert!(matches!(store.finish(&held.lease, &trace_of_held).await, Err(StoreError::Unavailable(_))));
    server.start_again().await;

    assert_eq!(store.ticket_traces(&first).await.unwrap()[0].reason, Reason::Working, "the intent stands");
    finish(&store, &held, Reason::Moved).await;
    for claim in claim_all(&store).await {
        finish(&store, &claim, Reason::Moved).await;
    }
    route_first(&store, &to_tickets(&["SHOP-3"])).await;
    assert_eq!(keys(&claim_all(&store).await), ["SHOP-3"]);
    for event in [first, second] {
        let record = settled(&store, &event).await;
        assert_eq!((record.state, record.verdict), (EventState::Finished, Reason::Moved.into()));
    }
}

#[tokio::test]
async fn a_full_server_takes_nothing_new_and_lets_work_be_finished() {
    let server = Redis::start().await;
    let clock = Clock::system();
    let store = open(&server, &clock).await;
    let event = routed(&store, &clock, "d-1", &["SHOP-1", "SHOP-2"]).await;
    store.ingest(&delivery("d-2", &clock)).await.unwrap();
    run::<()>(&server, &["CONFIG", "SET", "maxmemory", "1mb"]).await;

    let error = store.ingest(&delivery("d-3", &clock)).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unavailable(why) if why.contains("maxmemory")), "{error}");
    assert!(store.check().await.is_err());
    assert_eq!(store.event(&delivery("d-3", &clock).id).await.unwrap(), None, "nothing is half there");

    let held = claim_all(&store).await;
    assert_eq!(keys(&held), ["SHOP-1", "SHOP-2"]);
    store.retry(&held[1].lease, Duration::ZERO, &waiting(&held[1], Reason::Conflict, 1)).await.unwrap();
    finish(&store, &held[0], Reason::Moved).await;
    finish(&store, &claim(&store).await, Reason::Moved).await;
    route_first(&store, &to_tickets(&["SHOP-3"])).await;
    finish(&store, &claim(&store).await, Reason::Moved).await;
    store.pause("jira", &by_hand("the login is refused")).await.unwrap();
    assert_eq!(settled(&store, &event).await.state, EventState::Finished);

    run::<()>(&server, &["CONFIG", "SET", "maxmemory", "0"]).await;
    store.ingest(&delivery("d-3", &clock)).await.unwrap();
}

#[tokio::test]
async fn a_fence_that_was_lost_with_the_servers_last_second_never_comes_back() {
    let server = Redis::start().await;
    let clock = Clock::system();
    let store = open(&server, &clock).await;
    routed(&store, &clock, "d-1", &["SHOP-1"]).await;
    let lost = claim(&store).await;
    // What the claim wrote is gone, as after a crash between two syncs.
    run::<()>(&server, &["DEL", "conduit:{j:0}:fence", "conduit:{j:0}:own", "conduit:{j:0}:lease"]).await;
    run::<()>(&server, &["RPUSH", "conduit:{j:0}:ready:jira/SHOP", "jira/SHOP-1"]).await;
    clock.advance(Duration::from_millis(1));
    let successor = claim(&store).await;
    assert!(successor.lease.fence > lost.lease.fence);
    assert!(matches!(store.heartbeat(&lost.lease).await, Err(StoreError::LostLease(_))));
    finish(&store, &successor, Reason::Moved).await;
}

#[tokio::test]
async fn a_primary_that_became_a_replica_takes_nothing_and_says_why() {
    let server = Redis::start().await;
    let clock = Clock::system();
    let store = open(&server, &clock).await;
    run::<()>(&server, &["REPLICAOF", "127.0.0.1", "1"]).await;
    let error = store.ingest(&delivery("d-1", &clock)).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unavailable(why) if why.contains("replica")), "{error}");
    run::<()>(&server, &["REPLICAOF", "NO", "ONE"]).await;
    store.ingest(&delivery("d-1", &clock)).await.unwrap();
}

#[tokio::test]
async fn a_job_whose_state_cannot_be_read_is_claimed_with_the_reason_and_blocks_nobody() {
    let server = Redis::start().await;
    let clock = Clock::system();
    let store = open(&server, &clock).await;
    let event = routed(&store, &clock, "d-1", &["SHOP-1", "SHOP-2"]).await;
    run::<()>(&server, &["SET", &format!("conduit:{{j:0}}:js:{event}:SHOP-1:1"), "rubbish"]).await;
    let claims = claim_all(&store).await;
    assert_eq!(keys(&claims), ["SHOP-1", "SHOP-2"]);
    let why = claims[0].event.as_ref().unwrap_err();
    assert!(why.to_string().contains("SHOP-1") && claims[1].event.is_ok(), "{why}");
    for claim in &claims {
        finish(&store, claim, Reason::Moved).await;
    }
    assert_eq!(settled(&store, &event).await.state, EventState::Finished);
}

#[tokio::test]
async fn a_key_that_somebody_else_overwrote_is_named_as_damage() {
    let server = Redis::start().await;
    let clock = Clock::system();
    let store = open(&server, &clock).await;
    for key in ["conduit:{i:0}:in", "conduit:{j:0}:rota", "conduit:{j:0}:fin", "conduit:{cfg}:hooks"] {
        run::<()>(&server, &["SET", key, "rubbish"]).await;
    }
    let id = delivery("d-1", &clock).id;
    let answers = [
        store.ingest(&delivery("d-1", &clock)).await.map(drop),
        store.inbox("worker", 1).await.map(drop),
        store.claim(&super::super::given::request("worker", 1)).await.map(drop),
        store.tidy(RETENTION).await.map(drop),
        store.hooks(None).await.map(drop),
        store.queue().await.map(drop),
    ];
    for answer in answers {
        assert!(matches!(answer, Err(StoreError::Damaged { .. })), "{answer:?}");
    }
    run::<()>(&server, &["HSET", &format!("conduit:{{i:0}}:ev:{id}"), "state", "finished"]).await;
    let answer = store.event(&id).await;
    assert!(matches!(answer, Err(StoreError::Damaged { .. })), "{answer:?}");
}
