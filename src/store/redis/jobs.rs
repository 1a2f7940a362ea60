//! Jobs: claimed under a lease, worked on, ended.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;

use super::keys::{Home, ticket};
use super::{RedisStore, record};
use crate::event::Event;
use crate::store::{Claim, ClaimRequest, EventId, JobId, JobState, Lease, Result, StoreError};
use crate::trace::{TicketTrace, Verdict};

/// A leased job as the claim script answers it: id, site, project, found in, queued at, fence, expired,
/// state.
type Leased = (String, String, String, String, String, u64, u32, Vec<u8>);

/// How much larger an event is in memory than as it is stored, about.
const UNPACKED: u32 = 4;

/// An event, or why it cannot be read.
type Readable = std::result::Result<Event, String>;

impl RedisStore {
    pub(super) async fn claim_heads(&self, request: &ClaimRequest) -> Result<Vec<Claim>> {
        let mut leased = Vec::new();
        let first = self.next_claim.fetch_add(1, Ordering::Relaxed);
        let homes: Vec<Home> = self.layout.jobs().collect();
        for home in homes.iter().cycle().skip(first % homes.len().max(1)).take(homes.len()) {
            if leased.len() >= request.most {
                break;
            }
            let mut call = self.scripts.claim.key(home.prefix());
            call.arg(&request.worker).arg(millis(request.lease)).arg(request.most - leased.len());
            call.arg(self.clock.ahead_ms()).arg(&request.skip_sites);
            leased.extend(self.link.script::<Vec<Leased>>(&call).await?);
        }
        let jobs: Vec<_> = leased.into_iter().filter_map(with_id).collect();
        let events = self.events_of(jobs.iter().map(|(id, _)| &id.event)).await?;
        let event_of = |id: &EventId| events.get(id).cloned().unwrap_or_else(|| Err("it is gone".into()));
        let claims = jobs.into_iter().map(|(id, job)| {
            let event = event_of(&id.event);
            read_claim(id, job, request.lease, event)
        });
        Ok(claims.collect())
    }

    /// The events of jobs; a release's 500 tickets read theirs once.
    async fn events_of(&self, ids: impl Iterator<Item = &EventId>) -> Result<HashMap<EventId, Readable>> {
        let mut events = HashMap::new();
        let mut unknown: BTreeMap<Home, BTreeSet<&EventId>> = BTreeMap::new();
        for id in ids {
            if let Some((event, _)) = self.events.get(id).await {
                events.insert(id.clone(), Ok((*event).clone()));
            } else {
                unknown.entry(self.layout.of_event(id)).or_default().insert(id);
            }
        }
        for (home, ids) in unknown {
            let mut gets = redis::pipe();
            for id in &ids {
                gets.get(home.key(&format!("no:{id}")));
            }
            let contents: Vec<Option<Vec<u8>>> = self.link.commands(&gets).await?;
            for (id, content) in ids.into_iter().zip(contents) {
                let content = content.unwrap_or_default();
                let event = record::unpack_event(&content);
                if let Ok(event) = &event {
                    let size = u32::try_from(content.len()).unwrap_or(u32::MAX).saturating_mul(UNPACKED);
                    self.events.insert(id.clone(), (Arc::new(event.clone()), size)).await;
                }
                events.insert(id.clone(), event);
            }
        }
        Ok(events)
    }

    /// Renews a lease, and saves the job's state when there is one to save.
    pub(super) async fn renew(&self, lease: &Lease, state: Option<&JobState>) -> Result<()> {
        let mut call = self.scripts.step.key(self.layout.of_lease(lease).prefix());
        call.arg(ticket(&lease.site, &lease.job.key)).arg(&lease.job).arg(lease.fence);
        call.arg(millis(lease.duration)).arg(self.clock.ahead_ms());
        call.arg(state.map(record::pack).transpose()?.unwrap_or_default());
        held(lease, &self.link.script::<String>(&call).await?)
    }

    pub(super) async fn end(&self, lease: &Lease, trace: &TicketTrace) -> Result<Option<Timestamp>> {
        let job = &lease.job;
        let home = self.layout.of_lease(lease);
        let mut call = self.scripts.finish.key(home.prefix());
        call.arg(ticket(&lease.site, &job.key)).arg(job).arg(lease.fence).arg(record::pack(trace)?);
        call.arg(trace.outcome.as_str()).arg(trace.reason.as_str());
        call.arg(format!("{}:{}", job.event, job.key)).arg(self.clock.now().as_millisecond());
        held(lease, &self.link.script::<String>(&call).await?)?;
        Ok(self.tell(lease, trace).await)
    }

    /// Tells the event at once what became of its ticket. Should it fail: a final verdict stands in the
    /// outbox for the next upkeep, and what a ticket waits for is only shown later. Answers when the event was received, if all of it is over.
    async fn tell(&self, lease: &Lease, trace: &TicketTrace) -> Option<Timestamp> {
        let verdict = Verdict { outcome: trace.outcome, reason: trace.reason };
        let told = self.carry_one(self.layout.of_lease(lease), &lease.job, verdict).await;
        told.unwrap_or_else(|error| {
            tracing::debug!(job = %lease.job, %error, "the event is told later what became of its ticket");
            None
        })
    }

    /// Gives a ticket back: with a state to wait for a retry, without one to the front.
    pub(super) async fn give_back(&self, lease: &Lease, retry: Option<(Duration, &JobState)>) -> Result<()> {
        let mut call = self.scripts.give_back.key(self.layout.of_lease(lease).prefix());
        call.arg(ticket(&lease.site, &lease.job.key)).arg(&lease.job).arg(lease.fence);
        match retry {
            Some((delay, state)) => call.arg(record::pack(state)?).arg(millis(delay)),
            None => call.arg("").arg(""),
        };
        call.arg(self.clock.ahead_ms());
        held(lease, &self.link.script::<String>(&call).await?)?;
        if let Some((_, state)) = retry {
            self.tell(lease, &state.trace).await;
        }
        Ok(())
    }
}

/// A leased job with its id read. One whose id cannot be read is left to its lease, and stops nobody else.
fn with_id(job: Leased) -> Option<(JobId, Leased)> {
    let id = JobId::parse(&job.0);
    if id.is_none() {
        tracing::error!(job = job.0, "a job in Redis has an id that cannot be read");
    }
    Some((id?, job))
}

/// What cannot be read of a job makes its event unreadable: whoever claims it ends it, and it blocks nobody.
fn read_claim(id: JobId, job: Leased, duration: Duration, event: Readable) -> Claim {
    let (name, site, project, found_in, queued_at, fence, expired, state) = job;
    let state =
        if state.is_empty() { Ok(None) } else { record::unpack(&state, &format!("job {name}")).map(Some) };
    let (state, event) = match state {
        Ok(state) => (state, event),
        Err(error) => (None, Err(error.to_string())),
    };
    Claim {
        lease: Lease { job: id, site, fence, duration },
        project,
        found_in: record::from_json(&found_in, &name).ok().flatten().unwrap_or_default(),
        queued_at: queued_at.parse().unwrap_or(Timestamp::UNIX_EPOCH),
        expired,
        state,
        event,
    }
}

fn held(lease: &Lease, answer: &str) -> Result<()> {
    if answer == "lost" { Err(StoreError::LostLease(lease.job.clone())) } else { Ok(()) }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
