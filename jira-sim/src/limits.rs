//! Rate limits: Cloud's three, and Data Center's token bucket per user. All off unless a test turns them on, and
//! all by the site's clock, so that a held clock makes them deterministic.

use std::collections::HashMap;

use jiff::{Timestamp, ToSpan};

use crate::refusal::Answer;
use crate::route::Kind;

/// Which limits a site has. Several may be combined.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    burst_percent: Option<u64>,
    writes_per_issue: bool,
    points_per_hour: Option<u64>,
    points_are_global: bool,
    points_spare_api_tokens: bool,
    bucket: Option<Bucket>,
}

impl Limits {
    /// No limits.
    pub fn none() -> Self {
        Self::default()
    }

    /// Cloud's burst limit, a token bucket for each endpoint and method: GET and POST 100 a second, PUT and DELETE
    /// 50, GET issue 150. At `percent` 2 that is 2, 1 and 3.
    #[must_use]
    pub fn burst(mut self, percent: u32) -> Self {
        self.burst_percent = Some(percent.max(1).into());
        self
    }

    /// Cloud's limit of writes to one issue: 20 in 2 seconds, 100 in 30.
    #[must_use]
    pub fn writes_per_issue(mut self) -> Self {
        self.writes_per_issue = true;
        self
    }

    /// Cloud's quota, reset on the UTC hour. Here every request costs one point.
    #[must_use]
    pub fn points_per_hour(mut self, points: u64) -> Self {
        self.points_per_hour = Some(points);
        self
    }

    /// The quota is one of all tenants together, and refuses with that reason.
    #[must_use]
    pub fn points_are_global(mut self) -> Self {
        self.points_are_global = true;
        self
    }

    /// The quota does not count what API tokens ask, as Cloud has it.
    #[must_use]
    pub fn points_spare_api_tokens(mut self) -> Self {
        self.points_spare_api_tokens = true;
        self
    }

    /// Data Center's bucket for each user: so many tokens at most, refilled by `fill` every `interval_seconds`.
    #[must_use]
    pub fn bucket(mut self, capacity: u32, fill: u32, interval_seconds: u32) -> Self {
        self.bucket = Some(Bucket {
            capacity: capacity.into(),
            fill: fill.max(1).into(),
            interval_millis: u64::from(interval_seconds.max(1)) * 1000,
        });
        self
    }
}

/// So many tokens at most, `fill` of them coming back in each interval.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    capacity: u64,
    fill: u64,
    interval_millis: u64,
}

/// What is in a bucket, counted in parts of a token, of which a token has as many as the interval has milliseconds:
/// then each millisecond brings `fill` parts, and nothing is ever rounded.
#[derive(Debug, Clone, Copy)]
struct Tokens {
    parts: u64,
    at: Timestamp,
}

impl Tokens {
    fn full(bucket: Bucket, now: Timestamp) -> Self {
        Self { parts: bucket.capacity * bucket.interval_millis, at: now }
    }

    /// Takes one token and says how many are left, or how many seconds it takes until there is one.
    fn take(&mut self, bucket: Bucket, now: Timestamp) -> Result<u64, u64> {
        let passed = u64::try_from(now.duration_since(self.at).as_millis()).unwrap_or(0);
        let full = bucket.capacity * bucket.interval_millis;
        self.parts = passed.saturating_mul(bucket.fill).saturating_add(self.parts).min(full);
        self.at = now;
        if let Some(left) = self.parts.checked_sub(bucket.interval_millis) {
            self.parts = left;
            return Ok(left / bucket.interval_millis);
        }
        let missing = bucket.interval_millis - self.parts;
        Err(missing.div_ceil(bucket.fill).div_ceil(1000).max(1))
    }
}

/// What the limiters need to know of a request.
pub(crate) struct Asking<'a> {
    pub(crate) method: &'a str,
    pub(crate) kind: Kind,
    pub(crate) issue: Option<u64>,
    pub(crate) writes: bool,
    pub(crate) user: &'a str,
    pub(crate) with_api_token: bool,
    pub(crate) now: Timestamp,
}

/// A limit that was met.
struct Exceeded {
    reason: &'static str,
    limit: u64,
    seconds: u64,
}

/// The limiters of a site, with what they have counted.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    limits: Limits,
    bursts: HashMap<(Kind, String), Tokens>,
    writes: HashMap<u64, Vec<Timestamp>>,
    /// The hour, and the points used in it.
    points: (i64, u64),
    users: HashMap<String, Tokens>,
}

type Headers = Vec<(String, String)>;

impl Limiter {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// The headers that every answer carries, or the refusal.
    pub(crate) fn ask(&mut self, asking: &Asking) -> Result<Headers, Answer> {
        if let Some(bucket) = self.limits.bucket {
            return self.ask_bucket(bucket, asking);
        }
        for limiter in [Self::ask_points, Self::ask_burst, Self::ask_issue] {
            limiter(self, asking).map_err(|exceeded| refuse(&exceeded, asking.now))?;
        }
        Ok(self.points_headers(asking.now))
    }

