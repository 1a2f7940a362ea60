//! The sites as this process sees them: what it hears from each, and how much it may ask of it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use std::time::Duration;

use jiff::Timestamp;

use super::breaker::{Breaker, Heard};
use crate::store::{PauseKind, PausedSite};
use crate::telemetry;

/// A suspect that was asked so long ago was asked by somebody who did not come back.
const ASKED_IN_VAIN: Duration = Duration::from_secs(20);

/// A breaker for each site that was ever heard of.
#[derive(Debug, Default)]
pub(super) struct Sites(Mutex<HashMap<String, Seen>>);

#[derive(Debug, Default)]
struct Seen {
    breaker: Breaker,
    /// When it was last asked because it was suspected.
    asked: Option<Timestamp>,
}

impl Sites {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, site: &str, change: impl FnOnce(&mut Breaker)) {
        let mut sites = self.lock();
        let seen = sites.entry(site.to_owned()).or_default();
        change(&mut seen.breaker);
        telemetry::breaker(site, seen.breaker.level());
    }

    /// Takes note of what a job heard.
    pub(super) fn note(&self, site: &str, heard: Heard, now: Timestamp) {
        self.change(site, |breaker| breaker.note(heard, now));
    }

    /// The sites that have to be asked how they are, each once.
    pub(super) fn to_be_asked(&self, now: Timestamp) -> Vec<String> {
        let in_vain = |at: Timestamp| {
            Duration::try_from(now.duration_since(at)).map_or(true, |passed| passed >= ASKED_IN_VAIN)
        };
        let mut sites = self.lock();
        let suspects = sites.iter_mut().filter(|(_, seen)| seen.breaker == Breaker::Suspected);
        let due = suspects.filter(|(_, seen)| seen.asked.is_none_or(in_vain));
        due.map(|(site, seen)| {
            seen.asked = Some(now);
            site.clone()
        })
        .collect()
    }

    /// The suspected site answered for itself.
    pub(super) fn clear(&self, site: &str) {
        self.change(site, Breaker::clear);
        if let Some(seen) = self.lock().get_mut(site) {
            seen.asked = None;
        }
    }

    /// The site is down.
    pub(super) fn open(&self, site: &str) {
        self.change(site, Breaker::open);
    }

    /// The site answers again.
    pub(super) fn back(&self, site: &str) {
        self.change(site, Breaker::trickle);
    }

    /// Whether a site's failures are its own, and not the ticket's.
    pub(super) fn blamed(&self, site: &str) -> bool {
        self.lock().get(site).is_some_and(|seen| seen.breaker.blames_the_site())
    }

    /// How many tickets of a site may be worked on at once, as far as its health is concerned.
    pub(super) fn at_once(&self, site: &str) -> Option<usize> {
        self.lock().get(site).and_then(|seen| seen.breaker.at_once())
    }

    /// The sites that this process takes to be down. To be asked before the store is, so that one that goes
    /// down meanwhile is not taken for one that is back.
    pub(super) fn down(&self) -> Vec<String> {
        let down = |(site, seen): (&String, &Seen)| (seen.breaker == Breaker::Open).then(|| site.clone());
        self.lock().iter().filter_map(down).collect()
    }

    /// What the store says of all sites, for all processes.
    pub(super) fn heed(&self, were_down: &[String], paused: &[PausedSite]) {
        let down = |site: &str| paused.iter().any(|p| p.site == site && p.kind == PauseKind::Down);
        paused.iter().filter(|pause| pause.kind == PauseKind::Down).for_each(|pause| self.open(&pause.site));
        for site in were_down.iter().filter(|site| !down(site)) {
            self.back(site);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paused(site: &str) -> PausedSite {
        let since = Timestamp::UNIX_EPOCH;
        let (kind, until) = (PauseKind::Down, Some(since));
        PausedSite { site: site.into(), kind, why: String::new(), since, until, probes: 0 }
    }

    #[test]
    fn a_site_that_another_process_found_down_is_left_alone_and_then_trickles() {
        let sites = Sites::default();
        assert_eq!(sites.at_once("jira"), None);
        sites.heed(&sites.down(), &[paused("jira")]);
        assert_eq!((sites.at_once("jira"), sites.at_once("other")), (Some(0), None));
        sites.heed(&sites.down(), &[]);
        assert_eq!(sites.at_once("jira"), Some(1));
    }

    #[test]
    fn one_that_goes_down_while_the_store_is_asked_is_not_taken_for_one_that_is_back() {
        let sites = Sites::default();
        let were_down = sites.down();
        sites.open("jira");
        sites.heed(&were_down, &[]);
        assert_eq!(sites.at_once("jira"), Some(0));
    }

    #[test]
    fn a_suspect_is_asked_once_and_again_when_nobody_came_back() {
        let sites = Sites::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        (0..9).for_each(|_| sites.note("jira", Heard::Failure, at(0)));
        assert!(sites.blamed("jira"));
        assert_eq!(sites.to_be_asked(at(1)), ["jira"]);
        assert_eq!(sites.to_be_asked(at(2)).len(), 0);
        assert_eq!(sites.to_be_asked(at(21)), ["jira"]);
        sites.clear("jira");
        assert!(!sites.blamed("jira"));
        assert_eq!(sites.to_be_asked(at(99)).len(), 0);
    }
}
