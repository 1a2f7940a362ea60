//! The queues of tickets with unfinished jobs, as they are copied.

use std::collections::{BTreeMap, HashSet, VecDeque};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::RedisStore;
use super::super::keys::Home;
use super::super::queries::read_answer;
use super::super::record;
use super::events::milliseconds;
use crate::store::copy::{AT_ONCE, Item, JobCopy, TicketCopy};
use crate::store::{JobId, Result};
use crate::trace::{Reason, TicketTrace, Verdict};

/// Tickets whose queues are read at once.
const TICKETS: usize = 50;
/// Jobs of one ticket read at once.
const OF_ONE: isize = 20;

/// What stands under a job's keys: state, site, project, where it was found, since when it is queued, whether it has
/// siblings; its working state.
type Stored = ([Option<String>; 6], Option<Vec<u8>>);

/// A [`JobState`](crate::store::JobState) whose parts are passed on as they are.
#[derive(Deserialize)]
struct State {
    progress: Box<RawValue>,
    trace: Box<RawValue>,
}

/// A list of tickets: those of a project that are ready, or all that wait for a retry.
enum Line {
    Ready(String),
    Delayed,
}

/// A ticket whose queue is read.
struct Ticket {
    name: String,
    due: Option<i64>,
    /// How many of its entries were read, and how many of these are jobs to be done.
    read: isize,
    jobs: u32,
}

/// The queues of all partitions, one partition after the other.
pub(super) struct Queues {
    homes: VecDeque<Home>,
    home: Home,
    lines: VecDeque<Line>,
    /// How far the first line was read.
    read: isize,
    tickets: VecDeque<Ticket>,
    /// Tickets of this partition: a torn script may have left one twice.
    seen: HashSet<String>,
}

/// An entry of a queue on its way to a copy.
struct Entry {
    id: JobId,
    due: Option<i64>,
    ticket: String,
    place: u32,
}

impl Queues {
    pub(super) fn new(homes: impl Iterator<Item = Home>) -> Self {
        let (homes, home) = (homes.collect(), Home::Jobs(0));
        Self { homes, home, lines: VecDeque::new(), read: 0, tickets: VecDeque::new(), seen: HashSet::new() }
    }

    /// The next jobs; none at the end.
    pub(super) async fn next(&mut self, store: &RedisStore) -> Result<Vec<Item>> {
        loop {
            if self.tickets.is_empty() && !self.more_tickets(store).await? {
                return Ok(Vec::new());
            }
            let jobs = self.jobs(store).await?;
            if !jobs.is_empty() {
                return Ok(jobs);
            }
        }
    }

    /// Reads on in the lines; `false` at the end of the last partition.
    async fn more_tickets(&mut self, store: &RedisStore) -> Result<bool> {
        while self.tickets.is_empty() {
            let Some(line) = self.lines.front() else {
                let Some(home) = self.homes.pop_front() else { return Ok(false) };
                self.home = home;
                self.seen.clear();
                self.lines = store.ready_lines(home).await?.into_iter().map(Line::Ready).collect();
                // First, because of a ticket that stands in both it is what counts.
                self.lines.push_front(Line::Delayed);
                continue;
            };
            let (first, last) = (self.read, self.read + AT_ONCE.cast_signed() - 1);
            let found = store.tickets_in(self.home, line, first, last).await?;
            self.read += found.len().cast_signed();
            if found.len() < AT_ONCE {
                self.lines.pop_front();
                self.read = 0;
            }
            for (name, due) in found {
                if self.seen.insert(name.clone()) {
                    self.tickets.push_back(Ticket { name, due, read: 0, jobs: 0 });
                }
            }
        }
        Ok(true)
    }

    /// Reads on in the queues of the first tickets.
    async fn jobs(&mut self, store: &RedisStore) -> Result<Vec<Item>> {
        let mut tickets: Vec<Ticket> = self.tickets.drain(..self.tickets.len().min(TICKETS)).collect();
        let mut reads = redis::pipe();
        for ticket in &tickets {
            let queue = self.home.key(&format!("g:{}", ticket.name));
            reads.lrange(queue, ticket.read, ticket.read + OF_ONE - 1);
        }
        let queues: Vec<Vec<String>> = store.link.ask(self.home, &reads).await?;
        let mut entries = Vec::new();
        for (ticket, queue) in tickets.iter_mut().zip(&queues) {
            ticket.read += queue.len().cast_signed();
            for id in queue.iter().filter_map(|id| JobId::parse(id)) {
                let (due, name) = (ticket.due, ticket.name.clone());
                entries.push(Entry { id, due, ticket: name, place: 0 });
            }
        }
        let ids: Vec<&JobId> = entries.iter().map(|entry| &entry.id).collect();
        let stored = store.stored_jobs(self.home, &ids).await?;
        let mut open = Vec::new();
        for (mut entry, stored) in entries.into_iter().zip(stored) {
            // What a torn script left behind.
            if stored.0[0].as_deref().is_none_or(|state| state == "finished") {
                continue;
            }
            if let Some(ticket) = tickets.iter_mut().find(|ticket| ticket.name == entry.ticket) {
                entry.place = ticket.jobs;
                ticket.jobs += 1;
            }
            open.push((entry, stored));
        }
        // Those with more go on before others begin.
        for (ticket, queue) in tickets.into_iter().zip(&queues).rev() {
            if queue.len().cast_signed() == OF_ONE {
                self.tickets.push_front(ticket);
            }
        }
        store.copies_of_jobs(self.home, open).await
    }
}

