//! What is durable: hooks and tokens, events as they came in, and one ordered queue per ticket.
//!
//! Two stages, because an event is durable as a whole but its tickets live their own lives:
//!
//! ```text
//!  ingest ─▶ inbox ─ route ─▶ a queue per ticket ─ claim ─▶ leased ─ finish ─▶ finished
//!            (events)          (jobs)  ▲                       │
//!                                      └── delay ◀── retry ────┘
//! ```
//!
//! A job is one ticket of one event, in one generation (a replay is the next generation). *Invariant:* a
//! ticket with unfinished jobs is in exactly one of ready, leased, delayed; only the head of its queue is
//! ever claimed. So two events of one ticket are never worked on at once and never reordered, and a ticket
//! that waits blocks itself alone.
//!
//! [`Store`] is the one trait; [`sqlite`] and [`redis`] are its implementations, held to the same
//! behaviour by one conformance suite (`tests/it/store/`); [`spool`] may stand before one of them. A store measures leases and delays by its own
//! clock (Redis: the server's), so callers pass durations, never deadlines.

mod audit;
mod codec;
pub mod copy;
mod id;
mod model;
mod pause;
pub mod redis;
pub mod spool;
pub mod sqlite;
mod unreadable;

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::event::Event;
use crate::registration::Hook;
use crate::secrets::token::{NotRevoked, Token};
use crate::trace::TicketTrace;

pub use audit::{Action, AuditEntry, AuditQuery};
pub use codec::{compress, decompress};
pub use id::{EventId, JobId};
pub use model::{
    Claim, ClaimRequest, Content, EventQuery, EventRecord, EventState, InboxItem, Ingested, JobState, Lease,
    NewEvent, NewJob, Page, QueueStatus, ReplayScope, Replayed, Routing, SpoolStatus, TicketState, Tidied,
};
pub use pause::{Pause, PauseKind, PausedSite};
pub use unreadable::Unreadable;

/// How many bytes of events, as they are stored, an inbox answers with: no more once there are so many, so that a
/// few giants do not fill a worker's memory.
const INBOX_BYTES: usize = 4 * 1024 * 1024;

/// What can go wrong between Conduit and its store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, is read-only, full, or still loading. The same call may succeed later;
    /// nothing was half-written.
    #[error("the store cannot take this now: {0}")]
    Unavailable(String),
    /// The lease belongs to somebody else by now: whatever was to be written must not be.
    #[error("the lease on {0} was lost to another worker")]
    LostLease(JobId),
    /// A caller's cursor is none of this list's.
    #[error("`{0}` is not where a page of this list ended; begin again without a cursor")]
    BadCursor(String),
    /// A stored value cannot be read back.
    #[error("{what} in the store cannot be read: {why}")]
    Damaged {
        /// Which value.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// The store cannot carry Conduit's promises, or belongs to another version. Stops the start.
    #[error("{0}")]
    Unfit(String),
}

/// How often a job's lease runs out before its ticket is no longer given back together with others: if it kills
/// its worker, it shall not take the same ones with it each time.
pub const SUSPECT_AFTER: u32 = 2;
/// How far apart such tickets come back.
pub const SUSPECTS_APART: Duration = Duration::from_secs(5);

