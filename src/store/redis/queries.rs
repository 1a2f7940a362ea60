//! What people ask: events, traces, the queue. Answered from indexes, never by scanning.

use super::error::unreadable;
use super::keys::{self, Home};
use super::{RedisStore, record};
use crate::event::Event;
use crate::store::model::merge_name;
use crate::store::{
    EventId, EventQuery, EventRecord, JobState, Page, QueueStatus, Result, StoreError, TicketState,
};
use crate::trace::TicketTrace;

/// The most pull requests that are looked at for one commit; more than one is rare enough.
const MOST_MERGED: isize = 50;

/// Index entries looked at in one round trip.
const LOOKED_AT_ONCE: usize = 200;

/// A place in the list of events: its score and id.
type Place = (i64, EventId);

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
        let mut range = redis::pipe();
        range.zrange(home.key(&format!("ix:m:{merge}")), 0, MOST_MERGED - 1);
        let (ids,): (Vec<String>,) = self.link.ask(&range).await?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut reads = redis::pipe();
        for id in &ids {
            reads.get(home.key(&format!("no:{id}")));
        }
        let contents: Vec<Option<Vec<u8>>> = self.link.ask(&reads).await?;
        let events = ids.iter().zip(contents).filter_map(|(id, content)| Some((id, content?)));
        events
            .map(|(id, content)| {
                record::unpack_event(&content).map_err(|why| unreadable(format!("event {id}"), why))
            })
            .collect()
    }

    /// The records of events of one partition; those that are gone are left out.
    async fn read_events(&self, home: Home, ids: &[EventId]) -> Result<Vec<EventRecord>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut reads = redis::pipe();
        for id in ids {
            reads.hgetall(home.key(&format!("ev:{id}"))).hgetall(home.key(&format!("tk:{id}")));
            reads.get(home.key(&format!("no:{id}")));
        }
        let answers: Vec<redis::Value> = self.link.ask(&reads).await?;
        let mut records = Vec::with_capacity(ids.len());
        for (id, answer) in ids.iter().zip(answers.chunks(3)) {
            let (fields, tickets, content): Read = read_answer(answer)?;
            if !fields.is_empty() {
                records.push(record::read(id, &fields, &tickets, &content.unwrap_or_default())?);
            }
        }
        Ok(records)
    }

    pub(super) async fn list_events(&self, query: &EventQuery) -> Result<Page<EventRecord>> {
        let after = query.cursor.as_deref().map(read_cursor).transpose()?;
        let mut found: Vec<(Place, Home)> = Vec::new();
        for home in self.layout.events() {
            let places = self.matching(home, query, after.as_ref()).await?;
            found.extend(places.into_iter().map(|place| (place, home)));
        }
        found.sort_by(|a, b| b.0.cmp(&a.0));
        let more = found.len() > query.limit;
        found.truncate(query.limit);
        let next = found.last().filter(|_| more).map(|((score, id), _)| format!("{score}-{id}"));
        let mut items = Vec::with_capacity(found.len());
        for home in self.layout.events() {
            let ids: Vec<EventId> =
                found.iter().filter(|(_, at)| *at == home).map(|((_, id), _)| id.clone()).collect();
            items.extend(self.read_events(home, &ids).await?);
        }
        items.sort_by(|a, b| (b.received.at, &b.id).cmp(&(a.received.at, &a.id)));
        Ok(Page { items, next })
    }

    /// The newest places of a partition that match all filters, one more than fit on the page.
    ///
    /// Walks the shortest index and looks each of its entries up in the others.
    async fn matching(&self, home: Home, query: &EventQuery, after: Option<&Place>) -> Result<Vec<Place>> {
        let mut indexes = self.shortest_first(home, query).await?;
        let walked = indexes.remove(0);
        let newest = after.map_or_else(|| "+inf".to_owned(), |(score, _)| score.to_string());
        let oldest = query.since.map_or_else(|| "-inf".to_owned(), |at| at.as_microsecond().to_string());
        let mut places = Vec::new();
        for offset in (0..).step_by(LOOKED_AT_ONCE) {
            let mut range = redis::pipe();
            range.cmd("ZRANGE").arg(&walked).arg(&newest).arg(&oldest).arg("BYSCORE").arg("REV");
            range.arg("LIMIT").arg(offset).arg(LOOKED_AT_ONCE).arg("WITHSCORES");
            let (entries,): (Vec<(String, i64)>,) = self.link.ask(&range).await?;
            let last = entries.len() < LOOKED_AT_ONCE;
            let candidates = entries
                .into_iter()
                .filter_map(|(id, score)| Some((score, EventId::parse(&id)?)))
                .filter(|place| after.is_none_or(|after| place < after))
                .collect();
            places.extend(self.also_in(&indexes, candidates).await?);
            if last || places.len() > query.limit {
                break;
            }
        }
        places.truncate(query.limit + 1);
        Ok(places)
    }

    /// The indexes that a query's filters ask for, the shortest first; the index of all when there is none.
    async fn shortest_first(&self, home: Home, query: &EventQuery) -> Result<Vec<String>> {
        let ticket = query.ticket.as_ref().map(|key| format!("ix:k:{key}"));
        let repo = query.repo.as_ref().map(|repo| format!("ix:r:{repo}"));
        let outcome = query.outcome.map(|outcome| format!("ix:s:{}", outcome.as_str()));
        let mut names: Vec<String> = [ticket, repo, outcome].into_iter().flatten().collect();
        if names.is_empty() {
            names.push("ix:t".into());
        }
        let names: Vec<String> = names.iter().map(|name| home.key(name)).collect();
        let mut counts = redis::pipe();
        for name in &names {
            counts.zcard(name);
        }
        let counts: Vec<u64> = self.link.ask(&counts).await?;
        let mut counted: Vec<_> = counts.into_iter().zip(names).collect();
        counted.sort();
        Ok(counted.into_iter().map(|(_, name)| name).collect())
    }

    async fn also_in(&self, indexes: &[String], places: Vec<Place>) -> Result<Vec<Place>> {
        if indexes.is_empty() || places.is_empty() {
            return Ok(places);
        }
        let mut lookups = redis::pipe();
        for index in indexes {
            lookups.cmd("ZMSCORE").arg(index);
            for (_, id) in &places {
                lookups.arg(id);
            }
        }
        let scores: Vec<Vec<Option<f64>>> = self.link.ask(&lookups).await?;
        let in_all = |n: usize| scores.iter().all(|index| index.get(n).is_some_and(Option::is_some));
        Ok(places.into_iter().enumerate().filter(|(n, _)| in_all(*n)).map(|(_, place)| place).collect())
    }

    pub(super) async fn traces_of(&self, id: &EventId) -> Result<Vec<TicketTrace>> {
        let Some(event) = self.read_event(id).await? else { return Ok(Vec::new()) };
        let home = self.layout.of_event(id);
        let mut settled = redis::pipe();
        settled.hgetall(home.key(&format!("st:{id}")));
        let (settled,): (record::Fields,) = self.link.ask(&settled).await?;
        let mut traces = Vec::with_capacity(event.tickets.len());
        for ticket in &event.tickets {
            let known = settled.get(&ticket.key).filter(|_| ticket.site.is_empty());
            traces.push(match known {
                Some(trace) => record::from_json(trace, &format!("the trace of {}", ticket.key))?
                    .ok_or_else(|| unreadable(format!("the trace of {}", ticket.key), "it is empty"))?,
                None => self.trace_of(&event, ticket).await?,
            });
        }
        Ok(traces)
    }

    async fn trace_of(&self, event: &EventRecord, ticket: &TicketState) -> Result<TicketTrace> {
        let home = self.layout.of_ticket(&ticket.site, &ticket.key);
        let job = format!("{}:{}:{}", event.id, ticket.key, ticket.generation);
        let mut reads = redis::pipe();
        reads.get(home.key(&format!("tt:{job}"))).get(home.key(&format!("js:{job}")));
        reads.cmd("HMGET").arg(home.key(&format!("job:{job}"))).arg("found_in").arg("queued_at");
        let (ended, state, (found_in, queued_at)): JobRead = self.link.ask(&reads).await?;
        let what = format!("job {job}");
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

    pub(super) async fn count_queue(&self) -> Result<QueueStatus> {
        let mut status = QueueStatus::default();
        for home in self.layout.jobs() {
            let call = self.scripts.queue.key(home.prefix());
            let (ready, leased, delayed, dead): (u64, u64, u64, u64) = self.link.script(&call).await?;
            status.ready += ready;
            status.leased += leased;
            status.delayed += delayed;
            status.dead += dead;
        }
        let mut oldest: Option<i64> = None;
        for home in self.layout.events() {
            let mut reads = redis::pipe();
            reads.llen(home.key("in"));
            reads.cmd("ZRANGE").arg(home.key("ix:open")).arg(0).arg(0).arg("WITHSCORES");
            let (inbox, open): (u64, Vec<(String, i64)>) = self.link.ask(&reads).await?;
            status.inbox += inbox;
            oldest = open.into_iter().map(|(_, score)| score).chain(oldest).min();
        }
        let age = oldest.map_or(0, |score| (self.clock.now().as_microsecond() - score) / 1_000_000);
        status.oldest_seconds = u64::try_from(age).unwrap_or_default();
        status.paused = self.paused_sites().await?;
        Ok(status)
    }
}

fn read_answer<T: redis::FromRedisValue>(values: &[redis::Value]) -> Result<T> {
    let read = T::from_redis_value(redis::Value::Array(values.to_vec()));
    read.map_err(|error| redis::RedisError::from(error).into())
}

fn read_cursor(text: &str) -> Result<Place> {
    let place =
        text.rsplit_once('-').and_then(|(score, id)| Some((score.parse().ok()?, EventId::parse(id)?)));
    place.ok_or_else(|| StoreError::BadCursor(text.to_owned()))
}
