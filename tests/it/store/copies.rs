//! `conduit store copy`: a whole store in another one, of either kind, and work goes on where it stood.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use conduit::clock::Clock;
use conduit::registration::Hook;
use conduit::secrets::Secret;
use conduit::secrets::token::{Role, Token};
use conduit::store::copy::{CopyError, Copyable, Standing, copy};
use conduit::store::sqlite::SqliteStore;
use conduit::store::{
    Action, AuditEntry, AuditQuery, Content, EventId, EventQuery, EventRecord, NewEvent, ReplayScope,
    Replayed, Routing, Store, StoreError, compress,
};
use conduit::trace::{Outcome, Reason, TicketTrace, Verdict};

use super::given::{
    by_hand, claim_all, delivery, delivery_of, finish, keys, merged, request, route_first, routed, routed_as,
    settled, to_tickets, trace, waiting,
};
use crate::support::homes::{Cluster, CopyHome, Home as _, Redis, Sqlite};

const AN_HOUR: Duration = Duration::from_hours(1);
const CHANGE: &str = "github/acme/shop/pull_request.merged/118/9f3c";

/// Events of the store that is copied.
struct Past {
    moved_and_dead: NewEvent,
    delayed: EventId,
    behind_it: EventId,
    all: Vec<EventId>,
}

/// A store in the middle of its work.
async fn fill(store: &Arc<dyn Store>, clock: &Clock) -> Past {
    configure(store, clock).await;
    let moved_and_dead = NewEvent { occurrence: Some(CHANGE.into()), ..delivery("d-1", clock) };
    let moved_and_dead = as_merge(moved_and_dead, "c0ffee");
    routed_as(store, moved_and_dead.clone(), &to_tickets(&["SHOP-1", "SHOP-2"])).await;
    store.save_body(&moved_and_dead.id, &compress(b"{\"a\":1}").unwrap()).await.unwrap();
    for claim in claim_all(store).await {
        let moved = claim.lease.job.key == "SHOP-1";
        finish(store, &claim, if moved { Reason::Moved.into() } else { Verdict::dead(Reason::Conflict) })
            .await;
    }
    let raw = NewEvent {
        content: Content::Raw(b"not what it seems".to_vec()),
        verdict: Some(Reason::NotNormalisable.into()),
        ..delivery("d-raw", clock)
    };
    store.ingest(&raw).await.unwrap();
    let again = NewEvent { occurrence: Some(CHANGE.into()), ..delivery("d-again", clock) };
    assert!(store.ingest(&again).await.unwrap().duplicate);

    let settled_one =
        Routing { settled: vec![trace("ELSE-1", Reason::NoMachine)], ..to_tickets(&["SHOP-3"]) };
    let delayed = routed_as(store, delivery("d-2", clock), &settled_one).await;
    let claims = claim_all(store).await;
    let head = claims.iter().find(|claim| claim.lease.job.key == "SHOP-3").unwrap();
    store.retry(&head.lease, AN_HOUR, &waiting(head, Reason::JiraUnreachable, 7)).await.unwrap();
    let behind_it = routed(store, clock, "d-3", &["SHOP-3", "SHOP-4"]).await;
    let claims = claim_all(store).await;
    assert_eq!(keys(&claims), ["SHOP-4"]);
    store.checkpoint(&claims[0].lease, &waiting(&claims[0], Reason::Queued, 1)).await.unwrap();
    store.hand_back(&claims[0].lease).await.unwrap();
    for id in ["d-4", "d-5"] {
        store.ingest(&delivery(id, clock)).await.unwrap();
    }
    let all = store.events(&EventQuery { limit: 100, ..EventQuery::default() }).await.unwrap();
    settled(store, &moved_and_dead.id).await;
    Past { moved_and_dead, delayed, behind_it, all: all.items.into_iter().map(|event| event.id).collect() }
}

