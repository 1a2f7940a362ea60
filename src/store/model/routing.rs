//! Fanning an event out to its tickets.

use std::collections::HashMap;

use crate::event::Event;
use crate::event::ticket::{IgnoredKey, Source};
use crate::store::{EventId, Unreadable};
use crate::trace::{TicketTrace, Verdict};

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
pub(in crate::store) enum Part<'a> {
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
    pub(in crate::store) fn parts(&self) -> Vec<Part<'_>> {
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
