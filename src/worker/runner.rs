//! The loop: upkeep, route, claim, wait. And its end.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::batch::by_event;
use super::crew::Crew;
use super::processor::Site;
use super::{STOPS_WITHIN, Shared, Stepped, Worker, WorkerConfig};
use crate::store::{ClaimRequest, StoreError};
use crate::telemetry::Began;

/// How often leases are reaped, finished tickets carried home, and sites looked after.
const TIDY_EVERY: Duration = Duration::from_secs(1);

/// When what was last done.
#[derive(Debug, Default)]
pub(super) struct Upkeep {
    tidied: Option<Timestamp>,
}

pub(super) async fn step(worker: &Worker) -> Result<Stepped, StoreError> {
    let mut crew = Crew::new(Arc::clone(&worker.shared));
    worker.keep_up(&mut crew).await?;
    crew.answered().await;
    let mut stepped = Stepped { routed: worker.turn(&mut crew).await?, ..Stepped::default() };
    crew.finish(&mut stepped).await;
    Ok(stepped)
}

pub(super) async fn run(worker: &Worker, mut stop: watch::Receiver<bool>) {
    let shared = &worker.shared;
    let preparing = worker.clone();
    // Nobody waits for it, and it ends by itself.
    tokio::spawn(async move { preparing.prepare().await });
    let mut crew = Crew::new(Arc::clone(shared));
    let mut outage = Outage::default();
    // Kept from turn to turn: a store may not like to have its wait cut short.
    let mut bell = shared.store.wait_for_work(shared.config.poll);
    let mut due = true;
    while !*stop.borrow() {
        if due {
            let turned = worker.turn(&mut crew).await;
            if outage.is_over(turned.as_ref().err()) && turned.is_ok_and(|routed| routed > 0) {
                continue;
            }
        }
        let full = shared.config.is_full(crew.len()) || outage.since.is_some();
        due = tokio::select! {
            () = &mut bell, if !full => {
                bell = shared.store.wait_for_work(shared.config.poll);
                true
            }
            () = tokio::time::sleep(shared.config.poll), if full => true,
            Some(joined) = crew.joined() => {
                crew.settle(joined, &mut Stepped::default()).await;
                !shared.config.is_full(crew.len())
            }
            changed = stop.changed() => if changed.is_err() { break } else { true },
        };
    }
    crew.wind_down(shared.config.finish.min(STOPS_WITHIN)).await;
}

impl Worker {
    /// Upkeep, routing, and claiming of all that there is or is room for; the jobs go on in the crew. Tells how many
    /// events were routed: there may be more of them.
    async fn turn(&self, crew: &mut Crew) -> Result<usize, StoreError> {
        self.keep_up(crew).await?;
        // A long inbox is turn after turn, and what ends meanwhile makes room.
        crew.settle_ended(&mut Stepped::default()).await;
        // Where a part of the store is away, the others go on: what is ready there is worked on.
        let routed = self.shared.route().await;
        self.shared.claim(crew).await?;
        routed
    }