async fn configure(store: &Arc<dyn Store>, clock: &Clock) {
    store.setting_once("key_check", "sealed").await.unwrap();
    let hook = Hook::new("github", "shop", "acme/shop", None, "sealed-1".into(), clock.now()).unwrap();
    store.add_hook(&hook).await.unwrap();
    let read = store.hook("github", "shop").await.unwrap().unwrap();
    assert!(store.save_hook(&read).await.unwrap(), "its revision is another than at first");
    let token = Token::new("ada", Role::Admin, &Secret::new("a token of some length"), clock.now());
    store.save_token(&token).await.unwrap();
    let entry = AuditEntry {
        at: clock.now(),
        who: "ada".into(),
        action: Action::Registered,
        target: "github/shop".into(),
        from: None,
        refused: false,
    };
    store.record_audit(&entry).await.unwrap();
    store.pause("other", &by_hand("paused by ada")).await.unwrap();
}

/// The same with the commit as which it was merged.
fn as_merge(event: NewEvent, sha: &str) -> NewEvent {
    let mut content = merged("acme/shop");
    if let conduit::event::Subject::PullRequest(pull_request) = &mut content.subject {
        pull_request.merge_sha = Some(sha.into());
    }
    NewEvent { content: Content::Event(Box::new(content)), ..event }
}

/// All that can be asked of a store.
#[derive(Debug, PartialEq)]
struct Seen {
    events: Vec<(EventRecord, Vec<TicketTrace>, Option<Vec<u8>>)>,
    found: Vec<Vec<EventId>>,
    hooks: Vec<Hook>,
    tokens: Vec<Token>,
    audit: Vec<AuditEntry>,
    queue: (u64, u64, u64, u64, u64),
    paused: Vec<conduit::store::PausedSite>,
    merged: usize,
}

async fn look(store: &Arc<dyn Store>, ids: &[EventId]) -> Seen {
    let mut events = Vec::new();
    for id in ids {
        let record = store.event(id).await.unwrap().unwrap();
        events.push((record, store.ticket_traces(id).await.unwrap(), store.body(id).await.unwrap()));
    }
    let outcomes = [Outcome::Dead, Outcome::Waiting, Outcome::NothingToDo].map(Some);
    let mut queries: Vec<EventQuery> =
        outcomes.map(|outcome| EventQuery { outcome, ..EventQuery::default() }).into();
    queries.push(EventQuery { ticket: Some("SHOP-3".into()), ..EventQuery::default() });
    queries.push(EventQuery { repo: Some("acme/shop".into()), ..EventQuery::default() });
    let mut found = Vec::new();
    for query in queries {
        let page = store.events(&EventQuery { limit: 100, ..query }).await.unwrap();
        let mut ids: Vec<EventId> = page.items.into_iter().map(|event| event.id).collect();
        // Events of one millisecond have no order that both stores keep.
        ids.sort();
        found.push(ids);
    }
    let queue = store.queue().await.unwrap();
    Seen {
        events,
        found,
        hooks: store.hooks(None).await.unwrap(),
        tokens: store.tokens().await.unwrap(),
        audit: store.audit(&AuditQuery { limit: 10, ..AuditQuery::default() }).await.unwrap().items,
        queue: (queue.inbox, queue.ready, queue.leased, queue.delayed, queue.dead),
        paused: queue.paused,
        merged: store.merged_as("github", "acme/shop", "c0ffee").await.unwrap().len(),
    }
}

async fn copied<From: CopyHome, To: CopyHome>(from: &From, to: &To, clock: &Clock) -> Result<(), CopyError> {
    let (from, to) = (from.open_to_copy(clock).await, to.open_to_copy(clock).await);
    copy(from.as_ref(), to.as_ref(), &|| ()).await.map(drop)
}

