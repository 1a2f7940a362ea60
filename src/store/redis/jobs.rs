//! Jobs: claimed under a lease, worked on, ended.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::keys::{Home, ticket};
use super::link::each;
use super::queries::read_answer;
use super::turns::shares;
use super::{RedisStore, record};
use crate::event::Event;
use crate::store::{
    Claim, ClaimRequest, EventId, JobId, JobState, Lease, Result, StoreError, TicketState, Unreadable,
};
use crate::trace::{TicketTrace, Verdict};

/// A leased job as the claim scripts answer it: id, site, project, found in, queued at, fence, expired, siblings,
/// state.
type Leased = (String, String, String, String, String, u64, u32, String, Vec<u8>);

/// Tickets offered to one call; scripts shall be short.
const SIBLINGS_AT_ONCE: usize = 250;

/// How much larger an event is in memory than as it is stored, about.
const UNPACKED: u32 = 4;

/// An event with the projects that its hook may move, or why it cannot be read.
type Readable = std::result::Result<(Event, Option<Vec<String>>), Unreadable>;

/// What Redis knows of an event that tickets name: its content, and its hook's projects.
type Named = (Option<Vec<u8>>, Option<String>);

impl RedisStore {
    pub(super) async fn claim_heads(&self, request: &ClaimRequest) -> Result<Vec<Claim>> {
        self.read_claims(self.lease_heads(request).await?, request).await
    }

    async fn read_claims(&self, leased: Vec<Leased>, request: &ClaimRequest) -> Result<Vec<Claim>> {
        let jobs: Vec<_> = leased.into_iter().filter_map(with_id).collect();
        let events = self.events_of(jobs.iter().map(|(id, _)| &id.event)).await?;
        let gone = || Err(Unreadable::Damaged("it is gone".to_owned()));
        let event_of = |id: &EventId| events.get(id).cloned().unwrap_or_else(gone);
        let claims = jobs.into_iter().map(|(id, job)| {
            let event = event_of(&id.event);
            read_claim(id, job, request.lease, event)
        });
        Ok(claims.collect())
    }

    /// Takes from all partitions that have something ready, each its share, until there is enough or they are
    /// empty. A partition that gave less than its share has no more.
    async fn lease_heads(&self, request: &ClaimRequest) -> Result<Vec<Leased>> {
        let mut leased = Vec::new();
        let mut homes = self.turn(self.layout.jobs().collect(), &["rota", "delay"]).await?;
        while leased.len() < request.most && !homes.is_empty() {
            let shares = shares(request.most - leased.len(), &homes);
            homes.drain(..shares.len());
            let asked = shares.into_iter().map(|(home, share)| (home, share, request));
            let given = match each(asked, |(home, share, request)| self.lease_in(home, share, request)).await
            {
                // What is leased already must be worked on.
                Err(_) if !leased.is_empty() => break,
                given => given?,
            };
            for (home, share, jobs) in given {
                if jobs.len() == share {
                    homes.push(home);
                }
                leased.extend(jobs);
            }
        }
        Ok(leased)
    }

    async fn lease_in(
        &self,
        home: Home,
        share: usize,
        request: &ClaimRequest,
    ) -> Result<(Home, usize, Vec<Leased>)> {
        let mut call = self.scripts.claim.key(home.prefix());
        call.arg(&request.worker).arg(millis(request.lease)).arg(share);
        call.arg(self.clock.ahead_ms()).arg(&request.skip_sites);
        Ok((home, share, self.link.script(home, &call).await?))
    }

    /// Looks the event's tickets up and asks each partition for those that are at home there.
    pub(super) async fn claim_others(&self, of: &Lease, request: &ClaimRequest) -> Result<Vec<Claim>> {
        let mut leased = Vec::new();
        for (home, jobs) in self.siblings(of).await? {
            for jobs in jobs.chunks(SIBLINGS_AT_ONCE) {
                let most = request.most.saturating_sub(leased.len());
                match self.lease_siblings(home, of, jobs, &ClaimRequest { most, ..request.clone() }).await {
                    // What is leased already must be worked on.
                    Err(_) if !leased.is_empty() => return self.read_claims(leased, request).await,
                    given => leased.extend(given?),
                }
            }
        }
        self.read_claims(leased, request).await
    }

    async fn lease_siblings(
        &self,
        home: Home,
        of: &Lease,
        jobs: &[JobId],
        request: &ClaimRequest,
    ) -> Result<Vec<Leased>> {
        let mut call = self.scripts.claim_siblings.key(home.prefix());
        call.arg(&request.worker).arg(millis(request.lease)).arg(request.most);
        call.arg(self.clock.ahead_ms()).arg(&of.site);
        for job in jobs {
            call.arg(ticket(&of.site, &job.key)).arg(job);
        }
        self.link.script(home, &call).await
    }

