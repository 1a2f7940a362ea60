//! The right to work on a ticket, and how it is lost.

use std::sync::Arc;
use std::time::Duration;

use conduit::clock::Clock;
use conduit::store::{Claim, SUSPECTS_APART, Store, StoreError};
use conduit::trace::Reason;

use super::given::{
    LEASE, RETENTION, claim, claim_all, finish, keys, request, routed, settled, trace, waiting, work_off,
};

/// A lease and a little more.
const TOO_LONG: Duration = Duration::from_secs(31);

/// Everything that is written under a lease is refused to who lost it.
async fn assert_lost(store: &Arc<dyn Store>, old: &Claim) {
    let key = &old.lease.job.key;
    let state = waiting(old, Reason::Conflict, 99);
    let answers = [
        store.heartbeat(&old.lease).await,
        store.checkpoint(&old.lease, &state).await,
        store.retry(&old.lease, Duration::ZERO, &state).await,
        store.finish(&old.lease, &trace(key, Reason::JiraRefused)).await.map(drop),
        store.hand_back(&old.lease).await,
    ];
    for answer in answers {
        assert!(matches!(&answer, Err(StoreError::LostLease(job)) if *job == old.lease.job), "{answer:?}");
    }
}

pub(crate) async fn a_lease_that_is_renewed_lasts(store: &Arc<dyn Store>, clock: &Clock) {
    routed(store, clock, "d-1", &["SHOP-1"]).await;
    let held = claim(store).await;
    clock.advance(LEASE / 2);
    store.heartbeat(&held.lease).await.unwrap();
    clock.advance(LEASE * 3 / 4);
    store.checkpoint(&held.lease, &waiting(&held, Reason::Working, 1)).await.unwrap();
    clock.advance(LEASE * 3 / 4);
    assert_eq!(store.tidy(RETENTION).await.unwrap().reaped, 0);
    assert!(claim_all(store).await.is_empty());
    finish(store, &held, Reason::Moved).await;
}

pub(crate) async fn an_expired_lease_comes_back_to_the_front_and_its_holder_is_refused(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    let event = routed(store, clock, "d-1", &["SHOP-1", "SHOP-2"]).await;
    routed(store, clock, "d-2", &["SHOP-1"]).await;
    let dead = claim(store).await;
    assert_eq!(dead.lease.job.key, "SHOP-1");
    store.checkpoint(&dead.lease, &waiting(&dead, Reason::Working, 1)).await.unwrap();

    clock.advance(TOO_LONG);
    assert_eq!(store.tidy(RETENTION).await.unwrap().reaped, 1);
    assert_lost(store, &dead).await;

    let successor = store.claim(&request("successor", 1)).await.unwrap().pop().unwrap();
    assert_eq!(successor.lease.job, dead.lease.job, "it is the first again, of its queue and of all");
    assert!(successor.lease.fence > dead.lease.fence);
    assert_eq!(successor.state, Some(waiting(&dead, Reason::Working, 1)));
    assert_lost(store, &dead).await;
    finish(store, &successor, Reason::Moved).await;
    assert_lost(store, &dead).await;
    assert_eq!(settled(store, &event).await.tickets[0].verdict, Reason::Moved.into());
}

pub(crate) async fn an_expired_lease_that_nobody_took_may_still_be_renewed(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    routed(store, clock, "d-1", &["SHOP-1"]).await;
    let held = claim(store).await;
    clock.advance(TOO_LONG);
    store.heartbeat(&held.lease).await.unwrap();
    assert_eq!(store.tidy(RETENTION).await.unwrap().reaped, 0);
    finish(store, &held, Reason::Moved).await;
}

pub(crate) async fn a_job_that_is_over_refuses_its_old_lease(store: &Arc<dyn Store>, clock: &Clock) {
    routed(store, clock, "d-1", &["SHOP-1", "SHOP-2", "SHOP-3"]).await;
    let [finished, retried, given] = <[Claim; 3]>::try_from(claim_all(store).await).unwrap();
    finish(store, &finished, Reason::Moved).await;
    store.retry(&retried.lease, LEASE, &waiting(&retried, Reason::Conflict, 1)).await.unwrap();
    store.hand_back(&given.lease).await.unwrap();
    for old in [finished, retried, given] {
        assert_lost(store, &old).await;
    }
    assert_eq!(keys(&claim_all(store).await), ["SHOP-3"]);
}

