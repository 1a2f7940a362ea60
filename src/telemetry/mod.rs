//! What the operator sees: log lines, metrics and traces.
//!
//! Anyone may use this room, and it uses nothing of ours but [`printable`](crate::printable). Log once, at the boundary where the error ends;
//! never a body, a secret or an `Authorization` header.

mod logs;
mod metrics;
mod spans;

pub use logs::{LogError, LogFormat, init_logs};
pub use metrics::{
    Drained, MetricName, Metrics, MetricsError, WebhookResult, body_dropped, breaker, build_info, drained,
    event_done, jira_request, limit_remaining, outcome, queue, request_delayed, rules_reload_failed,
    site_paused, spool, spooled, store_up, transition_cache, webhook,
};
pub use spans::{Began, Delivery, Laps, Span, SpanConfig, SpanError, flush_spans, init_spans, trace_id};
