//! The lease on a ticket, kept alive while a worker holds it.
//!
//! The store refuses whatever a worker writes after its lease is lost. Jira does not know of leases, so
//! before each request that writes, the worker asks [`Held::fresh`]: when more than half of the lease has
//! passed since the last heartbeat, the lease is renewed first, and a worker that has lost it stops there.
//! With an HTTP timeout below the other half, no request is still under way when a lease runs out.
//!
//! Time is taken from two clocks and the later one counts: the monotonic clock stands still while a
//! machine is suspended, and the wall clock can be set back. *Not promised*: a pause between the check
//! and the write to the socket.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::store::{JobState, Lease, NewJob, Result, Store, StoreError};
use crate::telemetry;
use crate::trace::TicketTrace;

/// How long to wait before a store that is out is asked again.
const STORE_REST: Duration = Duration::from_millis(500);

/// A leased job. Dropping it stops the heartbeat, and the lease runs out by itself.
pub(super) struct Held {
    beat: Arc<Beat>,
    renewal: JoinHandle<()>,
    /// The notes as they stand in the store, for whoever cleans up after a panic.
    saved: Mutex<JobState>,
}

struct Beat {
    store: Arc<dyn Store>,
    clock: Clock,
    lease: Lease,
    last: Mutex<Moment>,
    lost: AtomicBool,
    /// The ticket is being given away: whoever finds it gone then has lost nothing.
    parting: AtomicBool,
}

/// A moment by both clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    steady: Instant,
    wall: Timestamp,
}

impl Moment {
    pub(super) fn now(clock: &Clock) -> Self {
        Self { steady: Instant::now(), wall: clock.now() }
    }

    /// How long ago it was, by the clock that says later.
    pub(super) fn age(self, clock: &Clock) -> Duration {
        let by_wall = clock.now().duration_since(self.wall);
        self.steady.elapsed().max(Duration::try_from(by_wall).unwrap_or_default())
    }
}

impl Held {
    /// Begins to renew a lease that was just given.
    pub(super) fn new(
        store: Arc<dyn Store>,
        clock: Clock,
        lease: Lease,
        heartbeat: Duration,
        saved: JobState,
    ) -> Self {
        let last = Mutex::new(Moment::now(&clock));
        let beat = Arc::new(Beat {
            store,
            clock,
            lease,
            last,
            lost: AtomicBool::new(false),
            parting: AtomicBool::new(false),
        });
        let renewal = tokio::spawn(keep_renewing(Arc::clone(&beat), heartbeat));
        Self { beat, renewal, saved: Mutex::new(saved) }
    }

    /// The lease.
    pub(super) fn lease(&self) -> &Lease {
        &self.beat.lease
    }

