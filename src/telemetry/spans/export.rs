//! Handing spans to a collector: in the background, from a bounded queue, and never at anybody's expense.

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{KeyValue, Value};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tokio::runtime::Handle;
use url::Url;

use super::ids::ByEvent;
use super::{SpanConfig, SpanError};

/// What our spans are said to come from, in OpenTelemetry's terms.
const SCOPE: &str = "conduit";

/// Sets up the way to the collector; nothing is sent. Must be called within a tokio runtime.
pub(super) fn provider(config: &SpanConfig) -> Result<(SdkTracerProvider, SdkTracer), SpanError> {
    let failed = |error: &dyn Error| SpanError(error.to_string());
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Collector::new(&config.endpoint, config.patience).map_err(|error| failed(&error))?)
        .with_endpoint(traces_path(&config.endpoint))
        .build()
        .map_err(|error| failed(&error))?;
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_id_generator(ByEvent::default())
        // By the trace's id and by nothing else: all processes keep the same events' traces, and keep them whole.
        .with_sampler(Sampler::TraceIdRatioBased(config.share))
        .with_resource(resource())
        .build();
    let tracer = provider.tracer(SCOPE);
    Ok((provider, tracer))
}

/// `OTEL_EXPORTER_OTLP_ENDPOINT` is the collector; traces go
/// [below it](https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp).
fn traces_path(endpoint: &Url) -> String {
    format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/'))
}

/// Who we are: what `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say, or else `conduit`.
fn resource() -> Resource {
    let named = Resource::builder().build().get(&"service.name".into());
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let builder = Resource::builder().with_attribute(version);
    match named {
        Some(Value::String(name)) if !name.as_str().starts_with("unknown_service") => builder.build(),
        _ => builder.with_service_name("conduit").build(),
    }
}

/// The way to a collector. One that is away is spoken of twice: when it goes, and when it is back.
#[derive(Debug)]
struct Collector {
    http: reqwest::Client,
    host: String,
    /// The SDK sends from a thread of its own; requests need ours.
    runtime: Handle,
    away: AtomicBool,
}

impl Collector {
    fn new(endpoint: &Url, patience: Duration) -> reqwest::Result<Self> {
        let builder = reqwest::Client::builder()
            .user_agent(concat!("conduit/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .timeout(patience);
        // Without TLS, a system that has no certificates is no obstacle.
        let builder = if endpoint.scheme() == "https" { builder } else { builder.tls_certs_only([]) };
        Ok(Self {
            http: builder.build()?,
            host: endpoint.host_str().unwrap_or_default().to_owned(),
            runtime: Handle::current(),
            away: AtomicBool::new(false),
        })
    }

    /// Notes how it went; `None`: well.
    fn note(&self, trouble: Option<&str>) {
        let was_away = self.away.swap(trouble.is_some(), Ordering::Relaxed);
        match (trouble, was_away) {
            (Some(why), false) => tracing::warn!(
                collector = self.host,
                "traces are lost, because {} does not take them: {why}",
                self.host
            ),
            (None, true) => tracing::info!(collector = self.host, "{} takes traces again", self.host),
            _ => {}
        }
    }
}

#[async_trait::async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let http = self.http.clone();
        let sent = self.runtime.spawn(async move { http.send_bytes(request).await }).await;
        let answer = match sent {
            Ok(answer) => answer.map_err(|error| said(&*error)),
            Err(_) => return Err("the process stops".into()),
        };
        match &answer {
            Ok(answer) if answer.status().is_success() => self.note(None),
            Ok(answer) => self.note(Some(&format!("it answered {}", answer.status().as_u16()))),
            Err(why) => self.note(Some(why)),
        }
        Ok(answer?)
    }
}

/// An error with its innermost cause, which is the one that helps.
fn said(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_go_below_the_collectors_address() {
        for (endpoint, path) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("https://otlp.acme.example/tenant/", "https://otlp.acme.example/tenant/v1/traces"),
        ] {
            assert_eq!(traces_path(&endpoint.parse().unwrap()), path);
        }
    }
}