impl RedisStore {
    async fn ready_lines(&self, home: Home) -> Result<Vec<String>> {
        self.link.script(home, &self.scripts.ready_lists.key(home.prefix())).await
    }

    async fn tickets_in(
        &self,
        home: Home,
        line: &Line,
        first: isize,
        last: isize,
    ) -> Result<Vec<(String, Option<i64>)>> {
        let mut range = redis::pipe();
        match line {
            Line::Ready(key) => {
                range.lrange(key, first, last);
                let (tickets,): (Vec<String>,) = self.link.ask(home, &range).await?;
                Ok(tickets.into_iter().map(|ticket| (ticket, None)).collect())
            }
            Line::Delayed => {
                range.zrange_withscores(home.key("delay"), first, last);
                let (tickets,): (Vec<(String, i64)>,) = self.link.ask(home, &range).await?;
                Ok(tickets.into_iter().map(|(ticket, due)| (ticket, Some(due))).collect())
            }
        }
    }

    async fn stored_jobs(&self, home: Home, ids: &[&JobId]) -> Result<Vec<Stored>> {
        let mut reads = redis::pipe();
        for id in ids {
            let fields = ["state", "site", "project", "found_in", "queued_at", "siblings"];
            reads.cmd("HMGET").arg(home.key(&format!("job:{id}"))).arg(&fields);
            reads.get(home.key(&format!("js:{id}")));
        }
        if reads.is_empty() {
            return Ok(Vec::new());
        }
        let answers: Vec<redis::Value> = self.link.ask(home, &reads).await?;
        answers.chunks(2).map(read_answer).collect()
    }

    async fn copies_of_jobs(&self, home: Home, jobs: Vec<(Entry, Stored)>) -> Result<Vec<Item>> {
        let ids: Vec<&JobId> = jobs.iter().map(|(entry, _)| &entry.id).collect();
        let positions = self.positions(&ids).await?;
        let mut expired = redis::pipe();
        for (entry, _) in &jobs {
            expired.hget(home.key("expired"), &entry.ticket);
        }
        let expired: Vec<Option<u32>> =
            if jobs.is_empty() { Vec::new() } else { self.link.ask(home, &expired).await? };
        let copies = jobs.into_iter().zip(expired).map(|((entry, stored), expired)| {
            let position = positions.get(&entry.id).copied().unwrap_or_default();
            copy(entry, stored, position, expired.unwrap_or_default())
        });
        copies.map(|copy| Ok(Item::Job(Box::new(copy?)))).collect()
    }

    /// Where each job's ticket stands among those of its event.
    async fn positions(&self, ids: &[&JobId]) -> Result<BTreeMap<JobId, u32>> {
        let mut homes: BTreeMap<Home, Vec<&JobId>> = BTreeMap::new();
        for id in ids {
            homes.entry(self.layout.of_event(&id.event)).or_default().push(id);
        }
        let mut positions = BTreeMap::new();
        for (home, ids) in homes {
            let mut reads = redis::pipe();
            for id in &ids {
                reads.hget(home.key(&format!("tk:{}", id.event)), &id.key);
            }
            let entries: Vec<Option<String>> = self.link.ask(home, &reads).await?;
            let read = |entry: String| entry.split(' ').next()?.parse().ok();
            let known = ids.into_iter().zip(entries);
            positions.extend(known.filter_map(|(id, entry)| Some((id.clone(), entry.and_then(read)?))));
        }
        Ok(positions)
    }
}

fn copy(entry: Entry, stored: Stored, position: u32, expired: u32) -> Result<JobCopy> {
    let ([_, site, project, found_in, queued_at, siblings], state) = stored;
    let what = format!("job {}", entry.id);
    let state: Option<State> = state.map(|state| record::unpack(&state, &what)).transpose()?;
    let trace = state.as_ref().map(|state| state.trace.get());
    let read: Option<TicketTrace> = trace.map(|json| record::from_json(json, &what)).transpose()?.flatten();
    let verdict = read.map(|trace| Verdict { outcome: trace.outcome, reason: trace.reason });
    let first = entry.place == 0;
    Ok(JobCopy {
        event: entry.id.event,
        ticket: TicketCopy {
            key: entry.id.key,
            position,
            generation: entry.id.generation,
            site: site.unwrap_or_default(),
            project: project.unwrap_or_default(),
            found_in: record::from_json(&found_in.unwrap_or_default(), &what)?.unwrap_or_default(),
            queued_at: milliseconds(queued_at.as_deref()),
            verdict: verdict.unwrap_or(Reason::Queued.into()),
            trace: trace.map(|json| json.as_bytes().to_vec()),
        },
        progress: state.as_ref().map(|state| state.progress.get().to_owned()),
        place: entry.place,
        expired: if first { expired } else { 0 },
        due: entry.due.filter(|_| first),
        siblings: siblings.is_some_and(|siblings| !siblings.is_empty()),
    })
}
