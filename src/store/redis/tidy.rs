//! The upkeep: expired leases, finished tickets on their way home, retention.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::keys::Home;
use super::link::each;
use super::{RedisStore, record};
use crate::store::{EventId, JobId, Result, SUSPECT_AFTER, SUSPECTS_APART, StoreError, Tidied};
use crate::trace::Verdict;

/// Leases taken back, and finished tickets carried, by one call a partition.
const AT_ONCE: usize = 200;
/// Events removed by one call a partition.
const REMOVED_AT_ONCE: usize = 100;
/// Tickets that go with them, about: a release may name a thousand.
const TICKETS_AT_ONCE: usize = 2000;

/// A finished ticket in the outbox: its entry, its job and how it ended.
type Finished = (String, JobId, Verdict);
/// What decides on the removal of an event: state, generation, tickets.
type Removable = ((Option<String>, Option<u32>), record::Fields);

impl RedisStore {
    pub(super) async fn upkeep(&self, retention: Duration) -> Result<Tidied> {
        let mut tidied = Tidied::default();
        for (reaped, carried) in each(self.layout.jobs(), |home| self.tidy_jobs(home)).await? {
            tidied.reaped += reaped;
            tidied.carried += carried;
        }
        let removed = each(self.layout.events(), |home| self.remove_old(home, retention)).await?;
        tidied.removed = removed.into_iter().sum();
        self.reconcile().await?;
        Ok(tidied)
    }

    async fn tidy_jobs(&self, home: Home) -> Result<(u64, u64)> {
        let mut call = self.scripts.reap.key(home.prefix());
        call.arg(AT_ONCE).arg(self.clock.ahead_ms());
        call.arg(SUSPECT_AFTER).arg(SUSPECTS_APART.as_secs() * 1000);
        let reaped = self.link.script(home, &call).await?;
        Ok((reaped, self.carry_outbox(home).await?))
    }

    async fn carry_outbox(&self, home: Home) -> Result<u64> {
        let mut list = redis::cmd("LRANGE");
        list.arg(home.key("fin")).arg(0).arg(AT_ONCE - 1);
        let entries: Vec<String> = self.link.command(home, &list).await?;
        let mut events: BTreeMap<EventId, Vec<Finished>> = BTreeMap::new();
        for entry in entries {
            if let Some(finished) = read_entry(&entry) {
                events.entry(finished.1.event.clone()).or_default().push(finished);
            } else {
                tracing::error!(entry, "an entry in Redis' outbox cannot be read and is dropped");
                self.acknowledge(home, &[entry]).await?;
            }
        }
        let mut carried = 0;
        for (event, tickets) in events {
            match self.tell_event(&event, &tickets).await {
                // The event's part of a cluster is away: it is told later, others now.
                Err(StoreError::Unavailable(_)) if self.layout.partitions > 1 => continue,
                told => told?,
            };
            let entries: Vec<String> = tickets.into_iter().map(|(entry, ..)| entry).collect();
            self.acknowledge(home, &entries).await?;
            carried += entries.len() as u64;
        }
        Ok(carried)
    }

    /// Carries one ticket's verdict home at once. Should it fail, a final one still stands in the outbox.
    /// Answers when the event was received, if all of it is over.
    pub(super) async fn carry_one(
        &self,
        home: Home,
        job: &JobId,
        verdict: Verdict,
    ) -> Result<Option<Timestamp>> {
        let entry = format!("{job} {}", record::verdict_text(verdict));
        let done = self.tell_event(&job.event, &[(entry.clone(), job.clone(), verdict)]).await?;
        if verdict.outcome.is_final() {
            self.acknowledge(home, &[entry]).await?;
        }
        Ok(done)
    }

    async fn tell_event(&self, event: &EventId, tickets: &[Finished]) -> Result<Option<Timestamp>> {
        let home = self.layout.of_event(event);
        let mut call = self.scripts.carry.key(home.prefix());
        call.arg(event).arg(self.clock.now().as_millisecond());
        for (_, job, verdict) in tickets {
            call.arg(&job.key).arg(job.generation);
            call.arg(verdict.outcome.as_str()).arg(verdict.reason.as_str());
        }
        let received: Option<i64> = self.link.script(home, &call).await?;
        Ok(received.and_then(|at| Timestamp::from_microsecond(at).ok()))
    }

