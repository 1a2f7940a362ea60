//! From a waiting event to a moved ticket.
//!
//! | file | what it does |
//! |---|---|
//! | `runner` | the loop: upkeep, route, claim, wait; stops cleanly |
//! | `fan` | events from the inbox to their tickets' queues, in order |
//! | `router` | PURE: fans an event out to its tickets |
//! | `crew` | the jobs under way, a task each |
//! | `ruling` | PURE: the decision on one ticket, with its trace |
//! | `act` | carries out one job: read, decide, move, finish |
//! | `batch` | the tickets of one event, read and moved in few calls |
//! | `lacking` | what an event lacks, read from its forge before a decision that needs it |
//! | `intent` | what a job means to do, written down before Jira is asked |
//! | `recover` | PURE: where a job goes on after a crash or a lost answer |
//! | `retry` | PURE: the table from a failure to what is done about it |
//! | `breaker` | PURE: whether a site is down |
//! | `sites`, `probe` | what is heard of each site, and asking one how it is |
//! | `lease` | the heartbeat, and the check before each request that writes |
//! | `record` | the trace |
//! | [`plan`] | PURE: what would be done with an event, for `conduit plan` |
//! | `rulebook` | what decides now: rules and sites, replaced as one |
//! | [`processor`] | what drives a ticket system: one file a backend |
//!
//! A worker is a [`step`](Worker::step) and a loop around it, after the newsletter worker of
//! zero-to-production: tests call the step and look, and never wait for a clock.

mod act;
mod batch;
mod breaker;
mod crew;
mod fan;
mod intent;
mod lacking;
mod lease;
pub mod plan;
mod probe;
pub mod processor;
mod record;
mod recover;
mod retry;
mod router;
mod rulebook;
mod ruling;
mod runner;
mod sites;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, Semaphore, watch};

use crate::clock::Clock;
use crate::forge_api::ForgeApi;
use crate::store::{JobId, Store, StoreError};
use crate::telemetry::{self, Span};
use crate::trace::{Outcome, Reason, Verdict};

pub use act::Ended;
pub use processor::Backends;
pub use rulebook::Rulebook;

/// How long a worker may take to stop, as the contract promises.
pub const STOPS_WITHIN: Duration = Duration::from_secs(25);

/// How a worker works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerConfig {
    /// A name that no other running process has.
    pub name: String,
    /// How many tickets are at their ticket system at once; beside a batch, up to a quarter more.
    pub concurrency: usize,
    /// How long a lease lasts without a heartbeat. More than twice the longest request to Jira.
    pub lease: Duration,
    /// How often leases are renewed.
    pub heartbeat: Duration,
    /// How long a ticket is tried before it is a dead letter.
    pub patience: Duration,
    /// How long finished events are kept.
    pub retention: Duration,
    /// How often a worker looks even if nobody wakes it.
    pub poll: Duration,
    /// How long jobs may go on after the order to stop. The rest of [`STOPS_WITHIN`] is for giving them back.
    pub finish: Duration,
}

impl WorkerConfig {
    /// The defaults, for a process of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            concurrency: 16,
            lease: Duration::from_secs(30),
            heartbeat: Duration::from_secs(10),
            patience: Duration::from_hours(72),
            retention: Duration::from_hours(30 * 24),
            poll: Duration::from_secs(1),
            finish: Duration::from_secs(20),
        }
    }

    /// This one with another lease, renewed three times while it lasts.
    #[must_use]
    pub fn with_lease(self, lease: Duration) -> Self {
        Self { lease, heartbeat: lease / 3, ..self }
    }

    /// How many tickets are under way at once: those at their ticket system, and some more whose lease or end is
    /// just being written to the store, so that a place does not stand empty for as long as that takes.
    pub(crate) fn under_way(&self) -> usize {
        self.concurrency + self.concurrency / 4
    }

    /// Whether so many are enough. While no place stands empty, it is better to claim a few at once than one by one.
    pub(crate) fn is_full(&self, under_way: usize) -> bool {
        let some = (self.concurrency / 8).max(1);
        under_way >= self.concurrency && under_way + some > self.under_way()
    }

    /// How long a request to a ticket system may take under a lease: less than half of it, so that none that was
    /// sent under a fresh lease is still under way when it runs out.
    pub fn request_timeout(lease: Duration) -> Duration {
        lease * 2 / 5
    }
}

/// What a worker did in one step.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Stepped {
    /// Events that were fanned out.
    pub routed: usize,
    /// Jobs that are over.
    pub finished: Vec<(JobId, Verdict)>,
    /// Jobs that will be tried again, and what they wait for.
    pub waiting: Vec<(JobId, Reason)>,
    /// Jobs that somebody else has by now, or that wait for a newer worker or for the store.
    pub dropped: Vec<JobId>,
}

impl Stepped {
    /// Whether there was nothing to do.
    pub fn is_idle(&self) -> bool {
        *self == Self::default()
    }

    fn add(&mut self, other: Self) {
        let Self { routed, finished, waiting, dropped } = other;
        self.routed += routed;
        self.finished.extend(finished);
        self.waiting.extend(waiting);
        self.dropped.extend(dropped);
    }

