//! Events as they are kept, and how to ask for them.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::event::ticket::IgnoredKey;
use crate::store::{EventId, PausedSite};
use crate::trace::{EventSummary, Outcome, Received, TicketTrace, Trace, Verdict};

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
