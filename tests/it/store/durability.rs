//! What outlives a process.

use std::time::Duration;

use conduit::clock::Clock;
use conduit::registration::Hook;
use conduit::secrets::Secret;
use conduit::secrets::token::{Role, Token};
use conduit::store::{StoreError, compress};
use conduit::trace::{Reason, Verdict};

use super::given::{
    RETENTION, by_hand, claim, claim_all, delivery, finish, first_waiting, keys, request, routed, settled,
    trace, waiting, work_off,
};
use crate::support::homes::Home;

pub(crate) async fn a_store_that_is_opened_again_has_everything(mut home: impl Home) {
    let clock = Clock::system();
    let store = home.open(&clock).await;
    let hook = Hook::new("github", "shop", "acme/shop", None, "sealed".into(), clock.now()).unwrap();
    let token = Token::new("ci", Role::Viewer, &Secret::generate().unwrap(), clock.now());
    let body = compress(b"{}").unwrap();
    store.setting_once("check", "one").await.unwrap();
    store.add_hook(&hook).await.unwrap();
    store.save_token(&token).await.unwrap();
    let event = routed(&store, &clock, "d-1", &["SHOP-1", "SHOP-2", "SHOP-3", "SHOP-4"]).await;
    store.save_body(&event, &body).await.unwrap();
    work_off(&store, "SHOP-1", Reason::Moved).await;
    let leased = claim(&store).await;
    let delayed = claim(&store).await;
    let state = waiting(&delayed, Reason::Conflict, 1);
    store.retry(&delayed.lease, Duration::from_mins(1), &state).await.unwrap();
    let waits = delivery("d-2", &clock);
    store.ingest(&waits).await.unwrap();
    store.pause("other", &by_hand("maintenance")).await.unwrap();
    let before = settled(&store, &event).await;
    drop(store);

    home.restart().await;
    let store = home.open(&clock).await;
    assert_eq!(store.setting_once("check", "two").await.unwrap(), "one");
    assert_eq!(store.hooks(None).await.unwrap(), [hook]);
    assert_eq!(store.tokens().await.unwrap(), [token]);
    assert_eq!(store.event(&event).await.unwrap(), Some(before));
    assert_eq!(store.body(&event).await.unwrap(), Some(body));
    assert_eq!(store.ticket_traces(&event).await.unwrap()[0], trace("SHOP-1", Reason::Moved));
    assert_eq!(store.queue().await.unwrap().paused.len(), 1);
    assert_eq!(first_waiting(&store).await.id, waits.id);
    assert!(store.ingest(&delivery("d-1", &clock)).await.unwrap().duplicate);

    assert_eq!(keys(&claim_all(&store).await), ["SHOP-4"]);
    finish(&store, &leased, Reason::Moved).await;
    clock.advance(Duration::from_mins(2));
    let again = claim(&store).await;
    assert_eq!((again.lease.job, again.state), (delayed.lease.job, Some(state)));
    assert!(again.lease.fence > leased.lease.fence, "fences go on where they were");
}

pub(crate) async fn two_processes_share_one_store(home: impl Home) {
    let clock = Clock::system();
    let (serve, worker) = (home.open(&clock).await, home.open(&clock).await);
    let event = delivery("d-1", &clock);
    serve.ingest(&event).await.unwrap();
    assert!(worker.ingest(&event).await.unwrap().duplicate);
    let item = worker.inbox("worker", 9).await.unwrap().pop().expect("what the other process took in");
    assert!(serve.inbox("serve", 9).await.unwrap().is_empty());
    worker.route(&item, &super::given::to_tickets(&["SHOP-1", "SHOP-2"])).await.unwrap();

    let mine = serve.claim(&request("serve", 1)).await.unwrap().pop().unwrap();
    let theirs = worker.claim(&request("worker", 9)).await.unwrap();
    assert_eq!((mine.lease.job.key.as_str(), keys(&theirs)), ("SHOP-1", vec!["SHOP-2"]));

    clock.advance(Duration::from_secs(31));
    assert_eq!(worker.tidy(RETENTION).await.unwrap().reaped, 2);
    let lost = serve.finish(&mine.lease, &trace("SHOP-1", Reason::Moved)).await;
    assert!(matches!(lost, Err(StoreError::LostLease(_))), "{lost:?}");
    work_off(&worker, "SHOP-1", Reason::Moved).await;
    work_off(&serve, "SHOP-2", Reason::Moved).await;
    assert_eq!(settled(&serve, &event.id).await.verdict, Verdict::from(Reason::Moved));
}
