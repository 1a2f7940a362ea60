//! The metrics, by name: one enum, and one function for each thing that is counted.
//!
//! Labels are few and bounded; never one per ticket, repository or address.

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Declares [`MetricName`] with its wire name and its help text, in one table.
macro_rules! metric_names {
    ($($variant:ident = $name:literal $kind:ident: $help:literal,)*) => {
        /// The name of everything that is measured.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum MetricName {
            $(#[doc = $help] $variant,)*
        }

        impl MetricName {
            /// All of them, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name as Prometheus sees it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }

        fn describe_all() {
            $(metrics::$kind!($name, $help);)*
        }
    };
}

metric_names! {
    Webhooks = "conduit_webhooks_total" describe_counter: "Deliveries, by forge and by what became of them at the door.",
    QueueDepth = "conduit_queue_depth" describe_gauge: "What waits: inbox, ready, leased, delayed, dead.",
    QueueOldest = "conduit_queue_oldest_seconds" describe_gauge: "Age of the oldest event that is not finished.",
    StoreUp = "conduit_store_up" describe_gauge: "1 while the store tells this process what waits; 0 when it did not at this scrape.",
    Outcomes = "conduit_outcomes_total" describe_counter: "Tickets, and events without any, by how they ended.",
    EventSeconds = "conduit_event_seconds" describe_histogram: "From the acceptance of an event to its last ticket's end.",
    JiraRequests = "conduit_jira_requests_total" describe_counter: "Calls to Jira, by call and by status.",
    JiraRequestSeconds = "conduit_jira_request_seconds" describe_histogram: "Time a call to Jira took.",
    SitePaused = "conduit_site_paused" describe_gauge: "1 while a site stands still, by site and by who or what stopped it.",
    SiteBreaker = "conduit_site_breaker" describe_gauge: "What this process thinks of a site: 0 well, 1 suspected or beginning again, 2 down.",
    LimitRemaining = "conduit_jira_limit_remaining" describe_gauge: "Requests that a site says are left, by call; Data Center counts all calls together.",
    RequestsDelayed = "conduit_jira_requests_delayed_total" describe_counter: "Calls to Jira that were held back because it asks for fewer.",
    TransitionCache = "conduit_transition_cache_total" describe_counter: "Look-ups of transition ids: hit, miss, refreshed.",
    RulesReloadFailed = "conduit_rules_reload_failed" describe_gauge: "1 while the rule files on disk are worse than those in force.",
    BodiesDropped = "conduit_bodies_dropped_total" describe_counter: "Raw bodies not kept for the event log because too many waited to be compressed.",
    SpoolDepth = "conduit_spool_deliveries" describe_gauge: "Deliveries that wait in this process's spool for the store.",
    SpoolBytes = "conduit_spool_bytes" describe_gauge: "What this process's spool takes on its disk.",
    SpoolLimit = "conduit_spool_limit_bytes" describe_gauge: "What this process's spool may take on its disk.",
    Spooled = "conduit_spooled_total" describe_counter: "Deliveries that were spooled because the store was away.",
    SpoolDrained = "conduit_spool_drained_total" describe_counter: "Spooled deliveries handed to the store: accepted, duplicate, refused.",
    BuildInfo = "conduit_build_info" describe_gauge: "Always 1; the version is its label.",
}

/// Seconds; wide, because an event may wait three days for Jira.
const EVENT_BUCKETS: &[f64] =
    &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0, 86400.0];
const REQUEST_BUCKETS: &[f64] = &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// How often samples are folded into their buckets, so that memory stays bounded when nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

/// Metrics cannot be collected in this process.
#[derive(Debug, thiserror::Error)]
#[error("metrics cannot be set up: {0}")]
pub struct MetricsError(String);

/// The process's metrics, ready to be rendered.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

/// The recorder is the process's own by nature; a second install (another server in one test process)
/// gets the same.
static INSTALLED: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();

impl Metrics {
    /// Begins to collect, or joins what collects already.
    pub fn install() -> Result<Self, MetricsError> {
        match INSTALLED.get_or_init(install_recorder) {
            Ok(handle) => Ok(Self(handle.clone())),
            Err(why) => Err(MetricsError(why.clone())),
        }
    }

    /// Everything, in Prometheus' text format.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Keeps memory bounded while nobody scrapes. Runs until it is dropped.
    pub async fn upkeep(self) {
        loop {
            tokio::time::sleep(UPKEEP).await;
            self.0.run_upkeep();
        }
    }
}

