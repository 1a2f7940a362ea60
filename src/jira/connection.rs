//! The connection to a site: how it is set up, and what comes back over it.

use std::error::Error;
use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use url::Url;

use super::answer::{Answer, Failed};
use super::error::Failure;
use super::said::one_line;
use super::{Site, SiteError};

/// The longest that a connection takes, its name and its TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Shorter than the usual 60 s of load balancers: a connection that they close while a write is on its way
/// leaves an unknown outcome behind.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The largest answer that is read. A ticket with a long change log stays far below.
const LARGEST_ANSWER: usize = 16 << 20;

/// The connections to a site, by its proxy and with the certificates it is trusted by.
pub(super) fn http_client(site: &Site, base: &Url) -> Result<Client, SiteError> {
    let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
    let builder = Client::builder()
        .default_headers(headers)
        .user_agent(concat!("conduit/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT);
    let builder = match site.proxy()? {
        Some(proxy) => builder.proxy(proxy),
        None => builder,
    };
    let builder = if base.scheme() == "https" || site.gateway.is_some() {
        builder.tls_certs_merge(site.certificates()?)
    } else {
        // Without TLS, a system that has no certificates is no obstacle.
        builder.tls_certs_only([])
    };
    builder.build().map_err(|error| SiteError::Tls { site: site.name.clone(), why: chain(&error) })
}

/// The time that is left for a request; none is no time to begin one.
pub(super) fn left(deadline: Instant) -> Result<Duration, Failed> {
    let left = deadline.saturating_duration_since(Instant::now());
    let late = || (Failure::Unreachable, "no time was left to ask".to_owned());
    (!left.is_zero()).then_some(left).ok_or_else(late)
}

/// An address below another, one segment each.
pub(super) fn below(base: &Url, first: &[&str], then: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(first).extend(then);
    }
    url
}

/// Reads the body as far as it comes; a status without its whole body is still an answer.
pub(super) async fn collect(mut response: Response) -> Answer {
    let (status, headers) = (response.status(), response.headers().clone());
    let (mut body, mut broken) = (Vec::new(), None);
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= LARGEST_ANSWER => body.extend_from_slice(&chunk),
            Ok(Some(_)) => {
                broken = Some(format!("it is larger than {} MiB", LARGEST_ANSWER >> 20));
                break;
            }
            Ok(None) => break,
            Err(error) => {
                broken = Some(chain(&error.without_url()));
                break;
            }
        }
    }
    Answer { status, headers, body, broken }
}

/// No answer at all. Without a connection nothing was sent; after that, nobody knows.
pub(super) fn transport(error: reqwest::Error) -> Failed {
    let failure =
        if error.is_connect() || error.is_builder() { Failure::Unreachable } else { Failure::NoAnswer };
    (failure, chain(&error.without_url()))
}

/// An error with its causes; the innermost one is the one that helps.
fn chain(error: &dyn Error) -> String {
    let mut said = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        said.push(error.to_string());
        cause = error.source();
    }
    said.dedup();
    one_line(&said.join(": "))
}
