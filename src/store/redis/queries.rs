//! What people ask: events, traces, the queue. Answered from indexes, never by scanning.

use std::collections::{BTreeMap, HashMap};

use futures_util::future::try_join_all;

use super::error::unreadable;
use super::keys::{self, Home};
use super::link::each;
use super::{RedisStore, record};
use crate::event::Event;
use crate::store::model::merge_name;
use crate::store::{EventId, EventRecord, JobState, QueueStatus, Result, TicketState};
use crate::trace::TicketTrace;

/// The most pull requests that are looked at for one commit; more than one is rare enough.
const MOST_MERGED: usize = 50;

/// Index entries with their scores.
type Scored = Vec<(String, i64)>;

/// One event as three reads answer it.
type Read = (record::Fields, record::Fields, Option<Vec<u8>>);

/// What Redis knows of one ticket's job: its end, its state, where it was found and since when it waits.
type JobRead = (Option<Vec<u8>>, Option<Vec<u8>>, (Option<String>, Option<String>));

impl RedisStore {
    pub(super) async fn read_event(&self, id: &EventId) -> Result<Option<EventRecord>> {
        Ok(self.read_events(self.layout.of_event(id), std::slice::from_ref(id)).await?.pop())
    }

    pub(super) async fn read_merged(&self, provider: &str, repo_id: &str, sha: &str) -> Result<Vec<Event>> {
        // Any event of the repository has its partition.
        let home = self.layout.of_event(&EventId::new(provider, repo_id, ""));
        let merge = keys::short(&merge_name(provider, repo_id, sha));
        let mut read = redis::cmd("HGET");
        read.arg(home.key("ix:m")).arg(merge);
        let ids: Option<String> = self.link.command(home, &read).await?;
        let ids: Vec<&str> = ids.iter().flat_map(|ids| ids.split(' ')).take(MOST_MERGED).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut reads = redis::pipe();
        for id in &ids {
            reads.get(home.key(&format!("no:{id}")));
        }
        let contents: Vec<Option<Vec<u8>>> = self.link.ask(home, &reads).await?;
        let events = ids.iter().zip(contents).filter_map(|(id, content)| Some((id, content?)));
        events
            .map(|(id, content)| {
                record::unpack_event(&content).map_err(|why| unreadable(format!("event {id}"), why))
            })
            .collect()
    }