    fn ask_points(&mut self, asking: &Asking) -> Result<(), Exceeded> {
        let spared = self.limits.points_spare_api_tokens && asking.with_api_token;
        let Some(limit) = self.limits.points_per_hour.filter(|_| !spared) else {
            return Ok(());
        };
        let hour = asking.now.as_second().div_euclid(3600);
        if self.points.0 != hour {
            self.points = (hour, 0);
        }
        if self.points.1 >= limit {
            let seconds = ((hour + 1) * 3600 - asking.now.as_second()).unsigned_abs();
            let global = self.limits.points_are_global;
            let reason = if global { "jira-quota-global-based" } else { "jira-quota-tenant-based" };
            return Err(Exceeded { reason, limit, seconds });
        }
        self.points.1 += 1;
        Ok(())
    }

    fn ask_burst(&mut self, asking: &Asking) -> Result<(), Exceeded> {
        let Some(percent) = self.limits.burst_percent else {
            return Ok(());
        };
        let per_second = match (asking.method, asking.kind) {
            ("GET", Kind::Issue) => 150,
            ("GET" | "POST", _) => 100,
            _ => 50,
        };
        let limit = (per_second * percent / 100).max(1);
        let bucket = Bucket { capacity: limit, fill: per_second * percent, interval_millis: 100_000 };
        let endpoint = (asking.kind, asking.method.to_owned());
        let tokens = self.bursts.entry(endpoint).or_insert_with(|| Tokens::full(bucket, asking.now));
        let taken = tokens.take(bucket, asking.now);
        taken.map(drop).map_err(|seconds| Exceeded { reason: "jira-burst-based", limit, seconds })
    }

    fn ask_issue(&mut self, asking: &Asking) -> Result<(), Exceeded> {
        let (true, true, Some(issue)) = (self.limits.writes_per_issue, asking.writes, asking.issue) else {
            return Ok(());
        };
        let writes = self.writes.entry(issue).or_default();
        let age = |at: &Timestamp| asking.now.duration_since(*at).as_secs();
        writes.retain(|at| age(at) < 30);
        for (limit, window) in [(20, 2), (100, 30)] {
            let recent: Vec<i64> = writes.iter().map(age).filter(|age| *age < window).collect();
            if recent.len() >= limit {
                let seconds = (window - recent[0]).max(1).unsigned_abs();
                let limit = u64::try_from(limit).unwrap_or(u64::MAX);
                return Err(Exceeded { reason: "jira-per-issue-on-write", limit, seconds });
            }
        }
        writes.push(asking.now);
        Ok(())
    }

    fn points_headers(&self, now: Timestamp) -> Headers {
        let Some(limit) = self.limits.points_per_hour else {
            return Vec::new();
        };
        let remaining = limit.saturating_sub(self.points.1);
        let hour = now.as_second().div_euclid(3600) + 1;
        let reset = Timestamp::from_second(hour * 3600).unwrap_or(Timestamp::MAX);
        let mut headers = quota_headers(limit, remaining, reset);
        if remaining * 5 < limit {
            headers.push(("X-RateLimit-NearLimit".into(), "true".into()));
        }
        headers
    }

    fn ask_bucket(&mut self, bucket: Bucket, asking: &Asking) -> Result<Headers, Answer> {
        let user = asking.user.to_owned();
        let tokens = self.users.entry(user).or_insert_with(|| Tokens::full(bucket, asking.now));
        let taken = tokens.take(bucket, asking.now);
        let headers = [
            ("X-RateLimit-Limit", bucket.capacity),
            ("X-RateLimit-Remaining", taken.unwrap_or(0)),
            ("X-RateLimit-FillRate", bucket.fill),
            ("X-RateLimit-Interval-Seconds", bucket.interval_millis / 1000),
            ("retry-after", taken.err().unwrap_or(0)),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_string())).to_vec();
        if taken.is_ok() {
            return Ok(headers);
        }
        let mut answer = Answer::text(429, "text/plain;charset=UTF-8", "Rate limit exceeded.");
        answer.headers.extend(headers);
        Err(answer)
    }
}

fn quota_headers(limit: u64, remaining: u64, reset: Timestamp) -> Headers {
    [
        ("X-RateLimit-Limit", limit.to_string()),
        ("X-RateLimit-Remaining", remaining.to_string()),
        ("X-RateLimit-Reset", reset.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

fn refuse(exceeded: &Exceeded, now: Timestamp) -> Answer {
    let seconds = i64::try_from(exceeded.seconds).unwrap_or(i64::MAX);
    let reset = now.checked_add(seconds.seconds()).unwrap_or(Timestamp::MAX);
    let body = serde_json::json!({ "errorMessages": ["Rate limit exceeded."], "errors": {} });
    let mut answer = Answer::json(429, &body)
        .header("Retry-After", exceeded.seconds.to_string())
        .header("X-RateLimit-NearLimit", "true")
        .header("RateLimit-Reason", exceeded.reason);
    answer.headers.extend(quota_headers(exceeded.limit, 0, reset));
    answer
}
