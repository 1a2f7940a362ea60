//! Questions.

use std::sync::Arc;
use std::time::Duration;

use conduit::clock::Clock;
use conduit::store::{EventId, EventQuery, EventRecord, QueueStatus, Routing, Store, StoreError};
use conduit::trace::{Outcome, Reason, Verdict};

use super::given::{
    claim, claim_all, delivery, delivery_of, finish, keys, routed, routed_as, settled, to_tickets, trace,
    waiting, work_off,
};

const MINUTE: Duration = Duration::from_mins(1);

fn deliveries(records: &[EventRecord]) -> Vec<&str> {
    records.iter().map(|record| record.delivery_id.as_str()).collect()
}

async fn assert_found(store: &Arc<dyn Store>, query: EventQuery, expected: &[&str]) {
    let page = store.events(&EventQuery { limit: 50, ..query.clone() }).await.unwrap();
    assert_eq!(deliveries(&page.items), expected, "{query:?}");
    assert_eq!(page.next, None);
}

pub(crate) async fn the_verdict_of_an_event_is_the_gravest_of_its_tickets(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    let id = routed(store, clock, "d-1", &["SHOP-1", "SHOP-2", "SHOP-3", "SHOP-4"]).await;
    let steps = [
        ("SHOP-1", Verdict::from(Reason::Moved), Outcome::Waiting),
        ("SHOP-2", Verdict::from(Reason::MovedByOther), Outcome::Waiting),
        ("SHOP-3", Verdict::from(Reason::NoJiraTransition), Outcome::Failed),
        ("SHOP-4", Verdict::dead(Reason::Credentials), Outcome::Dead),
    ];
    for (key, verdict, of_event) in steps {
        work_off(store, key, verdict).await;
        assert_eq!(settled(store, &id).await.verdict.outcome, of_event, "after {key}");
    }
    assert_eq!(settled(store, &id).await.verdict, Verdict::dead(Reason::Credentials));
}

pub(crate) async fn traces_are_listed_in_the_order_the_event_names_them(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    let id = routed(store, clock, "d-1", &["SHOP-9", "PAY-1", "SHOP-1"]).await;
    let claims = claim_all(store).await;
    let last = claims.iter().find(|claim| claim.lease.job.key == "SHOP-1").unwrap();
    let moved = trace("SHOP-1", Reason::Moved);
    store.finish(&last.lease, &moved).await.unwrap();

    let traces = store.ticket_traces(&id).await.unwrap();
    assert_eq!(
        traces.iter().map(|trace| trace.key.as_str()).collect::<Vec<_>>(),
        ["SHOP-9", "PAY-1", "SHOP-1"]
    );
    assert_eq!(traces[0].outcome, Outcome::Waiting);
    assert_eq!(traces[0].found_in, last.found_in);
    assert!(traces[0].queued_at.is_some());
    assert_eq!(traces[2], moved);
}

pub(crate) async fn settled_tickets_keep_their_place_among_the_others(store: &Arc<dyn Store>, clock: &Clock) {
    let named = ["OPS-1", "SHOP-9", "OPS-2", "SHOP-1"];
    let settled_unasked = |key: &str| trace(key, Reason::NoMachine);
    let routing = Routing {
        settled: vec![settled_unasked("OPS-1"), settled_unasked("OPS-2")],
        order: named.map(str::to_owned).to_vec(),
        ..to_tickets(&["SHOP-9", "SHOP-1"])
    };
    let id = routed_as(store, delivery("d-1", clock), &routing).await;
    let traces = store.ticket_traces(&id).await.unwrap();
    assert_eq!(traces.iter().map(|trace| trace.key.as_str()).collect::<Vec<_>>(), named);
    let record = store.event(&id).await.unwrap().unwrap();
    assert_eq!(record.tickets.iter().map(|ticket| ticket.key.as_str()).collect::<Vec<_>>(), named);
    assert_eq!(keys(&claim_all(store).await), ["SHOP-9", "SHOP-1"]);
}