async fn work_goes_on_where_it_stood<From: CopyHome, To: CopyHome>() {
    let (clock, from, to) = (Clock::system(), From::new().await, To::new().await);
    let store = from.open(&clock).await;
    let past = fill(&store, &clock).await;
    let before = look(&store, &past.all).await;
    assert_eq!(before.queue, (2, 1, 0, 1, 1), "it is in the middle of its work");
    assert_eq!(before.merged, 1);
    drop(store);
    copied(&from, &to, &clock).await.unwrap();

    let store = to.open(&clock).await;
    assert_eq!(look(&store, &past.all).await, before);
    assert!(!store.replace_setting("key_check", "another", "x").await.unwrap(), "the setting is there");
    goes_on(&store, &clock, &past).await;
}

async fn goes_on(store: &Arc<dyn Store>, clock: &Clock, past: &Past) {
    // Dedupe, by delivery and by change.
    let again = store.ingest(&NewEvent { occurrence: None, ..delivery("d-4", clock) }).await.unwrap();
    assert!(again.duplicate && again.requeued.is_empty());
    let other_hook = NewEvent { occurrence: Some(CHANGE.into()), ..delivery("d-other-hook", clock) };
    assert!(store.ingest(&other_hook).await.unwrap().duplicate);

    // The intent that was written down is found by the next worker.
    let claims = claim_all(store).await;
    assert_eq!(keys(&claims), ["SHOP-4"], "SHOP-3 waits");
    assert_eq!(claims[0].state, Some(waiting(&claims[0], Reason::Queued, 1)));
    finish(store, &claims[0], Reason::Moved).await;

    // The inbox in its order.
    for expected in ["d-4", "d-5"] {
        let waits = store.inbox("router", 10).await.unwrap();
        assert_eq!(waits[0].id, delivery(expected, clock).id);
        route_first(store, &to_tickets(&["SHOP-3"])).await;
    }

    // The ticket's queue in its order, behind its retry.
    assert!(claim_all(store).await.is_empty());
    clock.advance(AN_HOUR * 2);
    let in_order = [&past.delayed, &past.behind_it, &delivery("d-4", clock).id, &delivery("d-5", clock).id];
    for (event, attempt) in in_order.into_iter().zip(0..) {
        let claims = store.claim(&request("worker", 10)).await.unwrap();
        assert_eq!(keys(&claims), ["SHOP-3"]);
        assert_eq!(&claims[0].lease.job.event, event);
        let expected = (attempt == 0).then(|| waiting(&claims[0], Reason::JiraUnreachable, 7));
        assert_eq!(claims[0].state, expected);
        finish(store, &claims[0], Reason::Moved).await;
    }
    assert_eq!(settled(store, &past.delayed).await.verdict, Reason::Moved.into());

    // The dead letter can be sent through again.
    let replayed = store.replay(&past.moved_and_dead.id, ReplayScope::Unfinished, &[]).await.unwrap();
    assert_eq!(replayed, Replayed::Queued(vec!["SHOP-2".into()]));
    let item = super::given::first_waiting(store).await;
    assert_eq!((item.generation, item.only.as_slice()), (2, &["SHOP-2".to_owned()][..]));
    route_first(store, &to_tickets(&["SHOP-2"])).await;
    assert_eq!(keys(&claim_all(store).await), ["SHOP-2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_a_file_into_redis_and_work_goes_on() {
    work_goes_on_where_it_stood::<Sqlite, Redis>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_redis_into_a_file_and_work_goes_on() {
    work_goes_on_where_it_stood::<Redis, Sqlite>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_one_redis_into_a_cluster_with_more_partitions_and_work_goes_on() {
    work_goes_on_where_it_stood::<Redis, Cluster>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_a_cluster_into_a_file_and_work_goes_on() {
    work_goes_on_where_it_stood::<Cluster, Sqlite>().await;
}

/// More than one page of everything, and a queue that is longer than one.
async fn long_queues_keep_their_order<From: CopyHome, To: CopyHome>() {
    let (clock, from, to) = (Clock::system(), From::new().await, To::new().await);
    let store = from.open(&clock).await;
    let mut order = Vec::new();
    for n in 0..230 {
        let event = delivery_of(&format!("acme/r{}", n % 3), &format!("d-{n}"), &clock);
        let own = format!("SHOP-{}", n + 10);
        order.push(routed_as(&store, event, &to_tickets(&["SHOP-1", &own])).await);
    }
    drop(store);
    copied(&from, &to, &clock).await.unwrap();
    let store = to.open(&clock).await;
    let mut seen = Vec::new();
    while seen.len() < order.len() {
        let claims = claim_all(&store).await;
        assert!(!claims.is_empty());
        for claim in claims {
            if claim.lease.job.key == "SHOP-1" {
                seen.push(claim.lease.job.event.clone());
            }
            finish(&store, &claim, Reason::Moved).await;
        }
    }
    assert_eq!(seen, order);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_queue_keeps_its_order_from_a_file() {
    long_queues_keep_their_order::<Sqlite, Redis>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_queue_keeps_its_order_from_redis() {
    long_queues_keep_their_order::<Redis, Sqlite>().await;
}

/// Half a copy is refused until it is begun again, and then replaced.
async fn half_a_copy_is_no_store<To: CopyHome>(open: impl AsyncFn(&To, &Clock) -> Result<(), StoreError>) {
    let (clock, from, to) = (Clock::system(), Sqlite::new().await, To::new().await);
    let store = from.open(&clock).await;
    let past = fill(&store, &clock).await;
    let before = look(&store, &past.all).await;
    drop(store);
    {
        let (from, half) = (from.open_to_copy(&clock).await, to.open_to_copy(&clock).await);
        assert_eq!(half.standing().await.unwrap(), Standing::Empty);
        half.begin().await.unwrap();
        let mut reading = from.read();
        for _ in 0..3 {
            half.write(reading.next().await.unwrap()).await.unwrap();
        }
        assert_eq!(half.standing().await.unwrap(), Standing::Half);
    }
    let refused = open(&to, &clock).await.unwrap_err();
    assert!(matches!(&refused, StoreError::Unfit(why) if why.contains("half a copy")), "{refused:?}");
    copied(&from, &to, &clock).await.unwrap();
    assert_eq!(look(&to.open(&clock).await, &past.all).await, before);
    let again = copied(&from, &to, &clock).await.unwrap_err();
    assert!(matches!(again, CopyError::NotEmpty), "{again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_copy_in_redis_is_refused_until_it_is_begun_again() {
    half_a_copy_is_no_store(async |to: &Redis, clock: &Clock| to.try_open(clock).await.map(drop)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_copy_in_a_file_is_refused_until_it_is_begun_again() {
    half_a_copy_is_no_store(async |to: &Sqlite, clock: &Clock| to.try_open(clock).map(drop)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_in_use_is_not_copied_and_one_that_is_copied_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let path: &Path = &folder.path().join("conduit.db");
    let clock = Clock::system();
    let running = SqliteStore::open(path, clock.clone()).unwrap();
    let open = || conduit::store::sqlite::SqliteFile::open(path, clock.clone());
    let refused = open().err().expect("it is in use");
    assert!(matches!(&refused, StoreError::Unfit(why) if why.contains("is in use")), "{refused:?}");
    drop(running);
    let copied = open().unwrap();
    let refused = SqliteStore::open(path, clock.clone()).err().expect("it is being copied");
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
    drop(copied);
    SqliteStore::open(path, clock).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_at_work_on_redis_is_seen() {
    let (clock, home) = (Clock::system(), Redis::new().await);
    let store = home.open(&clock).await;
    let side: Box<dyn Copyable> = home.open_to_copy(&clock).await;
    assert_eq!(side.at_work().await.unwrap(), None);
    routed(&store, &clock, "d-1", &["SHOP-1"]).await;
    let claims = claim_all(&store).await;
    assert!(side.at_work().await.unwrap().unwrap().contains("holds a ticket"));
    finish(&store, &claims[0], Reason::Moved).await;
    assert_eq!(side.at_work().await.unwrap(), None);
    store.say_at_work().await.unwrap();
    assert!(side.at_work().await.unwrap().unwrap().contains("a sign of life"));
}
