//! As whom a request is sent: a fixed login, or a token that client credentials buy for an hour.
//!
//! A bought token is kept until shortly before it ends. Whoever finds none buys one, and everybody else waits
//! for that one. A token that Jira refuses before its time is thrown away, once: a new one is then tried.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderValue;
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;
use url::Url;
use zeroize::Zeroizing;

use super::Credential;
use super::answer::Failed;
use super::connection::{collect, transport};
use super::error::Failure;
use super::said::Said;
use super::site::bearer;

/// A token that ends sooner is not begun a request with.
const SPARE: SignedDuration = SignedDuration::from_secs(60);

/// As whom requests are sent.
pub(super) enum Login {
    /// The same header for all.
    Fixed(HeaderValue),
    /// A token that is bought.
    Bought(Tokens),
}

/// Client credentials, and the token they have bought.
pub(super) struct Tokens {
    pub(super) id: String,
    pub(super) secret: Credential,
    /// Where tokens are bought.
    pub(super) url: Url,
    pub(super) kept: Mutex<Option<Token>>,
}

/// A token, and until when it is used.
pub(super) struct Token {
    header: HeaderValue,
    until: Timestamp,
}

#[derive(Deserialize)]
struct TokenBody {
    access_token: String,
    #[serde(default)]
    expires_in: u32,
}

impl Tokens {
    pub(super) fn new(id: String, secret: Credential, url: Url) -> Self {
        Self { id, secret, url, kept: Mutex::new(None) }
    }

    /// The token to send: the one that is kept, or one that `buy` gets. Others wait meanwhile.
    pub(super) async fn get(
        &self,
        now: Timestamp,
        buy: impl Future<Output = Result<Token, Failed>>,
    ) -> Result<HeaderValue, Failed> {
        let mut kept = self.kept.lock().await;
        if let Some(token) = kept.as_ref().filter(|token| now < token.until) {
            return Ok(token.header.clone());
        }
        let token = buy.await?;
        let header = token.header.clone();
        *kept = Some(token);
        Ok(header)
    }

    /// Throws a refused token away, unless somebody else has bought another meanwhile.
    pub(super) async fn forget(&self, refused: &HeaderValue) {
        let mut kept = self.kept.lock().await;
        if kept.as_ref().is_some_and(|token| token.header == *refused) {
            *kept = None;
        }
    }

    /// Buys a token. A request that never got its token was surely not applied.
    pub(super) async fn buy(
        &self,
        http: &Client,
        within: Duration,
        now: Timestamp,
    ) -> Result<(Token, StatusCode), (Option<StatusCode>, Failed)> {
        let body = json!({
            "grant_type": "client_credentials",
            "client_id": self.id,
            "client_secret": self.secret.expose(),
        });
        let sent = http.post(self.url.clone()).timeout(within).json(&body).send().await;
        let response = sent.map_err(|error| (None, (Failure::Unreachable, transport(error).1)))?;
        let answer = collect(response).await;
        let (status, said) = (answer.status, Said::read(&answer.body).line());
        let fail = |failure, why: &str| {
            let said = if said.is_empty() { status.to_string() } else { said.clone() };
            Err((Some(status), (failure, format!("{why}: {said}"))))
        };
        match status.as_u16() {
            200 => {}
            400 | 401 | 403 => return fail(Failure::Credentials, "the client credentials were refused"),
            _ => return fail(Failure::Unreachable, "no token could be bought"),
        }
        match serde_json::from_slice::<TokenBody>(&answer.body).ok().and_then(|body| Token::read(body, now)) {
            Some(token) => Ok((token, status)),
            None => fail(Failure::Unreachable, "the answer holds no token"),
        }
    }
}

impl Token {
    fn read(body: TokenBody, now: Timestamp) -> Option<Self> {
        let lifetime = SignedDuration::from_secs(i64::from(body.expires_in));
        let until = now.checked_add(lifetime - SPARE.min(lifetime / 2)).ok()?;
        Some(Self { header: bearer(&Zeroizing::new(body.access_token))?, until })
    }
}
