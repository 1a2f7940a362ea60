//! The jobs that are under way in this process, each in a task of its own.
//!
//! A job that breaks takes down its own task and nothing else; what it last saved is still known here, so
//! it is given back with one more mark against it, and put away after a few.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::task::{Id, JoinError, JoinSet};

use super::act::{self, Ended};
use super::intent::Progress;
use super::lease::Held;
use super::retry::{self, Next};
use super::{Shared, Stepped, record};
use crate::store::{Claim, JobState, StoreError};
use crate::trace::{Reason, TicketTrace, Verdict};

/// How a job's task ended.
pub(super) type Joined = Result<(Id, Result<Ended, StoreError>), JoinError>;

/// The jobs under way.
pub(super) struct Crew {
    shared: Arc<Shared>,
    tasks: JoinSet<Result<Ended, StoreError>>,
    held: HashMap<Id, Arc<Held>>,
    /// Questions to sites how they are. Nothing waits for them but the end of a step.
    questions: JoinSet<()>,
}

impl Crew {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, tasks: JoinSet::new(), held: HashMap::new(), questions: JoinSet::new() }
    }

    /// How many jobs are under way.
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// How many of them are on a site.
    pub(super) fn on(&self, site: &str) -> usize {
        self.held.values().filter(|held| held.lease().site == site).count()
    }

    /// Takes a job up.
    pub(super) fn start(&mut self, claim: Claim) {
        let shared = Arc::clone(&self.shared);
        let saved = claim.state.clone().unwrap_or_else(|| JobState {
            progress: record::notes(&Progress::default()),
            trace: TicketTrace::queued(&claim.lease.job.key, claim.found_in.clone(), claim.queued_at),
        });
        let (store, clock) = (Arc::clone(&shared.store), shared.clock.clone());
        let lease = claim.lease.clone();
        let held = Arc::new(Held::new(store, clock, lease, shared.config.heartbeat, saved));
        let own = Arc::clone(&held);
        let task = self.tasks.spawn(async move { act::carry_out(&shared, &own, claim).await });
        self.held.insert(task.id(), held);
    }

    /// Asks a site beside the work.
    pub(super) fn ask(&mut self, question: impl Future<Output = ()> + Send + 'static) {
        while self.questions.try_join_next().is_some() {}
        self.questions.spawn(question);
    }

    /// Waits until every question is answered.
    pub(super) async fn answered(&mut self) {
        while self.questions.join_next().await.is_some() {}
    }

    /// Waits until a job ends; [`None`] when none is under way. Safe to be cut short.
    pub(super) async fn joined(&mut self) -> Option<Joined> {
        self.tasks.join_next_with_id().await
    }

    /// Notes how a job ended.
    pub(super) async fn settle(&mut self, joined: Joined, stepped: &mut Stepped) {
        let id = joined.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let Some(held) = self.held.remove(&id) else { return };
        let ended = match joined {
            Ok((_, ended)) => ended,
            Err(error) if error.is_panic() => self.after_panic(&held).await,
            Err(_) => return,
        };
        stepped.note(&held.lease().job, ended);
    }

    /// Lets all jobs under way end.
    pub(super) async fn finish(&mut self, stepped: &mut Stepped) {
        while let Some(joined) = self.joined().await {
            self.settle(joined, stepped).await;
        }
    }

    async fn after_panic(&self, held: &Held) -> Result<Ended, StoreError> {
        let JobState { progress, mut trace } = held.saved();
        let mut progress = Progress::read(&progress).unwrap_or_default();
        progress.tries.panics += 1;
        record::detail(&mut trace, "a worker broke on this job: please report it, with this trace");
        tracing::error!(job = %held.lease().job, panics = progress.tries.panics, "a worker broke on a job");
        match retry::after_panic(progress.tries.panics, super::jitter()) {
            Next::Retry(delay, reason) => {
                held.retry(delay, &JobState { progress: record::notes(&progress), trace }).await?;
                Ok(Ended::Waiting(reason))
            }
            Next::Pause(..) | Next::WithSite(..) | Next::Fail(_) | Next::Dead(_) => {
                let verdict = Verdict::dead(Reason::Poison);
                held.finish(&record::end(trace, verdict, self.shared.clock.now())).await?;
                Ok(Ended::Finished(verdict))
            }
        }
    }

    /// Lets the jobs under way end, for so long; then stops them and gives their tickets back.
    pub(super) async fn wind_down(mut self, most: std::time::Duration) -> Stepped {
        let mut stepped = Stepped::default();
        if tokio::time::timeout(most, self.finish(&mut stepped)).await.is_ok() {
            return stepped;
        }
        self.tasks.shutdown().await;
        for held in self.held.values() {
            tracing::warn!(job = %held.lease().job, "stopped on the way; the ticket is given back");
            if let Err(error) = held.hand_back().await {
                tracing::warn!(job = %held.lease().job, %error, "its lease will run out by itself");
            }
        }
        stepped
    }
}
