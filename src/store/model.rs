//! The plain data that goes into a store and comes out of it.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{EventId, JobId, PausedSite, Unreadable};
use crate::event::ticket::{IgnoredKey, Source};
use crate::event::{Event, Trigger};
use crate::trace::{EventSummary, Outcome, Reason, Received, TicketTrace, Trace, Verdict};

/// A verified delivery on its way into the store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// See [`EventId::new`].
    pub id: EventId,
    /// The forge: `github`.
    pub provider: String,
    /// The forge's own id of the delivery.
    pub delivery_id: String,
    /// See [`Event::occurrence`].
    pub occurrence: Option<String>,
    /// The repository's path, for the index; empty when the payload names none.
    pub repo: String,
    /// See [`Event::kind`].
    pub kind: String,
    /// The projects that the hook may move, as it was when the delivery came; `None`: all.
    pub projects: Option<Vec<String>>,
    /// What it means, or the bytes that could not be understood.
    pub content: Content,
    /// When and how it arrived.
    pub received: Received,
    /// Set: recorded as finished with this verdict. Not set: to be fanned out.
    pub verdict: Option<Verdict>,
    /// One sentence that goes with the verdict.
    pub detail: Option<String>,
}

impl NewEvent {
    /// The commit as which it reports a pull request merged, in the words of [`merge_name`].
    pub(super) fn merge(&self) -> Option<String> {
        let Content::Event(event) = &self.content else { return None };
        let (repo_id, sha) = merge_of(event).filter(|_| self.verdict.is_none())?;
        Some(merge_name(&self.provider, repo_id, sha))
    }
}

/// The repository's id and the commit as which an event reports a pull request merged.
pub(super) fn merge_of(event: &Event) -> Option<(&str, &str)> {
    if !event.triggers.contains(&Trigger::PullRequestMerged) {
        return None;
    }
    let sha = event.pull_request()?.merge_sha.as_deref()?;
    Some((&event.repo.as_ref()?.id, sha))
}

/// The name of a commit in the index of merged pull requests.
pub(super) fn merge_name(provider: &str, repo_id: &str, sha: &str) -> String {
    format!("{provider}/{repo_id}/{sha}")
}

/// What is kept of a delivery.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// The normalised event.
    Event(Box<Event>),
    /// A verified body that could not be normalised, whole, so that nothing accepted is ever gone.
    Raw(Vec<u8>),
}

/// What became of an ingest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingested {
    /// It, or the same change, had been accepted before.
    pub duplicate: bool,
    /// It itself had been: its event has a record already, and got no second one.
    pub known: bool,
    /// Tickets of an earlier delivery that were queued again because they had failed.
    pub requeued: Vec<String>,
}

/// An event that waits to be fanned out.
#[derive(Debug, Clone, PartialEq)]
pub struct InboxItem {
    /// The event.
    pub id: EventId,
    /// Which time it goes through.
    pub generation: u32,
    /// The tickets to send through again; empty: all that it names.
    pub only: Vec<String>,
    /// The projects that the hook may move; `None`: all.
    pub projects: Option<Vec<String>>,
    /// A person asked for this run: staleness and the number of tickets hold it back no longer.
    pub replayed: bool,
    /// What it means, or why this version cannot read it.
    pub event: Result<Event, Unreadable>,
    /// Proof of holding the inbox partition.
    pub fence: u64,
    /// Which partition of the inbox that is. Events of one keep their order; those of another need not wait.
    pub partition: u16,
}

/// How an event fans out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Routing {
    /// Tickets to be worked on, in the order of their queues.
    pub jobs: Vec<NewJob>,
    /// Tickets that were settled without asking anybody, with their final traces.
    pub settled: Vec<TicketTrace>,
    /// What looked like a key and was not acted on.
    pub ignored: Vec<IgnoredKey>,
    /// The event's own verdict when there are neither jobs nor settled tickets.
    pub verdict: Option<Verdict>,
    /// One sentence that goes with the verdict.
    pub detail: Option<String>,
    /// All keys in the order the event names them. One that is missing here comes last.
    pub order: Vec<String>,
}

/// A ticket's part of a routing.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part<'a> {
    /// See [`Routing::jobs`].
    Job(&'a NewJob),
    /// See [`Routing::settled`].
    Settled(&'a TicketTrace),
}

impl Part<'_> {
    fn key(&self) -> &str {
        match self {
            Self::Job(job) => &job.key,
            Self::Settled(trace) => &trace.key,
        }
    }
}

