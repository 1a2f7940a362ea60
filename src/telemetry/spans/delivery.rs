//! The span of a delivery and of its steps, told once its event is known: until then nobody can say which trace it is of.

use std::time::SystemTime;

use opentelemetry::trace::{Span as _, SpanKind, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue};

use super::ids::Ids;
use super::tracer;

/// What a delivery's address looks like.
const ROUTE: &str = "/conduit/webhooks/{provider}/{repo_id}/payload";

/// When each step of a delivery was done.
#[derive(Debug)]
pub struct Laps(Option<Timed>);

#[derive(Debug)]
struct Timed {
    began: SystemTime,
    done: Vec<(&'static str, SystemTime)>,
}

/// A delivery that was accepted.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// The event's id.
    pub event: &'a str,
    /// The forge.
    pub provider: &'a str,
    /// The repository's path.
    pub repo: &'a str,
    /// The event's kind.
    pub kind: &'a str,
    /// It, or the same change, had been accepted before.
    pub duplicate: bool,
    /// It itself had been, under this id.
    pub known: bool,
    /// Outcome and reason, when it was finished at the door.
    pub ended: Option<(&'static str, &'static str)>,
}

impl Laps {
    /// The first step begins.
    pub fn begin() -> Self {
        Self(tracer().map(|_| Timed { began: SystemTime::now(), done: Vec::new() }))
    }

    /// A step is done, and the next one begins.
    pub fn done(&mut self, step: &'static str) {
        if let Some(timed) = &mut self.0 {
            timed.done.push((step, SystemTime::now()));
        }
    }

    /// All of it is done: this is what it was.
    pub fn accepted(self, delivery: &Delivery<'_>) {
        let (Some(Timed { began, done }), Some(tracer)) = (self.0, tracer()) else { return };
        let builder = tracer
            .span_builder(format!("POST {ROUTE}"))
            .with_kind(SpanKind::Server)
            .with_start_time(began)
            .with_attributes(attributes(delivery));
        let ids = Ids::of(delivery.event);
        let span = if delivery.known {
            // The span that bears the event's own id was the first one's. A change that another event stands for has a record
            // of its own, and so a trace.
            tracer.build_with_context(builder, &Context::new().with_remote_span_context(ids.parent()))
        } else {
            ids.for_the_next_span(|| tracer.build_with_context(builder, &Context::new()))
        };
        let context = Context::new().with_span(span);
        let mut from = began;
        for (step, until) in done {
            let builder = tracer.span_builder(step).with_start_time(from);
            tracer.build_with_context(builder, &context).end_with_timestamp(until);
            from = until;
        }
        context.span().end_with_timestamp(from);
    }
}

fn attributes(delivery: &Delivery<'_>) -> Vec<KeyValue> {
    let Delivery { event, provider, repo, kind, duplicate, ended, .. } = *delivery;
    let mut attributes = vec![
        KeyValue::new("http.request.method", "POST"),
        KeyValue::new("http.route", ROUTE),
        KeyValue::new("http.response.status_code", 202_i64),
        KeyValue::new("conduit.event.id", event.to_owned()),
        KeyValue::new("conduit.event.kind", kind.to_owned()),
        KeyValue::new("conduit.provider", provider.to_owned()),
        KeyValue::new("conduit.repo", repo.to_owned()),
        KeyValue::new("conduit.duplicate", duplicate),
    ];
    if let Some((outcome, reason)) = ended {
        attributes.push(KeyValue::new("conduit.outcome", outcome));
        attributes.push(KeyValue::new("conduit.reason", reason));
    }
    attributes
}
