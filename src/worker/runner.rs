//! The loop: upkeep, route, claim, wait. And its end.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::crew::Crew;
use super::processor::Site;
use super::{STOPS_WITHIN, Shared, Stepped, Worker, count, router};
use crate::store::{ClaimRequest, Routing, StoreError};

/// How many events are routed before jobs get their turn.
const ROUTE_AT_ONCE: usize = 64;
/// How often leases are reaped and finished tickets carried home.
const TIDY_EVERY: Duration = Duration::from_secs(1);
/// How often a site that is paused for its login is asked whether the login works again.
const PROBE_EVERY: Duration = Duration::from_secs(30);
/// How long jobs may go on after the order to stop. The rest is for giving them back.
const FINISH_WITHIN: Duration = Duration::from_secs(20);
const _: () = assert!(FINISH_WITHIN.as_secs() < STOPS_WITHIN.as_secs());

/// How a pause begins that ends by itself when the login works again.
const LOGIN_REFUSED: &str = "credentials: ";

/// When what was last done.
#[derive(Debug, Default)]
pub(super) struct Upkeep {
    tidied: Option<Timestamp>,
    probed: Option<Timestamp>,
}

pub(super) async fn step(worker: &Worker) -> Result<Stepped, StoreError> {
    let mut crew = Crew::new(Arc::clone(&worker.shared));
    let mut stepped = Stepped { routed: worker.turn(&mut crew).await?.routed, ..Stepped::default() };
    crew.finish(&mut stepped).await;
    Ok(stepped)
}

pub(super) async fn run(worker: &Worker, mut stop: watch::Receiver<bool>) {
    let shared = &worker.shared;
    let mut crew = Crew::new(Arc::clone(shared));
    let mut outage = Outage::default();
    // Kept from turn to turn: a store may not like to have its wait cut short.
    let mut bell = shared.store.wait_for_work(shared.config.poll);
    while !*stop.borrow() {
        let turned = worker.turn(&mut crew).await;
        if outage.is_over(turned.as_ref().err()) && turned.is_ok_and(|turn| turn.busy) {
            continue;
        }
        let full = crew.len() >= shared.config.concurrency || outage.since.is_some();
        tokio::select! {
            () = &mut bell, if !full => bell = shared.store.wait_for_work(shared.config.poll),
            () = tokio::time::sleep(shared.config.poll), if full => {}
            Some(joined) = crew.joined() => crew.settle(joined, &mut Stepped::default()).await,
            changed = stop.changed() => if changed.is_err() { break },
        }
    }
    crew.wind_down(FINISH_WITHIN).await;
}

/// What a turn did.
struct Turn {
    routed: usize,
    /// There may be more at once.
    busy: bool,
}

impl Worker {
    /// Upkeep, routing and claiming; the jobs go on in the crew.
    async fn turn(&self, crew: &mut Crew) -> Result<Turn, StoreError> {
        self.keep_up().await?;
        let routed = self.shared.route().await?;
        let claimed = self.shared.claim(crew).await?;
        Ok(Turn { routed, busy: routed > 0 || claimed > 0 })
    }

    async fn keep_up(&self) -> Result<(), StoreError> {
        let now = self.shared.clock.now();
        let mut upkeep = self.upkeep.lock().await;
        if is_due(upkeep.tidied, now, TIDY_EVERY) {
            self.shared.store.tidy(self.shared.config.retention).await?;
            upkeep.tidied = Some(now);
        }
        if is_due(upkeep.probed, now, PROBE_EVERY) {
            self.shared.probe().await?;
            upkeep.probed = Some(now);
        }
        Ok(())
    }
}

/// A clock that was set back makes things due, never late.
fn is_due(last: Option<Timestamp>, now: Timestamp, every: Duration) -> bool {
    last.is_none_or(|last| {
        Duration::try_from(now.duration_since(last)).map_or(true, |passed| passed >= every)
    })
}

