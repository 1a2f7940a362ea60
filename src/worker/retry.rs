//! What happens after a failure: one pure table from the class of it to what is done.
//!
//! | class | next | counts as an attempt |
//! |---|---|---|
//! | rate limited | again, not before the time it names | no |
//! | conflict, server error, unreachable | again, each time later | yes |
//! | the forge does not tell what a rule asks | again, each time later, not before the time it names | yes |
//! | login refused, quota used up | the site pauses, the ticket waits with it | no |
//! | server error, unreachable, of a site that is down | the ticket waits with its site | no |
//! | refused, or permanent | failed, with its reason | – |
//! | the worker itself broke | again; dead as `poison` after [`MOST_PANICS`] | yes |
//! | the worker's process broke, or was killed | again; dead as `poison` after [`MOST_EXPIRED`] | – |
//!
//! Waiting doubles from [`BASE`] to [`CAP`], times a jitter that the caller throws. Patience is spent
//! by trying and by waiting to try; while a site is paused its tickets are not claimed and spend none.
//!
//! A process that dies cannot say which of its jobs killed it, so leases that ran out are counted, and only
//! finishing, retrying or handing back (not saving notes) ends the count. A worker that was stopped, a machine
//! that went away or a store outage add one to each job under way, and the next worker that parts with a job in
//! good order takes it off again: five in a row are no accident. From the second on, such tickets come back one
//! after the other, so that the one that kills does not take the same others with it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::probe;
use super::processor::{Class, Setback};
use crate::store::PauseKind;
use crate::trace::Reason;

/// The first wait.
pub(super) const BASE: Duration = Duration::from_secs(2);
/// The longest wait that we choose ourselves.
pub(super) const CAP: Duration = Duration::from_mins(5);
/// The longest wait that we choose ourselves when we ask too often.
const CAP_THROTTLED: Duration = Duration::from_secs(30);
/// The longest wait that a server may ask for: its quota is full again on the hour.
pub(super) const LONGEST_ASKED: Duration = Duration::from_hours(1);
/// How long a ticket rests while its site is paused; the pause holds it longer.
pub(super) const PAUSED_REST: Duration = Duration::from_secs(5);
/// How often a job may break its worker.
const MOST_PANICS: u32 = 5;
/// How often in a row a job's lease may run out.
pub(super) const MOST_EXPIRED: u32 = 5;

/// What a job has been through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tries {
    /// Failures that counted.
    pub(super) attempts: u32,
    /// Times in a row that we were told to slow down.
    pub(super) throttled: u32,
    /// Times that the worker broke on it.
    pub(super) panics: u32,
    /// Milliseconds of patience spent so far.
    pub(super) spent_ms: u64,
}

/// What is done after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Again after this time; meanwhile it waits for this reason.
    Retry(Duration, Reason),
    /// The site stops for this, and is not asked sooner than that; the ticket is tried again then.
    Pause(PauseKind, Duration),
    /// Again when its site, which stands still or soon will, goes on: not before this time, for this reason.
    WithSite(Duration, Reason),
    /// Over, with this reason.
    Fail(Reason),
    /// Patience is over.
    Dead(Reason),
}

/// How long to keep trying, and how carefully.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Patience as a whole.
    pub(super) patience: Duration,
    /// How long an unanswered write may still take effect.
    pub(super) settle: Duration,
    /// The site is down, or thought to be: its failures are not the ticket's.
    pub(super) down: bool,
    /// 0.7 to 1.3.
    pub(super) jitter: f64,
}

