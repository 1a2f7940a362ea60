//! From the inbox to the tickets.

use std::sync::Arc;
use std::time::Duration;

use conduit::clock::Clock;
use conduit::event::ticket::{IgnoredKey, Source};
use conduit::event::{PullRequest, Subject};
use conduit::store::{Content, EventState, NewEvent, Routing, Store, StoreError, TicketState};
use conduit::trace::{Outcome, Reason, Verdict};

use super::given::{
    claim, claim_all, delivery, finish, first_waiting, keys, merged, route_first, routed, settled,
    to_tickets, trace, work_off,
};

/// Longer than a router may be silent.
const SILENCE: Duration = Duration::from_secs(15);

pub(crate) async fn events_leave_the_inbox_in_the_order_they_came(store: &Arc<dyn Store>, clock: &Clock) {
    let mut came = Vec::new();
    for number in 0..5 {
        let event = delivery(&format!("d-{number}"), clock);
        store.ingest(&event).await.unwrap();
        came.push(event.id);
    }
    let first_two = store.inbox("router", 2).await.unwrap();
    assert_eq!(
        first_two.iter().map(|item| &item.id).collect::<Vec<_>>(),
        came.iter().take(2).collect::<Vec<_>>()
    );
    assert_eq!(store.inbox("router", 9).await.unwrap().len(), 5, "looking takes nothing off");
    for id in came {
        assert_eq!(first_waiting(store).await.id, id);
        route_first(store, &to_tickets(&[])).await;
    }
    assert!(store.inbox("router", 9).await.unwrap().is_empty());
}

pub(crate) async fn large_events_leave_the_inbox_a_few_at_a_time(store: &Arc<dyn Store>, clock: &Clock) {
    let mut came = Vec::new();
    for number in 0_u64..4 {
        let mut large = merged("acme/shop");
        let body = does_not_compress(number, 3 << 20);
        large.subject = Subject::PullRequest(PullRequest { body, ..PullRequest::default() });
        let content = Content::Event(Box::new(large));
        let event = NewEvent { content, ..delivery(&format!("d-{number}"), clock) };
        store.ingest(&event).await.unwrap();
        came.push(event.id);
    }
    for id in came {
        let items = store.inbox("router", 9).await.unwrap();
        assert!(items.len() <= 2, "{} giants at once", items.len());
        assert_eq!(items[0].id, id);
        store.route(&items[0], &to_tickets(&[])).await.unwrap();
    }
}

/// Text of which no two parts are alike.
fn does_not_compress(seed: u64, length: usize) -> String {
    let mut state = seed + 1;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'0' + u8::try_from(state >> 58).unwrap())
    };
    std::iter::repeat_with(next).take(length).collect()
}

pub(crate) async fn an_event_fans_out_to_its_tickets(store: &Arc<dyn Store>, clock: &Clock) {
    let event = delivery("d-1", clock);
    store.ingest(&event).await.unwrap();
    let ignored = IgnoredKey { key: "UTF-8".into(), found_in: vec![Source::Body], because: "quoted".into() };
    let routing = Routing { ignored: vec![ignored.clone()], ..to_tickets(&["SHOP-2", "SHOP-1"]) };
    route_first(store, &routing).await;

    let record = settled(store, &event.id).await;
    assert_eq!((record.state, record.verdict), (EventState::Working, Verdict::from(Reason::Queued)));
    let ticket = |key: &str| TicketState {
        key: key.into(),
        site: "jira".into(),
        generation: 1,
        verdict: Verdict::from(Reason::Queued),
    };
    assert_eq!(record.tickets, [ticket("SHOP-2"), ticket("SHOP-1")], "in the order the event names them");
    assert_eq!(record.ignored, [ignored]);

    work_off(store, "SHOP-2", Reason::Moved).await;
    assert_eq!(settled(store, &event.id).await.state, EventState::Working);
    work_off(store, "SHOP-1", Reason::AlreadyThere).await;
    let record = settled(store, &event.id).await;
    assert_eq!((record.state, record.verdict), (EventState::Finished, Verdict::from(Reason::Moved)));
}

