//! The loop: upkeep, route, claim, wait. And its end.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::crew::Crew;
use super::lacking::Commits;
use super::{Rulebook, STOPS_WITHIN, Shared, Stepped, Worker, count, router};
use crate::event::Event;
use crate::store::{ClaimRequest, InboxItem, Routing, StoreError};

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
        // Where a part of the store is away, the others go on: what is ready there is worked on.
        let routed = self.shared.route().await;
        let claimed = self.shared.claim(crew).await?;
        let routed = routed?;
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
        let rulebook = self.rulebook.load_full();
        let (mut routed, mut failed) = (0, None);
        // An event that cannot go yet holds back those behind it: they may name the same tickets.
        let mut held = HashSet::new();
        for item in self.store.inbox(&self.config.name, ROUTE_AT_ONCE).await? {
            if held.contains(&item.partition) {
                continue;
            }
            match self.route_one(&item, &rulebook).await {
                Ok(true) => routed += 1,
                Ok(false) | Err(StoreError::LostLease(_)) => {
                    held.insert(item.partition);
                }
                Err(error) => {
                    held.insert(item.partition);
                    failed = Some(error);
                }
            }
        }
        failed.map_or(Ok(routed), Err)
    }

    /// Fans one event out; `false` when it cannot go yet.
    async fn route_one(&self, item: &InboxItem, rulebook: &Rulebook) -> Result<bool, StoreError> {
        let merged = self.merged_as(item).await?;
        let Some(routing) = self.routing(item, &merged, rulebook).await else { return Ok(false) };
        self.store.route(item, &routing).await?;
        note(&item.id, &routing);
        Ok(true)
    }

    /// The pull requests that a tagged or deployed commit came from.
    async fn merged_as(&self, item: &InboxItem) -> Result<Vec<Event>, StoreError> {
        let of = |event: &Event| Some((event.repo.as_ref()?.id.clone(), event.shipped_sha()?.to_owned()));
        let Ok(event) = &item.event else { return Ok(Vec::new()) };
        match of(event) {
            Some((repo, sha)) => self.store.merged_as(&event.provider, &repo, &sha).await,
            None => Ok(Vec::new()),
        }
    }

    /// Where an event goes, when that can be told by now and by this version.
    async fn routing(&self, item: &InboxItem, merged: &[Event], rulebook: &Rulebook) -> Option<Routing> {
        let now = self.clock.now();
        let Rulebook { rules, backends } = rulebook;
        let route = |item: &InboxItem| router::route(item, merged, rules, backends.map(), now);
        match self.forge.commits(item, rulebook, now).await {
            Commits::Settled => route(item),
            Commits::Read(item) => route(&item),
            Commits::Never(routing) => Some(routing),
            Commits::NotYet => None,
        }
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

    /// What may be claimed beside what is under way.
    fn room(&self, crew: &Crew) -> Option<ClaimRequest> {
        let rulebook = self.rulebook.load();
        let running: Vec<_> =
            rulebook.backends.sites().iter().map(|site| (site.name.as_str(), crew.on(&site.name))).collect();
        let (most, skip_sites) = room(self.config.concurrency, crew.len(), &running);
        let (worker, lease) = (self.config.name.clone(), self.config.lease);
        (most > 0).then_some(ClaimRequest { worker, lease, most, skip_sites })
    }

    /// Stops a site whose login is refused; [`Shared::probe`] lets it go on.
    pub(super) async fn pause_for_login(&self, site: &str, message: &str) -> Result<(), StoreError> {
        tracing::error!(site, message, "{site} refuses the login: its tickets wait until it works again");
        self.store.pause(site, &format!("{LOGIN_REFUSED}{message}")).await
    }

    /// Asks the sites that are paused for their login whether it works again.
    async fn probe(&self) -> Result<(), StoreError> {
        for paused in self.store.queue().await?.paused {
            let rulebook = self.rulebook.load_full();
            let Some(site) = rulebook.backends.site(&paused.site) else { continue };
            if paused.why.starts_with(LOGIN_REFUSED) && site.processor.probe().await.is_ok() {
                tracing::info!(site = site.name, "the login works again: {} goes on", site.name);
                self.store.resume(&site.name).await?;
            }
        }
        Ok(())
    }
}

/// How many tickets may be claimed, and of which sites none. Where there are several sites, one that hangs
/// shall leave half of the workers to the others.
fn room(concurrency: usize, busy: usize, running: &[(&str, usize)]) -> (usize, Vec<String>) {
    let share = if running.len() > 1 { concurrency.div_ceil(2) } else { concurrency };
    let (full, open): (Vec<_>, Vec<_>) = running.iter().partition(|(_, running)| *running >= share);
    // A claim may take all of its tickets from one site, so the site with the least room sets its size.
    let room = open.iter().map(|(_, running)| share - running).min().unwrap_or(0);
    let skip = full.iter().map(|(site, _)| (*site).to_owned()).collect();
    (room.min(concurrency.saturating_sub(busy)), skip)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_site_may_have_all_workers_and_of_two_each_half() {
        assert_eq!(room(16, 5, &[("a", 5)]), (11, vec![]));
        assert_eq!(room(16, 0, &[("a", 0), ("b", 0)]), (8, vec![]));
        assert_eq!(room(16, 8, &[("a", 8), ("b", 0)]), (8, vec!["a".to_owned()]));
        assert_eq!(room(16, 16, &[("a", 8), ("b", 8)]).0, 0);
        assert_eq!(room(1, 0, &[("a", 0), ("b", 0)]), (1, vec![]), "even a single worker works");
    }

    #[test]
    fn what_is_due_is_not_late_when_the_clock_is_set_back() {
        let at = |second| Timestamp::from_second(second).unwrap();
        assert!(is_due(None, at(0), TIDY_EVERY));
        assert!(!is_due(Some(at(10)), at(10), TIDY_EVERY));
        assert!(is_due(Some(at(10)), at(11), TIDY_EVERY));
        assert!(is_due(Some(at(10)), at(5), TIDY_EVERY));
    }
}
