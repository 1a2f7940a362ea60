//! OpenTelemetry's traces, sent by OTLP where an operator asks for them: one for each event, from its delivery to Jira's
//! last answer.
//!
//! ```text
//!  POST /conduit/webhooks/{provider}/{repo_id}/payload      `serve`
//!  ├─ receive, verify, normalise, store
//!  ├─ route                                                 whichever `worker`, whenever it comes to it
//!  ├─ claim                                                 a worker takes some of its tickets
//!  └─ ticket                                                one for each try of each ticket
//!     ├─ decide
//!     └─ GET /rest/api/3/issue/{id}, …                      one for each call
//! ```
//!
//! An event's trace bears an id that follows from the event's own (`ids`), so processes need not tell each other of it. Names follow
//! the [conventions](https://opentelemetry.io/docs/specs/semconv/http/http-spans/) where there are any; what is ours begins with
//! `conduit.`. No span has a title, a body or a secret in it.
//!
//! While nobody asks for traces, every function here looks at one cell and is done.

mod delivery;
mod export;
mod ids;

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{
    FutureExt as _, SpanBuilder, SpanKind, Status, TraceContextExt as _, Tracer as _,
};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use url::Url;

use ids::Ids;

pub use delivery::{Delivery, Laps};

/// How long the last spans may take to reach the collector when the process stops.
const FLUSHED_WITHIN: Duration = Duration::from_secs(3);

/// Where traces go, and how many.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanConfig {
    /// The collector's address, without credentials.
    pub endpoint: Url,
    /// The share of events that are traced, from 0 to 1.
    pub share: f64,
    /// How long the collector may take to answer.
    pub patience: Duration,
}

/// Traces cannot be sent.
#[derive(Debug, thiserror::Error)]
#[error("traces cannot be set up: {0}")]
pub struct SpanError(String);

/// The way to the collector is the process's own, as the metrics are.
static TRACING: OnceLock<(SdkTracerProvider, SdkTracer)> = OnceLock::new();

/// Begins to send spans. Must be called within a tokio runtime.
pub fn init_spans(config: &SpanConfig) -> Result<(), SpanError> {
    let made = export::provider(config)?;
    TRACING.set(made).map_err(|_| SpanError("it is done already in this process".to_owned()))
}

/// Sends what waits to be sent, for a while; nothing is recorded afterwards.
pub async fn flush_spans() {
    let Some((provider, _)) = TRACING.get() else { return };
    // What does not arrive was spoken of by the exporter.
    let _ = tokio::task::spawn_blocking(|| provider.shutdown_with_timeout(FLUSHED_WITHIN)).await;
}

fn tracer() -> Option<&'static SdkTracer> {
    TRACING.get().map(|(_, tracer)| tracer)
}

/// The id of an event's trace, for a log line; [`None`] while nobody asks for traces.
pub fn trace_id(event: &str) -> Option<String> {
    tracer().map(|_| Ids::of(event).trace.to_string())
}

/// When something began of which only its end tells what event it is part of.
#[derive(Debug, Clone, Copy)]
pub struct Began(Option<SystemTime>);

impl Began {
    /// Now.
    pub fn now() -> Self {
        Self(tracer().map(|_| SystemTime::now()))
    }
}

/// Something that takes a while, from here until it is dropped.
#[must_use]
#[derive(Debug)]
pub struct Span(Option<Context>);

impl Span {
    /// A part of what becomes of an event.
    pub fn of_event(name: &'static str, event: &str) -> Self {
        Self::of_event_since(name, event, Began::now())
    }

    /// A part of what becomes of an event, which began before that was known.
    pub fn of_event_since(name: &'static str, event: &str, began: Began) -> Self {
        let (Some(tracer), Some(began)) = (tracer(), began.0) else { return Self(None) };
        let parent = Context::new().with_remote_span_context(Ids::of(event).parent());
        let span = Self::begin(tracer, tracer.span_builder(name).with_start_time(began), &parent);
        span.set("conduit.event.id", event.to_owned());
        span
    }

    /// A part of what this task is at; none when that is not part of any event.
    pub fn within(name: &'static str) -> Self {
        Self::inner(|| name.into(), SpanKind::Internal)
    }

    /// A request that this task sends, as part of what it is at. `place` is the address without what differs from one
    /// ticket to the next.
    pub fn request(method: &str, place: impl FnOnce() -> String, server: Option<&Url>) -> Self {
        let mut template = String::new();
        let name = || {
            template = place();
            format!("{method} {template}")
        };
        let span = Self::inner(name, SpanKind::Client);
        if span.0.is_some() {
            span.set("http.request.method", method.to_owned());
            span.set("url.template", template);
            if let Some(host) = server.and_then(Url::host_str) {
                span.set("server.address", host.to_owned());
            }
            if let Some(port) = server.and_then(Url::port_or_known_default) {
                span.set("server.port", i64::from(port));
            }
        }
        span
    }

    fn inner(name: impl FnOnce() -> String, kind: SpanKind) -> Self {
        let Some(tracer) = tracer() else { return Self(None) };
        let parent = Context::current();
        if !parent.has_active_span() {
            return Self(None);
        }
        Self::begin(tracer, tracer.span_builder(name()).with_kind(kind), &parent)
    }

    fn begin(tracer: &SdkTracer, builder: SpanBuilder, parent: &Context) -> Self {
        Self(Some(parent.with_span(tracer.build_with_context(builder, parent))))
    }

    /// Says something of it.
    pub fn set(&self, name: &'static str, value: impl Into<Value>) {
        if let Some(context) = &self.0 {
            context.span().set_attribute(KeyValue::new(name, value));
        }
    }

    /// Says which status answered, and that it failed when it did. [`None`]: no answer came.
    pub fn answered(&self, status: Option<u16>) {
        match status {
            Some(status) => {
                self.set("http.response.status_code", i64::from(status));
                if status >= 400 {
                    self.failed(status.to_string());
                }
            }
            None => self.failed("no_answer"),
        }
    }

    /// Says that it failed, and in which of a few ways.
    pub fn failed(&self, kind: impl Into<Value>) {
        self.set("error.type", kind);
        if let Some(context) = &self.0 {
            context.span().set_status(Status::error(""));
        }
    }

    /// What begins while `work` goes on is part of it.
    pub async fn around<F: Future>(&self, work: F) -> F::Output {
        match &self.0 {
            Some(context) => work.with_context(context.clone()).await,
            None => work.await,
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(context) = &self.0 {
            context.span().end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn while_nobody_asks_for_traces_nothing_is_made_up() {
        let span = Span::of_event("ticket", "mfrggzdfmztwq2lknnwg23tpoa");
        let request = Span::request("GET", || unreachable!("no name is needed"), None);
        let inner = span.around(async { Span::within("decide") }).await;
        assert!(span.0.is_none() && request.0.is_none() && inner.0.is_none());
        assert_eq!(trace_id("mfrggzdfmztwq2lknnwg23tpoa"), None);
        flush_spans().await;
    }
}
