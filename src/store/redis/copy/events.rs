//! Events with their finished tickets, and their runs in the inbox, as they are copied.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::super::keys::Home;
use super::super::queries::read_answer;
use super::super::{RedisStore, record};
use crate::store::copy::{EventCopy, Item, Name, RunCopy, TicketCopy, unpacked};
use crate::store::{EventId, EventState, JobId, Result, TicketState};

/// What stands under an event's keys: record, tickets, content, body, settled tickets, open tickets, end.
type Stored = (
    record::Fields,
    record::Fields,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    HashMap<String, String>,
    HashSet<String>,
    Option<i64>,
);

/// What stands under a job's keys: project, where it was found, since when it is queued; its trace.
type Finished = ((Option<String>, Option<String>, Option<String>), Option<Vec<u8>>);

/// State, tickets to send through again, whether a person asked, when it was received.
type Run = (Option<String>, Option<String>, Option<String>, Option<i64>);

impl RedisStore {
    /// These events of one partition. What is gone, or half removed, is left out.
    pub(super) async fn copies_of(&self, ids: &[EventId]) -> Result<Vec<Item>> {
        let Some(home) = ids.first().map(|id| self.layout.of_event(id)) else { return Ok(Vec::new()) };
        let mut reads = redis::pipe();
        for id in ids {
            let key = |kind: &str| home.key(&format!("{kind}:{id}"));
            reads.hgetall(key("ev")).hgetall(key("tk")).get(key("no")).get(key("bd")).hgetall(key("st"));
            reads.smembers(key("op")).zscore(home.key("ix:done"), id.as_str());
        }
        let answers: Vec<redis::Value> = self.link.ask(home, &reads).await?;
        let mut copies = Vec::new();
        for (id, answer) in ids.iter().zip(answers.chunks(7)) {
            let stored: Stored = read_answer(answer)?;
            if stored.0.contains_key("state") {
                copies.push(event(id, stored)?);
            }
        }
        self.name_changes(home, &mut copies).await?;
        self.add_finished(&mut copies).await?;
        Ok(copies.into_iter().map(|copy| Item::Event(Box::new(copy))).collect())
    }

    /// Leaves the name of a change to the event that stands for it.
    async fn name_changes(&self, home: Home, copies: &mut [EventCopy]) -> Result<()> {
        let named: Vec<&mut EventCopy> = copies.iter_mut().filter(|copy| copy.occurrence.is_some()).collect();
        if named.is_empty() {
            return Ok(());
        }
        let mut reads = redis::pipe();
        for copy in &named {
            let name = copy.occurrence.as_ref().map(Name::short).unwrap_or_default();
            reads.get(home.key(&format!("oc:{name}")));
        }
        let standing: Vec<Option<String>> = self.link.commands(home, &reads).await?;
        for (copy, standing) in named.into_iter().zip(standing) {
            if standing.as_deref() != Some(copy.id.as_str()) {
                copy.occurrence = None;
            }
        }
        Ok(())
    }

    /// Adds what stands beside the finished jobs, in the partitions of their tickets.
    async fn add_finished(&self, copies: &mut [EventCopy]) -> Result<()> {
        let mut homes: BTreeMap<Home, Vec<(JobId, &mut TicketCopy)>> = BTreeMap::new();
        for copy in copies {
            let event = &copy.id;
            for ticket in copy.finished.iter_mut().filter(|ticket| !ticket.site.is_empty()) {
                let home = self.layout.of_ticket(&ticket.site, &ticket.key);
                let (key, generation) = (ticket.key.clone(), ticket.generation);
                let job = JobId { event: event.clone(), key, generation };
                homes.entry(home).or_default().push((job, ticket));
            }
        }
        for (home, tickets) in homes {
            let mut reads = redis::pipe();
            for (job, _) in &tickets {
                let fields = ["project", "found_in", "queued_at"];
                reads.cmd("HMGET").arg(home.key(&format!("job:{job}"))).arg(&fields);
                reads.get(home.key(&format!("tt:{job}")));
            }
            let answers: Vec<redis::Value> = self.link.ask(home, &reads).await?;
            for ((job, ticket), answer) in tickets.into_iter().zip(answers.chunks(2)) {
                let ((project, found_in, queued_at), trace): Finished = read_answer(answer)?;
                ticket.project = project.unwrap_or_default();
                ticket.found_in =
                    record::from_json(&found_in.unwrap_or_default(), &job.to_string())?.unwrap_or_default();
                ticket.queued_at = milliseconds(queued_at.as_deref());
                ticket.trace = trace.map(unpacked);
            }
        }
        Ok(())
    }