    /// The records of events of one partition; those that are gone are left out.
    pub(super) async fn read_events(&self, home: Home, ids: &[EventId]) -> Result<Vec<EventRecord>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut reads = redis::pipe();
        for id in ids {
            reads.hgetall(home.key(&format!("ev:{id}"))).hgetall(home.key(&format!("tk:{id}")));
            reads.get(home.key(&format!("no:{id}")));
        }
        let answers: Vec<redis::Value> = self.link.ask(home, &reads).await?;
        let mut records = Vec::with_capacity(ids.len());
        for (id, answer) in ids.iter().zip(answers.chunks(3)) {
            let (fields, tickets, content): Read = read_answer(answer)?;
            if !fields.is_empty() {
                records.push(record::read(id, &fields, &tickets, &content.unwrap_or_default())?);
            }
        }
        Ok(records)
    }

    pub(super) async fn traces_of(&self, id: &EventId) -> Result<Vec<TicketTrace>> {
        let Some(event) = self.read_event(id).await? else { return Ok(Vec::new()) };
        let home = self.layout.of_event(id);
        let mut settled = redis::pipe();
        settled.hgetall(home.key(&format!("st:{id}")));
        let (settled,): (record::Fields,) = self.link.ask(home, &settled).await?;
        let mut traces: HashMap<&str, TicketTrace> = HashMap::new();
        let mut asked: BTreeMap<Home, Vec<&TicketState>> = BTreeMap::new();
        for ticket in &event.tickets {
            if let Some(trace) = settled.get(&ticket.key).filter(|_| ticket.site.is_empty()) {
                traces.insert(&ticket.key, read_settled(&ticket.key, trace)?);
            } else {
                asked.entry(self.layout.of_ticket(&ticket.site, &ticket.key)).or_default().push(ticket);
            }
        }
        let read = asked.iter().map(|(home, tickets)| self.traces_in(*home, &event, tickets));
        for (ticket, trace) in asked.values().flatten().zip(try_join_all(read).await?.into_iter().flatten()) {
            traces.insert(&ticket.key, trace);
        }
        Ok(event.tickets.iter().filter_map(|ticket| traces.remove(ticket.key.as_str())).collect())
    }

    /// The traces of an event's tickets in one partition, in one round trip.
    async fn traces_in(
        &self,
        home: Home,
        event: &EventRecord,
        tickets: &[&TicketState],
    ) -> Result<Vec<TicketTrace>> {
        let mut reads = redis::pipe();
        for ticket in tickets {
            let job = job_name(event, ticket);
            reads.get(home.key(&format!("tt:{job}"))).get(home.key(&format!("js:{job}")));
            reads.cmd("HMGET").arg(home.key(&format!("job:{job}"))).arg("found_in").arg("queued_at");
        }
        let answers: Vec<redis::Value> = self.link.ask(home, &reads).await?;
        let read = |(ticket, answer): (&&TicketState, &[redis::Value])| {
            read_trace(event, ticket, read_answer(answer)?)
        };
        tickets.iter().zip(answers.chunks(3)).map(read).collect()
    }

    pub(super) async fn count_queue(&self) -> Result<QueueStatus> {
        let mut status = QueueStatus::default();
        for (ready, leased, delayed, dead) in each(self.layout.jobs(), |home| self.count_jobs(home)).await? {
            status.ready += ready;
            status.leased += leased;
            status.delayed += delayed;
            status.dead += dead;
        }
        let mut oldest: Option<i64> = None;
        for (inbox, open) in each(self.layout.events(), |home| self.count_events(home)).await? {
            status.inbox += inbox;
            oldest = open.into_iter().chain(oldest).min();
        }
        let age = oldest.map_or(0, |score| (self.clock.now().as_microsecond() - score) / 1_000_000);
        status.oldest_seconds = u64::try_from(age).unwrap_or_default();
        status.paused = self.paused_sites().await?;
        Ok(status)
    }

    /// Tickets of a partition that are ready, leased, delayed, dead.
    async fn count_jobs(&self, home: Home) -> Result<(u64, u64, u64, u64)> {
        self.link.script(home, &self.scripts.queue.key(home.prefix())).await
    }

    /// How many events of a partition wait in the inbox, and when the first that is not finished was received.
    /// Of those, the index of open events has only what is not in the index of waiting ones.
    async fn count_events(&self, home: Home) -> Result<(u64, Option<i64>)> {
        let mut reads = redis::pipe();
        reads.llen(home.key("in"));
        for index in ["ix:s:waiting", "ix:open"] {
            reads.cmd("ZRANGE").arg(home.key(index)).arg(0).arg(0).arg("WITHSCORES");
        }
        let (inbox, waiting, open): (u64, Scored, Scored) = self.link.ask(home, &reads).await?;
        Ok((inbox, waiting.into_iter().chain(open).map(|(_, score)| score).min()))
    }
}

fn job_name(event: &EventRecord, ticket: &TicketState) -> String {
    format!("{}:{}:{}", event.id, ticket.key, ticket.generation)
}

fn read_settled(key: &str, trace: &str) -> Result<TicketTrace> {
    let what = || format!("the trace of {key}");
    record::from_json(trace, &what())?.ok_or_else(|| unreadable(what(), "it is empty"))
}

fn read_trace(event: &EventRecord, ticket: &TicketState, read: JobRead) -> Result<TicketTrace> {
    let (ended, state, (found_in, queued_at)) = read;
    let what = format!("job {}", job_name(event, ticket));
    if let Some(trace) = ended {
        return record::unpack(&trace, &what);
    }
    if let Some(state) = state {
        return record::unpack::<JobState>(&state, &what).map(|state| state.trace);
    }
    let found_in = record::from_json(&found_in.unwrap_or_default(), &what)?.unwrap_or_default();
    let queued_at = queued_at.and_then(|text| text.parse().ok()).unwrap_or(event.received.at);
    Ok(TicketTrace::queued(&ticket.key, found_in, queued_at))
}

pub(super) fn read_answer<T: redis::FromRedisValue>(values: &[redis::Value]) -> Result<T> {
    let read = T::from_redis_value(redis::Value::Array(values.to_vec()));
    read.map_err(|error| redis::RedisError::from(error).into())
}