/// The result of a store call.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Everything Conduit keeps. Shared by all tasks of a process; several processes may share one store.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    // --- configuration -------------------------------------------------------------------------------

    /// Sets `name` to `value` unless it is set, and returns the value in force.
    ///
    /// Holds what must be chosen once and be the same for everybody: the check value of the master key,
    /// the first administrator's token.
    async fn setting_once(&self, name: &str, value: &str) -> Result<String>;

    /// Puts `to` in the place of a setting's value `from`; `false` when another one is in force.
    async fn replace_setting(&self, name: &str, from: &str, to: &str) -> Result<bool>;

    /// The hook registered under this name.
    async fn hook(&self, provider: &str, repo_id: &str) -> Result<Option<Hook>>;

    /// All hooks of one provider, or of all, ordered by name.
    async fn hooks(&self, provider: Option<&str>) -> Result<Vec<Hook>>;

    /// Adds a hook; `false` when its name is taken.
    async fn add_hook(&self, hook: &Hook) -> Result<bool>;

    /// Saves a changed hook over the revision it was read at (`hook.revision`), which goes up by one;
    /// `false` when somebody else saved it meanwhile, it is gone, or it was registered anew (another
    /// `created_at`).
    async fn save_hook(&self, hook: &Hook) -> Result<bool>;

    /// Removes a hook; `false` when there is none. Its events stay.
    async fn remove_hook(&self, provider: &str, repo_id: &str) -> Result<bool>;

    /// All tokens, revoked ones included.
    async fn tokens(&self) -> Result<Vec<Token>>;

    /// Adds a token or replaces the one of the same hash. A revoked one stays revoked, whoever saves it again.
    async fn save_token(&self, token: &Token) -> Result<()>;

    /// Revokes all tokens of a name, as [`token::revoked`](crate::secrets::token::revoked) has it, in one atomic step: of
    /// two administrators who revoke each other in the same moment, one stays.
    async fn revoke_tokens(&self, name: &str, at: Timestamp) -> Result<std::result::Result<(), NotRevoked>>;

    /// Adds an entry to the audit log. The oldest beyond a year and 100 000 entries go.
    async fn record_audit(&self, entry: &AuditEntry) -> Result<()>;

    /// Entries of the audit log, newest first, that match all of the query's filters. A page may be short and still
    /// have a next one.
    async fn audit(&self, query: &AuditQuery) -> Result<Page<AuditEntry>>;

    // --- the inbox -----------------------------------------------------------------------------------

    /// Makes an event durable, in one atomic step with its dedupe by id and by occurrence.
    ///
    /// * A new event without a verdict goes to the end of the inbox.
    /// * A new event with a verdict (`stale`, `repo_mismatch`, `unsupported_event`, `not_normalisable`) is
    ///   recorded as finished; it never claims its occurrence.
    /// * A new event whose occurrence another event stands for is recorded as finished, `duplicate`.
    /// * A known event id changes nothing, unless the event has failed or dead tickets: those go to the
    ///   inbox again as the next generation.
    ///
    /// When it returns, the event survives whatever the store survives.
    async fn ingest(&self, event: &NewEvent) -> Result<Ingested>;

    /// Keeps a delivery's raw body, compressed by [`compress`], for the event log. An unknown event: no-op.
    async fn save_body(&self, id: &EventId, compressed: &[u8]) -> Result<()>;

    /// The raw body as it was kept, still compressed.
    async fn body(&self, id: &EventId) -> Result<Option<Vec<u8>>>;

    /// The first events that wait to be fanned out, in order, without taking them off the inbox.
    ///
    /// Only one worker at a time gets any (of a partition): the holder of a short, fenced lease, which
    /// each call renews. Others get an empty list. Where events are large, fewer come at a time.
    async fn inbox(&self, worker: &str, most: usize) -> Result<Vec<InboxItem>>;

    /// Fans an event out: its ticket list is saved, each job goes to the end of its ticket's queue, the
    /// tickets in `settled` are recorded as finished, and the item leaves the inbox.
    ///
    /// A run over the whole event (`item.only` is empty) replaces its ticket list. A run over some tickets leaves
    /// the others alone, and one of `item.only` that the routing leaves out is again what it was before.
    ///
    /// Idempotent, because it may be repeated after a crash. Fails with [`StoreError::LostLease`] (of a job
    /// with the key `inbox`) when the inbox has another holder by now.
    async fn route(&self, item: &InboxItem, routing: &Routing) -> Result<()>;

    // --- jobs ----------------------------------------------------------------------------------------

    /// Leases the heads of up to `request.most` tickets that are ready, those whose delay is over included.
    ///
    /// Projects of a site, and sites, take turns. Paused sites and `request.skip_sites` are left out.
    async fn claim(&self, request: &ClaimRequest) -> Result<Vec<Claim>>;

    /// Leases, beside a claimed ticket, up to `request.most` other tickets of the same event and site that could be
    /// claimed now: those whose head is this event's job and that are neither leased nor waiting. They are to be
    /// worked on together, so they take no turn of their own; `request.skip_sites` plays no part.
    ///
    /// Each has a lease of its own, which runs out by itself. To ask again does no harm.
    async fn claim_siblings(&self, of: &Lease, request: &ClaimRequest) -> Result<Vec<Claim>>;

    /// Saves a job's state and renews its lease.
    async fn checkpoint(&self, lease: &Lease, state: &JobState) -> Result<()>;

    /// Renews a lease.
    async fn heartbeat(&self, lease: &Lease) -> Result<()>;

    /// Ends a job with its trace (whose verdict is final); the ticket's next job becomes ready.
    ///
    /// Answers when the event was received if this was the last of its tickets, for measuring. A store
    /// that learns of it only later says `None`.
    async fn finish(&self, lease: &Lease, trace: &TicketTrace) -> Result<Option<Timestamp>>;

    /// Ends a job whose ticket bears another key by now, and first lets `to` take its place: the same event and run, at
    /// the end of *that* key's queue, beginning with `state`. From then on the event's list has the ticket under both
    /// keys. Where the event names the other key too, that job stands already and nothing is added.
    ///
    /// Idempotent, because it may be repeated after a crash.
    async fn hand_over(
        &self,
        lease: &Lease,
        to: &NewJob,
        state: &JobState,
        trace: &TicketTrace,
    ) -> Result<()>;

    /// Saves a job's state and gives its ticket back, to be claimed again after `delay`.
    async fn retry(&self, lease: &Lease, delay: Duration, state: &JobState) -> Result<()>;

    /// Gives a ticket back untouched, to be claimed again at once.
    async fn hand_back(&self, lease: &Lease) -> Result<()>;

    /// Returns when there may be something to do, or after `most`. Only a hint: callers look anyway.
    async fn wait_for_work(&self, most: Duration);

    /// The upkeep that each worker process asks for once a second: expired leases go back to the front (those
    /// that keep expiring one after the other, [`SUSPECTS_APART`], see [`Claim::expired`]), finished tickets are carried home to their event, and events that finished longer than `retention` ago
    /// are removed in small steps (some hundreds a call at most).
    async fn tidy(&self, retention: Duration) -> Result<Tidied>;

    // --- questions and orders ------------------------------------------------------------------------

    /// The recorded pull requests of a repository (by the forge's own id of it) that were merged as this commit, in the
    /// order they came. An event that was finished at the door is none of them.
    async fn merged_as(&self, provider: &str, repo_id: &str, sha: &str) -> Result<Vec<Event>>;

    /// One event.
    async fn event(&self, id: &EventId) -> Result<Option<EventRecord>>;

    /// The newest trace of each ticket of an event, in the order the event names them.
    async fn ticket_traces(&self, id: &EventId) -> Result<Vec<TicketTrace>>;

    /// Events, newest first, that match all of the query's filters. Answered from indexes.
    async fn events(&self, query: &EventQuery) -> Result<Page<EventRecord>>;

    /// Sends finished tickets of an event through again, as the next generation: those of `among` (empty: all of
    /// them) that the scope takes. They go to the tails of their queues.
    async fn replay(&self, id: &EventId, scope: ReplayScope, among: &[String]) -> Result<Replayed>;

    /// What waits, and for how long.
    async fn queue(&self) -> Result<QueueStatus>;

    /// Stops claims on a site until this kind of pause has ended, and every other that it has. Of two of one
    /// kind the first reason stays, and the later end counts.
    async fn pause(&self, site: &str, pause: &Pause) -> Result<()>;

    /// Ends one kind of a site's pauses, or all of them (`None`: by hand); `false` when there was none.
    async fn resume(&self, site: &str, kind: Option<PauseKind>) -> Result<bool>;

    /// The sites that stand still, by name and kind.
    async fn paused(&self) -> Result<Vec<PausedSite>>;

    /// Takes the right to ask a paused site whether it is over: `true` when the time has come and nobody
    /// else took it. The next one may be taken after `rest`.
    async fn take_probe(&self, site: &str, kind: PauseKind, rest: Duration) -> Result<bool>;

    /// Whether the store takes writes now.
    async fn check(&self) -> Result<()>;

    /// Says that this process is at work, for some seconds: for whoever must have the store to himself and cannot
    /// otherwise tell (see [`copy`]). A running process says it again and again.
    async fn say_at_work(&self) -> Result<()> {
        Ok(())
    }

    /// How the spool stands, where there is one before this store.
    async fn spool(&self) -> Option<SpoolStatus> {
        None
    }

    /// Things the operator should know about this store's settings, one sentence each.
    async fn warnings(&self) -> Result<Vec<String>>;
}