fn install_recorder() -> Result<PrometheusHandle, String> {
    let bucket = |builder: PrometheusBuilder, name: MetricName, buckets| {
        let name = Matcher::Full(name.as_str().to_owned());
        builder.set_buckets_for_metric(name, buckets).map_err(|error| error.to_string())
    };
    let builder = bucket(PrometheusBuilder::new(), MetricName::EventSeconds, EVENT_BUCKETS)?;
    let builder = bucket(builder, MetricName::JiraRequestSeconds, REQUEST_BUCKETS)?;
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|error| error.to_string())?;
    describe_all();
    begin_rare_counters();
    build_info(env!("CARGO_PKG_VERSION"));
    Ok(handle)
}

/// Shows what seldom happens as 0 until it does: Prometheus sees an increase only where it has seen a number before, and the
/// first time is the one that somebody should be told of.
fn begin_rare_counters() {
    counter!(MetricName::BodiesDropped.as_str()).increment(0);
    counter!(MetricName::Spooled.as_str()).increment(0);
    for result in [Drained::Accepted, Drained::Duplicate, Drained::Refused] {
        counter!(MetricName::SpoolDrained.as_str(), "result" => result.as_str()).increment(0);
    }
}

/// What became of a delivery at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookResult {
    /// Durable, to be worked on.
    Accepted,
    /// Accepted before.
    Duplicate,
    /// Durable, and finished at the door: stale, another repository's, not supported, not normalisable.
    Recorded,
    /// No such forge.
    UnknownProvider,
    /// A wrong or missing signature, or no such hook.
    BadSignature,
    /// Signed, and not UTF-8 JSON.
    Malformed,
    /// Over the limit.
    TooLarge,
    /// A content type or encoding that is not taken.
    UnsupportedMedia,
    /// From an address of which too much was refused: not read.
    AddressLimited,
    /// Genuine, and more than its hook may have.
    HookLimited,
    /// From an address that is not on the list: not read.
    AddressNotAllowed,
    /// Neither store nor memory could take it.
    Unavailable,
    /// Something of our own went wrong.
    Error,
}

impl WebhookResult {
    /// The label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Recorded => "recorded",
            Self::UnknownProvider => "unknown_provider",
            Self::BadSignature => "bad_signature",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::UnsupportedMedia => "unsupported_media",
            Self::AddressLimited => "address_limited",
            Self::HookLimited => "hook_limited",
            Self::AddressNotAllowed => "address_not_allowed",
            Self::Unavailable => "unavailable",
            Self::Error => "error",
        }
    }
}

/// Counts a delivery.
pub fn webhook(provider: &'static str, result: WebhookResult) {
    counter!(MetricName::Webhooks.as_str(), "provider" => provider, "result" => result.as_str()).increment(1);
}

/// Counts an outcome with its reason.
pub fn outcome(outcome: &'static str, reason: &'static str) {
    counter!(MetricName::Outcomes.as_str(), "outcome" => outcome, "reason" => reason).increment(1);
}

/// Notes that the last ticket of an event is done, `after` its acceptance.
pub fn event_done(after: Duration) {
    histogram!(MetricName::EventSeconds.as_str()).record(after);
}

/// Counts a call to Jira and the time it took; `None`: no answer came.
pub fn jira_request(call: &'static str, status: Option<u16>, took: Duration) {
    let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
    counter!(MetricName::JiraRequests.as_str(), "call" => call, "status" => status).increment(1);
    histogram!(MetricName::JiraRequestSeconds.as_str(), "call" => call).record(took);
}

/// Says of a site whether each kind of pause stops it.
pub fn site_paused<'a>(site: &str, kinds: impl IntoIterator<Item = (&'a str, bool)>) {
    for (kind, paused) in kinds {
        let labels = [("site", site.to_owned()), ("kind", kind.to_owned())];
        gauge!(MetricName::SitePaused.as_str(), &labels).set(f64::from(u8::from(paused)));
    }
}

/// Says what this process thinks of a site: 0 well, 1 suspected or beginning again, 2 down.
pub fn breaker(site: &str, level: u8) {
    gauge!(MetricName::SiteBreaker.as_str(), "site" => site.to_owned()).set(f64::from(level));
}

/// Sets how many requests a site says are left for a call, or for all.
pub fn limit_remaining(site: &str, call: &'static str, remaining: u64) {
    gauge!(MetricName::LimitRemaining.as_str(), "site" => site.to_owned(), "call" => call)
        .set(float(remaining));
}