impl Routing {
    /// Jobs and settled tickets in the order the event names them, which is the order they are kept in.
    pub(super) fn parts(&self) -> Vec<Part<'_>> {
        let places: HashMap<&str, usize> =
            self.order.iter().enumerate().map(|(place, key)| (key.as_str(), place)).collect();
        let settled = self.settled.iter().map(Part::Settled);
        let mut parts: Vec<_> = self.jobs.iter().map(Part::Job).chain(settled).collect();
        parts.sort_by_key(|part| places.get(part.key()).copied().unwrap_or(usize::MAX));
        parts
    }
}

/// A ticket to be worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// The site's configured name.
    pub site: String,
    /// The project key, in capitals.
    pub project: String,
    /// The issue key, in capitals.
    pub key: String,
    /// Where the event names it.
    pub found_in: Vec<Source>,
}

/// Who asks for work, and how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRequest {
    /// A name that no other running process has.
    pub worker: String,
    /// How long the lease lasts without a heartbeat.
    pub lease: Duration,
    /// How many tickets at most.
    pub most: usize,
    /// Sites that have as many workers as they may.
    pub skip_sites: Vec<String>,
}

/// The right to work on a ticket. Everything written under it is refused once it is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub job: JobId,
    /// The site it is on.
    pub site: String,
    /// Goes up with each claim of the store; the store refuses an older one.
    pub fence: u64,
    /// How long it lasts from the last heartbeat.
    pub duration: Duration,
}

/// A leased job.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// The right to work on it.
    pub lease: Lease,
    /// The project key.
    pub project: String,
    /// Where the event names the ticket.
    pub found_in: Vec<Source>,
    /// When the job was queued.
    pub queued_at: Timestamp,
    /// How often in a row its lease ran out, instead of being finished, retried or handed back. Notes saved on the
    /// way do not count as parting: who breaks its worker may have saved some first.
    pub expired: u32,
    /// Its event has, or had when it was routed, other tickets on this site: see
    /// [`claim_siblings`](super::Store::claim_siblings).
    pub siblings: bool,
    /// What an earlier worker left, [`None`] the first time.
    pub state: Option<JobState>,
    /// The projects that the hook may move; `None`: all.
    pub projects: Option<Vec<String>>,
    /// The event, or why this version cannot read it.
    pub event: Result<Event, Unreadable>,
}

/// What a worker leaves for the next one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobState {
    /// The worker's own notes (the intent, the attempts); the store does not look inside.
    pub progress: serde_json::Value,
    /// The trace so far; its verdict says what the ticket waits for.
    pub trace: TicketTrace,
}

/// Where an event is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventState {
    /// In the inbox.
    Waiting,
    /// Fanned out; at least one ticket is not finished.
    Working,
    /// All over.
    Finished,
}

/// An event as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct EventRecord {
    /// Its id.
    pub id: EventId,
    /// The forge.
    pub provider: String,
    /// The forge's own id of the delivery.
    pub delivery_id: String,
    /// The repository's path.
    pub repo: String,
    /// See [`Event::kind`].
    pub kind: String,
    /// When and how it arrived.
    pub received: Received,
    /// Where it is on its way.
    pub state: EventState,
    /// The gravest of its tickets' verdicts, or its own.
    pub verdict: Verdict,
    /// One sentence that goes with the verdict.
    pub detail: Option<String>,
    /// The event that stood for this change already.
    pub duplicate_of: Option<EventId>,
    /// How often it was sent through.
    pub generation: u32,
    /// Its tickets, in the order it names them.
    pub tickets: Vec<TicketState>,
    /// What looked like a key and was not acted on.
    pub ignored: Vec<IgnoredKey>,
    /// The normalised event; `None` when it could not be normalised (its body is kept then).
    pub event: Option<Event>,
}

/// How far one ticket of an event is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketState {
    /// The issue key.
    pub key: String,
    /// The site it is on; empty for a settled ticket.
    pub site: String,
    /// The generation of its newest job.
    pub generation: u32,
    /// How it ended, or what it waits for (as last carried home).
    pub verdict: Verdict,
}