/// The table.
pub(super) fn next(setback: &Setback, tries: &Tries, limits: Limits) -> Next {
    let settle = if setback.unknown { limits.settle } else { Duration::ZERO };
    let (asked, power, reason) = match &setback.class {
        Class::Permanent(reason) => return Next::Fail(*reason),
        Class::Refused(fields) if fields.is_empty() => return Next::Fail(Reason::JiraRefused),
        Class::Refused(_) => return Next::Fail(Reason::FieldsRequired),
        Class::Credentials => {
            return Next::Pause(
                PauseKind::Credentials,
                probe::rest(PauseKind::Credentials, 0, limits.jitter),
            );
        }
        Class::Quota(asked) => return Next::Pause(PauseKind::Quota, probe::quota(*asked)),
        Class::Server(_) if limits.down => {
            return Next::WithSite(PAUSED_REST.max(settle), Reason::Jira5xx);
        }
        Class::Unreachable if limits.down => {
            return Next::WithSite(PAUSED_REST.max(settle), Reason::JiraUnreachable);
        }
        Class::RateLimited(asked) => (*asked, tries.throttled, Reason::RateLimited),
        Class::Conflict => (None, tries.attempts, Reason::Conflict),
        Class::Server(asked) => (*asked, tries.attempts, Reason::Jira5xx),
        Class::Unreachable => (None, tries.attempts, Reason::JiraUnreachable),
        Class::Forge(reason, asked) => (*asked, tries.attempts, *reason),
    };
    if Duration::from_millis(tries.spent_ms) >= limits.patience {
        return Next::Dead(reason);
    }
    let asked = asked.unwrap_or_default().min(LONGEST_ASKED);
    let cap = if reason == Reason::RateLimited { CAP_THROTTLED } else { CAP };
    Next::Retry(backoff(power, cap, limits.jitter).max(asked).max(settle), reason)
}

/// What follows when the worker broke on a job for the `panics`th time.
pub(super) fn after_panic(panics: u32, jitter: f64) -> Next {
    if panics >= MOST_PANICS {
        Next::Dead(Reason::Poison)
    } else {
        Next::Retry(backoff(panics, CAP, jitter), Reason::Queued)
    }
}

fn backoff(power: u32, cap: Duration, jitter: f64) -> Duration {
    let doubled = BASE.saturating_mul(1_u32.checked_shl(power).unwrap_or(u32::MAX));
    doubled.min(cap).mul_f64(jitter)
}

impl Tries {
    /// Counts a failure of this class, unless its ticket waits with its site.
    pub(super) fn count(&mut self, class: &Class, next: &Next) {
        match (class, next) {
            (_, Next::Pause(..) | Next::WithSite(..)) => {}
            (Class::RateLimited(_), _) => self.throttled = self.throttled.saturating_add(1),
            _ => {
                self.attempts = self.attempts.saturating_add(1);
                self.throttled = 0;
            }
        }
    }

