//! The jobs that are under way in this process, each in a task of its own, or with others of its event in one.
//!
//! A job that breaks takes down its own task and nothing else; what it last saved is still known here, so
//! it is given back with one more mark against it, and put away after a few.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::task::{Id, JoinError, JoinSet};

use super::act::{self, Ended};
use super::batch::{self, Team};
use super::intent::Progress;
use super::lease::Held;
use super::retry::{self, Next};
use super::{Shared, Stepped, record};
use crate::store::{Claim, JobId, JobState, StoreError};
use crate::trace::{Reason, TicketTrace, Verdict};

/// How a task ended.
pub(super) type Joined = Result<(Id, Done), JoinError>;

/// What a task did.
pub(super) enum Done {
    Job(Result<Ended, StoreError>),
    Batch(Stepped),
}

/// What a task has in its hands.
enum UnderWay {
    Job(Arc<Held>),
    Batch(Arc<Team>),
}

impl UnderWay {
    /// How many places it takes.
    fn takes(&self) -> usize {
        match self {
            Self::Job(_) => 1,
            Self::Batch(team) => team.takes(),
        }
    }

    fn site(&self) -> &str {
        match self {
            Self::Job(held) => &held.lease().site,
            Self::Batch(team) => &team.site,
        }
    }

    fn held(&self) -> Vec<Arc<Held>> {
        match self {
            Self::Job(held) => vec![Arc::clone(held)],
            Self::Batch(team) => team.all(),
        }
    }
}

/// The jobs under way.
pub(super) struct Crew {
    shared: Arc<Shared>,
    tasks: JoinSet<Done>,
    under_way: HashMap<Id, UnderWay>,
    /// Questions to sites how they are. Nothing waits for them but the end of a step.
    questions: JoinSet<()>,
}

impl Crew {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, tasks: JoinSet::new(), under_way: HashMap::new(), questions: JoinSet::new() }
    }

    /// How many places are taken.
    pub(super) fn len(&self) -> usize {
        self.under_way.values().map(UnderWay::takes).sum()
    }

    /// How many of them are on a site.
    pub(super) fn on(&self, site: &str) -> usize {
        self.under_way.values().filter(|one| one.site() == site).map(UnderWay::takes).sum()
    }

    /// Takes a job up.
    pub(super) fn start(&mut self, claim: Claim) {
        let (shared, held) = (Arc::clone(&self.shared), self.shared.hold(&claim));
        let own = Arc::clone(&held);
        let task = self
            .tasks
            .spawn(async move { Done::Job(Box::pin(act::carry_out(&shared, &own, claim, None)).await) });
        self.under_way.insert(task.id(), UnderWay::Job(held));
    }

    /// Takes jobs of one event up, to be worked on together, with so many requests at once.
    pub(super) fn start_batch(&mut self, claims: Vec<Claim>, places: usize) {
        let held: Vec<_> = claims.iter().map(|claim| self.shared.hold(claim)).collect();
        let site = claims.first().map(|claim| claim.lease.site.clone()).unwrap_or_default();
        let (shared, team) = (Arc::clone(&self.shared), Arc::new(Team::new(site, places, held)));
        let own = Arc::clone(&team);
        let task = self.tasks.spawn(async move { Done::Batch(batch::carry_out(shared, own, claims).await) });
        self.under_way.insert(task.id(), UnderWay::Batch(team));
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
        let Some(under_way) = self.under_way.remove(&id) else { return };
        match (joined, under_way) {
            (Ok((_, Done::Batch(did))), _) => stepped.add(did),
            (Ok((_, Done::Job(ended))), UnderWay::Job(held)) => stepped.note(&held.lease().job, ended),
            (Err(error), under_way) if error.is_panic() => {
                for held in under_way.held() {
                    stepped.note(&held.lease().job, self.shared.after_panic(&held).await);
                }
            }
            _ => {}
        }
    }

    /// Notes how those ended that are over already.
    pub(super) async fn settle_ended(&mut self, stepped: &mut Stepped) {
        while let Some(joined) = self.tasks.try_join_next_with_id() {
            self.settle(joined, stepped).await;
        }
    }

    /// Lets all jobs under way end.
    pub(super) async fn finish(&mut self, stepped: &mut Stepped) {
        while let Some(joined) = self.joined().await {
            self.settle(joined, stepped).await;
        }
    }

    /// Lets the jobs under way end, for so long; then stops them and gives their tickets back.
    pub(super) async fn wind_down(mut self, most: std::time::Duration) -> Stepped {
        let mut stepped = Stepped::default();
        if tokio::time::timeout(most, self.finish(&mut stepped)).await.is_ok() {
            return stepped;
        }
        self.tasks.shutdown().await;
        for held in self.under_way.values().flat_map(UnderWay::held) {
            let JobId { event, key: ticket, .. } = &held.lease().job;
            tracing::warn!(%event, ticket, job = %held.lease().job, "stopped on the way; the ticket is given back");
            if let Err(error) = held.hand_back().await {
                tracing::warn!(%event, ticket, job = %held.lease().job, %error, "its lease will run out by itself");
            }
        }
        stepped
    }
}

impl Shared {
    /// Begins to renew the lease on a job that was just claimed.
    fn hold(&self, claim: &Claim) -> Arc<Held> {
        let saved = claim.state.clone().unwrap_or_else(|| JobState {
            progress: record::notes(&Progress::default()),
            trace: TicketTrace::queued(&claim.lease.job.key, claim.found_in.clone(), claim.queued_at),
        });
        let (store, clock) = (Arc::clone(&self.store), self.clock.clone());
        Arc::new(Held::new(store, clock, claim.lease.clone(), self.config.heartbeat, saved))
    }

    /// Notes that the worker itself broke on a job, and gives its ticket back or puts it away.
    pub(super) async fn after_panic(&self, held: &Held) -> Result<Ended, StoreError> {
        let JobState { progress, mut trace } = held.saved();
        let mut progress = Progress::read(&progress).unwrap_or_default();
        progress.tries.panics += 1;
        record::detail(&mut trace, "a worker broke on this job: please report it, with this trace");
        let JobId { event, key: ticket, .. } = &held.lease().job;
        tracing::error!(%event, ticket, job = %held.lease().job, panics = progress.tries.panics, "a worker broke on a job");
        match retry::after_panic(progress.tries.panics, super::jitter()) {
            Next::Retry(delay, reason) => {
                held.retry(delay, &JobState { progress: record::notes(&progress), trace }).await?;
                Ok(Ended::Waiting(reason))
            }
            Next::Pause(..) | Next::WithSite(..) | Next::Fail(_) | Next::Dead(_) => {
                let verdict = Verdict::dead(Reason::Poison);
                held.finish(&record::end(trace, verdict, self.clock.now())).await?;
                Ok(Ended::Finished(verdict))
            }
        }
    }
}
