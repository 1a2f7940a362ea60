//! How long Jira asks to be left alone.
//!
//! `Retry-After` holds seconds or an HTTP date; a quota's refill stands in `X-RateLimit-Reset`. A gateway's
//! 429 may say nothing at all.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

/// Nothing Jira documents asks for more than the rest of the hour; "block all" may come as 19 digits.
const LONGEST: Duration = Duration::from_hours(1);

const REASON: HeaderName = HeaderName::from_static("ratelimit-reason");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Which limit was hit, when Jira names it.
pub(super) fn reason(headers: &HeaderMap) -> Option<String> {
    header(headers, &REASON).map(str::to_owned)
}

/// The pause asked for. Moments are read against the answer's own `Date`, so that a clock that is off
/// here or there does not matter; `now` stands in where it is missing.
pub(super) fn after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let now = header(headers, &DATE).and_then(http_date).unwrap_or(now);
    let asked = header(headers, &RETRY_AFTER).and_then(|value| retry_after(value, now));
    let refill = if reason(headers).is_some_and(|reason| reason.contains("quota")) {
        header(headers, &RESET).and_then(|value| Some(until(value.parse().ok()?, now)))
    } else {
        None
    };
    asked.max(refill).map(|pause| pause.min(LONGEST))
}

fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are as absurd as those that do.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    http_date(value).map(|moment| until(moment, now))
}

fn http_date(value: &str) -> Option<Timestamp> {
    Some(rfc2822::parse(value).ok()?.timestamp())
}

fn until(moment: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(moment.duration_since(now)).unwrap_or(Duration::ZERO)
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-22T10:00:00Z";

    fn pause(headers: &[(&'static str, &str)]) -> Option<u64> {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        after(&headers, NOW.parse().unwrap()).map(|pause| pause.as_secs())
    }

    #[test]
    fn seconds_and_dates_are_understood() {
        assert_eq!(pause(&[]), None);
        assert_eq!(pause(&[("retry-after", " 7 ")]), Some(7));
        assert_eq!(pause(&[("retry-after", "0")]), Some(0));
        assert_eq!(pause(&[("retry-after", "Sun, 22 Nov 2026 10:00:30 GMT")]), Some(30));
        assert_eq!(pause(&[("retry-after", "Sun, 22 Nov 2026 09:59:00 GMT")]), Some(0), "a moment long past");
        assert_eq!(pause(&[("retry-after", "soon")]), None);
        assert_eq!(pause(&[("retry-after", "-5")]), None);
        assert_eq!(pause(&[("retry-after", "")]), None);
    }

    #[test]
    fn absurd_pauses_are_an_hour() {
        assert_eq!(pause(&[("retry-after", "86400")]), Some(3600));
        assert_eq!(pause(&[("retry-after", "9223372036854775807")]), Some(3600));
        assert_eq!(pause(&[("retry-after", "99999999999999999999999999")]), Some(3600));
        assert_eq!(pause(&[("retry-after", "Fri, 22 Nov 2030 10:00:00 GMT")]), Some(3600));
    }

    #[test]
    fn a_date_is_read_by_the_clock_that_wrote_it() {
        let date = ("date", "Sun, 22 Nov 2026 11:30:00 GMT");
        assert_eq!(pause(&[date, ("retry-after", "Sun, 22 Nov 2026 11:30:10 GMT")]), Some(10));
    }

    #[test]
    fn a_quota_lasts_until_its_reset_and_other_limits_do_not() {
        let reset = ("x-ratelimit-reset", "2026-11-22T10:25:00Z");
        let quota = ("ratelimit-reason", "jira-quota-tenant-based");
        assert_eq!(pause(&[quota, reset]), Some(25 * 60));
        assert_eq!(pause(&[quota, reset, ("retry-after", "5")]), Some(25 * 60));
        assert_eq!(pause(&[quota, ("x-ratelimit-reset", "2026-11-22T10:25Z")]), Some(25 * 60));
        assert_eq!(pause(&[quota, ("x-ratelimit-reset", "later"), ("retry-after", "5")]), Some(5));
        let burst = ("ratelimit-reason", "jira-burst-based");
        assert_eq!(pause(&[burst, reset, ("retry-after", "5")]), Some(5));
    }
}
