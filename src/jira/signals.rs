//! What an answer's headers say about limits.
//!
//! Cloud names the limit that was met (`RateLimit-Reason`) and warns when one is near. Data Center shows its
//! bucket of requests on every answer, `retry-after: 0` included, which asks for nothing.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName};

use super::pause;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const NEAR: HeaderName = HeaderName::from_static("x-ratelimit-nearlimit");
const FILL: HeaderName = HeaderName::from_static("x-ratelimit-fillrate");
const INTERVAL: HeaderName = HeaderName::from_static("x-ratelimit-interval-seconds");

/// The slowest refill that is believed.
const LONGEST_FILL: Duration = Duration::from_mins(1);

/// Of a bucket, a quarter is kept for other processes, and at least this for what is under way in this one.
const RESERVE: u64 = 16;

/// What was said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Signals {
    /// Requests that are left.
    pub(super) remaining: Option<u64>,
    /// Whether there will soon be none.
    pub(super) near: bool,
    /// Data Center: the time in which one request comes back into the bucket.
    pub(super) refill: Option<Duration>,
    /// The answer was a refusal for asking too often.
    pub(super) refused: Option<Refused>,
}

/// What a refusal is about, and how long it asks to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// This ticket: its own retry waits.
    Ticket,
    /// What the site allows in an hour; the whole site stops, in all processes.
    Quota,
    /// This call.
    Call(Option<Duration>),
    /// Every call of this account.
    All(Option<Duration>),
}

impl Signals {
    /// Reads the headers of an answer.
    pub(super) fn read(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Self {
        let (limit, remaining) = (number(headers, &LIMIT), number(headers, &REMAINING));
        let refill = number(headers, &FILL).zip(number(headers, &INTERVAL)).map(|(fill, interval)| {
            let fill = u32::try_from(fill.max(1)).unwrap_or(u32::MAX);
            (Duration::from_secs(interval) / fill).min(LONGEST_FILL)
        });
        let low = limit.zip(remaining).is_some_and(|(limit, left)| left <= (limit / 4).max(RESERVE));
        let warned = headers.get(&NEAR).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
        let refused = (status == StatusCode::TOO_MANY_REQUESTS).then(|| refused(headers, refill, now));
        Self { remaining, near: warned || (refill.is_some() && low), refill, refused }
    }
}

fn refused(headers: &HeaderMap, refill: Option<Duration>, now: Timestamp) -> Refused {
    let after = pause::after(headers, now);
    match pause::reason(headers) {
        Some(reason) if reason.contains("per-issue") => Refused::Ticket,
        Some(reason) if reason.contains("quota") => Refused::Quota,
        None if refill.is_some() => Refused::All(after),
        // A gateway's refusal names no limit; the narrowest scope it can have is what was asked.
        _ => Refused::Call(after),
    }
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, headers: &[(&'static str, &str)]) -> Signals {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        Signals::read(StatusCode::from_u16(status).unwrap(), &headers, Timestamp::UNIX_EPOCH)
    }

    fn refused(headers: &[(&'static str, &str)]) -> Refused {
        read(429, headers).refused.unwrap()
    }

    #[test]
    fn an_answer_that_says_nothing_asks_for_nothing() {
        assert_eq!(read(200, &[]), Signals::default());
        assert_eq!(read(503, &[("retry-after", "9")]).refused, None);
        assert_eq!(read(200, &[("x-ratelimit-remaining", "many")]), Signals::default());
    }

    #[test]
    fn cloud_names_the_limit_that_was_met() {
        let after = ("retry-after", "5");
        let burst = [after, ("ratelimit-reason", "jira-burst-based")];
        assert_eq!(refused(&burst), Refused::Call(Some(Duration::from_secs(5))));
        assert_eq!(refused(&[after, ("ratelimit-reason", "jira-per-issue-on-write")]), Refused::Ticket);
        assert_eq!(refused(&[("ratelimit-reason", "jira-quota-tenant-based")]), Refused::Quota);
        assert_eq!(refused(&[]), Refused::Call(None), "a gateway says nothing");
        assert!(read(200, &[("x-ratelimit-nearlimit", "true")]).near);
    }

    #[test]
    fn data_centers_bucket_is_read_from_every_answer() {
        let bucket = |left| {
            [
                ("x-ratelimit-limit", "40"),
                ("x-ratelimit-remaining", left),
                ("x-ratelimit-fillrate", "4"),
                ("x-ratelimit-interval-seconds", "2"),
                ("retry-after", "0"),
            ]
        };
        let half = Some(Duration::from_millis(500));
        let full = read(200, &bucket("39"));
        assert_eq!(full, Signals { remaining: Some(39), near: false, refill: half, refused: None });
        assert!(read(200, &bucket("16")).near && !read(200, &bucket("17")).near);
        assert_eq!(refused(&bucket("0")), Refused::All(Some(Duration::ZERO)));
        let absurd = [("x-ratelimit-fillrate", "0"), ("x-ratelimit-interval-seconds", "99999999999")];
        assert_eq!(read(200, &absurd).refill, Some(LONGEST_FILL));
    }
}