    async fn keep_up(&self, crew: &mut Crew) -> Result<(), StoreError> {
        let now = self.shared.clock.now();
        let mut upkeep = self.upkeep.lock().await;
        if is_due(upkeep.tidied, now, TIDY_EVERY) {
            self.shared.store.tidy(self.shared.config.retention).await?;
            self.shared.look_after_sites(crew, now).await?;
            upkeep.tidied = Some(now);
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
    /// Claims as many jobs as there is room for, and starts them.
    async fn claim(&self, crew: &mut Crew) -> Result<(), StoreError> {
        while let Some(request) = self.room(crew) {
            let began = Began::now();
            let claims = self.store.claim(&request).await?;
            if claims.is_empty() {
                break;
            }
            for claims in by_event(claims) {
                self.start(crew, claims, began).await;
            }
        }
        Ok(())
    }

    /// What may be claimed beside what is under way.
    fn room(&self, crew: &Crew) -> Option<ClaimRequest> {
        let rulebook = self.rulebook.load();
        let load = |site: &'_ Site| Load {
            running: crew.on(&site.name),
            most: [site.at_once, self.sites.at_once(&site.name)].into_iter().flatten().min(),
        };
        let sites: Vec<_> =
            rulebook.backends.sites().iter().map(|site| (site.name.as_str(), load(site))).collect();
        let (most, skip_sites) = room(&self.config, crew.len(), &sites);
        let (worker, lease) = (self.config.name.clone(), self.config.lease);
        (most > 0).then_some(ClaimRequest { worker, lease, most, skip_sites })
    }

    /// Learns which sites stand still, for all processes, and asks those how they are whose time has come.
    async fn look_after_sites(self: &Arc<Self>, crew: &mut Crew, now: Timestamp) -> Result<(), StoreError> {
        let were_down = self.sites.down();
        let paused = self.store.paused().await?;
        self.sites.heed(&were_down, &paused);
        let rulebook = self.rulebook.load_full();
        for suspect in self.sites.to_be_asked(now) {
            if let Some(site) = rulebook.backends.site(&suspect) {
                crew.ask(Arc::clone(self).ask_suspect(site.clone()));
            }
        }
        for pause in paused.into_iter().filter(|pause| pause.until.is_some_and(|until| until <= now)) {
            if let Some(site) = rulebook.backends.site(&pause.site) {
                crew.ask(Arc::clone(self).ask_again(site.clone(), pause));
            }
        }
        Ok(())
    }
}

/// What a site has to carry.
#[derive(Debug, Clone, Copy, Default)]
struct Load {
    /// Tickets under way.
    running: usize,
    /// How many there may be at once, when that is limited.
    most: Option<usize>,
}

impl Load {
    /// How many more there may be, of the workers that are a site's share.
    fn room(self, share: usize) -> usize {
        self.most.map_or(share, |most| most.min(share)).saturating_sub(self.running)
    }
}

/// How many tickets may be claimed, and of which sites none. Where there are several sites, one that hangs
/// shall leave half of the workers to the others.
fn room(config: &WorkerConfig, busy: usize, sites: &[(&str, Load)]) -> (usize, Vec<String>) {
    let all = config.under_way();
    let share = if sites.len() > 1 { config.concurrency.div_ceil(2) } else { all };
    let (open, full): (Vec<_>, Vec<_>) = sites.iter().partition(|(_, load)| load.room(share) > 0);
    // A claim may take all of its tickets from one site, so the site with the least room sets its size.
    let room = open.iter().map(|(_, load)| load.room(share)).min().unwrap_or(0);
    let skip = full.iter().map(|(site, _)| (*site).to_owned()).collect();
    (room.min(all.saturating_sub(busy)), skip)
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

    fn busy(running: usize) -> Load {
        Load { running, most: None }
    }

    fn workers(concurrency: usize) -> WorkerConfig {
        WorkerConfig { concurrency, ..WorkerConfig::new("worker-1") }
    }

    #[test]
    fn one_site_may_have_all_workers_and_of_two_each_half() {
        let of_16 = |busy, sites: &[_]| room(&workers(16), busy, sites);
        assert_eq!(of_16(5, &[("a", busy(5))]), (15, vec![]), "four more than there are places");
        assert_eq!(of_16(0, &[("a", busy(0)), ("b", busy(0))]), (8, vec![]));
        assert_eq!(of_16(8, &[("a", busy(8)), ("b", busy(0))]), (8, vec!["a".to_owned()]));
        assert_eq!(of_16(20, &[("a", busy(8)), ("b", busy(8))]).0, 0);
        assert_eq!(
            room(&workers(1), 0, &[("a", busy(0)), ("b", busy(0))]),
            (1, vec![]),
            "a single worker works"
        );
    }

    #[test]
    fn a_site_gets_no_more_than_it_may_have_at_once() {
        let of_16 = |busy, sites: &[_]| room(&workers(16), busy, sites);
        let limited = |running, most| Load { running, most: Some(most) };
        assert_eq!(of_16(0, &[("a", limited(0, 1)), ("b", busy(0))]), (1, vec![]));
        assert_eq!(of_16(1, &[("a", limited(1, 1)), ("b", busy(0))]), (8, vec!["a".to_owned()]));
        assert_eq!(of_16(0, &[("a", limited(0, 0))]), (0, vec!["a".to_owned()]), "it is down");
        assert_eq!(of_16(3, &[("a", limited(3, 1))]).0, 0, "it was well when they were claimed");
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