    /// Spends patience.
    pub(super) fn spend(&mut self, time: Duration) {
        self.spent_ms = self.spent_ms.saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAYS: Duration = Duration::from_hours(72);
    const LIMITS: Limits =
        Limits { patience: DAYS, settle: Duration::from_secs(10), down: false, jitter: 1.0 };

    fn setback(class: Class) -> Setback {
        Setback { class, unknown: false, message: "no".into() }
    }

    fn after(class: Class, attempts: u32) -> Next {
        next(&setback(class), &Tries { attempts, ..Tries::default() }, LIMITS)
    }

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn waits_double_from_two_seconds_to_five_minutes() {
        let waits: Vec<_> = (0..10).map(|n| after(Class::Conflict, n)).collect();
        let expected = [2, 4, 8, 16, 32, 64, 128, 256, 300, 300];
        assert_eq!(waits, expected.map(|s| Next::Retry(secs(s), Reason::Conflict)));
        assert_eq!(after(Class::Unreachable, u32::MAX), Next::Retry(CAP, Reason::JiraUnreachable));
    }

    #[test]
    fn the_jitter_spreads_them() {
        let limits = Limits { jitter: 0.7, ..LIMITS };
        let next = next(&setback(Class::Conflict), &Tries::default(), limits);
        assert_eq!(next, Next::Retry(Duration::from_millis(1400), Reason::Conflict));
    }

    #[test]
    fn never_earlier_than_the_server_asks_and_never_absurdly_late() {
        assert_eq!(after(Class::RateLimited(Some(secs(30))), 0), Next::Retry(secs(30), Reason::RateLimited));
        assert_eq!(after(Class::Server(Some(secs(40))), 0), Next::Retry(secs(40), Reason::Jira5xx));
        assert_eq!(after(Class::Server(Some(secs(1))), 3), Next::Retry(secs(16), Reason::Jira5xx));
        let forever = Class::RateLimited(Some(secs(u64::MAX)));
        assert_eq!(after(forever, 0), Next::Retry(LONGEST_ASKED, Reason::RateLimited));
    }

    #[test]
    fn being_told_to_slow_down_is_no_attempt() {
        let limited = Class::RateLimited(None);
        let mut tries = Tries::default();
        for _ in 0..2 {
            let next = next(&setback(limited.clone()), &tries, LIMITS);
            tries.count(&limited, &next);
        }
        assert_eq!((tries.attempts, tries.throttled), (0, 2));
        let slower = next(&setback(limited.clone()), &tries, LIMITS);
        assert_eq!(slower, Next::Retry(secs(8), Reason::RateLimited));
        let slowest = next(&setback(limited), &Tries { throttled: 99, ..tries }, LIMITS);
        assert_eq!(slowest, Next::Retry(CAP_THROTTLED, Reason::RateLimited));
        tries.count(&Class::Conflict, &slower);
        assert_eq!((tries.attempts, tries.throttled), (1, 0));
    }

    #[test]
    fn what_stops_the_whole_site_is_no_attempt_and_spends_no_patience() {
        let spent = Tries { attempts: 3, spent_ms: u64::MAX, ..Tries::default() };
        let down = Limits { down: true, ..LIMITS };
        for (class, expected) in [
            (Class::Credentials, Next::Pause(PauseKind::Credentials, secs(30))),
            (Class::Quota(Some(secs(900))), Next::Pause(PauseKind::Quota, secs(900))),
            (Class::Quota(Some(secs(u64::MAX))), Next::Pause(PauseKind::Quota, LONGEST_ASKED)),
            (Class::Server(Some(secs(9))), Next::WithSite(PAUSED_REST, Reason::Jira5xx)),
            (Class::Unreachable, Next::WithSite(PAUSED_REST, Reason::JiraUnreachable)),
        ] {
            let mut tries = spent;
            let next = next(&setback(class.clone()), &tries, down);
            assert_eq!(next, expected);
            tries.count(&class, &next);
            assert_eq!(tries, spent);
        }
        let unknown = Setback { unknown: true, ..setback(Class::Unreachable) };
        let settled = Next::WithSite(secs(10), Reason::JiraUnreachable);
        assert_eq!(next(&unknown, &spent, down), settled, "an unanswered write settles first");
    }

    #[test]
    fn a_forge_that_does_not_tell_is_asked_again_and_pauses_no_site() {
        let refused = Class::Forge(Reason::Credentials, None);
        assert_eq!(after(refused, 1), Next::Retry(secs(4), Reason::Credentials));
        let limited = Class::Forge(Reason::RateLimited, Some(secs(600)));
        assert_eq!(after(limited, 0), Next::Retry(secs(600), Reason::RateLimited));
    }

    #[test]
    fn an_unanswered_write_settles_before_anybody_looks() {
        let unknown = Setback { unknown: true, ..setback(Class::Unreachable) };
        assert_eq!(next(&unknown, &Tries::default(), LIMITS), Next::Retry(secs(10), Reason::JiraUnreachable));
    }

    #[test]
    fn patience_ends_after_three_days_of_trying() {
        let mut tries = Tries::default();
        tries.spend(DAYS.saturating_sub(secs(1)));
        assert!(matches!(next(&setback(Class::Unreachable), &tries, LIMITS), Next::Retry(..)));
        tries.spend(secs(1));
        assert_eq!(next(&setback(Class::Unreachable), &tries, LIMITS), Next::Dead(Reason::JiraUnreachable));
        assert_eq!(next(&setback(Class::RateLimited(None)), &tries, LIMITS), Next::Dead(Reason::RateLimited));
    }

    #[test]
    fn what_only_a_person_can_mend_is_not_tried_again() {
        assert_eq!(after(Class::Permanent(Reason::IssueNotFound), 0), Next::Fail(Reason::IssueNotFound));
        assert_eq!(after(Class::Refused(vec![]), 0), Next::Fail(Reason::JiraRefused));
        assert_eq!(after(Class::Refused(vec!["resolution".into()]), 0), Next::Fail(Reason::FieldsRequired));
    }

    #[test]
    fn what_breaks_its_worker_is_put_away() {
        assert_eq!(after_panic(1, 1.0), Next::Retry(secs(4), Reason::Queued));
        assert_eq!(after_panic(MOST_PANICS, 1.0), Next::Dead(Reason::Poison));
    }
}