pub(crate) async fn what_is_handed_back_is_claimed_again_at_once(store: &Arc<dyn Store>, clock: &Clock) {
    routed(store, clock, "d-1", &["SHOP-1"]).await;
    routed(store, clock, "d-2", &["SHOP-1"]).await;
    let first = claim(store).await;
    store.hand_back(&first.lease).await.unwrap();
    let again = claim(store).await;
    assert_eq!(again.lease.job, first.lease.job, "still before the second event");
    assert_eq!(again.state, None, "untouched");
}

pub(crate) async fn the_next_worker_finds_what_was_saved(store: &Arc<dyn Store>, clock: &Clock) {
    let event = routed(store, clock, "d-1", &["SHOP-1"]).await;
    let first = claim(store).await;
    let mut state = waiting(&first, Reason::Working, 1);
    state.progress = serde_json::json!({ "intent": { "from": "Open", "to": "Done ☑" }, "n": 1.5 });
    state.trace.detail = Some("asked Jira ".repeat(500));
    store.checkpoint(&first.lease, &state).await.unwrap();
    assert_eq!(store.ticket_traces(&event).await.unwrap(), [state.trace.clone()]);
    store.hand_back(&first.lease).await.unwrap();
    let second = claim(store).await;
    assert_eq!(second.state, Some(state));
    finish(store, &second, Reason::Moved).await;

    routed(store, clock, "d-2", &["SHOP-1"]).await;
    assert_eq!(claim(store).await.state, None, "another event's job knows nothing of it");
    clock.advance(TOO_LONG);
    store.tidy(RETENTION).await.unwrap();
    work_off(store, "SHOP-1", Reason::AlreadyThere).await;
}

/// The worker dies, and everybody notices.
async fn dies(store: &Arc<dyn Store>, clock: &Clock) {
    clock.advance(TOO_LONG);
    assert!(store.tidy(RETENTION).await.unwrap().reaped > 0);
    // Longer than suspects wait for each other.
    clock.advance(SUSPECTS_APART * 20);
}

pub(crate) async fn leases_that_run_out_are_counted_until_somebody_parts_in_good_order(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    routed(store, clock, "d-1", &["SHOP-1"]).await;
    routed(store, clock, "d-2", &["SHOP-1"]).await;
    for times in 0..3 {
        let claim = claim(store).await;
        assert_eq!(claim.expired, times);
        store.heartbeat(&claim.lease).await.unwrap();
        store.checkpoint(&claim.lease, &waiting(&claim, Reason::Working, 1)).await.unwrap();
        dies(store, clock).await;
    }
    let held = claim(store).await;
    assert_eq!(held.expired, 3, "notes that were saved on the way count for nothing");
    store.retry(&held.lease, Duration::ZERO, &waiting(&held, Reason::Conflict, 1)).await.unwrap();
    assert_eq!(claim(store).await.expired, 0, "a retry does");
    dies(store, clock).await;
    let held = claim(store).await;
    assert_eq!(held.expired, 1);
    store.hand_back(&held.lease).await.unwrap();
    assert_eq!(claim(store).await.expired, 0, "so does handing back");
    dies(store, clock).await;
    let held = claim(store).await;
    finish(store, &held, Reason::Moved).await;
    assert_eq!(claim(store).await.expired, 0, "and the ticket's next event begins anew");
}

pub(crate) async fn tickets_that_keep_expiring_come_back_one_after_the_other(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    routed(store, clock, "d-1", &["SHOP-1", "SHOP-2", "SHOP-3"]).await;
    assert_eq!(claim_all(store).await.len(), 3);
    clock.advance(TOO_LONG);
    store.tidy(RETENTION).await.unwrap();
    routed(store, clock, "d-2", &["SHOP-4"]).await;
    assert_eq!(
        keys(&claim_all(store).await),
        ["SHOP-1", "SHOP-2", "SHOP-3", "SHOP-4"],
        "once is an accident"
    );

    clock.advance(TOO_LONG);
    store.tidy(RETENTION).await.unwrap();
    assert_eq!(keys(&claim_all(store).await), ["SHOP-4"]);
    let mut back = std::collections::BTreeSet::new();
    for _ in 0..3 {
        clock.advance(SUSPECTS_APART);
        let claims = claim_all(store).await;
        assert_eq!(claims.len(), 1, "{:?}", keys(&claims));
        back.insert(claims[0].lease.job.key.clone());
    }
    assert_eq!(back.len(), 3);
}
