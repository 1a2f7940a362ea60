//! Sending events through again: read what may go, then one step that is void when the event changed meanwhile.

use super::{RedisStore, record};
use crate::store::model::{as_named, failed};
use crate::store::{EventId, EventRecord, EventState, ReplayScope, Replayed, Result, StoreError};
use crate::trace::TicketTrace;

/// How often an event that changes while it is looked at is read again.
const TRIES: usize = 5;

/// Which tickets go again. Empty: all that the event will be found to name.
type Tickets = Vec<String>;

impl RedisStore {
    pub(super) async fn replay_event(
        &self,
        id: &EventId,
        scope: ReplayScope,
        among: &[String],
    ) -> Result<Replayed> {
        for _ in 0..TRIES {
            let Some(event) = self.read_event(id).await? else { return Ok(Replayed::NotFound) };
            if event.state != EventState::Finished {
                return Ok(Replayed::NotFinished);
            }
            let tickets = match scope.select(event.verdict, &event.tickets, among) {
                Ok(tickets) => as_named(tickets, &self.readable_traces(id).await?),
                Err(reason) => return Ok(Replayed::Refused(reason)),
            };
            if self.requeue(&event, &tickets, true).await? {
                return Ok(Replayed::Queued(tickets));
            }
        }
        Err(changing(id))
    }

    /// Queues the failed and dead tickets of a redelivered event again.
    pub(super) async fn requeue_failed(&self, id: &EventId) -> Result<Tickets> {
        for _ in 0..TRIES {
            let Some(event) = self.read_event(id).await? else { return Ok(Vec::new()) };
            let has_failed = event.tickets.iter().any(|ticket| ticket.verdict.outcome.is_retriable());
            // An event that waits already goes through again anyway.
            if event.state == EventState::Waiting || !has_failed {
                return Ok(Vec::new());
            }
            let tickets = failed(&event.tickets, &self.readable_traces(id).await?);
            if tickets.is_empty() {
                return Ok(Vec::new());
            }
            if self.requeue(&event, &tickets, false).await? {
                return Ok(tickets);
            }
        }
        Err(changing(id))
    }

    /// A trace that cannot be read knows of no other key, and holds up no replay.
    async fn readable_traces(&self, id: &EventId) -> Result<Vec<TicketTrace>> {
        match self.traces_of(id).await {
            Err(StoreError::Damaged { .. }) => Ok(Vec::new()),
            traces => traces,
        }
    }

    /// Puts an event into the inbox as its next generation; `false` when it has changed since it was read.
    async fn requeue(&self, event: &EventRecord, tickets: &[String], asked: bool) -> Result<bool> {
        let only = if tickets.is_empty() { String::new() } else { record::json(&tickets)? };
        let home = self.layout.of_event(&event.id);
        let mut call = self.scripts.requeue.key(home.prefix());
        call.arg(&event.id).arg(event.generation).arg(if asked { "yes" } else { "" }).arg(only);
        self.link.script(home, &call).await
    }
}

fn changing(id: &EventId) -> StoreError {
    StoreError::Unavailable(format!("event {id} keeps changing while it is looked at"))
}
