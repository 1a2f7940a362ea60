//! What a copy carries from one store to another, in words that both know.

use std::borrow::Cow;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::event::Event;
use crate::event::ticket::{IgnoredKey, Source};
use crate::registration::Hook;
use crate::secrets::token::Token;
use crate::store::{AuditEntry, EventId, EventState, JobId, PausedSite, Result, codec, redis, unreadable};
use crate::trace::{Received, Verdict};

/// One thing that a store keeps.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Item {
    /// A value chosen once: name and value.
    Setting(String, String),
    /// A hook, its secrets sealed as they are.
    Hook(Box<Hook>),
    /// A token.
    Token(Token),
    /// Who did what.
    Audit(AuditEntry),
    /// A site that stands still.
    Pause(PausedSite),
    /// An event with its finished tickets.
    Event(Box<EventCopy>),
    /// A job that is not finished. Those of one ticket come in the order of its queue.
    Job(Box<JobCopy>),
    /// A run of an event that waits in the inbox, in the order of the inbox.
    Run(RunCopy),
}

/// An event as it is kept, without what is still to be done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventCopy {
    pub(in crate::store) id: EventId,
    pub(in crate::store) provider: String,
    pub(in crate::store) delivery_id: String,
    pub(in crate::store) repo: String,
    pub(in crate::store) kind: String,
    pub(in crate::store) projects: Option<Vec<String>>,
    /// To the microsecond, which both stores keep.
    pub(in crate::store) received: Received,
    /// JSON, unpacked; `None`: it could not be normalised.
    pub(in crate::store) event: Option<Vec<u8>>,
    /// As [`crate::store::Store::save_body`] was given it.
    pub(in crate::store) body: Option<Vec<u8>>,
    pub(in crate::store) generation: u32,
    pub(in crate::store) state: EventState,
    /// The gravest of its tickets' and its own: it follows from the others.
    #[serde(skip)]
    pub(in crate::store) verdict: Verdict,
    /// Its own verdict.
    pub(in crate::store) own: Option<Verdict>,
    pub(in crate::store) detail: Option<String>,
    pub(in crate::store) duplicate_of: Option<EventId>,
    pub(in crate::store) ignored: Vec<IgnoredKey>,
    /// The change that it stands for.
    #[serde(skip)]
    pub(in crate::store) occurrence: Option<Name>,
    /// The commit as which it was merged.
    #[serde(skip)]
    pub(in crate::store) merge: Option<Name>,
    /// Milliseconds since 1970.
    pub(in crate::store) finished_at: Option<i64>,
    pub(in crate::store) finished: Vec<TicketCopy>,
}

/// A ticket of an event.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TicketCopy {
    pub(in crate::store) key: String,
    /// Among the event's tickets.
    pub(in crate::store) position: u32,
    pub(in crate::store) generation: u32,
    /// Empty: settled without asking anybody.
    pub(in crate::store) site: String,
    pub(in crate::store) project: String,
    pub(in crate::store) found_in: Vec<Source>,
    /// Milliseconds since 1970; 0 of a settled ticket.
    pub(in crate::store) queued_at: i64,
    pub(in crate::store) verdict: Verdict,
    /// JSON, unpacked; `None`: nobody has worked on it.
    pub(in crate::store) trace: Option<Vec<u8>>,
}

/// A job that waits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobCopy {
    pub(in crate::store) event: EventId,
    pub(in crate::store) ticket: TicketCopy,
    /// The worker's own notes, JSON: above all the intent.
    pub(in crate::store) progress: Option<String>,
    /// Its place in its ticket's queue, from 0.
    pub(in crate::store) place: u32,
    /// Of the first: how often in a row its lease ran out.
    pub(in crate::store) expired: u32,
    /// Of the first: when it may be worked on, in milliseconds since 1970. Whether that is over changes by itself.
    #[serde(skip)]
    pub(in crate::store) due: Option<i64>,
    /// Its event has other unfinished tickets on its site, or had when it was routed: a hint.
    #[serde(skip)]
    pub(in crate::store) siblings: bool,
}

impl JobCopy {
    /// Its id.
    pub(in crate::store) fn id(&self) -> JobId {
        let TicketCopy { key, generation, .. } = &self.ticket;
        JobId { event: self.event.clone(), key: key.clone(), generation: *generation }
    }
}

/// A run that waits to be fanned out. Its generation is its event's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RunCopy {
    pub(in crate::store) event: EventId,
    /// The tickets to send through again; empty: all that the event names.
    pub(in crate::store) only: Vec<String>,
    pub(in crate::store) replayed: bool,
}

/// A name that may be long: the change that an event stands for, or a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// As it is.
    Full(String),
    /// As Redis keeps it: a part of its hash.
    Short(String),
}

impl Name {
    /// As Redis keeps it.
    pub(in crate::store) fn short(&self) -> String {
        match self {
            Self::Full(text) => redis::short(text),
            Self::Short(short) => short.clone(),
        }
    }

    /// As it is; `candidate` is what its event says by today's rules. `None` when that is not it.
    pub(in crate::store) fn full(&self, candidate: Option<String>) -> Option<String> {
        match self {
            Self::Full(text) => Some(text.clone()),
            Self::Short(short) => candidate.filter(|text| redis::short(text) == *short),
        }
    }
}

impl EventCopy {
    /// The normalised event, when this version can read it.
    pub(in crate::store) fn normalised(&self) -> Option<Event> {
        unreadable::read_event(self.event.as_deref()?).ok()
    }
}

/// What a thing looks like to whoever compares two stores. Equal things have equal digests.
pub(super) fn digest(item: &Item) -> u128 {
    let json = serde_json::to_vec(item).unwrap_or_default();
    Sha256::digest(json).first_chunk().copied().map_or(0, u128::from_le_bytes)
}

/// What a store has packed, unpacked; what cannot be unpacked as it is.
pub(in crate::store) fn unpacked(stored: Vec<u8>) -> Vec<u8> {
    match codec::unpack(&stored) {
        Ok(Cow::Owned(json)) => json,
        _ => stored,
    }
}

/// Packed again, unless it could not be unpacked.
pub(in crate::store) fn packed(json: &[u8]) -> Result<Vec<u8>> {
    if codec::is_packed(json) { Ok(json.to_vec()) } else { codec::pack(json.to_vec()) }
}