/// Counts a call that was held back.
pub fn request_delayed(site: &str, call: &'static str) {
    counter!(MetricName::RequestsDelayed.as_str(), "site" => site.to_owned(), "call" => call).increment(1);
}

/// Counts a look-up of transition ids: `hit`, `miss` or `refreshed`.
pub fn transition_cache(result: &'static str) {
    counter!(MetricName::TransitionCache.as_str(), "result" => result).increment(1);
}

/// Says whether the last attempt to load rule files failed.
pub fn rules_reload_failed(failed: bool) {
    gauge!(MetricName::RulesReloadFailed.as_str()).set(f64::from(u8::from(failed)));
}

/// Sets how much waits in each state, and for how long.
pub fn queue<'a>(depths: impl IntoIterator<Item = (&'a str, u64)>, oldest_seconds: u64) {
    for (state, depth) in depths {
        gauge!(MetricName::QueueDepth.as_str(), "state" => state.to_owned()).set(float(depth));
    }
    gauge!(MetricName::QueueOldest.as_str()).set(float(oldest_seconds));
}

/// Says whether the store answers.
pub fn store_up(up: bool) {
    gauge!(MetricName::StoreUp.as_str()).set(f64::from(u8::from(up)));
}

/// Counts a raw body that was not kept.
pub fn body_dropped() {
    counter!(MetricName::BodiesDropped.as_str()).increment(1);
}

/// What the store said of a spooled delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// It is in the store.
    Accepted,
    /// It, or the same change, was there before.
    Duplicate,
    /// The store will never have it.
    Refused,
}

impl Drained {
    /// The label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Refused => "refused",
        }
    }
}

/// Counts a delivery that was spooled.
pub fn spooled() {
    counter!(MetricName::Spooled.as_str()).increment(1);
}

/// Counts a spooled delivery that was handed to the store.
pub fn drained(result: Drained) {
    counter!(MetricName::SpoolDrained.as_str(), "result" => result.as_str()).increment(1);
}

/// Sets how much waits in the spool, and how much of the bytes it may take it does.
pub fn spool(waiting: u64, bytes: u64, limit: u64) {
    gauge!(MetricName::SpoolDepth.as_str()).set(float(waiting));
    gauge!(MetricName::SpoolBytes.as_str()).set(float(bytes / 1024) * 1024.0);
    gauge!(MetricName::SpoolLimit.as_str()).set(float(limit / 1024) * 1024.0);
}

/// Says which version runs.
pub fn build_info(version: &'static str) {
    gauge!(MetricName::BuildInfo.as_str(), "version" => version).set(1.0);
}

/// A gauge is a float; depths and ages are far below where that loses anything.
fn float(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_seldom_happens_is_there_before_it_does() {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, begin_rare_counters);
        let text = recorder.handle().render();
        for series in ["conduit_bodies_dropped_total", "conduit_spool_drained_total{result=\"refused\"}"] {
            assert!(text.contains(&format!("{series} 0")), "{series} in\n{text}");
        }
    }

    #[test]
    fn what_is_counted_is_rendered_under_the_documented_names() {
        let metrics = Metrics::install().unwrap();
        webhook("github", WebhookResult::Accepted);
        outcome("moved", "moved");
        event_done(Duration::from_millis(300));
        jira_request("transition", Some(204), Duration::from_millis(20));
        jira_request("issue", None, Duration::from_secs(10));
        transition_cache("hit");
        site_paused("jira", [("down", true)]);
        breaker("jira", 2);
        limit_remaining("jira", "issue", 7);
        request_delayed("jira", "issue");
        rules_reload_failed(false);
        queue([("ready", 3)], 12);
        store_up(true);
        body_dropped();
        spooled();
        drained(Drained::Accepted);
        spool(2, 4096, 1 << 20);

        let text = Metrics::install().unwrap().render();
        for name in MetricName::ALL {
            assert!(text.contains(&format!("# HELP {} ", name.as_str())), "{} in\n{text}", name.as_str());
        }
        for line in [
            "conduit_queue_depth{state=\"ready\"} 3",
            "conduit_queue_oldest_seconds 12",
            "conduit_jira_requests_total{call=\"issue\",status=\"none\"} 1",
            "conduit_event_seconds_bucket{le=\"0.5\"} 1",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
        assert!(metrics.render().contains("conduit_build_info{version="));
    }
}
