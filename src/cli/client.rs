//! Speaking to a running service.
#![allow(clippy::doc_markdown, reason = "the doc comments of flags are the text of --help, not Markdown")]

use std::io::Read as _;
use std::time::Duration;

use clap::Args;
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::{Host, Url};

use super::CliError;
use crate::printable::printable;
use crate::secrets::Secret;

/// Which service to speak to, and as whom.
#[derive(Debug, Clone, Args)]
pub(super) struct ApiArgs {
    /// The service
    #[arg(
        long,
        env = "CONDUIT_URL",
        hide_env_values = true,
        default_value = "http://127.0.0.1:9091",
        value_name = "URL"
    )]
    url: String,
    /// A file with the token (@FILE), or standard input (-) [default: the variable CONDUIT_TOKEN]
    #[arg(long, value_name = "@FILE|-")]
    token: Option<String>,
}

/// A running service.
pub(super) struct Api {
    base: Url,
    token: Secret,
    http: reqwest::Client,
}

impl ApiArgs {
    /// Gets ready to ask; nothing is sent yet.
    pub(super) fn connect(&self) -> Result<Api, CliError> {
        let base = Url::parse(&self.url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        // What is written there is not repeated: it may hold a password.
        let base =
            base.filter(|url| url.username().is_empty() && url.password().is_none()).ok_or_else(|| {
                CliError::Usage(
                    "CONDUIT_URL must be an http(s) address without a login; the token has its own setting"
                        .into(),
                )
            })?;
        if base.scheme() == "http" && !is_loopback(&base) {
            let help = "the token would be sent in the clear; use https, or run the command on the service's machine";
            return Err(CliError::Usage(format!(
                "CONDUIT_URL: {base} is plain http to another machine: {help}"
            )));
        }
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("conduit/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(anyhow::Error::from)?;
        Ok(Api { base, token: self.token()?, http })
    }

    fn token(&self) -> Result<Secret, CliError> {
        let text = match self.token.as_deref() {
            Some("-") => {
                let mut text = String::new();
                std::io::stdin().read_to_string(&mut text).map_err(anyhow::Error::from)?;
                text
            }
            Some(argument) => match argument.strip_prefix('@') {
                Some(path) => std::fs::read_to_string(path)
                    .map_err(|error| CliError::Usage(format!("--token: {path} cannot be read: {error}")))?,
                None => return Err(CliError::Usage(
                    "--token: a token on the command line can be read by others; use @FILE, - or CONDUIT_TOKEN".into(),
                )),
            },
            None => std::env::var("CONDUIT_TOKEN").map_err(|_| CliError::Usage(
                "no token: set CONDUIT_TOKEN, or --token @FILE (the first start writes one to data/admin-token)".into(),
            ))?,
        };
        let token = text.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            // Not repeated: it may be most of a secret.
            return Err(CliError::Usage("the token is empty, or holds more than one printable word".into()));
        }
        Ok(Secret::new(token))
    }

    /// Whether the token takes standard input, so that nothing else can.
    pub(super) fn takes_stdin(&self) -> bool {
        self.token.as_deref() == Some("-")
    }
}

/// Whether plain http to this address stays on this machine.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

impl Api {
    /// `GET path`.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<T, CliError> {
        self.send(Method::GET, path, query, None).await
    }

    /// Any other call, with a JSON body when there is one.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: Option<Value>,
    ) -> Result<T, CliError> {
        self.send(method, path, &[], body).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
        body: Option<Value>,
    ) -> Result<T, CliError> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let mut request = self.http.request(method, url).query(query).bearer_auth(self.token.expose());
        if let Some(body) = body {
            request = request.json(&body);
        }
        let unreachable = |error: reqwest::Error| {
            CliError::Unreachable(format!("{} cannot be reached: {}", self.base, root_cause(&error)))
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(unreachable)?;
        read_answer(status, &bytes)
    }
}

/// Takes the data out of the service's envelope, or its error.
fn read_answer<T: DeserializeOwned>(status: StatusCode, bytes: &[u8]) -> Result<T, CliError> {
    let mut answer: Value = serde_json::from_slice(bytes).unwrap_or_default();
    if status.is_success() {
        return serde_json::from_value(answer["data"].take())
            .map_err(|error| anyhow::anyhow!("the service's answer cannot be read: {error}").into());
    }
    let message =
        answer["error_msg"].as_str().map_or_else(|| format!("it answered {status}"), |m| printable(m).into());
    Err(match status {
        StatusCode::BAD_REQUEST => CliError::Usage(message),
        StatusCode::NOT_FOUND => CliError::NotFound(message),
        StatusCode::SERVICE_UNAVAILABLE => CliError::Unreachable(message),
        _ => CliError::Failed(anyhow::anyhow!(message)),
    })
}

fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
