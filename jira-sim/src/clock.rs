//! The simulator's only source of time, so that a test can hold it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// A clock that follows the machine, or one that a test holds and moves by hand. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Clock(Arc<Mutex<Option<Timestamp>>>);

impl Clock {
    /// The machine's own time.
    pub fn machine() -> Self {
        Self::default()
    }

    /// A clock that stands at `at` until it is moved.
    pub fn held(at: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Some(at))))
    }

    /// Moves a held clock on. On a clock that follows the machine it first takes hold of it.
    pub fn advance(&self, by: Duration) {
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = held.unwrap_or_else(Timestamp::now);
        *held = Some(now.checked_add(by).unwrap_or(Timestamp::MAX));
    }

    pub(crate) fn now(&self) -> Timestamp {
        let held = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.unwrap_or_else(Timestamp::now)
    }
}
