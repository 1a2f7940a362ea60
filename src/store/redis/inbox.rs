//! The inbox: events come in, and are fanned out to their tickets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::keys::Home;
use super::link::each;
use super::turns::shares;
use super::{RedisStore, record};
use crate::store::model::Part;
use crate::store::{
    EventId, INBOX_BYTES, InboxItem, Ingested, JobId, JobState, NewEvent, NewJob, Result, Routing,
    StoreError, TicketState, Unreadable,
};
use crate::trace::{Reason, TicketTrace, Verdict};

/// How long the right to fan out a partition lasts without another look at the inbox.
const HOLDER_MS: u64 = 10_000;

/// Jobs added by one script call, so that a large release does not hold Redis up.
const JOBS_AT_ONCE: usize = 100;

/// How an event fans out, as it is written down before the first job is added.
#[derive(Debug, Serialize, Deserialize)]
struct Plan {
    generation: u32,
    jobs: Vec<PlannedJob>,
    settled: Vec<SettledTicket>,
    verdict: String,
    detail: String,
    ignored: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct PlannedJob {
    /// Among the event's tickets, from 1.
    position: u32,
    key: String,
    site: String,
    project: String,
    /// JSON, which the scripts pass through.
    found_in: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct SettledTicket {
    position: u32,
    key: String,
    verdict: String,
    /// JSON, which the scripts pass through.
    trace: String,
}

/// One event as the inbox script answers it: id, generation, replayed, only, projects, event.
type Waiting = (String, u32, String, String, String, Vec<u8>);

impl RedisStore {
    pub(super) async fn add_event(&self, event: &NewEvent) -> Result<Ingested> {
        let (kind, content) = record::content(event)?;
        let outcome = event.verdict.map_or("waiting", |verdict| verdict.outcome.as_str());
        let home = self.layout.of_event(&event.id);
        let mut call = self.scripts.ingest.key(home.prefix());
        call.arg(&event.id).arg(record::score(&event.received)).arg(&event.repo);
        call.arg(record::occurrence(event)).arg(kind).arg(content).arg(outcome);
        call.arg(self.clock.now().as_millisecond()).arg(record::merge(event));
        for (name, value) in record::fields(event)? {
            call.arg(name).arg(value);
        }
        let answer: String = self.link.accept(home, &call).await?;
        let known = answer == "known";
        let requeued = if known { self.requeue_failed(&event.id).await? } else { Vec::new() };
        Ok(Ingested { duplicate: answer != "new", known, requeued })
    }

    pub(super) async fn waiting_events(&self, worker: &str, most: usize) -> Result<Vec<InboxItem>> {
        let homes = self.turn(self.layout.events().collect(), &["in"]).await?;
        let shares = shares(most, &homes);
        let items = each(shares, |(home, share)| self.waiting_in(home, worker, share)).await?;
        Ok(items.into_iter().flatten().collect())
    }

    async fn waiting_in(&self, home: Home, worker: &str, most: usize) -> Result<Vec<InboxItem>> {
        let mut call = self.scripts.inbox.key(home.prefix());
        call.arg(worker).arg(most).arg(self.clock.ahead_ms()).arg(HOLDER_MS).arg(INBOX_BYTES);
        let answer: redis::Value = self.link.script(home, &call).await?;
        let mut answer = Vec::<redis::Value>::from_redis(answer)?.into_iter();
        let Some(fence) = answer.next() else { return Ok(Vec::new()) };
        let fence = u64::from_redis(fence)?;
        let partition = home.number();
        let items = answer.map(|item| Ok(waiting_item(Waiting::from_redis(item)?, fence, partition)));
        items.filter_map(Result::transpose).collect()
    }

    pub(super) async fn fan_out(&self, item: &InboxItem, routing: &Routing) -> Result<()> {
        let lost = || {
            StoreError::LostLease(JobId {
                event: item.id.clone(),
                key: "inbox".into(),
                generation: item.generation,
            })
        };
        let home = self.layout.of_event(&item.id);
        // Read before the plan replaces them: where a ticket was worked on is known from its entry alone.
        let earlier = if item.generation > 1 { self.tickets_of(&item.id).await? } else { Vec::new() };
        let mut call = self.scripts.plan.key(home.prefix());
        call.arg(&item.id).arg(item.fence).arg(item.generation);
        call.arg(record::json(&Plan::new(item.generation, routing)?)?);
        let answer: Vec<String> = self.link.script(home, &call).await?;
        match answer.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["go", plan] => {
                self.remove_earlier(&item.id, &earlier).await?;
                self.add_jobs(&item.id, plan).await?;
            }
            ["done"] => return Ok(()),
            _ => return Err(lost()),
        }
        let mut call = self.scripts.routed.key(home.prefix());
        call.arg(&item.id).arg(item.fence).arg(item.generation);
        call.arg(self.clock.now().as_millisecond());
        let answer: String = self.link.script(home, &call).await?;
        if answer == "lost" { Err(lost()) } else { Ok(()) }
    }

    /// Removes the jobs of earlier runs of the tickets that go through again, or are no longer named. A ticket may
    /// have another site by now, or be settled, and then nobody would find them any more.
    async fn remove_earlier(&self, id: &EventId, earlier: &[TicketState]) -> Result<()> {
        let now = self.tickets_of(id).await?;
        // One that is not in this run stands as it was, or goes on meanwhile.
        let stands = |ticket: &TicketState| {
            now.iter().any(|now| now.key == ticket.key && now.generation == ticket.generation)
        };
        for ticket in earlier.iter().filter(|ticket| !ticket.site.is_empty() && !stands(ticket)) {
            self.remove_jobs(id, &ticket.site, &ticket.key, ticket.generation).await?;
        }
        Ok(())
    }

    async fn tickets_of(&self, id: &EventId) -> Result<Vec<TicketState>> {
        let home = self.layout.of_event(id);
        let mut read = redis::cmd("HGETALL");
        read.arg(home.key(&format!("tk:{id}")));
        let entries: record::Fields = self.link.command(home, &read).await?;
        record::read_tickets(id, &entries)
    }

    /// Adds the jobs of the plan in force, each once.
    async fn add_jobs(&self, id: &EventId, plan: &str) -> Result<()> {
        let plan: Plan = record::from_json(plan, &format!("the plan of event {id}"))?
            .ok_or_else(|| super::error::unreadable(format!("the plan of event {id}"), "it is empty"))?;
        let mut homes: BTreeMap<Home, Vec<&PlannedJob>> = BTreeMap::new();
        for job in &plan.jobs {
            homes.entry(self.layout.of_ticket(&job.site, &job.key)).or_default().push(job);
        }
        let mut on_site: BTreeMap<&str, usize> = BTreeMap::new();
        for job in &plan.jobs {
            *on_site.entry(job.site.as_str()).or_default() += 1;
        }
        let siblings = |job: &PlannedJob| if on_site.get(job.site.as_str()) > Some(&1) { "1" } else { "" };
        let queued_at = self.clock.now().to_string();
        for (home, jobs) in homes {
            for jobs in jobs.chunks(JOBS_AT_ONCE) {
                let mut call = self.scripts.add_jobs.key(home.prefix());
                call.arg(id).arg(plan.generation).arg(&queued_at);
                for job in jobs {
                    call.arg(&job.key).arg(&job.site).arg(&job.project).arg(&job.found_in);
                    call.arg(siblings(job)).arg("");
                }
                self.link.script::<()>(home, &call).await?;
            }
        }
        Ok(())
    }

    /// Adds one job, with what is known of it already.
    pub(super) async fn add_job(
        &self,
        id: &EventId,
        generation: u32,
        job: &NewJob,
        state: &JobState,
    ) -> Result<()> {
        let home = self.layout.of_ticket(&job.site, &job.key);
        let mut call = self.scripts.add_jobs.key(home.prefix());
        call.arg(id).arg(generation).arg(self.clock.now().to_string());
        call.arg(&job.key).arg(&job.site).arg(&job.project).arg(record::json(&job.found_in)?);
        call.arg("").arg(record::pack(state)?);
        self.link.script(home, &call).await
    }

    pub(super) async fn keep_body(&self, id: &EventId, compressed: &[u8]) -> Result<()> {
        let home = self.layout.of_event(id);
        let mut call = self.scripts.save_body.key(home.prefix());
        call.arg(id).arg(compressed);
        self.link.script(home, &call).await
    }
}

impl Plan {
    fn new(generation: u32, routing: &Routing) -> Result<Self> {
        let (mut jobs, mut settled) = (Vec::new(), Vec::new());
        for (part, position) in routing.parts().into_iter().zip(1..) {
            match part {
                Part::Job(job) => jobs.push(PlannedJob::new(job, position)?),
                Part::Settled(trace) => settled.push(SettledTicket::new(trace, position)?),
            }
        }
        let empty = routing.jobs.is_empty() && routing.settled.is_empty();
        let own = routing.verdict.or_else(|| empty.then(|| Reason::NoKeys.into()));
        Ok(Self {
            generation,
            jobs,
            settled,
            verdict: own.map(record::verdict_text).unwrap_or_default(),
            detail: routing.detail.clone().unwrap_or_default(),
            ignored: if routing.ignored.is_empty() { String::new() } else { record::json(&routing.ignored)? },
        })
    }
}

impl PlannedJob {
    fn new(job: &NewJob, position: u32) -> Result<Self> {
        Ok(Self {
            position,
            key: job.key.clone(),
            site: job.site.clone(),
            project: job.project.clone(),
            found_in: record::json(&job.found_in)?,
        })
    }
}

impl SettledTicket {
    fn new(trace: &TicketTrace, position: u32) -> Result<Self> {
        let verdict = Verdict { outcome: trace.outcome, reason: trace.reason };
        Ok(Self {
            position,
            key: trace.key.clone(),
            verdict: record::verdict_text(verdict),
            trace: record::json(trace)?,
        })
    }
}

/// What cannot be read of a waiting event makes it unreadable: whoever routes it ends it, and it blocks nobody.
fn waiting_item(waiting: Waiting, fence: u64, partition: u16) -> Option<InboxItem> {
    let (id, generation, replayed, only, projects, event) = waiting;
    let Some(id) = EventId::parse(&id) else {
        tracing::error!(event = id, "an event in Redis' inbox has an id that cannot be read");
        return None;
    };
    let what = format!("the waiting event {id}");
    let limits = record::from_json::<Vec<String>>(&only, &what)
        .and_then(|only| Ok((only, record::from_json::<Vec<String>>(&projects, &what)?)));
    let (only, projects, event) = match limits {
        Ok((only, projects)) => (only.unwrap_or_default(), projects, record::unpack_event(&event)),
        Err(error) => (Vec::new(), Some(Vec::new()), Err(Unreadable::Damaged(error.to_string()))),
    };
    Some(InboxItem { id, generation, only, projects, replayed: replayed == "yes", event, fence, partition })
}

/// Reads one value of an answer.
trait FromRedis: redis::FromRedisValue {
    fn from_redis(value: redis::Value) -> Result<Self> {
        Self::from_redis_value(value).map_err(|error| redis::RedisError::from(error).into())
    }
}
impl<T: redis::FromRedisValue> FromRedis for T {}
