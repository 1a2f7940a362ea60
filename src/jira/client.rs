//! Sending one request, and what is measured and written down about it.

use std::error::Error;
use std::fmt;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::answer::{Answer, Failed};
use super::error::Failure;
use super::limits::{Limits, PATIENCE};
use super::login::Login;
use super::reach::Base;
use super::said::one_line;
use super::signals::Signals;
use super::{Call, CallLog, Dialect, JiraError, Site, SiteError};
use crate::clock::Clock;
use crate::telemetry;

/// The longest that a request takes, from the first byte out to the last one in: less than half of a
/// worker's lease of 30 s.
pub const TIMEOUT: Duration = Duration::from_secs(12);

/// The longest that a connection takes, its name and its TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Shorter than the usual 60 s of load balancers: a connection that they close while a write is on its way
/// leaves an unknown outcome behind.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The largest answer that is read. A ticket with a long change log stays far below.
const LARGEST_ANSWER: usize = 16 << 20;

/// Told of every call, so that somebody can count them.
pub type Observer = Arc<dyn Fn(&Call) + Send + Sync>;

/// A client for one Jira site. Clones share its connections.
#[derive(Clone)]
pub struct JiraClient {
    pub(super) shared: Arc<Shared>,
    timeout: Duration,
    observer: Option<Observer>,
}

pub(super) struct Shared {
    site: String,
    dialect: Dialect,
    pub(super) base: Base,
    pub(super) login: Login,
    /// A Data Center that does not say whom it takes us for was asked until then.
    pub(super) known_until: AtomicI64,
    pub(super) http: Client,
    clock: Clock,
    limits: Mutex<Limits>,
}

/// One request: what is asked, and the statuses that mean it was done.
pub(super) struct Request<'a> {
    pub(super) call: &'static str,
    pub(super) method: Method,
    /// Where the path begins; empty for `rest/api/N`.
    pub(super) root: &'a [&'a str],
    /// The path below that, one segment each; they are percent-encoded on the way.
    pub(super) path: &'a [&'a str],
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) body: Option<Value>,
    pub(super) done: &'a [u16],
}

impl<'a> Request<'a> {
    /// A read.
    pub(super) fn get(call: &'static str, path: &'a [&'a str], query: &'a [(&'a str, &'a str)]) -> Self {
        Self { call, method: Method::GET, root: &[], path, query, body: None, done: &[200] }
    }

    /// A write.
    pub(super) fn write(
        call: &'static str,
        method: Method,
        path: &'a [&'a str],
        body: Value,
        done: &'a [u16],
    ) -> Self {
        Self { call, method, root: &[], path, query: &[], body: Some(body), done }
    }

    /// The same below another path than the API's own.
    pub(super) fn below(self, root: &'a [&'a str]) -> Self {
        Self { root, ..self }
    }
}

