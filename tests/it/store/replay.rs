//! Through again: by the forge's redelivery, or by a person.

use std::sync::Arc;

use conduit::clock::Clock;
use conduit::store::{
    Content, EventId, EventState, Ingested, NewEvent, ReplayScope, Replayed, Routing, Store, TicketState,
};
use conduit::trace::{Reason, Verdict};

use super::given::{
    claim, claim_all, delivery, finish, first_waiting, keys, request, route_first, routed, routed_as,
    settled, to_tickets, trace, work_off,
};

const UNCHANGED: Ingested = Ingested { duplicate: true, known: true, requeued: Vec::new() };

/// An event whose first ticket moved and whose second failed.
async fn half_failed(store: &Arc<dyn Store>, clock: &Clock) -> NewEvent {
    let event = delivery("d-1", clock);
    routed_as(store, event.clone(), &to_tickets(&["SHOP-1", "SHOP-2"])).await;
    work_off(store, "SHOP-1", Reason::Moved).await;
    work_off(store, "SHOP-2", Reason::NoPermission).await;
    assert_eq!(settled(store, &event.id).await.verdict, Reason::NoPermission.into());
    event
}

fn queued(keys: &[&str]) -> Replayed {
    Replayed::Queued(keys.iter().map(ToString::to_string).collect())
}

fn ticket(key: &str, generation: u32, reason: Reason) -> TicketState {
    TicketState { key: key.into(), site: "jira".into(), generation, verdict: reason.into() }
}

pub(crate) async fn a_redelivery_takes_up_what_failed(store: &Arc<dyn Store>, clock: &Clock) {
    let event = half_failed(store, clock).await;
    let again = store.ingest(&event).await.unwrap();
    assert_eq!(again, Ingested { duplicate: true, known: true, requeued: vec!["SHOP-2".into()] });
    let record = store.event(&event.id).await.unwrap().unwrap();
    assert_eq!((record.state, record.generation), (EventState::Waiting, 2));
    assert_eq!(record.verdict, Reason::Queued.into(), "it waits again");

    let item = first_waiting(store).await;
    assert_eq!((item.id.clone(), item.generation, item.replayed), (event.id.clone(), 2, false));
    assert_eq!(item.only, ["SHOP-2"]);
    store.route(&item, &to_tickets(&["SHOP-2"])).await.unwrap();
    let held = claim(store).await;
    assert_eq!((held.lease.job.key.as_str(), held.lease.job.generation), ("SHOP-2", 2));
    assert_eq!(held.state, None, "a new run begins from nothing");
    finish(store, &held, Reason::Moved).await;

    let record = settled(store, &event.id).await;
    assert_eq!((record.state, record.verdict), (EventState::Finished, Reason::Moved.into()));
    assert_eq!(record.tickets, [ticket("SHOP-1", 1, Reason::Moved), ticket("SHOP-2", 2, Reason::Moved)]);
}

pub(crate) async fn a_redelivery_repeated_queues_nothing_twice(store: &Arc<dyn Store>, clock: &Clock) {
    let event = half_failed(store, clock).await;
    store.ingest(&event).await.unwrap();
    assert_eq!(store.ingest(&event).await.unwrap(), UNCHANGED);
    assert_eq!(store.inbox("router", 9).await.unwrap().len(), 1);
    route_first(store, &to_tickets(&["SHOP-2"])).await;
    assert_eq!(store.ingest(&event).await.unwrap(), UNCHANGED);
    assert_eq!(keys(&claim_all(store).await), ["SHOP-2"]);
    assert_eq!(store.ingest(&event).await.unwrap(), UNCHANGED);
}

pub(crate) async fn a_redelivery_of_what_waits_or_went_well_changes_nothing(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    let event = delivery("d-1", clock);
    store.ingest(&event).await.unwrap();
    assert_eq!(store.ingest(&event).await.unwrap(), UNCHANGED);
    route_first(store, &to_tickets(&["SHOP-1"])).await;
    assert_eq!(store.ingest(&event).await.unwrap(), UNCHANGED);
    work_off(store, "SHOP-1", Reason::Moved).await;
    settled(store, &event.id).await;
    assert_eq!(store.ingest(&event).await.unwrap(), UNCHANGED);
    assert!(store.inbox("router", 9).await.unwrap().is_empty());
    assert_eq!(settled(store, &event.id).await.generation, 1);
}

