//! A ticket that bears another key by now: its job goes on in that key's queue.

use std::sync::Arc;

use conduit::clock::Clock;
use conduit::store::{
    Claim, EventState, Ingested, JobState, ReplayScope, Replayed, Store, StoreError, TicketState,
};
use conduit::trace::{Reason, TicketTrace};

use super::given::{
    claim, claim_all, delivery, finish, job, keys, routed, routed_as, settled, to_tickets, trace,
};

/// What goes along to the other key.
fn along(key: &str, was: &str) -> JobState {
    let trace = TicketTrace { was: Some(was.into()), ..trace(key, Reason::Queued) };
    JobState { progress: serde_json::json!({ "tries": 2 }), trace }
}

async fn hand_over(store: &Arc<dyn Store>, claim: &Claim, key: &str) -> Result<(), StoreError> {
    let old = &claim.lease.job.key;
    let (to, state, end) = (job("jira", key), along(key, old), trace(old, Reason::Duplicate));
    store.hand_over(&claim.lease, &to, &state, &end).await
}

fn ticket(key: &str, generation: u32, reason: Reason) -> TicketState {
    TicketState { key: key.into(), site: "jira".into(), generation, verdict: reason.into() }
}

pub(crate) async fn a_job_goes_on_at_the_end_of_the_queue_of_the_other_key(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    let first = routed(store, clock, "d-1", &["PAY-7"]).await;
    let at_work = claim(store).await;
    let id = routed(store, clock, "d-2", &["SHOP-1"]).await;
    let later = routed(store, clock, "d-3", &["SHOP-1"]).await;
    let claimed = claim(store).await;
    assert_eq!(claimed.lease.job.event, id);
    hand_over(store, &claimed, "PAY-7").await.unwrap();

    let event = settled(store, &id).await;
    assert_eq!(event.tickets, [ticket("SHOP-1", 1, Reason::Duplicate), ticket("PAY-7", 1, Reason::Queued)]);
    assert_eq!(event.state, EventState::Working);
    let next = claim_all(store).await;
    assert_eq!(keys(&next), ["SHOP-1"], "PAY-7 is being worked on for another event");
    assert_eq!(next[0].lease.job.event, later);

    finish(store, &at_work, Reason::Moved).await;
    assert_eq!(settled(store, &first).await.state, EventState::Finished);
    let taken = claim(store).await;
    assert_eq!(
        (&taken.lease.job.event, taken.lease.job.key.as_str(), taken.lease.job.generation),
        (&id, "PAY-7", 1)
    );
    assert_eq!(taken.state, Some(along("PAY-7", "SHOP-1")));
    assert_eq!(taken.project, "PAY");
    assert_eq!(taken.found_in, claimed.found_in);
    finish(store, &taken, Reason::Moved).await;
    let event = settled(store, &id).await;
    assert_eq!((event.state, event.verdict), (EventState::Finished, Reason::Moved.into()));
    let found = conduit::store::EventQuery { ticket: Some("PAY-7".into()), limit: 9, ..Default::default() };
    assert_eq!(store.events(&found).await.unwrap().items.len(), 2, "it is found by either key");
}

pub(crate) async fn who_lost_the_ticket_hands_nothing_over(store: &Arc<dyn Store>, clock: &Clock) {
    let id = routed(store, clock, "d-1", &["SHOP-1"]).await;
    let claimed = claim(store).await;
    store.hand_back(&claimed.lease).await.unwrap();
    let refused = hand_over(store, &claimed, "PAY-7").await;
    assert!(matches!(refused, Err(StoreError::LostLease(_))), "{refused:?}");
    assert_eq!(settled(store, &id).await.tickets.len(), 1);

    // Handing over twice, because the answer was lost, adds nothing either.
    let claimed = claim(store).await;
    hand_over(store, &claimed, "PAY-7").await.unwrap();
    assert!(hand_over(store, &claimed, "PAY-7").await.is_err());
    assert_eq!(keys(&claim_all(store).await), ["PAY-7"]);
}

pub(crate) async fn a_job_that_stands_under_the_other_key_already_is_the_only_one(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    let id = routed(store, clock, "d-1", &["SHOP-1", "PAY-7", "PAY-8"]).await;
    let mut claims = claim_all(store).await;
    claims.sort_by(|a, b| a.lease.job.key.cmp(&b.lease.job.key));
    assert_eq!(keys(&claims), ["PAY-7", "PAY-8", "SHOP-1"]);
    finish(store, &claims[0], Reason::Moved).await;
    hand_over(store, &claims[2], "PAY-7").await.unwrap();
    assert!(claim_all(store).await.is_empty(), "PAY-7 has moved for this event already");
    finish(store, &claims[1], Reason::AlreadyThere).await;
    let event = settled(store, &id).await;
    assert_eq!((event.state, event.verdict), (EventState::Finished, Reason::Moved.into()));
    assert_eq!(event.tickets.len(), 3);
}

pub(crate) async fn what_failed_there_goes_again_by_the_key_the_event_names(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    let delivered = delivery("d-1", clock);
    let id = routed_as(store, delivered.clone(), &to_tickets(&["SHOP-1"])).await;
    let fail = async |generation: u32| {
        let claimed = claim(store).await;
        assert_eq!((claimed.lease.job.key.as_str(), claimed.lease.job.generation), ("SHOP-1", generation));
        hand_over(store, &claimed, "PAY-7").await.unwrap();
        let taken = claim(store).await;
        assert_eq!((taken.lease.job.key.as_str(), taken.lease.job.generation), ("PAY-7", generation));
        let failed = TicketTrace { was: Some("SHOP-1".into()), ..trace("PAY-7", Reason::NoPermission) };
        store.finish(&taken.lease, &failed).await.unwrap();
        let tickets = settled(store, &id).await.tickets;
        let expected = [
            ticket("SHOP-1", generation, Reason::Duplicate),
            ticket("PAY-7", generation, Reason::NoPermission),
        ];
        assert_eq!(tickets, expected);
    };
    fail(1).await;

    let again = Ingested { duplicate: true, known: true, requeued: vec!["SHOP-1".into()] };
    assert_eq!(store.ingest(&delivered).await.unwrap(), again);
    super::given::route_first(store, &to_tickets(&["SHOP-1"])).await;
    let once = Ingested { duplicate: true, known: true, requeued: vec![] };
    assert_eq!(store.ingest(&delivered).await.unwrap(), once, "it is on its way again, by its other key");
    fail(2).await;

    let replayed = store.replay(&id, ReplayScope::Unfinished, &["PAY-7".into()]).await.unwrap();
    assert_eq!(replayed, Replayed::Queued(vec!["SHOP-1".into()]));
    super::given::route_first(store, &to_tickets(&["SHOP-1"])).await;
    fail(3).await;
}
