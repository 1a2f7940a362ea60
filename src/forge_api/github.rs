//! GitHub's REST API, at github.com or on an Enterprise server.
//!
//! <https://docs.github.com/en/rest/pulls/pulls>: a pull request's files come in pages and end at 3000, its commits
//! end at 250. Whether there is another page is said by the `Link` header; its address is built here all the same.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, LINK, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::{Asked, ForgeApi, ForgeError, ForgeFailure, Texts};
use crate::clock::Clock;
use crate::telemetry::Span;

/// All pages of one question: less than half of a worker's lease of 30 s.
const ALL_PAGES: Duration = Duration::from_secs(14);
/// One page.
const ONE_PAGE: Duration = Duration::from_secs(5);
/// As many entries as GitHub puts on a page.
const PAGE: usize = 100;
const MOST_FILES: usize = 3000;
const MOST_COMMITS: usize = 250;
/// A page holds a hundred files, each with its patch.
const LARGEST_PAGE: usize = 32 << 20;
/// How much of what was read is remembered, in bytes, and how long.
const REMEMBERED: u64 = 8 << 20;
const REMEMBERED_FOR: Duration = Duration::from_hours(1);
/// When GitHub says to slow down and not for how long.
const SLOW_DOWN: Duration = Duration::from_mins(1);

/// A client for one GitHub.
pub struct GitHub {
    http: Client,
    base: Url,
    clock: Clock,
    remembered: Cache<String, Texts>,
}

#[derive(Deserialize)]
struct File {
    filename: String,
    /// A renamed file was changed under both names.
    previous_filename: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    commit: Commit,
}

#[derive(Deserialize)]
struct Commit {
    message: String,
}

impl GitHub {
    /// A client with this token; nothing is sent. Fails when the token cannot stand in a header.
    pub fn new(base: Url, token: &str, clock: Clock) -> Result<Self, ForgeError> {
        let unusable = |message: String| ForgeError { class: ForgeFailure::Unauthorised, message };
        let mut bearer = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| unusable("GITHUB_TOKEN holds characters that no token has".to_owned()))?;
        bearer.set_sensitive(true);
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, bearer),
            (ACCEPT, HeaderValue::from_static("application/vnd.github+json")),
        ]);
        let http = client(&base)
            .default_headers(headers)
            .build()
            .map_err(|error| unusable(format!("TLS to GitHub cannot be set up: {error}")))?;
        let size = |_: &String, texts: &Texts| {
            u32::try_from(texts.iter().map(|text| text.len() + 24).sum::<usize>()).unwrap_or(u32::MAX)
        };
        let remembered =
            Cache::builder().weigher(size).max_capacity(REMEMBERED).time_to_live(REMEMBERED_FOR).build();
        Ok(Self { http, base, clock, remembered })
    }

    /// What was read for this head commit before, or what `read` reads; at once for all who ask.
    async fn once(
        &self,
        asked: &Asked<'_>,
        what: &str,
        read: impl Future<Output = Result<Vec<String>, ForgeError>>,
    ) -> Result<Texts, ForgeError> {
        let (owner, name) = asked.repo;
        let key = format!("{what} {owner}/{name}#{}@{}", asked.number, asked.head_sha);
        let read = async {
            let all = tokio::time::timeout(ALL_PAGES, read).await;
            all.unwrap_or_else(|_| Err(unreachable(what, "it takes too long"))).map(Arc::new)
        };
        if asked.head_sha.is_empty() {
            return read.await;
        }
        self.remembered.try_get_with(key, read).await.map_err(|error| (*error).clone())
    }

    async fn pages<T: DeserializeOwned>(
        &self,
        asked: &Asked<'_>,
        what: &'static str,
        most: usize,
    ) -> Result<Vec<T>, ForgeError> {
        let mut all = Vec::new();
        for page in 1..=most.div_ceil(PAGE) {
            let (entries, more) = self.page(asked, what, page).await?;
            all.extend::<Vec<T>>(entries);
            if !more {
                break;
            }
        }
        all.truncate(most);
        Ok(all)
    }

    /// One page, and whether there is another.
    async fn page<T: DeserializeOwned>(
        &self,
        asked: &Asked<'_>,
        what: &'static str,
        page: usize,
    ) -> Result<(Vec<T>, bool), ForgeError> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            let (owner, name) = asked.repo;
            segments.pop_if_empty();
            segments.extend(["repos", owner, name, "pulls", &asked.number.to_string(), what]);
        }
        url.query_pairs_mut()
            .append_pair("per_page", &PAGE.to_string())
            .append_pair("page", &page.to_string());
        let place = || format!("/repos/{{owner}}/{{repo}}/pulls/{{number}}/{what}");
        let span = Span::request("GET", place, Some(&self.base));
        let sent = self.http.get(url).send().await;
        span.answered(sent.as_ref().ok().map(|answer| answer.status().as_u16()));
        let answer = sent.map_err(|error| no_answer(what, error))?;
        self.accept(&answer, asked, what)?;
        let more = answer.headers().get_all(LINK).iter().any(names_a_next_page);
        let body = body(answer, what).await?;
        let entries = serde_json::from_slice(&body)
            .map_err(|error| unreachable(what, &format!("the answer cannot be read: {error}")))?;
        Ok((entries, more))
    }

    fn accept(&self, answer: &Response, asked: &Asked<'_>, what: &str) -> Result<(), ForgeError> {
        let status = answer.status();
        if status == StatusCode::OK {
            return Ok(());
        }
        let ((owner, name), number) = (asked.repo, asked.number);
        let place = format!("the {what} of {owner}/{name}#{number}");
        if let Some(wait) = self.slow_down(status, answer.headers()) {
            let message = format!("GitHub limits our requests: {place} are read in {} s", wait.as_secs());
            return Err(ForgeError { class: ForgeFailure::RateLimited(wait), message });
        }
        let (class, message) = match status {
            StatusCode::UNAUTHORIZED => (
                ForgeFailure::Unauthorised,
                format!("GitHub refuses GITHUB_TOKEN (401): {place} cannot be read"),
            ),
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::GONE => (
                ForgeFailure::NotFound,
                format!(
                    "GitHub does not show {place} ({}): GITHUB_TOKEN must be allowed to read its pull requests",
                    status.as_u16()
                ),
            ),
            _ => return Err(unreachable(what, &format!("it answered {}", status.as_u16()))),
        };
        Err(ForgeError { class, message })
    }

    /// How long to wait, when GitHub says that we ask too often: the primary limit by its reset, the secondary one
    /// by `Retry-After`.
    fn slow_down(&self, status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
        if status != StatusCode::FORBIDDEN && status != StatusCode::TOO_MANY_REQUESTS {
            return None;
        }
        let until_reset = || {
            let reset = number("x-ratelimit-reset")?;
            (number("x-ratelimit-remaining")? == 0).then(|| reset - self.clock.now().as_second())
        };
        let said = number(RETRY_AFTER.as_str()).or_else(until_reset);
        let said = said.map(|secs| Duration::from_secs(u64::try_from(secs).unwrap_or(0).max(1)));
        said.or_else(|| (status == StatusCode::TOO_MANY_REQUESTS).then_some(SLOW_DOWN))
    }
}