impl Shared {
    /// Fans waiting events out, in order.
    async fn route(&self) -> Result<usize, StoreError> {
        let rules = self.rules.load_full();
        let mut routed = 0;
        for item in self.store.inbox(&self.config.name, ROUTE_AT_ONCE).await? {
            // A newer event holds back those behind it: they may name the same tickets.
            let Some(routing) = router::route(&item, &rules, &self.backends, self.clock.now()) else { break };
            match self.store.route(&item, &routing).await {
                Ok(()) => note(&item.id, &routing),
                Err(StoreError::LostLease(_)) => break,
                Err(error) => return Err(error),
            }
            routed += 1;
        }
        Ok(routed)
    }

    /// Claims as many jobs as there is room for, and starts them.
    async fn claim(&self, crew: &mut Crew) -> Result<usize, StoreError> {
        let mut claimed = 0;
        while let Some(request) = self.room(crew) {
            let claims = self.store.claim(&request).await?;
            if claims.is_empty() {
                break;
            }
            claimed += claims.len();
            for claim in claims {
                crew.start(claim);
            }
        }
        Ok(claimed)
    }

    /// What may be claimed beside what is under way: where there are several sites, one that hangs shall
    /// leave half of the workers to the others.
    fn room(&self, crew: &Crew) -> Option<ClaimRequest> {
        let free = self.config.concurrency.saturating_sub(crew.len());
        let sites = self.backends.sites();
        let share = if sites.len() > 1 { self.config.concurrency.div_ceil(2) } else { usize::MAX };
        let left = |site: &Site| share.saturating_sub(crew.on(&site.name));
        let (full, open): (Vec<_>, Vec<_>) = sites.iter().partition(|site| left(site) == 0);
        let most = open.into_iter().map(left).min().unwrap_or(0).min(free);
        (most > 0).then(|| ClaimRequest {
            worker: self.config.name.clone(),
            lease: self.config.lease,
            most,
            skip_sites: full.into_iter().map(|site| site.name.clone()).collect(),
        })
    }

    /// Stops a site whose login is refused; [`Shared::probe`] lets it go on.
    pub(super) async fn pause_for_login(&self, site: &str, message: &str) -> Result<(), StoreError> {
        tracing::error!(site, message, "{site} refuses the login: its tickets wait until it works again");
        self.store.pause(site, &format!("{LOGIN_REFUSED}{message}")).await
    }

    /// Asks the sites that are paused for their login whether it works again.
    async fn probe(&self) -> Result<(), StoreError> {
        for paused in self.store.queue().await?.paused {
            let Some(site) = self.backends.site(&paused.site) else { continue };
            if paused.why.starts_with(LOGIN_REFUSED) && site.processor.probe().await.is_ok() {
                tracing::info!(site = site.name, "the login works again: {} goes on", site.name);
                self.store.resume(&site.name).await?;
            }
        }
        Ok(())
    }
}

fn note(event: &crate::store::EventId, routing: &Routing) {
    let settled = routing
        .settled
        .iter()
        .map(|trace| crate::trace::Verdict { outcome: trace.outcome, reason: trace.reason });
    settled.chain(routing.verdict).for_each(count);
    tracing::info!(
        %event,
        jobs = routing.jobs.len(),
        settled = routing.settled.len(),
        reason = routing.verdict.map(|verdict| verdict.reason.as_str()),
        "{event} is routed"
    );
}

/// A store that is out is spoken of twice: when it goes, and when it is back.
#[derive(Debug, Default)]
struct Outage {
    since: Option<std::time::Instant>,
}

impl Outage {
    /// Notes how a turn went; `true` while the store is there.
    fn is_over(&mut self, error: Option<&StoreError>) -> bool {
        match (error, self.since) {
            (Some(error), None) => {
                tracing::error!(%error, "the store is out: nothing is worked on until it is back");
                self.since = Some(std::time::Instant::now());
            }
            (None, Some(since)) => {
                tracing::info!(seconds = since.elapsed().as_secs(), "the store is back");
                self.since = None;
            }
            _ => {}
        }
        self.since.is_none()
    }
}
