//! A life through which every kind of thing that is kept of an event is kept, and its end. What a store holds
//! afterwards is looked at behind its back: in `on_redis` and `on_sqlite`.

use std::sync::Arc;
use std::time::Duration;

use conduit::clock::Clock;
use conduit::event::Subject;
use conduit::store::{Content, EventId, NewEvent, ReplayScope, Routing, Store, compress};
use conduit::trace::{Reason, Verdict};

use super::given::{
    RETENTION, claim, delivery, finish, job, merged, route_first, routed_as, settled, to_tickets, trace,
    waiting, work_off,
};

/// Events of every kind come in, fail, wait, are sent through again, and are all over in the end.
pub(crate) async fn a_whole_life(store: &Arc<dyn Store>, clock: &Clock) {
    let sent_again = of_a_merge("d-1", clock);
    routed_as(store, sent_again.clone(), &to_tickets(&["SHOP-1", "SHOP-2", "SHOP-3"])).await;
    store.save_body(&sent_again.id, &compress(b"{}").unwrap()).await.unwrap();
    work_off(store, "SHOP-1", Reason::Moved).await;
    work_off(store, "SHOP-2", Verdict::dead(Reason::Conflict)).await;
    let held = claim(store).await;
    store.checkpoint(&held.lease, &waiting(&held, Reason::Working, 1)).await.unwrap();
    store.retry(&held.lease, Duration::from_secs(5), &waiting(&held, Reason::Conflict, 1)).await.unwrap();
    clock.advance(Duration::from_secs(6));
    work_off(store, "SHOP-3", Verdict::dead(Reason::Conflict)).await;
    settled(store, &sent_again.id).await;

    // Other rules by now: one ticket has another site, and nobody need be asked about the other.
    store.ingest(&sent_again).await.unwrap();
    let elsewhere = Routing {
        jobs: vec![job("another", "SHOP-2")],
        settled: vec![trace("SHOP-3", Reason::NoMachine)],
        ..Routing::default()
    };
    route_first(store, &elsewhere).await;
    let held = claim(store).await;
    store.hand_back(&held.lease).await.unwrap();
    finish(store, &claim(store).await, Reason::Moved).await;
    settled(store, &sent_again.id).await;
    store.replay(&sent_again.id, ReplayScope::All, &[]).await.unwrap();
    route_first(store, &to_tickets(&["SHOP-1"])).await;
    work_off(store, "SHOP-1", Reason::AlreadyThere).await;
    settled(store, &sent_again.id).await;

    let duplicate =
        NewEvent { id: EventId::new("github/acme", "acme/shop", "d-2"), ..of_a_merge("d-2", clock) };
    assert!(store.ingest(&duplicate).await.unwrap().duplicate);
    let raw = NewEvent {
        content: Content::Raw(b"{}".to_vec()),
        verdict: Some(Reason::NotNormalisable.into()),
        repo: String::new(),
        ..delivery("d-3", clock)
    };
    store.ingest(&raw).await.unwrap();
    let stale = NewEvent { verdict: Some(Reason::Stale.into()), ..delivery("d-4", clock) };
    store.ingest(&stale).await.unwrap();
    store.replay(&stale.id, ReplayScope::Unfinished, &[]).await.unwrap();
    let nothing = Routing { verdict: Some(Reason::NoKeys.into()), ..Routing::default() };
    route_first(store, &nothing).await;
    assert_eq!(store.queue().await.unwrap().dead, 0, "no dead letter is left of what went through again");
}

/// Everything becomes old, and is removed.
pub(crate) async fn its_end(store: &Arc<dyn Store>, clock: &Clock) {
    clock.advance(RETENTION + Duration::from_hours(1));
    let mut removed = 0;
    while let tidied = store.tidy(RETENTION).await.unwrap()
        && tidied.removed + tidied.carried > 0
    {
        removed += tidied.removed;
    }
    assert_eq!(removed, 4);
}

fn of_a_merge(delivery_id: &str, clock: &Clock) -> NewEvent {
    let mut event = merged("acme/shop");
    if let Subject::PullRequest(pull_request) = &mut event.subject {
        pull_request.merge_sha = Some("9f3c".into());
    }
    NewEvent {
        occurrence: Some("github/acme/shop/pull_request.merged/118/9f3c".into()),
        content: Content::Event(Box::new(event)),
        ..delivery(delivery_id, clock)
    }
}
