//! How often: a bucket of units that fills by itself, kept in one number (the
//! [generic cell rate algorithm](https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm)).
//!
//! `governor` has it too, but takes a unit whenever it is asked; here it is asked before a body is read, and paid for
//! only when the body turns out to be worth nothing.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

/// A full bucket fills in a minute, whatever its size. In microseconds.
const MINUTE: u64 = 60_000_000;

/// So many units a minute; as many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(NonZeroU32);

impl Rate {
    /// `None` for 0: no limit.
    pub fn per_minute(units: u32) -> Option<Self> {
        NonZeroU32::new(units).map(Self)
    }

    /// The time in which one unit comes back.
    fn interval(self) -> u64 {
        (MINUTE / u64::from(self.0.get())).max(1)
    }
}

/// A bucket, by the time (in microseconds) at which it is full again.
#[derive(Debug, Default)]
pub(in crate::http) struct Bucket(AtomicU64);

impl Bucket {
    /// How long until there is a unit in it; `None`: there is one now.
    pub(super) fn wait(&self, rate: Rate, now: Timestamp) -> Option<Duration> {
        let missing = missing(self.0.load(Ordering::Relaxed), micros(now));
        missing_unit(missing, rate)
    }

    /// Takes units for what was done already, whether they are there or not.
    pub(super) fn spend(&self, rate: Rate, units: u64, now: Timestamp) {
        let now = micros(now);
        let spend = |full: u64| {
            let debt = missing(full, now).saturating_add(units.saturating_mul(rate.interval()));
            // Whatever was done, a minute ends the wait for the next unit.
            Some(now + debt.min(2 * MINUTE))
        };
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend);
    }

    /// Takes one unit, or says how long until there is one.
    pub(in crate::http) fn take(&self, rate: Rate, now: Timestamp) -> Result<(), Duration> {
        let now = micros(now);
        let take = |full: u64| {
            let missing = missing(full, now);
            missing_unit(missing, rate).is_none().then(|| now + missing + rate.interval())
        };
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.map(drop).map_err(|full| missing_unit(missing(full, now), rate).unwrap_or_default())
    }
}

/// How far it is from full. More than can be owed means that the clock was set back, which must lock nobody out.
fn missing(full: u64, now: u64) -> u64 {
    let missing = full.saturating_sub(now);
    if missing > 2 * MINUTE { 0 } else { missing }
}

fn missing_unit(missing: u64, rate: Rate) -> Option<Duration> {
    let after = missing + rate.interval();
    (after > MINUTE).then(|| Duration::from_micros(after - MINUTE))
}

/// A time as a number; before 1970 it is 0.
pub(super) fn micros(at: Timestamp) -> u64 {
    u64::try_from(at.as_microsecond()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn ten() -> Rate {
        Rate::per_minute(10).unwrap()
    }

    #[test]
    fn a_minutes_worth_goes_at_once_and_then_one_after_the_other() {
        let bucket = Bucket::default();
        for _ in 0..10 {
            assert_eq!(bucket.take(ten(), NOW), Ok(()));
        }
        assert_eq!(bucket.take(ten(), NOW), Err(Duration::from_secs(6)));
        assert_eq!(bucket.take(ten(), NOW + Duration::from_secs(4)), Err(Duration::from_secs(2)));
        assert_eq!(bucket.take(ten(), NOW + Duration::from_secs(6)), Ok(()));
        assert_eq!(bucket.wait(ten(), NOW + Duration::from_secs(6)), Some(Duration::from_secs(6)));
    }

    #[test]
    fn looking_takes_nothing() {
        let bucket = Bucket::default();
        for _ in 0..100 {
            assert_eq!(bucket.wait(ten(), NOW), None);
        }
    }

    #[test]
    fn what_was_done_is_owed_but_a_minute_is_the_longest_wait() {
        let bucket = Bucket::default();
        bucket.spend(ten(), 12, NOW);
        assert_eq!(bucket.wait(ten(), NOW), Some(Duration::from_secs(18)));
        bucket.spend(ten(), 1_000_000, NOW);
        assert_eq!(bucket.wait(ten(), NOW), Some(Duration::from_secs(66)));
    }

    #[test]
    fn a_clock_that_was_set_back_locks_nobody_out() {
        let bucket = Bucket::default();
        bucket.spend(ten(), 100, NOW);
        assert_eq!(bucket.wait(ten(), NOW - Duration::from_hours(1)), None);
    }
}
