//! In at the door.

use std::sync::Arc;

use conduit::clock::Clock;
use conduit::event::{PullRequest, Subject};
use conduit::store::{Content, EventId, EventState, Ingested, NewEvent, Store, compress, decompress};
use conduit::trace::{Reason, Verdict};
use futures_util::future::join_all;

use super::given::{delivery, first_waiting, merged};

const NEW: Ingested = Ingested { duplicate: false, known: false, requeued: Vec::new() };
/// The same change under another id.
const STANDS: Ingested = Ingested { duplicate: true, known: false, requeued: Vec::new() };
const KNOWN: Ingested = Ingested { duplicate: true, known: true, requeued: Vec::new() };

pub(crate) async fn a_delivery_waits_in_the_inbox_as_it_came(store: &Arc<dyn Store>, clock: &Clock) {
    let event = NewEvent { projects: Some(vec!["SHOP".into()]), ..delivery("d-1", clock) };
    assert_eq!(store.ingest(&event).await.unwrap(), NEW);

    let item = first_waiting(store).await;
    assert_eq!((item.id, item.generation, item.replayed), (event.id.clone(), 1, false));
    assert!(item.only.is_empty());
    assert_eq!(item.projects, event.projects);
    assert_eq!(item.event, Ok(merged("acme/shop")));

    let record = store.event(&event.id).await.unwrap().unwrap();
    assert_eq!((record.provider, record.delivery_id), (event.provider, event.delivery_id));
    assert_eq!((record.repo, record.kind, record.received), (event.repo, event.kind, event.received));
    assert_eq!((record.state, record.generation), (EventState::Waiting, 1));
    assert_eq!(record.verdict, Verdict::from(Reason::Queued));
    assert_eq!(record.event, Some(merged("acme/shop")));
    assert!(record.tickets.is_empty() && record.ignored.is_empty() && record.duplicate_of.is_none());
}

pub(crate) async fn a_large_event_comes_back_as_it_was(store: &Arc<dyn Store>, clock: &Clock) {
    let body = "SHOP-1 und ein „Zitat“\u{1f680}\u{0}\r\n".repeat(5000);
    let mut large = merged("acme/shop");
    large.subject = Subject::PullRequest(PullRequest { body, ..PullRequest::default() });
    let content = Content::Event(Box::new(large.clone()));
    store.ingest(&NewEvent { content, ..delivery("d-1", clock) }).await.unwrap();
    assert_eq!(first_waiting(store).await.event, Ok(large));
}

pub(crate) async fn the_same_delivery_fifty_times_at_once_is_one_event(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    let event = delivery("d-1", clock);
    let answers = join_all((0..50).map(|_| {
        let (store, event) = (Arc::clone(store), event.clone());
        tokio::spawn(async move { store.ingest(&event).await.unwrap() })
    }))
    .await;
    let new = answers.iter().filter(|answer| *answer.as_ref().unwrap() == NEW).count();
    assert_eq!(new, 1);
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().requeued.is_empty()));
    assert_eq!(store.inbox("router", 100).await.unwrap().len(), 1);
    assert_eq!(store.queue().await.unwrap().inbox, 1);
}

pub(crate) async fn the_same_change_by_another_hook_is_a_duplicate(store: &Arc<dyn Store>, clock: &Clock) {
    let change = Some("github/4711/pull_request.merged/118/9f3c".to_owned());
    let first = NewEvent {
        id: EventId::new("github/shop", "4711", "d-1"),
        occurrence: change.clone(),
        ..delivery("d-1", clock)
    };
    let second = NewEvent { id: EventId::new("github/acme", "4711", "d-2"), ..first.clone() };
    assert_eq!(store.ingest(&first).await.unwrap(), NEW);
    assert_eq!(store.ingest(&second).await.unwrap(), STANDS);
    assert_eq!(store.inbox("router", 10).await.unwrap().len(), 1);

    let record = store.event(&second.id).await.unwrap().unwrap();
    assert_eq!(record.state, EventState::Finished);
    assert_eq!(record.verdict, Verdict::from(Reason::Duplicate));
    assert_eq!(record.duplicate_of, Some(first.id.clone()));
    assert_eq!(store.ingest(&second).await.unwrap(), KNOWN, "and again");

    let other = NewEvent {
        id: EventId::new("github/acme", "4711", "d-3"),
        occurrence: Some("github/4711/pull_request.merged/119/77aa".into()),
        ..first
    };
    assert_eq!(store.ingest(&other).await.unwrap(), NEW, "another change is new");
}

pub(crate) async fn an_event_with_a_verdict_is_finished_and_stands_for_nothing(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    let stale = NewEvent {
        occurrence: Some("github/4711/pull_request.merged/118/9f3c".into()),
        verdict: Some(Reason::Stale.into()),
        detail: Some("it is nine days old".into()),
        ..delivery("d-1", clock)
    };
    assert_eq!(store.ingest(&stale).await.unwrap(), NEW);
    assert!(store.inbox("router", 10).await.unwrap().is_empty());
    let record = store.event(&stale.id).await.unwrap().unwrap();
    assert_eq!((record.state, record.verdict), (EventState::Finished, Verdict::from(Reason::Stale)));
    assert_eq!(record.detail.as_deref(), Some("it is nine days old"));
    assert_eq!(store.ingest(&stale).await.unwrap(), KNOWN);

    let genuine =
        NewEvent { id: EventId::new("github/acme", "4711", "d-2"), verdict: None, detail: None, ..stale };
    assert_eq!(store.ingest(&genuine).await.unwrap(), NEW, "nothing stands for the change yet");
}

pub(crate) async fn a_payload_that_could_not_be_understood_is_kept_whole(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    let body = br#"{"action": 7}"#.repeat(300);
    let event = NewEvent {
        content: Content::Raw(body.clone()),
        verdict: Some(Reason::NotNormalisable.into()),
        repo: String::new(),
        ..delivery("d-1", clock)
    };
    assert_eq!(store.ingest(&event).await.unwrap(), NEW);
    let record = store.event(&event.id).await.unwrap().unwrap();
    assert_eq!(record.verdict, Verdict::from(Reason::NotNormalisable));
    assert_eq!(record.event, None);
    let kept = store.body(&event.id).await.unwrap().expect("the body is kept");
    assert_eq!(decompress(&kept).unwrap(), body);
    assert_eq!(store.ingest(&event).await.unwrap(), KNOWN, "it has no tickets to take up again");
}

pub(crate) async fn a_body_is_kept_for_the_log(store: &Arc<dyn Store>, clock: &Clock) {
    let event = delivery("d-1", clock);
    let body = compress(b"{\"action\":\"closed\"}").unwrap();
    store.save_body(&event.id, &body).await.unwrap();
    assert_eq!(store.body(&event.id).await.unwrap(), None, "a body without an event is nothing");
    store.ingest(&event).await.unwrap();
    assert_eq!(store.body(&event.id).await.unwrap(), None);
    store.save_body(&event.id, &body).await.unwrap();
    assert_eq!(store.body(&event.id).await.unwrap(), Some(body));
}

pub(crate) async fn an_event_of_a_newer_version_says_so(store: &Arc<dyn Store>, clock: &Clock) {
    let mut newer = merged("acme/shop");
    newer.schema = conduit::event::SCHEMA + 1;
    let content = Content::Event(Box::new(newer));
    store.ingest(&NewEvent { content, ..delivery("d-1", clock) }).await.unwrap();
    let why = first_waiting(store).await.event.expect_err("it cannot be read").to_string();
    assert!(why.contains("newer"), "{why}");
}
