//! What is remembered of an address: how often it was refused, what of it was genuine, how much memory it holds.
//!
//! The memory is bounded. When more addresses come than fit, those that were not seen for longest are forgotten, which
//! makes them what they were at first: strangers with a full budget.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::bucket::{Bucket, Rate, micros};

/// How many addresses are remembered: some ten MB when all are in use.
const MOST_ADDRESSES: u64 = 32 * 1024;

/// Who was silent for so long is forgotten.
const REMEMBERED: Duration = Duration::from_hours(7 * 24);

/// How long a genuine delivery vouches for the address that it came from: over a long weekend.
const VOUCHED: Duration = Duration::from_hours(7 * 24);

/// How many tokens are remembered to have come from one address.
const MOST_TOKENS: usize = 64;

/// Everything that is remembered of an address.
#[derive(Debug, Default)]
pub(in crate::http) struct Standing {
    /// Deliveries that were refused.
    refused: Bucket,
    /// Tokens that opened nothing.
    guesses: Bucket,
    /// Until when a genuine delivery vouches for it, in microseconds.
    vouched: AtomicU64,
    /// The bytes of its bodies that are being read or verified.
    pub(in crate::http) held: AtomicUsize,
    /// The names of the tokens that have opened something from there.
    tokens: Mutex<Vec<String>>,
    /// The log says once that its budget is used up, until it was in order again.
    told: AtomicBool,
}

impl Standing {
    /// How long until a delivery from there is read again; `None`: now.
    ///
    /// Where a genuine delivery came from, the next one may be genuine too, whoever else stands there: a forge's many hooks
    /// share its addresses, and so do a proxy's many clients.
    pub(super) fn refused_for(&self, rate: Rate, now: Timestamp) -> Option<Duration> {
        let wait = self.refused.wait(rate, now)?;
        (self.vouched.load(Ordering::Relaxed) <= micros(now)).then_some(wait)
    }

    /// Notes a refused delivery. Whether the log should hear that this was one too many.
    pub(super) fn refuse(&self, rate: Rate, units: u64, now: Timestamp) -> bool {
        self.refused.spend(rate, units, now);
        if self.refused_for(rate, now).is_none() {
            self.told.store(false, Ordering::Relaxed);
            return false;
        }
        !self.told.swap(true, Ordering::Relaxed)
    }

    /// Notes a genuine delivery.
    pub(super) fn vouch(&self, now: Timestamp) {
        self.vouched.store(micros(now + VOUCHED), Ordering::Relaxed);
    }

    /// Notes an attempt with a token, by the name of the one that fits; or how long until one is heard again.
    ///
    /// A token that has opened something from there before still does: who guesses in a house locks none of it out.
    pub(super) fn attempt(&self, token: Option<&str>, rate: Rate, now: Timestamp) -> Result<(), Duration> {
        let wait = self.guesses.wait(rate, now);
        let Some(name) = token else {
            let heard = wait.map_or(Ok(()), Err);
            if heard.is_ok() {
                self.guesses.spend(rate, 1, now);
            }
            return heard;
        };
        let mut known = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        match wait {
            _ if known.iter().any(|known| known == name) => Ok(()),
            Some(wait) => Err(wait),
            None => {
                if known.len() < MOST_TOKENS {
                    known.push(name.to_owned());
                }
                Ok(())
            }
        }
    }
}

/// The addresses that are remembered.
pub(super) struct Standings(Cache<IpAddr, Arc<Standing>>);

impl Default for Standings {
    fn default() -> Self {
        let cache = Cache::builder()
            .max_capacity(MOST_ADDRESSES)
            .time_to_idle(REMEMBERED)
            // By how long ago, not by how often: else a flood of many addresses would not be remembered at all.
            .eviction_policy(EvictionPolicy::lru());
        Self(cache.build())
    }
}

impl Standings {
    /// The standing of an address; a stranger gets a fresh one.
    pub(super) fn of(&self, address: IpAddr) -> Arc<Standing> {
        self.0.get_with(address, Arc::default)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn ten() -> Rate {
        Rate::per_minute(10).unwrap()
    }

    #[test]
    fn whatever_comes_the_memory_is_bounded() {
        let standings = Standings::default();
        for number in 0..100_000 {
            standings.of(Ipv4Addr::from_bits(number).into()).refuse(ten(), 1, NOW);
        }
        standings.0.run_pending_tasks();
        assert!(standings.0.entry_count() <= MOST_ADDRESSES, "{}", standings.0.entry_count());
    }

    #[test]
    fn who_comes_again_and_again_is_remembered_among_many_who_come_once() {
        let standings = Standings::default();
        let forger = Ipv4Addr::new(203, 0, 113, 9).into();
        for number in 0..100_000 {
            standings.of(Ipv4Addr::from_bits(number).into());
            if number % 1000 == 0 {
                standings.of(forger).refuse(ten(), 1, NOW);
                standings.0.run_pending_tasks();
            }
        }
        assert!(standings.of(forger).refused_for(ten(), NOW).is_some());
    }

    #[test]
    fn a_genuine_delivery_vouches_for_its_address_and_a_forger_beside_it_changes_nothing() {
        let standing = Standing::default();
        standing.refuse(ten(), 10, NOW);
        assert!(standing.refused_for(ten(), NOW).is_some());
        standing.vouch(NOW);
        standing.refuse(ten(), 1000, NOW);
        assert_eq!(standing.refused_for(ten(), NOW), None);
        let later = NOW + VOUCHED;
        standing.refuse(ten(), 10, later);
        assert!(standing.refused_for(ten(), later).is_some(), "not for ever");
    }

    #[test]
    fn the_log_hears_once_that_a_budget_is_used_up() {
        let standing = Standing::default();
        let heard: Vec<bool> = (0..12).map(|_| standing.refuse(ten(), 1, NOW)).collect();
        assert_eq!(heard.iter().filter(|heard| **heard).count(), 1);
        assert!(heard[9], "{heard:?}");
        let calm = NOW + Duration::from_mins(2);
        assert!(!standing.refuse(ten(), 1, calm));
        assert!(standing.refuse(ten(), 10, calm), "and again the next time");
    }

    #[test]
    fn who_guesses_tokens_is_not_heard_any_more_and_who_works_beside_him_is() {
        let standing = Standing::default();
        let attempt = |token, now| standing.attempt(token, ten(), now).is_ok();
        assert!(attempt(Some("ada"), NOW));
        assert!((0..10).all(|_| attempt(None, NOW)));
        assert!(!attempt(None, NOW));
        assert!(!attempt(Some("otto"), NOW), "he may have guessed it");
        assert!(attempt(Some("ada"), NOW));
        assert!(attempt(Some("otto"), NOW + Duration::from_secs(6)));
    }
}