impl JiraClient {
    /// Sets up the client; nothing is sent.
    pub fn new(site: Site, clock: Clock) -> Result<Self, SiteError> {
        let url = site.base()?;
        let shared = Shared {
            http: http_client(&site, &url)?,
            login: site.login()?,
            base: Base::of(&site, url)?,
            known_until: AtomicI64::new(i64::MIN),
            site: site.name,
            dialect: site.dialect,
            clock,
            limits: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared), timeout: TIMEOUT, observer: None })
    }

    /// This client with less patience; never with more than [`TIMEOUT`].
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout.min(TIMEOUT);
        self
    }

    /// This client, telling `observer` of every call.
    #[must_use]
    pub fn with_observer(mut self, observer: Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// This client and its clones together, sending no more than so many requests a second.
    #[must_use]
    pub fn with_requests_per_second(self, most: u32) -> Self {
        self.limits(|limits, _| limits.at_most_a_second(most));
        self
    }

    /// The site's name, as it is configured.
    pub fn site(&self) -> &str {
        &self.shared.site
    }

    /// The longest that one of its requests takes. After an unknown outcome, nothing is certain sooner.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The dialect its site speaks.
    pub fn dialect(&self) -> Dialect {
        self.shared.dialect
    }

    /// The time as the process sees it.
    pub(super) fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Sends a request and reads the answer's JSON.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        request: Request<'_>,
        log: &mut CallLog,
    ) -> Result<T, JiraError> {
        self.send(request, Answer::json, log).await
    }

    /// Sends a request whose answer matters by its status alone.
    pub(super) async fn tell(&self, request: Request<'_>, log: &mut CallLog) -> Result<(), JiraError> {
        self.send(request, |_| Ok(()), log).await
    }

    pub(super) async fn send<T>(
        &self,
        request: Request<'_>,
        read: impl FnOnce(&Answer) -> Result<T, Failed>,
        log: &mut CallLog,
    ) -> Result<T, JiraError> {
        let call = request.call;
        let refused = |(failure, message)| JiraError { call, failure, message };
        self.wait_for_turn(call).await.map_err(refused)?;
        let span = self.span(&request);
        let (at, started) = (self.now(), Instant::now());
        let mut status = None;
        let result = match self.exchange(&request, log).await {
            Ok(answer) => {
                status = Some(answer.status.as_u16());
                self.heed(call, &answer);
                answer.accept(request.done, self.dialect(), self.now()).and_then(|answer| read(&answer))
            }
            Err(failed) => Err(failed),
        };
        span.answered(status);
        let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let note = result.as_ref().err().map(|(_, message)| message.clone());
        self.record(Call { at, call, status, ms, note }, log);
        result.map_err(refused)
    }

    /// Waits until the site is to be asked, or says that this would take too long.
    async fn wait_for_turn(&self, call: &'static str) -> Result<(), Failed> {
        let wait = self.limits(|limits, now| limits.turn(call, now));
        if wait.is_zero() {
            return Ok(());
        }
        telemetry::request_delayed(self.site(), call);
        if wait > PATIENCE {
            let message =
                format!("not asked: {} wants to be left alone for {} s", self.site(), wait.as_secs());
            return Err((Failure::RateLimited { after: Some(wait), reason: None }, message));
        }
        tokio::time::sleep(wait).await;
        Ok(())
    }

    /// Keeps in mind what an answer says about limits.
    fn heed(&self, call: &'static str, answer: &Answer) {
        let said = Signals::read(answer.status, &answer.headers, self.shared.clock.now());
        if let Some(remaining) = said.remaining {
            let counted = if said.refill.is_some() { "all" } else { call };
            telemetry::limit_remaining(self.site(), counted, remaining);
        }
        self.limits(|limits, now| limits.heed(call, &said, now));
    }

    fn limits<T>(&self, look: impl FnOnce(&mut Limits, Timestamp) -> T) -> T {
        let mut limits = self.shared.limits.lock().unwrap_or_else(PoisonError::into_inner);
        look(&mut limits, self.shared.clock.now())
    }

    pub(super) fn record(&self, call: Call, log: &mut CallLog) {
        let Call { call: name, status, ms, note, .. } = &call;
        tracing::debug!(site = self.site(), call = name, status, ms, note, "called Jira");
        if let Some(observer) = &self.observer {
            observer(&call);
        }
        log.0.push(call);
    }

    /// Puts a request through, with what has to be found out before: all of it within one timeout.
    async fn exchange(&self, request: &Request<'_>, log: &mut CallLog) -> Result<Answer, Failed> {
        let deadline = Instant::now() + self.timeout;
        let base = self.base(deadline, log).await?;
        let login = self.authorization(deadline, log).await?;
        let answer = self.put_through(request, &base, &login, deadline).await?;
        if answer.status == StatusCode::UNAUTHORIZED && self.forget(&login).await {
            // A bought token can end before its time. What was refused was not applied.
            let login = self.authorization(deadline, log).await?;
            return self.put_through(request, &base, &login, deadline).await;
        }
        self.unmask(request, answer, &base, &login, deadline).await
    }

    pub(super) async fn put_through(
        &self,
        request: &Request<'_>,
        base: &Url,
        login: &HeaderValue,
        deadline: Instant,
    ) -> Result<Answer, Failed> {
        let url = match request.root {
            [] => self.url(base, request.path),
            root => below(base, root, request.path),
        };
        let builder = self.shared.http.request(request.method.clone(), url);
        let mut builder = builder.header(AUTHORIZATION, login.clone()).timeout(left(deadline)?);
        if !request.query.is_empty() {
            builder = builder.query(request.query);
        }
        if let Some(body) = &request.body {
            builder = builder.json(body);
        }
        let response = builder.send().await.map_err(transport)?;
        Ok(collect(response).await)
    }

    fn url(&self, base: &Url, path: &[&str]) -> Url {
        below(base, self.api(), path)
    }

    /// Where the API stands, below the site's own path.
    pub(super) fn api(&self) -> &'static [&'static str] {
        match self.dialect() {
            Dialect::Cloud => &["rest", "api", "3"],
            Dialect::DataCenter => &["rest", "api", "2"],
        }
    }
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

fn http_client(site: &Site, base: &Url) -> Result<Client, SiteError> {
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

impl fmt::Debug for JiraClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JiraClient").field("site", &self.site()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jira::{Auth, Credential};

    fn client(url: &str) -> JiraClient {
        let auth = Auth::Bearer { token: Credential::new("hush") };
        JiraClient::new(Site::new("acme", url.parse().unwrap(), auth), Clock::system()).unwrap()
    }

    #[test]
    fn a_path_stays_below_the_sites_own() {
        let url =
            |site: &str| client(site).url(&site.parse().unwrap(), &["issue", "SHOP-1/../../x?y"]).to_string();
        assert_eq!(
            url("http://jira.acme.test"),
            "http://jira.acme.test/rest/api/2/issue/SHOP-1%2F..%2F..%2Fx%3Fy"
        );
        assert_eq!(
            url("http://acme.test/jira/"),
            "http://acme.test/jira/rest/api/2/issue/SHOP-1%2F..%2F..%2Fx%3Fy"
        );
        let cloud = Site { dialect: Dialect::Cloud, ..cloud_site() };
        let cloud = JiraClient::new(cloud, Clock::system()).unwrap();
        let base = "http://127.0.0.1".parse().unwrap();
        assert_eq!(cloud.url(&base, &["myself"]).as_str(), "http://127.0.0.1/rest/api/3/myself");
    }

    fn cloud_site() -> Site {
        let auth = Auth::Basic { user: "bot".to_owned(), password: Credential::new("hush") };
        Site::new("cloud", "http://127.0.0.1".parse().unwrap(), auth)
    }

    #[test]
    fn a_client_shows_its_site_and_nothing_else() {
        assert_eq!(format!("{:?}", client("http://jira.acme.test")), r#"JiraClient { site: "acme", .. }"#);
    }
}