    fn note(&mut self, job: &JobId, ended: Result<Ended, StoreError>) {
        let JobId { event, key: ticket, .. } = job;
        let trace_id = telemetry::trace_id(event.as_str());
        match ended {
            Ok(Ended::Finished(verdict)) => {
                count(verdict);
                let (outcome, reason) = (verdict.outcome, verdict.reason);
                tracing::info!(%event, trace_id, ticket, %job, %outcome, %reason, "{job} is over");
                self.finished.push((job.clone(), verdict));
                return;
            }
            Ok(Ended::Waiting(reason)) => {
                tracing::info!(%event, trace_id, ticket, %job, %reason, "{job} will be tried again");
                self.waiting.push((job.clone(), reason));
                return;
            }
            Ok(Ended::LeftToNewer) => {
                tracing::info!(%event, trace_id, ticket, %job, "{job} was written by a newer version and is left to it");
            }
            Err(StoreError::LostLease(_)) => {
                tracing::warn!(%event, trace_id, ticket, %job, "{job} belongs to another worker by now");
            }
            Err(error) => {
                tracing::warn!(%event, trace_id, ticket, %job, %error, "{job} is left to its lease");
            }
        }
        self.dropped.push(job.clone());
    }
}

/// Routes events and carries out jobs. Clones share everything.
#[derive(Clone)]
pub struct Worker {
    shared: Arc<Shared>,
    upkeep: Arc<Mutex<runner::Upkeep>>,
}

/// What every job needs.
struct Shared {
    store: Arc<dyn Store>,
    rulebook: Arc<ArcSwap<Rulebook>>,
    forge: lacking::Forge,
    clock: Clock,
    config: WorkerConfig,
    sites: sites::Sites,
    /// The places at ticket systems for jobs that go alone; a batch has its own.
    places: Semaphore,
}

impl Worker {
    /// A worker; it does nothing until it is stepped or run. `forge` is asked for what an event lacks.
    pub fn new(
        store: Arc<dyn Store>,
        rulebook: Arc<ArcSwap<Rulebook>>,
        forge: Option<Arc<dyn ForgeApi>>,
        clock: Clock,
        config: WorkerConfig,
    ) -> Self {
        let forge = lacking::Forge::new(forge);
        let sites = sites::Sites::default();
        let places = Semaphore::new(config.concurrency);
        let shared = Arc::new(Shared { store, rulebook, forge, clock, config, sites, places });
        Self { shared, upkeep: Arc::default() }
    }

    /// Asks each site what holds for all its tickets, so that no event has to pay for the question. What a site does
    /// not answer is asked when it is needed.
    pub async fn prepare(&self) {
        let rulebook = self.shared.rulebook.load_full();
        for site in rulebook.backends.sites() {
            if let Some(bulk) = site.processor.bulk() {
                bulk.may_move(&mut Vec::new()).await;
            }
        }
    }

    /// One turn: tidies up if it is time, routes what waits, claims as many jobs as may be under way at
    /// once, and carries them out to their end or to their next try.
    pub async fn step(&self) -> Result<Stepped, StoreError> {
        runner::step(self).await
    }

    /// Works until it is told to stop; then takes on nothing new, and has finished or given back everything
    /// within [`STOPS_WITHIN`].
    pub async fn run(&self, stop: watch::Receiver<bool>) {
        runner::run(self, stop).await;
    }
}

/// A factor between 0.7 and 1.3, so that what failed together does not come back together.
fn jitter() -> f64 {
    let thrown = getrandom::u32().map_or(0.5, |n| f64::from(n) / f64::from(u32::MAX));
    0.7 + 0.6 * thrown
}

/// Counts a ticket's end, or an event's that had no ticket.
fn count(verdict: Verdict) {
    telemetry::outcome(verdict.outcome.as_str(), verdict.reason.as_str());
}

/// Says in a trace how a ticket, or an event without any, ended.
fn tell(span: &Span, verdict: Verdict) {
    span.set("conduit.outcome", verdict.outcome.as_str());
    span.set("conduit.reason", verdict.reason.as_str());
    if matches!(verdict.outcome, Outcome::Failed | Outcome::Dead) {
        span.failed(verdict.reason.as_str());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_place_stands_empty_and_a_few_are_claimed_at_once() {
        let config = |concurrency| WorkerConfig { concurrency, ..WorkerConfig::new("worker-1") };
        let claims_at = |concurrency| {
            let config = config(concurrency);
            let full: Vec<_> = (0..=config.under_way()).filter(|n| config.is_full(*n)).collect();
            (*full.first().unwrap(), config.under_way())
        };
        assert_eq!(claims_at(1), (1, 1));
        assert_eq!(claims_at(4), (5, 5));
        assert_eq!(claims_at(16), (19, 20), "two at once");
        assert_eq!(claims_at(64), (73, 80), "eight at once");
    }

    #[test]
    fn a_request_under_a_fresh_lease_is_over_before_the_lease_is() {
        for seconds in [3, 30, 300] {
            let lease = Duration::from_secs(seconds);
            assert!(WorkerConfig::request_timeout(lease) < lease / 2, "{lease:?}");
        }
        let usual = WorkerConfig::new("worker-1");
        assert_eq!(WorkerConfig::request_timeout(usual.lease), crate::jira::TIMEOUT);
        assert_eq!(usual.clone().with_lease(usual.lease), usual);
    }
}
