//! When the next request may be sent: what a site says about its limits, kept in mind. Pure; the waiting itself
//! is the client's.
//!
//! | said | follows, for this process |
//! |---|---|
//! | 429, burst or unnamed | nothing to that call before the time it names; then one after the other for a while |
//! | 429, Data Center's bucket | the same for every call of the site |
//! | near a limit | that call at intervals, longer each time; shorter with each good answer |
//! | Data Center's bucket is low | every call at the rate at which the bucket fills |
//! | 429, per issue or quota | nothing here: the ticket's retry, and the site's pause, see to it |
//!
//! A call's name stands for its method and endpoint.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use super::signals::{Refused, Signals};

/// How long a call is left alone by a refusal that does not say.
const UNNAMED: Duration = Duration::from_secs(2);
/// Intervals begin with this, and end below it.
const SHORTEST_GAP: Duration = Duration::from_millis(20);
/// After a refusal they begin with this.
const REFUSED_GAP: Duration = Duration::from_millis(100);
/// And grow to this.
const LONGEST_GAP: Duration = Duration::from_secs(2);
/// Warnings within this are one warning: they were under way together.
const ONE_WARNING: Duration = Duration::from_secs(1);

/// What is known of a site's limits.
#[derive(Debug, Default)]
pub(super) struct Limits {
    all: Lane,
    calls: HashMap<&'static str, Lane>,
}

/// Requests that stand in one line.
#[derive(Debug, Default, Clone, Copy)]
struct Lane {
    /// What the settings ask for, whatever the site says.
    least_gap: Duration,
    gap: Duration,
    /// Before this nothing is sent.
    next: Option<Timestamp>,
    warned: Option<Timestamp>,
}

impl Limits {
    /// Sends no more than so many requests a second.
    pub(super) fn at_most_a_second(&mut self, requests: u32) {
        self.all.least_gap = Duration::from_secs(1) / requests.max(1);
    }

    /// How long the next request of this call has to wait. Up to `patience` its place is taken by asking;
    /// whoever is told to wait longer has none, and comes again.
    pub(super) fn turn(&mut self, call: &'static str, patience: Duration, now: Timestamp) -> Duration {
        let lane = self.calls.entry(call).or_default();
        let wait = self.all.wait(now).max(lane.wait(now));
        if wait <= patience {
            let sent = later(now, wait);
            self.all.took(sent);
            lane.took(sent);
        }
        wait
    }

    /// Takes an answer's word for it.
    pub(super) fn heed(&mut self, call: &'static str, said: &Signals, now: Timestamp) {
        let lane = self.calls.entry(call).or_default();
        match said.refused {
            Some(Refused::Ticket | Refused::Quota) => {}
            Some(Refused::Call(after)) => lane.refused(after, now),
            Some(Refused::All(after)) => self.all.refused(after, now),
            None if said.refill.is_some() => {}
            None if said.near => lane.near(now),
            None => lane.well(),
        }
        if let Some(refill) = said.refill {
            self.all.gap = if said.near { refill } else { Duration::ZERO };
        }
    }
}

impl Lane {
    fn wait(&self, now: Timestamp) -> Duration {
        self.next
            .map_or(Duration::ZERO, |next| Duration::try_from(next.duration_since(now)).unwrap_or_default())
    }

    fn took(&mut self, sent: Timestamp) {
        let gap = self.gap.max(self.least_gap);
        if !gap.is_zero() {
            self.next = Some(later(sent, gap));
        }
    }

    fn refused(&mut self, after: Option<Duration>, now: Timestamp) {
        // An answer that was on its way when another named a later time takes nothing back.
        self.next = self.next.max(Some(later(now, after.unwrap_or(UNNAMED))));
        self.slow_down(REFUSED_GAP, now);
    }

    fn near(&mut self, now: Timestamp) {
        self.slow_down(SHORTEST_GAP, now);
    }

    fn slow_down(&mut self, least: Duration, now: Timestamp) {
        let again = self.warned.is_some_and(|at| {
            Duration::try_from(now.duration_since(at)).is_ok_and(|passed| passed < ONE_WARNING)
        });
        if !again {
            self.warned = Some(now);
            self.gap = (self.gap * 2).clamp(least, LONGEST_GAP);
        }
    }

    fn well(&mut self) {
        let gap = self.gap.mul_f64(0.8);
        self.gap = if gap < SHORTEST_GAP { Duration::ZERO } else { gap };
    }
}

