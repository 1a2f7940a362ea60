//! Asking a site how it is: one that is suspected to be down, and ones that stand still.
//!
//! A pause that is not a person's ends when the site answers. Over all processes there is one question at a
//! time, and each time a longer rest before the next; the store hands out the right to ask. A question is a
//! task of its own, because a site that hangs shall not keep anybody waiting.

use std::sync::Arc;
use std::time::Duration;

use super::processor::{Answer, Class, Setback, Site};
use super::retry::LONGEST_ASKED;
use super::{Shared, jitter};
use crate::store::{Pause, PauseKind, PausedSite, StoreError};

/// The first rest between two questions. Longer than a question may take.
const FIRST_REST: Duration = Duration::from_secs(15);
/// The longest, while a site is down.
const LONGEST_REST: Duration = Duration::from_mins(2);
/// How often a refused login is tried again. Not longer: who has renewed it waits for it.
const LOGIN_REST: Duration = Duration::from_secs(30);
/// How long a quota lasts that does not say it.
const QUOTA_REST: Duration = Duration::from_mins(1);

/// How long a site is left alone before the question that comes after `probes` others.
pub(super) fn rest(kind: PauseKind, probes: u32, jitter: f64) -> Duration {
    match kind {
        PauseKind::Credentials => LOGIN_REST,
        PauseKind::Quota => QUOTA_REST,
        PauseKind::Operator | PauseKind::Down => {
            let doubled = FIRST_REST.saturating_mul(1_u32.checked_shl(probes).unwrap_or(u32::MAX));
            // Never shorter: the question before may still be under way.
            doubled.min(LONGEST_REST).mul_f64(jitter).max(FIRST_REST)
        }
    }
}

/// What an answer says of the pause.
#[derive(Debug, PartialEq, Eq)]
enum Finding {
    /// It is over.
    Over,
    /// It goes on.
    GoesOn,
    /// It goes on for at least so long.
    GoesOnFor(Duration),
}

/// Whether what stopped a site is over. Another trouble than that is the next ticket's to find.
fn finding(kind: PauseKind, answer: &Answer<()>) -> Finding {
    let class = match answer {
        Ok(()) => return Finding::Over,
        Err(setback) => &setback.class,
    };
    match (kind, class) {
        (_, Class::Quota(asked)) => Finding::GoesOnFor(quota(*asked)),
        (PauseKind::Credentials, _) | (_, Class::Server(_) | Class::Unreachable | Class::RateLimited(_)) => {
            Finding::GoesOn
        }
        _ => Finding::Over,
    }
}

/// How long a used-up quota stops a site.
pub(super) fn quota(asked: Option<Duration>) -> Duration {
    asked.unwrap_or(QUOTA_REST).clamp(Duration::from_secs(1), LONGEST_ASKED)
}

impl Shared {
    /// Stops a site for a trouble that is not one ticket's; [`Shared::ask_again`] lets it go on.
    pub(super) async fn pause(
        &self,
        site: &str,
        kind: PauseKind,
        rest: Duration,
        why: &str,
    ) -> Result<(), StoreError> {
        tracing::error!(site, %kind, why, "site {site} stands still, its tickets wait: {why}");
        self.store.pause(site, &Pause { kind, why: why.to_owned(), rest: Some(rest) }).await
    }

    /// Asks a site that fails for tickets whether it fails for itself, too.
    pub(super) async fn ask_suspect(self: Arc<Self>, site: Site) {
        match site.processor.probe().await {
            Err(Setback { class: Class::Server(_) | Class::Unreachable, message, .. }) => {
                let rest = rest(PauseKind::Down, 0, jitter());
                // While the store is out too, nothing is claimed anyway; the next failures ask again.
                match self.pause(&site.name, PauseKind::Down, rest, &message).await {
                    Ok(()) => self.sites.open(&site.name),
                    Err(_) => self.sites.clear(&site.name),
                }
            }
            _ => self.sites.clear(&site.name),
        }
    }

    /// Asks a site that stands still whether it is over, if it is our turn to ask.
    pub(super) async fn ask_again(self: Arc<Self>, site: Site, paused: PausedSite) {
        if let Err(error) = self.try_to_end(&site, &paused).await {
            tracing::warn!(site = site.name, %error, "a paused site could not be looked after");
        }
    }

    async fn try_to_end(&self, site: &Site, paused: &PausedSite) -> Result<(), StoreError> {
        let kind = paused.kind;
        let rest = rest(kind, paused.probes.saturating_add(1), jitter());
        if !self.store.take_probe(&site.name, kind, rest).await? {
            return Ok(());
        }
        match finding(kind, &site.processor.probe().await) {
            Finding::Over => {
                tracing::info!(site = site.name, %kind, "{} goes on: it is no longer {kind}", site.name);
                self.store.resume(&site.name, Some(kind)).await?;
                if kind == PauseKind::Down {
                    self.sites.back(&site.name);
                }
            }
            Finding::GoesOnFor(rest) => self.pause(&site.name, PauseKind::Quota, rest, &paused.why).await?,
            Finding::GoesOn => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Reason;

    fn failed(class: Class) -> Answer<()> {
        Err(Setback { class, unknown: false, message: "no".into() })
    }

    #[test]
    fn a_site_that_is_down_is_asked_ever_more_seldom_up_to_two_minutes() {
        let rests: Vec<_> = (0..5).map(|n| rest(PauseKind::Down, n, 1.0).as_secs()).collect();
        assert_eq!(rests, [15, 30, 60, 120, 120]);
        assert_eq!(rest(PauseKind::Down, u32::MAX, 1.0), LONGEST_REST);
        assert_eq!(rest(PauseKind::Down, 0, 0.7), FIRST_REST, "a question has to be over before the next");
        assert_eq!(rest(PauseKind::Credentials, 9, 1.3), LOGIN_REST);
    }

    #[test]
    fn a_pause_ends_when_what_stopped_the_site_is_over_and_not_sooner() {
        use PauseKind::{Credentials, Down, Quota};
        let elsewhere = || failed(Class::Permanent(Reason::NoPermission));
        for kind in [Credentials, Down, Quota] {
            assert_eq!(finding(kind, &Ok(())), Finding::Over);
            assert_eq!(finding(kind, &failed(Class::Unreachable)), Finding::GoesOn);
            assert_eq!(finding(kind, &failed(Class::RateLimited(None))), Finding::GoesOn);
        }
        assert_eq!(finding(Down, &failed(Class::Credentials)), Finding::Over, "it answers");
        assert_eq!(finding(Credentials, &failed(Class::Credentials)), Finding::GoesOn);
        assert_eq!(finding(Credentials, &elsewhere()), Finding::GoesOn);
        assert_eq!(finding(Quota, &elsewhere()), Finding::Over);
        let hour = Duration::from_hours(1);
        assert_eq!(finding(Quota, &failed(Class::Quota(Some(hour * 9)))), Finding::GoesOnFor(hour));
        assert_eq!(finding(Quota, &failed(Class::Quota(None))), Finding::GoesOnFor(QUOTA_REST));
    }
}