pub(crate) async fn events_are_found_by_ticket_repository_outcome_and_time(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    routed_as(store, delivery_of("acme/shop", "d-1", clock), &to_tickets(&["SHOP-1"])).await;
    work_off(store, "SHOP-1", Reason::Moved).await;
    clock.advance(MINUTE);
    routed_as(store, delivery_of("acme/pay", "d-2", clock), &to_tickets(&["SHOP-1", "PAY-1"])).await;
    for held in claim_all(store).await {
        finish(store, &held, Reason::NoPermission).await;
    }
    clock.advance(MINUTE);
    let since = clock.now();
    let third = routed_as(store, delivery_of("acme/shop", "d-3", clock), &to_tickets(&["SHOP-2"])).await;
    settled(store, &third).await;

    let all = EventQuery::default();
    let ticket = |key: &str| EventQuery { ticket: Some(key.into()), ..EventQuery::default() };
    let repo = |path: &str| EventQuery { repo: Some(path.into()), ..EventQuery::default() };
    let outcome = |outcome| EventQuery { outcome: Some(outcome), ..EventQuery::default() };
    assert_found(store, all.clone(), &["d-3", "d-2", "d-1"]).await;
    assert_found(store, ticket("SHOP-1"), &["d-2", "d-1"]).await;
    assert_found(store, ticket("SHOP-11"), &[]).await;
    assert_found(store, repo("acme/shop"), &["d-3", "d-1"]).await;
    assert_found(store, outcome(Outcome::Failed), &["d-2"]).await;
    assert_found(store, outcome(Outcome::Waiting), &["d-3"]).await;
    assert_found(store, EventQuery { since: Some(since), ..all }, &["d-3"]).await;

    let failed_of_ticket = EventQuery { outcome: Some(Outcome::Failed), ..ticket("SHOP-1") };
    assert_found(store, failed_of_ticket, &["d-2"]).await;
    let here_of_ticket = EventQuery { repo: Some("acme/shop".into()), ..ticket("SHOP-1") };
    assert_found(store, here_of_ticket, &["d-1"]).await;
    let moved_since = EventQuery { since: Some(since), outcome: Some(Outcome::Moved), ..repo("acme/shop") };
    assert_found(store, moved_since, &[]).await;
}

pub(crate) async fn pages_follow_each_other_without_gap_or_repeat(store: &Arc<dyn Store>, clock: &Clock) {
    let started = clock.now();
    let mut expected = Vec::new();
    for number in 0..25 {
        let verdict = Some(Reason::UnsupportedEvent.into());
        let event = delivery(&format!("d-{number}"), clock);
        store.ingest(&conduit::store::NewEvent { verdict, ..event }).await.unwrap();
        expected.insert(0, format!("d-{number}"));
        // Two at a time share a millisecond.
        clock.advance(Duration::from_secs(number % 2));
    }
    for query in [
        EventQuery::default(),
        EventQuery { repo: Some("acme/shop".into()), ..EventQuery::default() },
        EventQuery { outcome: Some(Outcome::NothingToDo), ..EventQuery::default() },
        EventQuery { since: Some(started), ..EventQuery::default() },
    ] {
        let mut query = EventQuery { limit: 4, ..query };
        let mut seen = Vec::new();
        loop {
            let page = store.events(&query).await.unwrap();
            assert!(page.items.len() <= 4);
            seen.extend(deliveries(&page.items).into_iter().map(str::to_owned));
            // What comes in meanwhile is newer than every page still to come.
            let newer = delivery(&format!("later-{}", seen.len()), clock);
            store.ingest(&newer).await.unwrap();
            query.cursor = page.next;
            if query.cursor.is_none() {
                break;
            }
        }
        seen.retain(|id| !id.starts_with("later"));
        let newest_first: Vec<u32> = seen.iter().map(|id| id[2..].parse::<u32>().unwrap() / 2).collect();
        assert!(newest_first.is_sorted_by(|a, b| a >= b), "{seen:?}");
        seen.sort();
        let mut all = expected.clone();
        all.sort();
        assert_eq!(seen, all);
    }
}

pub(crate) async fn the_queue_is_told_in_numbers(store: &Arc<dyn Store>, clock: &Clock) {
    assert_eq!(store.queue().await.unwrap(), QueueStatus::default());
    let id = routed(store, clock, "d-1", &["SHOP-1", "SHOP-2", "SHOP-3", "SHOP-4", "SHOP-5"]).await;
    work_off(store, "SHOP-1", Verdict::dead(Reason::Jira5xx)).await;
    let delayed = claim(store).await;
    store.retry(&delayed.lease, MINUTE, &waiting(&delayed, Reason::Jira5xx, 1)).await.unwrap();
    claim(store).await;
    store.ingest(&delivery("d-2", clock)).await.unwrap();
    settled(store, &id).await;

    let status = store.queue().await.unwrap();
    assert_eq!((status.inbox, status.ready, status.leased, status.delayed, status.dead), (1, 2, 1, 1, 1));
    assert!(status.oldest_seconds < 60, "{status:?}");
    clock.advance(MINUTE * 2);
    let status = store.queue().await.unwrap();
    assert!((120..180).contains(&status.oldest_seconds), "{status:?}");
}

pub(crate) async fn what_nobody_knows_is_not_found(store: &Arc<dyn Store>, clock: &Clock) {
    routed_as(store, delivery("d-1", clock), &Routing::default()).await;
    let nobody = EventId::new("github/shop", "acme/shop", "never");
    assert_eq!(store.event(&nobody).await.unwrap(), None);
    assert_eq!(store.body(&nobody).await.unwrap(), None);
    assert!(store.ticket_traces(&nobody).await.unwrap().is_empty());
    let bad = EventQuery { cursor: Some("' OR 1=1".into()), limit: 9, ..EventQuery::default() };
    let refused = store.events(&bad).await;
    assert!(matches!(refused, Err(StoreError::BadCursor(_))), "{refused:?}");
}