/// Which events to list. Filters that are not set let everything through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// Events that name this issue key.
    pub ticket: Option<String>,
    /// Events of this repository path.
    pub repo: Option<String>,
    /// Events with this outcome.
    pub outcome: Option<Outcome>,
    /// Events received at or after this time.
    pub since: Option<Timestamp>,
    /// Where the last page ended.
    pub cursor: Option<String>,
    /// How many on a page.
    pub limit: usize,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next one begins; `None` on the last.
    pub next: Option<String>,
}

/// Which tickets of an event a replay takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayScope {
    /// Failed and dead tickets; all of them when the event itself was held back (`stale`,
    /// `too_many_tickets`) or never found a ticket.
    Unfinished,
    /// Every ticket, also those that moved.
    All,
}

impl ReplayScope {
    /// The tickets of `among` (empty: of all) that a replay of a finished event takes (empty: all that it will be
    /// found to name), or the reason why it takes none.
    pub fn select(
        self,
        verdict: Verdict,
        tickets: &[TicketState],
        among: &[String],
    ) -> Result<Vec<String>, Reason> {
        match verdict.reason {
            // There is nothing to act on, or nothing that may be acted on.
            Reason::NotNormalisable | Reason::UnsupportedEvent | Reason::RepoMismatch | Reason::Duplicate => {
                return Err(verdict.reason);
            }
            Reason::Stale | Reason::TooManyTickets if among.is_empty() => return Ok(Vec::new()),
            _ => {}
        }
        let named = |ticket: &&TicketState| among.is_empty() || among.contains(&ticket.key);
        let takes = |ticket: &&TicketState| self == Self::All || ticket.verdict.outcome.is_retriable();
        let selected = tickets.iter().filter(named).filter(takes);
        let keys: Vec<String> = selected.map(|ticket| ticket.key.clone()).collect();
        let nothing_to_choose_from = tickets.is_empty() && among.is_empty();
        if keys.is_empty() && !nothing_to_choose_from { Err(verdict.reason) } else { Ok(keys) }
    }
}

/// The keys by which the event itself names these tickets. One that was handed over to the key it bears by now goes
/// through again by the one it was found by, or the event would be found not to name it.
pub(super) fn as_named(keys: Vec<String>, traces: &[TicketTrace]) -> Vec<String> {
    let was = |key: &String| traces.iter().find(|trace| trace.key == *key)?.was.clone();
    let mut named: Vec<String> = Vec::with_capacity(keys.len());
    for key in keys {
        // A ticket may have moved more than once, but no more often than there are traces.
        let name = std::iter::successors(Some(key), was).take(traces.len() + 1).last();
        named.extend(name.filter(|name| !named.contains(name)));
    }
    named
}

/// The tickets that a redelivery takes up: those that failed, unless they are under way again under the keys by which
/// the event names them.
pub(super) fn failed(tickets: &[TicketState], traces: &[TicketTrace]) -> Vec<String> {
    let failed = tickets.iter().filter(|ticket| ticket.verdict.outcome.is_retriable());
    let mut keys = as_named(failed.map(|ticket| ticket.key.clone()).collect(), traces);
    let waits = |ticket: &TicketState| !ticket.verdict.outcome.is_final();
    keys.retain(|key| !tickets.iter().any(|ticket| ticket.key == *key && waits(ticket)));
    keys
}

/// What a replay did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replayed {
    /// These tickets go through again; empty: all that the event will be found to name.
    Queued(Vec<String>),
    /// There is no such event.
    NotFound,
    /// It is not finished yet.
    NotFinished,
    /// Nothing of it can be replayed in this scope, for the reason given by its verdict.
    Refused(Reason),
}

/// What waits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QueueStatus {
    /// Events to be fanned out.
    pub inbox: u64,
    /// Tickets that could be worked on now.
    pub ready: u64,
    /// Tickets being worked on.
    pub leased: u64,
    /// Tickets that wait for a retry.
    pub delayed: u64,
    /// Finished tickets whose patience ran out, still kept.
    pub dead: u64,
    /// Age in seconds of the oldest event that is not finished; 0 when there is none.
    pub oldest_seconds: u64,
    /// Sites that stand still.
    pub paused: Vec<PausedSite>,
}

/// How a spool stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SpoolStatus {
    /// Deliveries go into it now.
    pub in_use: bool,
    /// Why the store behind it takes none; `None` while it does.
    pub store_away: Option<String>,
    /// Deliveries that wait in it.
    pub waiting: u64,
    /// Deliveries that the store refused for good.
    pub refused: u64,
    /// The bytes it takes.
    pub bytes: u64,
    /// The bytes it may take.
    pub most_bytes: u64,
}

