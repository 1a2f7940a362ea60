//! What the stories are told with: deliveries, routings, workers.

use std::sync::Arc;
use std::time::Duration;

use conduit::clock::Clock;
use conduit::event::ticket::Source;
use conduit::event::{Event, PullRequest, Repo, Sender, Subject, Trigger};
use conduit::store::{
    Claim, ClaimRequest, Content, EventId, EventRecord, InboxItem, JobState, NewEvent, NewJob, Pause,
    PauseKind, Routing, Store,
};
use conduit::trace::{Reason, Received, TicketTrace, Verdict};

pub(crate) const LEASE: Duration = Duration::from_secs(30);
pub(crate) const RETENTION: Duration = Duration::from_hours(30 * 24);

/// A merged pull request of `acme/shop`, just received by the hook `github/shop`.
pub(crate) fn delivery(delivery_id: &str, clock: &Clock) -> NewEvent {
    delivery_of("acme/shop", delivery_id, clock)
}

pub(crate) fn delivery_of(repo: &str, delivery_id: &str, clock: &Clock) -> NewEvent {
    NewEvent {
        id: EventId::new("github/shop", repo, delivery_id),
        provider: "github".into(),
        delivery_id: delivery_id.into(),
        occurrence: None,
        repo: repo.into(),
        kind: "pull_request.merged".into(),
        projects: None,
        content: Content::Event(Box::new(merged(repo))),
        received: Received {
            at: clock.now(),
            hook: "github/shop".into(),
            bytes: 24_600,
            ms: 2,
            verified_by: "HMAC-SHA256".into(),
            secret_version: 1,
        },
        verdict: None,
        detail: None,
    }
}

pub(crate) fn merged(repo: &str) -> Event {
    Event {
        schema: conduit::event::SCHEMA,
        provider: "github".into(),
        kind: "pull_request.merged".into(),
        triggers: vec![Trigger::PullRequestMerged],
        repo: Some(Repo { id: repo.into(), path: repo.into(), ..Repo::default() }),
        sender: Sender { login: "ada".into(), ..Sender::default() },
        occurred_at: None,
        change: Some("118/9f3c".into()),
        subject: Subject::PullRequest(PullRequest { number: 118, merged: true, ..PullRequest::default() }),
    }
}

/// A ticket to be worked on; its project is the key's.
pub(crate) fn job(site: &str, key: &str) -> NewJob {
    let (project, _) = key.rsplit_once('-').unwrap();
    NewJob {
        site: site.into(),
        project: project.into(),
        key: key.into(),
        found_in: vec![Source::Branch, Source::Title],
    }
}

pub(crate) fn to_tickets(keys: &[&str]) -> Routing {
    Routing { jobs: keys.iter().map(|key| job("jira", key)).collect(), ..Routing::default() }
}

/// The event that waits longest.
pub(crate) async fn first_waiting(store: &Arc<dyn Store>) -> InboxItem {
    store.inbox("router", 10).await.unwrap().into_iter().next().expect("an event waits")
}

/// Fans out the event that waits longest.
pub(crate) async fn route_first(store: &Arc<dyn Store>, routing: &Routing) {
    let item = first_waiting(store).await;
    store.route(&item, routing).await.unwrap();
}

/// A delivery that came in and was fanned out to these tickets of the site `jira`.
pub(crate) async fn routed(
    store: &Arc<dyn Store>,
    clock: &Clock,
    delivery_id: &str,
    keys: &[&str],
) -> EventId {
    routed_as(store, delivery(delivery_id, clock), &to_tickets(keys)).await
}

pub(crate) async fn routed_as(store: &Arc<dyn Store>, event: NewEvent, routing: &Routing) -> EventId {
    assert!(!store.ingest(&event).await.unwrap().duplicate);
    route_first(store, routing).await;
    event.id
}

pub(crate) fn request(worker: &str, most: usize) -> ClaimRequest {
    ClaimRequest { worker: worker.into(), lease: LEASE, most, skip_sites: Vec::new() }
}

/// A person's order to stand still.
pub(crate) fn by_hand(why: &str) -> Pause {
    Pause { kind: PauseKind::Operator, why: why.into(), rest: None }
}

/// Everything that can be claimed now.
pub(crate) async fn claim_all(store: &Arc<dyn Store>) -> Vec<Claim> {
    store.claim(&request("worker", 1000)).await.unwrap()
}

/// The next ticket, which there must be.
pub(crate) async fn claim(store: &Arc<dyn Store>) -> Claim {
    store.claim(&request("worker", 1)).await.unwrap().pop().expect("a ticket is ready")
}

pub(crate) fn keys(claims: &[Claim]) -> Vec<&str> {
    claims.iter().map(|claim| claim.lease.job.key.as_str()).collect()
}

pub(crate) fn trace(key: &str, verdict: impl Into<Verdict>) -> TicketTrace {
    let verdict = verdict.into();
    let queued = TicketTrace::queued(key, vec![Source::Branch], jiff::Timestamp::UNIX_EPOCH);
    TicketTrace { outcome: verdict.outcome, reason: verdict.reason, ..queued }
}

/// What a worker saves when its ticket has to wait.
pub(crate) fn waiting(claim: &Claim, reason: Reason, attempt: u64) -> JobState {
    JobState {
        progress: serde_json::json!({ "attempt": attempt }),
        trace: trace(&claim.lease.job.key, reason),
    }
}

pub(crate) async fn finish(store: &Arc<dyn Store>, claim: &Claim, verdict: impl Into<Verdict>) {
    store.finish(&claim.lease, &trace(&claim.lease.job.key, verdict)).await.unwrap();
}

/// Claims the next ticket, which must be `key`, and ends it.
pub(crate) async fn work_off(store: &Arc<dyn Store>, key: &str, verdict: impl Into<Verdict>) {
    let claim = claim(store).await;
    assert_eq!(claim.lease.job.key, key);
    finish(store, &claim, verdict).await;
}

/// The event as it stands once everything finished was carried home to it.
pub(crate) async fn settled(store: &Arc<dyn Store>, id: &EventId) -> EventRecord {
    while store.tidy(RETENTION).await.unwrap().carried > 0 {}
    store.event(id).await.unwrap().expect("the event is kept")
}