pub(crate) async fn a_settled_ticket_is_finished_at_once(store: &Arc<dyn Store>, clock: &Clock) {
    let event = delivery("d-1", clock);
    store.ingest(&event).await.unwrap();
    let unknown = trace("UNKNOWN-1", Reason::ProjectNotConfigured);
    let routing = Routing { settled: vec![unknown.clone()], ..to_tickets(&["SHOP-1"]) };
    route_first(store, &routing).await;
    work_off(store, "SHOP-1", Reason::AlreadyThere).await;
    assert!(claim_all(store).await.is_empty());

    let record = settled(store, &event.id).await;
    assert_eq!(record.state, EventState::Finished);
    assert_eq!(record.verdict.outcome, Outcome::NothingToDo);
    assert_eq!(record.tickets.len(), 2);
    let settled = record.tickets.iter().find(|ticket| ticket.key == "UNKNOWN-1").unwrap();
    assert_eq!((settled.site.as_str(), settled.verdict), ("", Verdict::from(Reason::ProjectNotConfigured)));
    assert!(store.ticket_traces(&event.id).await.unwrap().contains(&unknown));
}

pub(crate) async fn an_event_without_tickets_has_its_own_verdict(store: &Arc<dyn Store>, clock: &Clock) {
    for (delivery_id, verdict) in
        [("d-1", Verdict::from(Reason::NoKeys)), ("d-2", Verdict::dead(Reason::JiraUnreachable))]
    {
        let event = delivery(delivery_id, clock);
        store.ingest(&event).await.unwrap();
        let detail = Some("no key in title or branch".to_owned());
        let routing = Routing { verdict: Some(verdict), detail: detail.clone(), ..Routing::default() };
        route_first(store, &routing).await;
        let record = settled(store, &event.id).await;
        assert_eq!((record.state, record.verdict), (EventState::Finished, verdict));
        assert_eq!(record.detail, detail);
    }
}

pub(crate) async fn routing_twice_changes_nothing(store: &Arc<dyn Store>, clock: &Clock) {
    let event = delivery("d-1", clock);
    store.ingest(&event).await.unwrap();
    let item = first_waiting(store).await;
    let routing = Routing {
        settled: vec![trace("UNKNOWN-1", Reason::ProjectNotConfigured)],
        ..to_tickets(&["SHOP-1", "SHOP-2"])
    };
    store.route(&item, &routing).await.unwrap();
    let first = claim(store).await;
    finish(store, &first, Reason::Moved).await;
    store.route(&item, &routing).await.unwrap();

    assert_eq!(keys(&claim_all(store).await), ["SHOP-2"]);
    assert!(store.inbox("router", 9).await.unwrap().is_empty());
    let record = settled(store, &event.id).await;
    assert_eq!(record.tickets.len(), 3);
    assert_eq!(record.tickets[0].verdict, Verdict::from(Reason::Moved));
}

pub(crate) async fn of_two_routers_one_gets_nothing(store: &Arc<dyn Store>, clock: &Clock) {
    store.ingest(&delivery("d-1", clock)).await.unwrap();
    assert_eq!(store.inbox("one", 9).await.unwrap().len(), 1);
    assert!(store.inbox("two", 9).await.unwrap().is_empty());
    clock.advance(Duration::from_secs(7));
    let renewed = store.inbox("one", 9).await.unwrap();
    clock.advance(Duration::from_secs(7));
    assert!(store.inbox("two", 9).await.unwrap().is_empty(), "each look renews the lease");
    store.route(&renewed[0], &to_tickets(&["SHOP-1"])).await.unwrap();
}

pub(crate) async fn a_router_that_went_silent_is_replaced(store: &Arc<dyn Store>, clock: &Clock) {
    routed(store, clock, "d-1", &["SHOP-1"]).await;
    let next = delivery("d-2", clock);
    store.ingest(&next).await.unwrap();
    first_waiting(store).await;
    clock.advance(SILENCE);
    let items = store.inbox("successor", 9).await.unwrap();
    assert_eq!(items.iter().map(|item| &item.id).collect::<Vec<_>>(), [&next.id], "and nothing again");
    store.route(&items[0], &to_tickets(&["SHOP-2"])).await.unwrap();
    assert_eq!(keys(&claim_all(store).await), ["SHOP-1", "SHOP-2"]);
}

pub(crate) async fn who_lost_the_inbox_routes_nothing(store: &Arc<dyn Store>, clock: &Clock) {
    let event = delivery("d-1", clock);
    store.ingest(&event).await.unwrap();
    let old = first_waiting(store).await;
    clock.advance(SILENCE);
    let new = store.inbox("successor", 9).await.unwrap().pop().unwrap();
    assert!(new.fence > old.fence);

    let refused = store.route(&old, &to_tickets(&["SHOP-9"])).await;
    assert!(matches!(refused, Err(StoreError::LostLease(_))), "{refused:?}");
    assert!(claim_all(store).await.is_empty(), "nothing was written");
    store.route(&new, &to_tickets(&["SHOP-1"])).await.unwrap();
    assert_eq!(keys(&claim_all(store).await), ["SHOP-1"]);
}