    /// Those of the events that wait, with when they were received.
    pub(super) async fn runs_of(&self, home: Home, ids: &[EventId]) -> Result<Vec<(i64, RunCopy)>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut reads = redis::pipe();
        for id in ids {
            let fields = ["state", "only", "replayed", "score"];
            reads.cmd("HMGET").arg(home.key(&format!("ev:{id}"))).arg(&fields);
        }
        let read: Vec<Run> = self.link.ask(home, &reads).await?;
        let mut runs = Vec::new();
        for (id, (state, only, replayed, at)) in ids.iter().zip(read) {
            // Half an ingest or half a replay that nobody was told of, or routed already.
            if state.as_deref() == Some("waiting") {
                let only = record::from_json(&only.unwrap_or_default(), &format!("the waiting event {id}"))?;
                let (event, only) = (id.clone(), only.unwrap_or_default());
                let run = RunCopy { event, only, replayed: replayed.as_deref() == Some("yes") };
                runs.push((at.unwrap_or_default(), run));
            }
        }
        Ok(runs)
    }
}

/// A stored time, as both stores can keep it.
pub(super) fn milliseconds(text: Option<&str>) -> i64 {
    text.and_then(|text| text.parse::<jiff::Timestamp>().ok()).map_or(0, jiff::Timestamp::as_millisecond)
}

fn event(id: &EventId, stored: Stored) -> Result<EventCopy> {
    let (fields, tickets, content, body, settled, open, done) = stored;
    let standing = record::read(id, &fields, &tickets, content.as_deref().unwrap_or_default())?;
    let text = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let name = |field: &str| Some(Name::Short(text(field).to_owned())).filter(|_| !text(field).is_empty());
    let entries = record::read_entries(id, &tickets)?;
    let finished = entries.into_iter().filter(|(_, ticket)| !open.contains(&ticket.key));
    Ok(EventCopy {
        id: id.clone(),
        projects: record::from_json(text("projects"), &format!("event {id}"))?,
        received: standing.received,
        event: content.map(unpacked),
        body,
        generation: standing.generation,
        state: standing.state,
        verdict: standing.verdict,
        own: record::verdict(text("verdict")),
        detail: standing.detail,
        duplicate_of: standing.duplicate_of,
        ignored: standing.ignored,
        occurrence: name("o"),
        merge: name("c"),
        finished_at: done.filter(|_| standing.state == EventState::Finished),
        finished: finished.map(|(position, ticket)| of_ticket(position, ticket, &settled)).collect(),
        provider: standing.provider,
        delivery_id: standing.delivery_id,
        repo: standing.repo,
        kind: standing.kind,
    })
}

fn of_ticket(position: u32, ticket: TicketState, settled: &HashMap<String, String>) -> TicketCopy {
    let trace = settled.get(&ticket.key).filter(|_| ticket.site.is_empty());
    TicketCopy {
        position,
        generation: ticket.generation,
        site: ticket.site,
        project: String::new(),
        found_in: Vec::new(),
        queued_at: 0,
        verdict: ticket.verdict,
        trace: trace.map(|trace| trace.clone().into_bytes()),
        key: ticket.key,
    }
}