pub(crate) async fn a_redelivered_ticket_goes_to_the_end_of_its_queue(store: &Arc<dyn Store>, clock: &Clock) {
    let event = half_failed(store, clock).await;
    let later = routed(store, clock, "d-2", &["SHOP-2"]).await;
    store.ingest(&event).await.unwrap();
    route_first(store, &to_tickets(&["SHOP-2"])).await;
    let first = claim(store).await;
    assert_eq!(first.lease.job.event, later);
    assert!(claim_all(store).await.is_empty());
    finish(store, &first, Reason::AlreadyThere).await;
    assert_eq!(claim(store).await.lease.job.event, event.id);
}

pub(crate) async fn a_redelivery_does_not_wait_for_the_other_tickets(store: &Arc<dyn Store>, clock: &Clock) {
    let event = delivery("d-1", clock);
    routed_as(store, event.clone(), &to_tickets(&["SHOP-1", "SHOP-2"])).await;
    work_off(store, "SHOP-1", Reason::NoPermission).await;
    settled(store, &event.id).await;
    let slow = claim(store).await;

    assert_eq!(store.ingest(&event).await.unwrap().requeued, ["SHOP-1"]);
    route_first(store, &to_tickets(&["SHOP-1"])).await;
    work_off(store, "SHOP-1", Reason::Moved).await;
    finish(store, &slow, Reason::AlreadyThere).await;
    let record = settled(store, &event.id).await;
    assert_eq!(
        record.tickets,
        [ticket("SHOP-1", 2, Reason::Moved), ticket("SHOP-2", 1, Reason::AlreadyThere)]
    );
    assert_eq!(record.state, EventState::Finished);
}

pub(crate) async fn a_replay_takes_failed_tickets_and_on_demand_all(store: &Arc<dyn Store>, clock: &Clock) {
    let id = half_failed(store, clock).await.id;
    assert_eq!(store.replay(&id, ReplayScope::Unfinished, &[]).await.unwrap(), queued(&["SHOP-2"]));
    assert_eq!(store.replay(&id, ReplayScope::All, &[]).await.unwrap(), Replayed::NotFinished);
    let item = first_waiting(store).await;
    assert!(item.replayed, "a person asked for it");
    store.route(&item, &to_tickets(&["SHOP-2"])).await.unwrap();
    work_off(store, "SHOP-2", Reason::Moved).await;
    settled(store, &id).await;

    assert_eq!(store.replay(&id, ReplayScope::All, &[]).await.unwrap(), queued(&["SHOP-1", "SHOP-2"]));
    let item = first_waiting(store).await;
    assert_eq!(item.generation, 3);
    store.route(&item, &to_tickets(&["SHOP-1", "SHOP-2"])).await.unwrap();
    work_off(store, "SHOP-1", Reason::AlreadyThere).await;
    work_off(store, "SHOP-2", Reason::AlreadyThere).await;
    let record = settled(store, &id).await;
    assert_eq!(record.verdict, Reason::AlreadyThere.into(), "the newest run counts");
    assert!(record.tickets.iter().all(|ticket| ticket.generation == 3));
}

pub(crate) async fn a_replay_of_named_tickets_takes_those_of_them_that_may_go(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    let id = routed(store, clock, "d-1", &["SHOP-1", "SHOP-2", "SHOP-3"]).await;
    for (key, reason) in
        [("SHOP-1", Reason::Moved), ("SHOP-2", Reason::NoPermission), ("SHOP-3", Reason::NoPermission)]
    {
        work_off(store, key, reason).await;
    }
    settled(store, &id).await;
    let among = |keys: &[&str]| keys.iter().map(ToString::to_string).collect::<Vec<_>>();
    let nothing = store.replay(&id, ReplayScope::Unfinished, &among(&["SHOP-1", "SHOP-9"])).await.unwrap();
    assert_eq!(nothing, Replayed::Refused(Reason::NoPermission));
    let some = store.replay(&id, ReplayScope::Unfinished, &among(&["SHOP-3", "SHOP-1"])).await.unwrap();
    assert_eq!(some, queued(&["SHOP-3"]));
    assert_eq!(first_waiting(store).await.only, ["SHOP-3"]);
}