    /// The other unfinished tickets of a job's event on its site, by partition and as the event names them.
    async fn siblings(&self, of: &Lease) -> Result<BTreeMap<Home, Vec<JobId>>> {
        let Some(event) = self.read_event(&of.job.event).await? else { return Ok(BTreeMap::new()) };
        let mut homes: BTreeMap<Home, Vec<JobId>> = BTreeMap::new();
        let open = |ticket: &TicketState| !ticket.verdict.outcome.is_final() && ticket.key != of.job.key;
        for one in event.tickets.into_iter().filter(|one| one.site == of.site && open(one)) {
            let job = JobId { event: event.id.clone(), key: one.key, generation: one.generation };
            homes.entry(self.layout.of_ticket(&of.site, &job.key)).or_default().push(job);
        }
        Ok(homes)
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
                gets.get(home.key(&format!("no:{id}"))).hget(home.key(&format!("ev:{id}")), "projects");
            }
            let answers: Vec<redis::Value> = self.link.commands(home, &gets).await?;
            for (id, answer) in ids.into_iter().zip(answers.chunks(2)) {
                let (content, projects): Named = read_answer(answer)?;
                let content = content.unwrap_or_default();
                let event = named(id, &content, projects.as_deref());
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
        let home = self.layout.of_lease(lease);
        let mut call = self.scripts.step.key(home.prefix());
        call.arg(ticket(&lease.site, &lease.job.key)).arg(&lease.job).arg(lease.fence);
        call.arg(millis(lease.duration)).arg(self.clock.ahead_ms());
        call.arg(state.map(record::pack).transpose()?.unwrap_or_default());
        held(lease, &self.link.script::<String>(home, &call).await?)
    }

    pub(super) async fn end(&self, lease: &Lease, trace: &TicketTrace) -> Result<Option<Timestamp>> {
        let job = &lease.job;
        let home = self.layout.of_lease(lease);
        let mut call = self.scripts.finish.key(home.prefix());
        call.arg(ticket(&lease.site, &job.key)).arg(job).arg(lease.fence).arg(record::pack(trace)?);
        call.arg(trace.outcome.as_str()).arg(trace.reason.as_str());
        call.arg(format!("{}:{}", job.event, job.key)).arg(self.clock.now().as_millisecond());
        held(lease, &self.link.script::<String>(home, &call).await?)?;
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
        let home = self.layout.of_lease(lease);
        let mut call = self.scripts.give_back.key(home.prefix());
        call.arg(ticket(&lease.site, &lease.job.key)).arg(&lease.job).arg(lease.fence);
        match retry {
            Some((delay, state)) => call.arg(record::pack(state)?).arg(millis(delay)),
            None => call.arg("").arg(""),
        };
        call.arg(self.clock.ahead_ms());
        held(lease, &self.link.script::<String>(home, &call).await?)?;
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

fn named(id: &EventId, content: &[u8], projects: Option<&str>) -> Readable {
    let projects = record::from_json(projects.unwrap_or_default(), &format!("event {id}"));
    let projects = projects.map_err(|error| Unreadable::Damaged(error.to_string()))?;
    Ok((record::unpack_event(content)?, projects))
}

/// What cannot be read of a job makes its event unreadable: whoever claims it ends it, and it blocks nobody.
fn read_claim(id: JobId, job: Leased, duration: Duration, event: Readable) -> Claim {
    let (name, site, project, found_in, queued_at, fence, expired, siblings, state) = job;
    let state =
        if state.is_empty() { Ok(None) } else { record::unpack(&state, &format!("job {name}")).map(Some) };
    let (state, event) = match state {
        Ok(state) => (state, event),
        Err(error) => (None, Err(Unreadable::Damaged(error.to_string()))),
    };
    let (event, projects) = match event {
        Ok((event, projects)) => (Ok(event), projects),
        Err(why) => (Err(why), Some(Vec::new())),
    };
    Claim {
        lease: Lease { job: id, site, fence, duration },
        project,
        found_in: record::from_json(&found_in, &name).ok().flatten().unwrap_or_default(),
        queued_at: queued_at.parse().unwrap_or(Timestamp::UNIX_EPOCH),
        expired,
        siblings: !siblings.is_empty(),
        state,
        projects,
        event,
    }
}

fn held(lease: &Lease, answer: &str) -> Result<()> {
    if answer == "lost" { Err(StoreError::LostLease(lease.job.clone())) } else { Ok(()) }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