    async fn acknowledge(&self, home: Home, entries: &[String]) -> Result<()> {
        let mut removals = redis::pipe();
        for entry in entries {
            removals.lrem(home.key("fin"), 1, entry).ignore();
        }
        self.link.commands(home, &removals).await
    }

    /// Removes a few of the events that finished longer than `retention` ago.
    async fn remove_old(&self, home: Home, retention: Duration) -> Result<u64> {
        let before = self.clock.now().checked_sub(retention).unwrap_or(Timestamp::MIN);
        let mut range = redis::cmd("ZRANGE");
        range.arg(home.key("ix:done")).arg("-inf").arg(format!("({}", before.as_millisecond()));
        range.arg("BYSCORE").arg("LIMIT").arg(0).arg(REMOVED_AT_ONCE);
        let ids: Vec<String> = self.link.command(home, &range).await?;
        let (mut removed, mut tickets) = (0, 0);
        for id in ids.iter().filter_map(|id| EventId::parse(id)) {
            match self.remove(&id).await {
                // Left where it is, so that it stops nothing else.
                Err(error @ StoreError::Damaged { .. }) => {
                    tracing::error!(event = %id, %error, "an old event stays");
                }
                gone => {
                    let gone = gone?;
                    removed += u64::from(gone.is_some());
                    tickets += gone.unwrap_or_default();
                }
            }
            if tickets >= TICKETS_AT_ONCE {
                break;
            }
        }
        Ok(removed)
    }

    /// Removes an event that is finished: first its jobs, then itself. Tells how many tickets it had.
    async fn remove(&self, id: &EventId) -> Result<Option<usize>> {
        let home = self.layout.of_event(id);
        let mut read = redis::pipe();
        read.cmd("HMGET").arg(home.key(&format!("ev:{id}"))).arg("state").arg("generation");
        read.hgetall(home.key(&format!("tk:{id}")));
        let ((state, generation), tickets): Removable = self.link.commands(home, &read).await?;
        // Without a state it is half removed.
        if state.is_some_and(|state| state != "finished") {
            return Ok(None);
        }
        let generation = generation.unwrap_or(1);
        let tickets = record::read_tickets(id, &tickets)?;
        for ticket in tickets.iter().filter(|ticket| !ticket.site.is_empty()) {
            self.remove_jobs(id, &ticket.site, &ticket.key, generation).await?;
        }
        let mut call = self.scripts.remove.key(home.prefix());
        call.arg(id).arg(generation);
        let gone: bool = self.link.script(home, &call).await?;
        Ok(gone.then_some(tickets.len()))
    }

    pub(super) async fn remove_jobs(
        &self,
        id: &EventId,
        site: &str,
        key: &str,
        generation: u32,
    ) -> Result<()> {
        let home = self.layout.of_ticket(site, key);
        let mut removal = redis::pipe();
        removal.zrem(home.key("dead"), format!("{id}:{key}")).ignore();
        for generation in 1..=generation {
            for kind in ["tt", "js", "job"] {
                removal.unlink(home.key(&format!("{kind}:{id}:{key}:{generation}"))).ignore();
            }
        }
        self.link.commands(home, &removal).await
    }
}

/// Reads an outbox entry: job, outcome, reason.
fn read_entry(entry: &str) -> Option<Finished> {
    let (job, verdict) = entry.split_once(' ')?;
    Some((entry.to_owned(), JobId::parse(job)?, record::verdict(verdict)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Reason;

    #[test]
    fn an_outbox_entry_is_read_back() {
        let event = EventId::new("github/shop", "1", "d");
        let job = JobId { event, key: "SHOP-1".into(), generation: 2 };
        let (_, read, verdict) = read_entry(&format!("{job} dead conflict")).unwrap();
        assert_eq!((read, verdict), (job, Verdict::dead(Reason::Conflict)));
        assert!(read_entry("rubbish").is_none());
    }
}
