//! Sending one request, and what is measured and written down about it.

use std::fmt;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Client, Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::answer::{Answer, Failed};
use super::connection::{below, collect, http_client, left, transport};
use super::limits::Limits;
use super::login::Login;
use super::reach::Base;
use super::{Call, CallLog, Dialect, Endpoint, JiraError, Site, SiteError};
use crate::clock::Clock;

/// The longest that a request takes, from the first byte out to the last one in: less than half of a
/// worker's lease of 30 s.
pub const TIMEOUT: Duration = Duration::from_secs(12);

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
    pub(super) clock: Clock,
    pub(super) limits: Mutex<Limits>,
}

/// One request: what is asked, and the statuses that mean it was done.
pub(super) struct Request<'a> {
    pub(super) call: Endpoint,
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
    pub(super) fn get(call: Endpoint, path: &'a [&'a str], query: &'a [(&'a str, &'a str)]) -> Self {
        Self { call, method: Method::GET, root: &[], path, query, body: None, done: &[200] }
    }

    /// A write.
    pub(super) fn write(
        call: Endpoint,
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
        let call = request.call.name();
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
        let (at, sent) = (self.now(), Instant::now());
        let answer = self.put_through(request, &base, &login, deadline).await?;
        if answer.status == StatusCode::UNAUTHORIZED && self.forget(&login).await {
            // A bought token can end before its time. What was refused was not applied. It is a call that the trace has to
            // show, and no refused login that anybody is to be woken for.
            let (call, ms) =
                (request.call.name(), u64::try_from(sent.elapsed().as_millis()).unwrap_or(u64::MAX));
            let note = Some("the token had ended before its time".to_owned());
            log.0.push(Call { at, call, status: Some(answer.status.as_u16()), ms, note });
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