fn later(moment: Timestamp, by: Duration) -> Timestamp {
    moment.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    const PATIENCE: Duration = Duration::from_secs(2);

    fn turn(limits: &mut Limits, call: &'static str, now: Timestamp) -> Duration {
        limits.turn(call, PATIENCE, now)
    }

    fn refused(refused: Refused) -> Signals {
        Signals { refused: Some(refused), ..Signals::default() }
    }

    fn near() -> Signals {
        Signals { near: true, ..Signals::default() }
    }

    #[test]
    fn nobody_waits_where_nothing_was_said() {
        let mut limits = Limits::default();
        assert!((0..99).all(|_| turn(&mut limits, "issue", at(0)).is_zero()));
        limits.heed("issue", &Signals::default(), at(1));
        assert!(turn(&mut limits, "issue", at(1)).is_zero());
    }

    #[test]
    fn a_refused_call_is_left_alone_as_long_as_it_asks_and_no_other_is() {
        let mut limits = Limits::default();
        limits.heed("transition", &refused(Refused::Call(Some(ms(30_000)))), at(0));
        limits.heed("transition", &refused(Refused::Call(Some(ms(5_000)))), at(1));
        assert_eq!(turn(&mut limits, "transition", at(1_000)), ms(29_000));
        assert!(turn(&mut limits, "issue", at(1_000)).is_zero());
        assert!(turn(&mut limits, "transition", at(30_000)).is_zero());
        assert_eq!(turn(&mut limits, "transition", at(30_000)), REFUSED_GAP, "then one after the other");
        limits.heed("comment", &refused(Refused::Call(None)), at(0));
        assert_eq!(turn(&mut limits, "comment", at(0)), UNNAMED);
    }

    #[test]
    fn a_ticket_and_a_quota_slow_no_call_down() {
        let mut limits = Limits::default();
        limits.heed("transition", &refused(Refused::Ticket), at(0));
        limits.heed("transition", &refused(Refused::Quota), at(0));
        assert!((0..9).all(|_| turn(&mut limits, "transition", at(0)).is_zero()));
    }

    #[test]
    fn near_its_limit_a_call_is_made_at_intervals_until_all_is_well() {
        let mut limits = Limits::default();
        for _ in 0..16 {
            limits.heed("issue", &near(), at(0));
        }
        limits.heed("issue", &near(), at(1_000));
        turn(&mut limits, "issue", at(1_000));
        assert_eq!(
            turn(&mut limits, "issue", at(1_000)),
            SHORTEST_GAP * 2,
            "sixteen at once are one warning"
        );
        for _ in 0..9 {
            limits.heed("issue", &Signals::default(), at(2_000));
        }
        turn(&mut limits, "issue", at(2_000));
        assert!(turn(&mut limits, "issue", at(2_000)).is_zero());
    }

    #[test]
    fn a_low_bucket_is_emptied_no_faster_than_it_fills() {
        let mut limits = Limits::default();
        let low = Signals { near: true, refill: Some(ms(500)), remaining: Some(3), refused: None };
        limits.heed("issue", &low, at(0));
        turn(&mut limits, "issue", at(0));
        assert_eq!(turn(&mut limits, "transition", at(0)), ms(500), "one bucket for all calls");
        limits.heed("issue", &Signals { near: false, ..low }, at(9_000));
        turn(&mut limits, "issue", at(9_000));
        assert!(turn(&mut limits, "transition", at(9_000)).is_zero());
        limits.heed("issue", &Signals { refused: Some(Refused::All(Some(ms(4_000)))), ..low }, at(9_000));
        assert_eq!(turn(&mut limits, "transition", at(9_000)), ms(4_000));
    }

    #[test]
    fn who_would_wait_too_long_takes_no_place() {
        let mut limits = Limits::default();
        limits.at_most_a_second(1);
        let waits: Vec<_> = (0..5).map(|_| turn(&mut limits, "issue", at(0)).as_secs()).collect();
        assert_eq!(waits, [0, 1, 2, 3, 3]);
    }

    proptest! {
        #[test]
        fn no_second_has_more_requests_than_the_settings_allow(
            most in 1_u32..20, asked in prop::collection::vec(0_i64..5_000, 1..200),
        ) {
            let (mut limits, mut asked, mut sent) = (Limits::default(), asked, Vec::new());
            limits.at_most_a_second(most);
            asked.sort_unstable();
            for moment in asked {
                let wait = turn(&mut limits, "issue", at(moment));
                if wait <= PATIENCE {
                    sent.push(moment + i64::try_from(wait.as_millis()).unwrap());
                }
            }
            for first in &sent {
                let within = sent.iter().filter(|moment| (0..1_000).contains(&(*moment - first))).count();
                // A gap that is no whole number of milliseconds is rounded down by this test.
                prop_assert!(within <= most as usize + 1, "{within} in a second, of {most}");
            }
        }
    }
}
