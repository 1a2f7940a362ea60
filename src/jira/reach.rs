//! What has to be found out before a request can be sent: where the site is behind the gateway, and as whom we
//! come. And one thing after it: whether Data Center took us for nobody.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::HeaderValue;
use serde::Deserialize;
use tokio::sync::OnceCell;
use tokio::time::timeout;
use url::Url;

use super::answer::{Answer, Failed};
use super::client::Request;
use super::connection::{below, collect, left, transport};
use super::error::Failure;
use super::login::Login;
use super::site::{Site, SiteError};
use super::{Call, CallLog, Dialect, Endpoint, JiraClient};

/// How long an account that was asked for counts as known.
const KNOWN_FOR: Duration = Duration::from_mins(10);

/// Where requests go.
pub(super) enum Base {
    /// To the site.
    Site(Url),
    /// To the gateway, which knows the site by its id.
    Gateway(Box<Behind>),
}

/// A site behind the gateway.
pub(super) struct Behind {
    /// The site itself, which tells its id.
    site: Url,
    gateway: Url,
    /// Its address behind the gateway.
    found: OnceCell<Url>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TenantBody {
    cloud_id: String,
}

impl Base {
    pub(super) fn of(site: &Site, url: Url) -> Result<Self, SiteError> {
        let Some(gateway) = site.gateway()? else { return Ok(Self::Site(url)) };
        let known = site.gateway.as_ref().and_then(|gateway| gateway.cloud_id.as_deref());
        let known = known.map(|id| behind(&gateway, id));
        Ok(Self::Gateway(Box::new(Behind { site: url, found: OnceCell::new_with(known), gateway })))
    }

    /// Who is asked, whatever stands behind it.
    pub(super) fn server(&self) -> &Url {
        match self {
            Self::Site(url) => url,
            Self::Gateway(to) => &to.gateway,
        }
    }
}

fn behind(gateway: &Url, cloud_id: &str) -> Url {
    below(gateway, &["ex", "jira"], &[cloud_id])
}

impl JiraClient {
    /// The address that the API stands below.
    pub(super) async fn base(&self, deadline: Instant, log: &mut CallLog) -> Result<Url, Failed> {
        match &self.shared.base {
            Base::Site(url) => Ok(url.clone()),
            Base::Gateway(to) => {
                let ask = async {
                    let id = self.cloud_id(&to.site, left(deadline)?, log).await?;
                    Ok(behind(&to.gateway, &id))
                };
                to.found.get_or_try_init(|| ask).await.cloned()
            }
        }
    }

    /// Asks the site what the gateway knows it by. Anybody may; no login is sent.
    async fn cloud_id(&self, site: &Url, within: Duration, log: &mut CallLog) -> Result<String, Failed> {
        let (at, started) = (self.now(), Instant::now());
        let url = below(site, &["_edge", "tenant_info"], &[]);
        let sent = self.shared.http.get(url).timeout(within).send().await;
        let (status, result) = match sent {
            Ok(response) => {
                let answer = collect(response).await;
                (Some(answer.status.as_u16()), tenant(&answer))
            }
            Err(error) => (None, Err(transport(error).1)),
        };
        let ms = elapsed(started);
        let note = result.as_ref().err().cloned();
        self.record(Call { at, call: Endpoint::TenantInfo.name(), status, ms, note }, log);
        result.map_err(|why| {
            (Failure::Unreachable, format!("{why}: the site does not say its cloud id, see `site.cloud_id`"))
        })
    }

    /// The header that says as whom we come; buys a token when one is needed.
    pub(super) async fn authorization(
        &self,
        deadline: Instant,
        log: &mut CallLog,
    ) -> Result<HeaderValue, Failed> {
        let tokens = match &self.shared.login {
            Login::Fixed(header) => return Ok(header.clone()),
            Login::Bought(tokens) => tokens,
        };
        let buy = async {
            let (at, started) = (self.now(), Instant::now());
            let (status, bought) = match tokens.buy(&self.shared.http, left(deadline)?, at).await {
                Ok((token, status)) => (Some(status), Ok(token)),
                Err((status, failed)) => (status, Err(failed)),
            };
            let note = bought.as_ref().err().map(|(_, why)| why.clone());
            let status = status.map(|status| status.as_u16());
            self.record(Call { at, call: Endpoint::Token.name(), status, ms: elapsed(started), note }, log);
            bought
        };
        let patience = left(deadline)?;
        timeout(patience, tokens.get(self.now(), buy))
            .await
            .unwrap_or_else(|_| Err((Failure::Unreachable, "no token came in time".to_owned())))
    }

    /// Throws a refused token away. Whether there is another to be had.
    pub(super) async fn forget(&self, refused: &HeaderValue) -> bool {
        match &self.shared.login {
            Login::Fixed(_) => false,
            Login::Bought(tokens) => {
                tokens.forget(refused).await;
                true
            }
        }
    }

    /// Finds out whether a Data Center took us for nobody, when its answer does not say.
    ///
    /// It says so in `X-AUSERNAME`; a proxy may take that away. Then `myself`, which nobody in particular cannot
    /// ask, tells, once in a while.
    pub(super) async fn unmask(
        &self,
        request: &Request<'_>,
        answer: Answer,
        base: &Url,
        login: &HeaderValue,
        deadline: Instant,
    ) -> Result<Answer, Failed> {
        let now = self.now().as_millisecond();
        let known = now < self.shared.known_until.load(Ordering::Relaxed);
        // A write that was done is done, whoever did it.
        if known
            || request.method != Method::GET
            || self.dialect() != Dialect::DataCenter
            || !answer.is_nameless_success()
        {
            return Ok(answer);
        }
        let whoami = Request::get(Endpoint::Myself, &["myself"], &[]);
        let asked = self.put_through(&whoami, base, login, deadline).await;
        match asked.map(|answer| answer.status.as_u16()) {
            Ok(401 | 403) => Err((
                Failure::Credentials,
                "Jira took the request for an anonymous one: the token is not valid".to_owned(),
            )),
            Ok(200) => {
                let until = now.saturating_add(i64::try_from(KNOWN_FOR.as_millis()).unwrap_or(i64::MAX));
                self.shared.known_until.store(until, Ordering::Relaxed);
                Ok(answer)
            }
            // Nothing was learnt; the answer stands, and the next one asks again.
            _ => Ok(answer),
        }
    }
}

fn tenant(answer: &Answer) -> Result<String, String> {
    let body = serde_json::from_slice::<TenantBody>(&answer.body).ok().filter(|_| answer.status.is_success());
    let good = |id: &str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    body.map(|body| body.cloud_id).filter(|id| good(id)).ok_or_else(|| answer.status.to_string())
}

fn elapsed(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}
