//! What is old goes.

use std::sync::Arc;
use std::time::Duration;

use conduit::clock::Clock;
use conduit::event::Subject;
use conduit::store::{Content, EventQuery, NewEvent, Routing, Store, compress};
use conduit::trace::Reason;
use futures_util::future::join_all;

use super::given::{
    RETENTION, claim, claim_all, delivery, delivery_of, keys, merged, routed, routed_as, settled, to_tickets,
    trace, waiting, work_off,
};

const DAY: Duration = Duration::from_hours(24);

async fn tidy_all(store: &Arc<dyn Store>) -> u64 {
    let mut removed = 0;
    loop {
        let tidied = store.tidy(RETENTION).await.unwrap();
        removed += tidied.removed;
        if tidied.removed + tidied.carried == 0 {
            return removed;
        }
    }
}

pub(crate) async fn what_is_finished_and_old_is_removed_with_all_that_belongs_to_it(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    let occurrence = Some("github/acme/shop/pull_request.merged/118/9f3c".to_owned());
    let event = NewEvent { occurrence, ..delivery("d-1", clock) };
    routed_as(store, event.clone(), &to_tickets(&["SHOP-1"])).await;
    store.save_body(&event.id, &compress(b"{}").unwrap()).await.unwrap();
    work_off(store, "SHOP-1", Reason::JiraRefused).await;
    settled(store, &event.id).await;
    clock.advance(RETENTION.saturating_sub(DAY));
    let young = NewEvent { verdict: Some(Reason::UnsupportedEvent.into()), ..delivery("d-2", clock) };
    store.ingest(&young).await.unwrap();
    assert_eq!(tidy_all(store).await, 0);

    clock.advance(DAY * 2);
    assert_eq!(tidy_all(store).await, 1);
    assert_eq!(store.event(&event.id).await.unwrap(), None);
    assert_eq!(store.body(&event.id).await.unwrap(), None);
    assert!(store.ticket_traces(&event.id).await.unwrap().is_empty());
    let of_ticket = EventQuery { ticket: Some("SHOP-1".into()), limit: 9, ..EventQuery::default() };
    assert!(store.events(&of_ticket).await.unwrap().items.is_empty());
    let all = store.events(&EventQuery { limit: 9, ..EventQuery::default() }).await.unwrap().items;
    assert_eq!(all.iter().map(|record| &record.id).collect::<Vec<_>>(), [&young.id]);
    assert!(!store.ingest(&event).await.unwrap().duplicate, "neither it nor its change is known any more");
}

pub(crate) async fn a_merge_is_found_by_its_commit_as_long_as_its_event(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    let of = |delivery_id: &str, repo: &str, sha: &str| {
        let mut new = delivery_of(repo, delivery_id, clock);
        let mut event = merged(repo);
        if let Subject::PullRequest(pull_request) = &mut event.subject {
            pull_request.merge_sha = Some(sha.into());
            pull_request.title = delivery_id.into();
        }
        new.content = Content::Event(Box::new(event));
        new
    };
    let titles = async |repo: &str, sha: &str| {
        let events = store.merged_as("github", repo, sha).await.unwrap();
        events.iter().map(|event| event.pull_request().unwrap().title.clone()).collect::<Vec<_>>()
    };
    let first = of("d-1", "acme/shop", "9f3c");
    routed_as(store, first.clone(), &to_tickets(&["SHOP-1"])).await;
    clock.advance(Duration::from_secs(1));
    store.ingest(&of("d-2", "acme/shop", "9f3c")).await.unwrap();
    store.ingest(&of("d-3", "acme/web", "9f3c")).await.unwrap();
    let stale = NewEvent { verdict: Some(Reason::RepoMismatch.into()), ..of("d-4", "acme/shop", "9f3c") };
    store.ingest(&stale).await.unwrap();
    assert_eq!(titles("acme/shop", "9f3c").await, ["d-1", "d-2"]);
    assert_eq!(titles("acme/web", "9f3c").await, ["d-3"]);
    assert!(titles("acme/shop", "c0de").await.is_empty());
    assert!(store.merged_as("gitlab", "acme/shop", "9f3c").await.unwrap().is_empty());

    work_off(store, "SHOP-1", Reason::Moved).await;
    settled(store, &first.id).await;
    clock.advance(RETENTION + DAY);
    tidy_all(store).await;
    assert_eq!(titles("acme/shop", "9f3c").await, ["d-2"], "it waits, so it stays");
}

pub(crate) async fn what_is_not_finished_stays_however_old(store: &Arc<dyn Store>, clock: &Clock) {
    routed_as(store, delivery("d-1", clock), &to_tickets(&["SHOP-1", "SHOP-2"])).await;
    work_off(store, "SHOP-1", Reason::Moved).await;
    let delayed = claim(store).await;
    store.retry(&delayed.lease, DAY, &waiting(&delayed, Reason::Paused, 1)).await.unwrap();
    let waits = delivery("d-2", clock);
    store.ingest(&waits).await.unwrap();

    clock.advance(RETENTION * 3);
    assert_eq!(tidy_all(store).await, 0);
    assert_eq!(keys(&claim_all(store).await), ["SHOP-2"]);
    let inbox = store.inbox("router", 9).await.unwrap();
    assert_eq!(inbox.iter().map(|item| &item.id).collect::<Vec<_>>(), [&waits.id]);
}

pub(crate) async fn what_finished_late_stays_readable_from_then_on(store: &Arc<dyn Store>, clock: &Clock) {
    let id = routed(store, clock, "d-1", &["SHOP-1"]).await;
    clock.advance(RETENTION * 2);
    work_off(store, "SHOP-1", Reason::Moved).await;
    settled(store, &id).await;
    clock.advance(RETENTION.saturating_sub(DAY));
    assert_eq!(tidy_all(store).await, 0);
    clock.advance(DAY * 2);
    assert_eq!(tidy_all(store).await, 1);
}

pub(crate) async fn much_is_removed_in_small_steps(store: &Arc<dyn Store>, clock: &Clock) {
    let events = (0..1200).map(|number| NewEvent {
        verdict: Some(Reason::UnsupportedEvent.into()),
        ..delivery(&format!("d-{number}"), clock)
    });
    join_all(events.map(|event| async move { store.ingest(&event).await.unwrap() })).await;
    clock.advance(RETENTION + DAY);
    let first = store.tidy(RETENTION).await.unwrap().removed;
    assert!((1..=500).contains(&first), "{first} at once");
    assert_eq!(first + tidy_all(store).await, 1200);
}

pub(crate) async fn large_releases_are_removed_few_at_a_time(store: &Arc<dyn Store>, clock: &Clock) {
    let keys: Vec<String> = (1..=1000).map(|number| format!("SHOP-{number}")).collect();
    let settled: Vec<_> = keys.iter().map(|key| trace(key, Reason::NoRuleMatched)).collect();
    for number in 0..4 {
        let routing = Routing { settled: settled.clone(), ..Routing::default() };
        routed_as(store, delivery(&format!("d-{number}"), clock), &routing).await;
    }
    clock.advance(RETENTION + DAY);
    let first = store.tidy(RETENTION).await.unwrap().removed;
    assert!((1..=2).contains(&first), "{first} thousand tickets at once");
    assert_eq!(first + tidy_all(store).await, 4);
}
