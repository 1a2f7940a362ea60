//! The one place that asks what time it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

/// The time, as the whole process sees it. Clones share it.
///
/// In production it is the system's clock. A test can move it forward, so that a lease runs out or three
/// days of patience pass without anybody waiting for them.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    ahead_ms: Arc<AtomicI64>,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_millisecond(now.as_millisecond().saturating_add(self.ahead_ms())).unwrap_or(now)
    }

    /// How far this clock was moved ahead of the system's, in milliseconds. A store that uses its own
    /// server's time adds this to it.
    pub fn ahead_ms(&self) -> i64 {
        self.ahead_ms.load(Ordering::Relaxed)
    }

    /// Moves this clock, and all its clones, forward.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.ahead_ms.fetch_add(by, Ordering::Relaxed);
    }
}

/// Reads a length of time as people write it: `90s`, `30m`, `24h`, `7d`, `1h 30m`; `0` is none at all.
///
/// Days are 24 hours. `None` for anything else, negative lengths included.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let span: jiff::Span = text.parse().ok()?;
    let length = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(length).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_as_people_write_them() {
        let hours = |h| Some(Duration::from_hours(h));
        assert_eq!(parse_duration("24h"), hours(24));
        assert_eq!(parse_duration("7d"), hours(7 * 24));
        assert_eq!(parse_duration("1h 30m"), Some(Duration::from_mins(90)));
        assert_eq!(parse_duration("0"), Some(Duration::ZERO));
        for nonsense in ["", "3x", "-1h", "soon", "24", "999999999999d"] {
            assert_eq!(parse_duration(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_moved_clock_is_moved_for_all_its_clones() {
        let clock = Clock::system();
        let clone = clock.clone();
        let before = clone.now();
        clock.advance(Duration::from_hours(1));
        assert!(clone.now().as_second() - before.as_second() >= 3600);
    }
}