/// What [`super::Store::tidy`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tidied {
    /// Leases that had expired and were taken back.
    pub reaped: u64,
    /// Finished tickets carried home to their events.
    pub carried: u64,
    /// Events removed because they were older than the retention.
    pub removed: u64,
}

impl EventRecord {
    /// The trace of this event with its tickets' traces. Those that wait on a site that stands still say so.
    pub fn into_trace(self, mut tickets: Vec<TicketTrace>, paused: &[PausedSite]) -> Trace {
        for trace in &mut tickets {
            let site = self.tickets.iter().find(|ticket| ticket.key == trace.key).map(|ticket| &ticket.site);
            if let Some(pause) = site.and_then(|site| PausedSite::of(paused, site)) {
                pause.holds(trace);
            }
        }
        let own = tickets.iter().map(|t| Verdict { outcome: t.outcome, reason: t.reason });
        let verdict = Verdict::gravest(own).unwrap_or(self.verdict);
        Trace {
            schema: crate::trace::SCHEMA.to_owned(),
            planned: false,
            event_id: self.id.to_string(),
            provider: self.provider,
            delivery_id: self.delivery_id,
            event: self.event.as_ref().map(EventSummary::from),
            received: Some(self.received),
            tickets,
            ignored_keys: self.ignored,
            outcome: verdict.outcome,
            reason: verdict.reason,
            detail: self
                .detail
                .or_else(|| self.duplicate_of.map(|id| format!("event {id} stands for this change"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_takes_what_failed_and_only_on_demand_what_moved() {
        let ticket =
            |key: &str, verdict| TicketState { key: key.into(), site: "jira".into(), generation: 1, verdict };
        let failed = Verdict::from(Reason::NoPermission);
        let moved = Verdict::from(Reason::Moved);
        let both = [ticket("SHOP-1", moved), ticket("SHOP-2", failed)];
        assert_eq!(ReplayScope::Unfinished.select(failed, &both, &[]).unwrap(), ["SHOP-2"]);
        assert_eq!(ReplayScope::All.select(failed, &both, &[]).unwrap(), ["SHOP-1", "SHOP-2"]);
        assert_eq!(ReplayScope::Unfinished.select(moved, &both[..1], &[]), Err(Reason::Moved));
        let named = |key: &str| ReplayScope::Unfinished.select(failed, &both, &[key.to_owned()]);
        assert_eq!(named("SHOP-2").unwrap(), ["SHOP-2"]);
        assert_eq!(named("SHOP-1"), Err(Reason::NoPermission), "it moved");
        assert_eq!(named("SHOP-9"), Err(Reason::NoPermission), "it is none of the event's");
    }

    #[test]
    fn a_ticket_that_moved_twice_goes_again_by_its_first_key() {
        let trace = |key: &str, was: Option<&str>| TicketTrace {
            was: was.map(str::to_owned),
            ..TicketTrace::queued(key, vec![], Timestamp::UNIX_EPOCH)
        };
        let traces = [trace("OPS-1", Some("PAY-7")), trace("SHOP-1", None), trace("PAY-7", Some("SHOP-1"))];
        let named = |keys: &[&str]| as_named(keys.iter().map(ToString::to_string).collect(), &traces);
        assert_eq!(named(&["OPS-1", "SHOP-2", "PAY-7"]), ["SHOP-1", "SHOP-2"]);
        let circle = [trace("PAY-7", Some("SHOP-1")), trace("SHOP-1", Some("PAY-7"))];
        assert_eq!(as_named(vec!["PAY-7".into()], &circle).len(), 1);
    }

    #[test]
    fn an_event_that_was_held_back_is_replayed_whole_and_a_stranger_never() {
        let whole = |reason: Reason| ReplayScope::Unfinished.select(reason.into(), &[], &[]);
        assert_eq!(whole(Reason::Stale), Ok(vec![]));
        assert_eq!(whole(Reason::TooManyTickets), Ok(vec![]));
        assert_eq!(whole(Reason::NoKeys), Ok(vec![]));
        for reason in [Reason::RepoMismatch, Reason::Duplicate, Reason::NotNormalisable] {
            assert_eq!(ReplayScope::All.select(reason.into(), &[], &[]), Err(reason));
        }
    }
}
