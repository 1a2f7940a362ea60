//! Whether a site is down: a circuit breaker, as a pure state machine.
//!
//! ```text
//!            5 failures without a success          it does not answer either
//!   closed ─────────────────────────────▶ suspected ─────────────────────────▶ open
//!     ▲  ▲           it answers for itself    │  ▲                              │
//!     │  └────────────────────────────────────┘  │ a failure                    │ it answers again
//!     │                enough good answers       │                              ▼
//!     └───────────────────────────────────── trickling ◀────────────────────────┘
//! ```
//!
//! A site is down when it fails for tickets *and* for itself: so one ticket that makes Jira fail never stops the
//! others, and one single ticket is enough to notice that Jira is away. While a site is suspected or open, none
//! of its tickets is claimed. Afterwards it begins with one ticket at once, and with twice as many after each
//! good answer. What "open" means to all processes is a pause in the store; this is one process' view.

use std::time::Duration;

use jiff::Timestamp;

/// So many failures without a success in between are suspicious.
const SUSPICIOUS: u32 = 5;
/// Failures that are further apart than this are not of one outage.
const WINDOW: Duration = Duration::from_mins(5);
/// So many good answers in a row end the trickle.
const WELL_AGAIN: u32 = 5;

/// What a job has heard from its site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// It answered, and be it with a refusal.
    Answer,
    /// It failed, or could not be reached.
    Failure,
}

/// What is thought of one site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Breaker {
    /// All is well, but for some failures.
    Closed {
        /// Since the last success.
        failures: u32,
        /// When the last of them was.
        last: Option<Timestamp>,
    },
    /// The site has to be asked itself.
    Suspected,
    /// It is down.
    Open,
    /// It answers again.
    Trickling {
        /// Good answers since.
        good: u32,
    },
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { failures: 0, last: None }
    }
}

impl Breaker {
    /// Takes note of what was heard. What comes in late, from before it opened, changes nothing.
    pub(super) fn note(&mut self, heard: Heard, now: Timestamp) {
        *self = match (*self, heard) {
            (Self::Closed { .. }, Heard::Answer) => Self::default(),
            (Self::Closed { failures, last }, Heard::Failure) => {
                let failures = if is_recent(last, now) { failures + 1 } else { 1 };
                if failures >= SUSPICIOUS {
                    Self::Suspected
                } else {
                    Self::Closed { failures, last: Some(now) }
                }
            }
            (Self::Trickling { good }, Heard::Answer) if good + 1 >= WELL_AGAIN => Self::default(),
            (Self::Trickling { good }, Heard::Answer) => Self::Trickling { good: good + 1 },
            (Self::Trickling { .. }, Heard::Failure) => Self::Suspected,
            (Self::Suspected | Self::Open, _) => *self,
        };
    }

    /// The suspected site answered for itself: it was about the tickets.
    pub(super) fn clear(&mut self) {
        if *self == Self::Suspected {
            *self = Self::default();
        }
    }

    /// It is down, by our own finding or by another process'.
    pub(super) fn open(&mut self) {
        *self = Self::Open;
    }

    /// It answers again.
    pub(super) fn trickle(&mut self) {
        if *self == Self::Open {
            *self = Self::Trickling { good: 0 };
        }
    }

    /// Whether failures are the site's, and not the ticket's.
    pub(super) fn blames_the_site(self) -> bool {
        matches!(self, Self::Suspected | Self::Open)
    }

    /// How many of its tickets may be worked on at once; [`None`]: as many as there is room for.
    pub(super) fn at_once(self) -> Option<usize> {
        match self {
            Self::Closed { .. } => None,
            Self::Suspected | Self::Open => Some(0),
            Self::Trickling { good } => Some(1 << good.min(WELL_AGAIN)),
        }
    }

    /// For a gauge: 0 closed, 1 suspected or trickling, 2 open.
    pub(super) fn level(self) -> u8 {
        match self {
            Self::Closed { .. } => 0,
            Self::Suspected | Self::Trickling { .. } => 1,
            Self::Open => 2,
        }
    }
}

/// A clock that was set back makes no outage longer.
fn is_recent(last: Option<Timestamp>, now: Timestamp) -> bool {
    last.is_some_and(|last| Duration::try_from(now.duration_since(last)).is_ok_and(|age| age <= WINDOW))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn after(failures: u32) -> Breaker {
        let mut breaker = Breaker::default();
        (0..failures).for_each(|n| breaker.note(Heard::Failure, at(n.into())));
        breaker
    }

    #[test]
    fn five_failures_without_a_success_are_suspicious() {
        assert_eq!(after(4).at_once(), None);
        assert_eq!(after(5), Breaker::Suspected);
        let mut breaker = after(4);
        breaker.note(Heard::Answer, at(4));
        assert_eq!(breaker, Breaker::default());
    }

    #[test]
    fn failures_that_are_far_apart_belong_to_no_outage() {
        let mut breaker = Breaker::default();
        for n in 0..20 {
            breaker.note(Heard::Failure, at(n * 301));
        }
        assert_eq!(breaker.at_once(), None);
        breaker.note(Heard::Failure, at(0));
        assert_eq!(breaker.at_once(), None, "nor does a clock that was set back make one");
    }

    #[test]
    fn a_site_that_answers_for_itself_is_not_down() {
        let mut breaker = after(5);
        assert!(breaker.blames_the_site());
        breaker.clear();
        assert_eq!(breaker, Breaker::default());
    }

    #[test]
    fn an_open_one_waits_for_the_site_and_then_begins_slowly() {
        let mut breaker = after(5);
        breaker.open();
        breaker.note(Heard::Answer, at(9));
        breaker.clear();
        assert_eq!(breaker, Breaker::Open, "an answer from before it opened is none");
        breaker.trickle();
        let mut at_once = vec![breaker.at_once()];
        for _ in 0..WELL_AGAIN {
            breaker.note(Heard::Answer, at(10));
            at_once.push(breaker.at_once());
        }
        assert_eq!(at_once, [Some(1), Some(2), Some(4), Some(8), Some(16), None]);
    }

    #[test]
    fn a_failure_while_it_trickles_is_suspicious_at_once() {
        let mut breaker = Breaker::Trickling { good: 3 };
        breaker.note(Heard::Failure, at(0));
        assert_eq!((breaker, breaker.at_once()), (Breaker::Suspected, Some(0)));
    }

    proptest! {
        #[test]
        fn nothing_is_suspected_before_enough_failures_since_the_last_success(
            heard in prop::collection::vec((any::<bool>(), 0_i64..600), 0..60),
        ) {
            let (mut breaker, mut row) = (Breaker::default(), 0);
            for (answered, second) in heard {
                breaker.note(if answered { Heard::Answer } else { Heard::Failure }, at(second));
                row = if answered { 0 } else { row + 1 };
                if breaker.blames_the_site() {
                    prop_assert!(row >= SUSPICIOUS);
                    break;
                }
                prop_assert!(!answered || breaker == Breaker::default());
            }
        }
    }
}
