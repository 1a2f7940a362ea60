//! Where traces go, and how many.
#![allow(
    clippy::doc_markdown,
    rustdoc::bare_urls,
    reason = "these doc comments are the text of --help, not Markdown"
)]

use std::time::Duration;

use clap::Args;
use url::Url;

use super::SettingError;
use crate::telemetry::SpanConfig;

/// Where to send OpenTelemetry's traces.
#[derive(Debug, Clone, Args)]
pub struct TraceArgs {
    /// Sends a trace of each event to this collector, by OTLP over HTTP, e.g. http://127.0.0.1:4318; credentials go into OTEL_EXPORTER_OTLP_HEADERS [default: none, no traces]
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL", hide_env_values = true)]
    pub otlp_endpoint: Option<String>,
    /// Which events are traced: `always_on`, `always_off` or `traceidratio`; also with `parentbased_` before it
    #[arg(long, env = "OTEL_TRACES_SAMPLER", default_value = "always_on", value_name = "SAMPLER")]
    pub traces_sampler: String,
    /// The share of events that `traceidratio` traces, from 0 to 1
    #[arg(long, env = "OTEL_TRACES_SAMPLER_ARG", default_value = "1", value_name = "SHARE")]
    pub traces_sampler_arg: String,
    /// How many milliseconds the collector may take to answer
    #[arg(long, env = "OTEL_EXPORTER_OTLP_TIMEOUT", default_value = "10000", value_name = "MILLISECONDS")]
    pub otlp_timeout: String,
}

impl TraceArgs {
    /// Where traces go and how many; [`None`]: nowhere.
    pub fn check(&self) -> Result<Option<SpanConfig>, SettingError> {
        const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
        // As OpenTelemetry has it, a variable that is empty is not set.
        let Some(url) = self.otlp_endpoint.as_deref().filter(|url| !url.is_empty()) else { return Ok(None) };
        let endpoint =
            Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        // The address is not repeated: it may hold a password.
        let wrong = |found: &str| {
            SettingError {
            name: ENDPOINT.into(),
            found: found.into(),
            allowed: "an http or https address such as http://127.0.0.1:4318; credentials go into OTEL_EXPORTER_OTLP_HEADERS".into(),
        }
        };
        let endpoint = endpoint.ok_or_else(|| wrong("it is not an address"))?;
        if !endpoint.username().is_empty() || endpoint.password().is_some() || endpoint.query().is_some() {
            return Err(wrong("it holds credentials or a query"));
        }
        Ok(Some(SpanConfig { endpoint, share: self.share()?, patience: self.patience()? }))
    }

    fn patience(&self) -> Result<Duration, SettingError> {
        if self.otlp_timeout.is_empty() {
            return Ok(Duration::from_secs(10));
        }
        let milliseconds = self.otlp_timeout.parse().ok().filter(|ms| (1..=600_000).contains(ms));
        milliseconds.map(Duration::from_millis).ok_or_else(|| {
            SettingError::wrong(
                "OTEL_EXPORTER_OTLP_TIMEOUT",
                &self.otlp_timeout,
                "a number of milliseconds from 1 to 600000",
            )
        })
    }

    fn share(&self) -> Result<f64, SettingError> {
        // A delivery has no parent, so what a sampler makes of one makes no difference.
        let sampler = self.traces_sampler.as_str();
        match sampler.strip_prefix("parentbased_").unwrap_or(sampler) {
            "always_on" | "" => Ok(1.0),
            "always_off" => Ok(0.0),
            "traceidratio" => {
                let share = self.traces_sampler_arg.parse().ok().filter(|share| (0.0..=1.0).contains(share));
                share.ok_or_else(|| {
                    SettingError::wrong(
                        "OTEL_TRACES_SAMPLER_ARG",
                        &self.traces_sampler_arg,
                        "a number from 0 to 1",
                    )
                })
            }
            _ => Err(SettingError::wrong(
                "OTEL_TRACES_SAMPLER",
                sampler,
                "always_on, always_off or traceidratio, also with parentbased_ before it",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patience(said: &str) -> Result<Duration, SettingError> {
        let args = TraceArgs {
            otlp_endpoint: Some("http://127.0.0.1:4318".into()),
            traces_sampler: "always_on".into(),
            traces_sampler_arg: "1".into(),
            otlp_timeout: said.into(),
        };
        args.check().map(|config| config.unwrap().patience)
    }

    #[test]
    fn a_collector_is_waited_for_as_long_as_the_operator_says() {
        assert_eq!(patience("2500").unwrap(), Duration::from_millis(2500));
        assert_eq!(patience("").unwrap(), Duration::from_secs(10), "empty is not set");
        for wrong in ["0", "-1", "5s", "600001"] {
            let said = patience(wrong).unwrap_err().to_string();
            assert!(said.contains("OTEL_EXPORTER_OTLP_TIMEOUT") && said.contains("milliseconds"), "{said}");
        }
    }
}