    /// What was last saved.
    pub(super) fn saved(&self) -> JobState {
        self.saved.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// To be asked before each request to Jira that writes.
    pub(super) async fn fresh(&self) -> Result<()> {
        let beat = &self.beat;
        if beat.lost.load(Ordering::Relaxed) {
            return Err(StoreError::LostLease(beat.lease.job.clone()));
        }
        let last = *beat.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.age(&beat.clock) > beat.lease.duration / 2 {
            return beat.renew().await;
        }
        Ok(())
    }

    /// Saves the notes, and renews the lease with them.
    pub(super) async fn checkpoint(&self, state: JobState) -> Result<()> {
        let sent = Moment::now(&self.beat.clock);
        let (store, lease) = (&self.beat.store, &self.beat.lease);
        self.insist(|| store.checkpoint(lease, &state)).await?;
        self.beat.renewed(sent);
        *self.saved.lock().unwrap_or_else(PoisonError::into_inner) = state;
        Ok(())
    }

    /// Ends the job.
    pub(super) async fn finish(&self, trace: &TicketTrace) -> Result<()> {
        self.part();
        let event_received_at = self.insist(|| self.beat.store.finish(&self.beat.lease, trace)).await?;
        if let Some(at) = event_received_at {
            let took = self.beat.clock.now().duration_since(at);
            telemetry::event_done(Duration::try_from(took).unwrap_or_default());
        }
        Ok(())
    }

    /// Ends the job, and lets `to` take its place.
    pub(super) async fn hand_over(&self, to: &NewJob, state: &JobState, trace: &TicketTrace) -> Result<()> {
        self.part();
        self.insist(|| self.beat.store.hand_over(&self.beat.lease, to, state, trace)).await
    }

    /// Gives the ticket back, to be taken up again after `delay`.
    pub(super) async fn retry(&self, delay: Duration, state: &JobState) -> Result<()> {
        self.part();
        self.insist(|| self.beat.store.retry(&self.beat.lease, delay, state)).await
    }

    /// Gives the ticket back as it is.
    pub(super) async fn hand_back(&self) -> Result<()> {
        self.part();
        self.beat.store.hand_back(&self.beat.lease).await
    }

    fn part(&self) {
        self.beat.parting.store(true, Ordering::Relaxed);
    }

    /// Repeats a write while the store is out, for as long as a lease lasts. Each of them is refused by
    /// the store once somebody else has the ticket, so repeating does no harm.
    async fn insist<'a, T>(&'a self, write: impl Fn() -> BoxFuture<'a, Result<T>> + Send) -> Result<T> {
        let began = Instant::now();
        loop {
            match write().await {
                Err(StoreError::Unavailable(_)) if began.elapsed() < self.beat.lease.duration => {
                    tokio::time::sleep(STORE_REST).await;
                }
                other => return other,
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

impl Beat {
    async fn renew(&self) -> Result<()> {
        let sent = Moment::now(&self.clock);
        let renewed = self.store.heartbeat(&self.lease).await;
        match &renewed {
            Ok(()) => self.renewed(sent),
            Err(StoreError::LostLease(_)) => self.lost.store(true, Ordering::Relaxed),
            Err(_) => {}
        }
        renewed
    }

    /// The moment before the request was sent counts: the store may have taken it that early.
    fn renewed(&self, sent: Moment) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = sent;
    }
}

async fn keep_renewing(beat: Arc<Beat>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        match beat.renew().await {
            Ok(()) => {}
            Err(StoreError::LostLease(_)) if beat.parting.load(Ordering::Relaxed) => return,
            Err(StoreError::LostLease(job)) => {
                tracing::warn!(event = %job.event, ticket = job.key, %job, "the lease was lost to another worker");
                return;
            }
            Err(error) => {
                tracing::debug!(job = %beat.lease.job, %error, "the heartbeat did not reach the store");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::store::sqlite::SqliteStore;
    use crate::store::{ClaimRequest, Content, EventId, NewEvent, NewJob, Routing};
    use crate::trace::Received;

    const LEASE: Duration = Duration::from_secs(30);

    fn delivery(clock: &Clock) -> NewEvent {
        let event = serde_json::json!({ "schema": 1, "provider": "github", "kind": "push" });
        let event: Event = serde_json::from_value(event).unwrap();
        NewEvent {
            id: EventId::new("github/shop", "4711", "d-1"),
            provider: "github".into(),
            delivery_id: "d-1".into(),
            occurrence: None,
            repo: "acme/shop".into(),
            kind: "push".into(),
            projects: None,
            content: Content::Event(Box::new(event)),
            received: Received {
                at: clock.now(),
                hook: "github/shop".into(),
                bytes: 1,
                ms: 1,
                verified_by: "HMAC-SHA256".into(),
                secret_version: 1,
            },
            verdict: None,
            detail: None,
        }
    }

    /// A job that was just claimed.
    async fn held(store: &Arc<dyn Store>, clock: &Clock) -> Held {
        store.ingest(&delivery(clock)).await.unwrap();
        let item = store.inbox("worker-1", 1).await.unwrap().remove(0);
        let job =
            NewJob { site: "jira".into(), project: "SHOP".into(), key: "SHOP-1".into(), found_in: vec![] };
        store.route(&item, &Routing { jobs: vec![job], ..Routing::default() }).await.unwrap();
        let lease = claim(store).await.unwrap();
        let trace = TicketTrace::queued("SHOP-1", vec![], clock.now());
        let state = JobState { progress: serde_json::Value::Null, trace };
        Held::new(Arc::clone(store), clock.clone(), lease, LEASE, state)
    }

    async fn claim(store: &Arc<dyn Store>) -> Option<Lease> {
        let request = ClaimRequest { worker: "worker-1".into(), lease: LEASE, most: 1, skip_sites: vec![] };
        store.tidy(LEASE).await.unwrap();
        store.claim(&request).await.unwrap().pop().map(|claim| claim.lease)
    }

    #[tokio::test]
    async fn before_a_write_a_lease_that_is_more_than_half_over_is_renewed() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let store: Arc<dyn Store> =
            Arc::new(SqliteStore::open(&folder.path().join("conduit.db"), clock.clone()).unwrap());
        let held = held(&store, &clock).await;
        for _ in 0..3 {
            clock.advance(Duration::from_secs(20));
            held.fresh().await.unwrap();
            assert_eq!(claim(&store).await, None, "it is still ours");
        }

        clock.advance(LEASE + Duration::from_secs(1));
        assert!(claim(&store).await.is_some(), "now it is another's");
        assert!(matches!(held.fresh().await, Err(StoreError::LostLease(_))));
        assert!(matches!(held.fresh().await, Err(StoreError::LostLease(_))), "and stays so");
    }
}