pub(crate) async fn a_replay_that_finds_nothing_to_do_says_why(store: &Arc<dyn Store>, clock: &Clock) {
    let nobody = EventId::new("github/shop", "acme/shop", "never");
    assert_eq!(store.replay(&nobody, ReplayScope::All, &[]).await.unwrap(), Replayed::NotFound);

    let id = routed(store, clock, "d-1", &["SHOP-1"]).await;
    work_off(store, "SHOP-1", Reason::AlreadyPast).await;
    settled(store, &id).await;
    let refused = store.replay(&id, ReplayScope::Unfinished, &[]).await.unwrap();
    assert_eq!(refused, Replayed::Refused(Reason::AlreadyPast));

    let raw = NewEvent {
        content: Content::Raw(b"{}".to_vec()),
        verdict: Some(Reason::NotNormalisable.into()),
        ..delivery("d-2", clock)
    };
    let stranger = NewEvent { verdict: Some(Reason::RepoMismatch.into()), ..delivery("d-3", clock) };
    for (event, reason) in [(raw, Reason::NotNormalisable), (stranger, Reason::RepoMismatch)] {
        store.ingest(&event).await.unwrap();
        let refused = store.replay(&event.id, ReplayScope::All, &[]).await.unwrap();
        assert_eq!(refused, Replayed::Refused(reason));
    }
    assert!(store.inbox("router", 9).await.unwrap().is_empty());
}

pub(crate) async fn an_event_that_was_held_back_is_replayed_whole(store: &Arc<dyn Store>, clock: &Clock) {
    let stale = NewEvent { verdict: Some(Reason::Stale.into()), ..delivery("d-1", clock) };
    store.ingest(&stale).await.unwrap();
    assert_eq!(store.replay(&stale.id, ReplayScope::Unfinished, &[]).await.unwrap(), queued(&[]));
    assert_eq!(store.event(&stale.id).await.unwrap().unwrap().verdict, Reason::Queued.into());
    let item = first_waiting(store).await;
    assert_eq!((item.generation, item.replayed, item.only.len()), (2, true, 0));

    let held = trace("SHOP-1", Reason::TooManyTickets);
    store.route(&item, &Routing { settled: vec![held], ..Routing::default() }).await.unwrap();
    assert_eq!(settled(store, &stale.id).await.verdict, Reason::TooManyTickets.into());
    assert_eq!(store.replay(&stale.id, ReplayScope::Unfinished, &[]).await.unwrap(), queued(&[]));
    route_first(store, &to_tickets(&["SHOP-2", "SHOP-3"])).await;
    work_off(store, "SHOP-2", Reason::Moved).await;
    work_off(store, "SHOP-3", Reason::Moved).await;
    let record = settled(store, &stale.id).await;
    assert_eq!(record.verdict, Reason::Moved.into());
    let tickets: Vec<_> = record.tickets.iter().map(|ticket| ticket.key.as_str()).collect();
    assert_eq!(tickets, ["SHOP-2", "SHOP-3"], "a run over the whole event replaces its list");
}

pub(crate) async fn a_replayed_ticket_that_is_no_longer_found_is_what_it_was(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    let id = half_failed(store, clock).await.id;
    store.replay(&id, ReplayScope::Unfinished, &[]).await.unwrap();
    let nothing = Routing { verdict: Some(Reason::NoKeys.into()), ..Routing::default() };
    route_first(store, &nothing).await;
    assert!(store.claim(&request("worker", 9)).await.unwrap().is_empty());
    let record = settled(store, &id).await;
    assert_eq!(record.state, EventState::Finished);
    assert_eq!(record.verdict, Verdict::from(Reason::NoPermission));
    assert_eq!(record.tickets[1].verdict, Verdict::from(Reason::NoPermission));
}