#[async_trait::async_trait]
impl ForgeApi for GitHub {
    async fn paths(&self, pull_request: &Asked<'_>) -> Result<Texts, ForgeError> {
        let read = async {
            let files: Vec<File> = self.pages(pull_request, "files", MOST_FILES).await?;
            Ok(files
                .into_iter()
                .flat_map(|file| [Some(file.filename), file.previous_filename])
                .flatten()
                .collect())
        };
        self.once(pull_request, "files", read).await
    }

    async fn commits(&self, pull_request: &Asked<'_>) -> Result<Texts, ForgeError> {
        let read = async {
            let commits: Vec<Entry> = self.pages(pull_request, "commits", MOST_COMMITS).await?;
            Ok(commits.into_iter().map(|entry| entry.commit.message).collect())
        };
        self.once(pull_request, "commits", read).await
    }
}

/// How every question is asked.
pub(super) fn client(base: &Url) -> ClientBuilder {
    let builder = Client::builder()
        .user_agent(concat!("conduit/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .referer(false)
        .timeout(ONE_PAGE);
    // Without TLS, a system that has no certificates is no obstacle.
    if base.scheme() == "https" { builder } else { builder.tls_certs_only([]) }
}

pub(super) async fn body(mut answer: Response, what: &str) -> Result<Vec<u8>, ForgeError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| no_answer(what, error))? {
        if body.len() + chunk.len() > LARGEST_PAGE {
            return Err(unreachable(what, &format!("the answer is larger than {} MiB", LARGEST_PAGE >> 20)));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn names_a_next_page(link: &HeaderValue) -> bool {
    link.to_str().is_ok_and(|link| link.contains("rel=\"next\""))
}

fn no_answer(what: &str, error: reqwest::Error) -> ForgeError {
    let error = error.without_url();
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    unreachable(what, &format!("{error}{cause}"))
}

fn unreachable(what: &str, why: &str) -> ForgeError {
    let message = format!("GitHub did not tell the {what} of the pull request: {why}");
    ForgeError { class: ForgeFailure::Unreachable, message }
}
