//! Working on a ticket under a lease.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::event::ticket::Source;
use crate::store::{JobId, Unreadable};
use crate::trace::TicketTrace;

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
    /// [`claim_siblings`](crate::store::Store::claim_siblings).
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
