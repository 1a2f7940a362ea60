//! Which claims are worked on together: those of one event on one site, and its other tickets that can be had.

use crate::store::{Claim, ClaimRequest, SUSPECT_AFTER};
use crate::telemetry::{Began, Span};
use crate::worker::Shared;
use crate::worker::crew::Crew;
use crate::worker::processor::Site;

impl Shared {
    /// Starts jobs of one event on one site, together with the others of it that can be had; claiming them began at `began`.
    pub(in crate::worker) async fn start(&self, crew: &mut Crew, mut claims: Vec<Claim>, began: Began) {
        let places = claims.len().min(self.config.concurrency.div_ceil(2));
        if let Some(claim) = claims.iter().find(|claim| claim.siblings && !is_suspect(claim)) {
            let others = self.others_of(claim, claims.len()).await;
            claims.extend(others);
        }
        if let Some(first) = claims.first() {
            let span = Span::of_event_since("claim", first.lease.job.event.as_str(), began);
            span.set("conduit.site", first.lease.site.clone());
            span.set("conduit.tickets", i64::try_from(claims.len()).unwrap_or(i64::MAX));
        }
        let (suspects, claims): (Vec<_>, Vec<_>) = claims.into_iter().partition(is_suspect);
        for claim in suspects {
            crew.start(claim);
        }
        if claims.len() > 1 && self.batches(&claims) {
            crew.start_batch(claims, places);
        } else {
            for claim in claims {
                crew.start(claim);
            }
        }
    }

    /// Whether their site has calls for several tickets.
    fn batches(&self, claims: &[Claim]) -> bool {
        let rulebook = self.rulebook.load();
        let site = claims.first().and_then(|claim| rulebook.backends.site(&claim.lease.site));
        site.is_some_and(|site| site.processor.bulk().is_some())
    }

    /// The other tickets of a job's event, beside those that were claimed with it.
    async fn others_of(&self, claim: &Claim, claimed: usize) -> Vec<Claim> {
        let rulebook = self.rulebook.load_full();
        let Some(site) = rulebook.backends.site(&claim.lease.site) else { return Vec::new() };
        let most = most(site).await.saturating_sub(claimed);
        if most == 0 {
            return Vec::new();
        }
        let (worker, lease) = (self.config.name.clone(), self.config.lease);
        let request = ClaimRequest { worker, lease, most, skip_sites: Vec::new() };
        // What was claimed is worked on, also without the others.
        self.store.claim_siblings(&claim.lease, &request).await.unwrap_or_else(|error| {
            tracing::debug!(job = %claim.lease.job, %error, "the other tickets of its event are claimed in turn");
            Vec::new()
        })
    }
}

/// How many tickets of an event a batch on this site takes at most; 1 when they are better worked on singly.
async fn most(site: &Site) -> usize {
    match site.processor.bulk() {
        Some(bulk) => bulk.moved_at_once().await.max(bulk.read_at_once()),
        None => 1,
    }
}

/// Whether a job may be what broke its workers, so that it is left to itself.
fn is_suspect(claim: &Claim) -> bool {
    claim.expired >= SUSPECT_AFTER
}

/// Claims of one event on one site, together.
pub(in crate::worker) fn by_event(claims: Vec<Claim>) -> Vec<Vec<Claim>> {
    let mut groups: Vec<Vec<Claim>> = Vec::new();
    let kin = |a: &Claim, b: &Claim| a.lease.job.event == b.lease.job.event && a.lease.site == b.lease.site;
    for claim in claims {
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| kin(first, &claim))) {
            Some(group) => group.push(claim),
            None => groups.push(vec![claim]),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store::{EventId, JobId, Lease, Unreadable};

    fn claim(event: &str, site: &str, key: &str) -> Claim {
        let event = EventId::new("github/shop", "4711", event);
        let job = JobId { event, key: key.into(), generation: 1 };
        Claim {
            lease: Lease { job, site: site.into(), fence: 1, duration: Duration::from_secs(30) },
            project: "SHOP".into(),
            found_in: vec![],
            queued_at: jiff::Timestamp::UNIX_EPOCH,
            expired: 0,
            siblings: true,
            state: None,
            projects: None,
            event: Err(Unreadable::Damaged("left out".into())),
        }
    }

    #[test]
    fn tickets_of_one_event_and_site_go_together_in_their_order() {
        let claims = vec![
            claim("d-1", "jira", "SHOP-1"),
            claim("d-2", "jira", "SHOP-2"),
            claim("d-1", "other", "OPS-1"),
            claim("d-1", "jira", "SHOP-3"),
        ];
        let keys = |group: &Vec<Claim>| group.iter().map(|c| c.lease.job.key.clone()).collect::<Vec<_>>();
        let groups: Vec<_> = by_event(claims).iter().map(keys).collect();
        assert_eq!(groups, [vec!["SHOP-1", "SHOP-3"], vec!["SHOP-2"], vec!["OPS-1"]]);
    }

    #[test]
    fn what_may_have_broken_its_workers_is_told_apart() {
        assert!(!is_suspect(&Claim { expired: 1, ..claim("d-1", "jira", "SHOP-1") }));
        assert!(is_suspect(&Claim { expired: 2, ..claim("d-1", "jira", "SHOP-1") }));
    }
}
