//! Every exchange that took place, in the order of arrival.

use jiff::Timestamp;
use serde_json::Value;

use crate::route::Kind;

/// One request and what came of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Exchange {
    /// When the request arrived, by the site's clock.
    pub at: Timestamp,
    /// `GET`, `POST`, `PUT`…
    pub method: String,
    /// What it was about.
    pub kind: Kind,
    /// The whole path, the context path included.
    pub path: String,
    /// The query as it was sent, without the question mark.
    pub query: String,
    /// The key of the issue that the path named: the present one, if the issue exists.
    pub issue: Option<String>,
    /// The request's headers; the credentials are masked.
    pub request_headers: Vec<(String, String)>,
    /// The request's body.
    pub request_body: String,
    /// Whether the request reached Jira's own code, and so may have changed something.
    pub applied: bool,
    /// The status; none while the request is held, and for ever when the connection was dropped or left hanging.
    pub status: Option<u16>,
    /// The answer's headers.
    pub response_headers: Vec<(String, String)>,
    /// The answer's body.
    pub response_body: String,
}

impl Exchange {
    /// Whether the request asked for a change. Searches, bulk reads and logins are POST, yet change nothing.
    pub fn is_write(&self) -> bool {
        let reading =
            matches!(self.kind, Kind::SearchJql | Kind::Search | Kind::BulkFetch | Kind::OAuthToken);
        self.method != "GET" && self.method != "HEAD" && !reading
    }

    /// The request's body as JSON; null when it is none.
    pub fn request_json(&self) -> Value {
        serde_json::from_str(&self.request_body).unwrap_or_default()
    }

    /// The answer's body as JSON; null when it is none.
    pub fn response_json(&self) -> Value {
        serde_json::from_str(&self.response_body).unwrap_or_default()
    }

    /// A header of the request.
    pub fn request_header(&self, name: &str) -> Option<&str> {
        header(&self.request_headers, name)
    }

    /// A header of the answer.
    pub fn response_header(&self, name: &str) -> Option<&str> {
        header(&self.response_headers, name)
    }
}

pub(crate) fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(one, _)| one.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// A list of exchanges that can be narrowed down: `journal.of(Kind::Transitions).writes().len()`.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    /// The exchanges, in the order of arrival.
    pub exchanges: Vec<Exchange>,
}

impl Journal {
    /// Only what asked for a change.
    #[must_use]
    pub fn writes(&self) -> Self {
        self.filter(Exchange::is_write)
    }

    /// Only what changed nothing.
    #[must_use]
    pub fn reads(&self) -> Self {
        self.filter(|one| !one.is_write())
    }

    /// Only what named this issue in its path, by any of its keys.
    #[must_use]
    pub fn requests_for(&self, key: &str) -> Self {
        self.filter(|one| {
            let by_present_key = one.issue.as_deref().is_some_and(|issue| issue.eq_ignore_ascii_case(key));
            by_present_key || one.path.split('/').any(|segment| segment.eq_ignore_ascii_case(key))
        })
    }

    /// Only what came after the first `count`.
    #[must_use]
    pub fn after(&self, count: usize) -> Self {
        Self { exchanges: self.exchanges.iter().skip(count).cloned().collect() }
    }

    /// Only this kind of request.
    #[must_use]
    pub fn of(&self, kind: Kind) -> Self {
        self.filter(|one| one.kind == kind)
    }

    /// Only what was answered with this status.
    #[must_use]
    pub fn answered(&self, status: u16) -> Self {
        self.filter(|one| one.status == Some(status))
    }

    /// Only what `keep` keeps.
    #[must_use]
    pub fn filter(&self, keep: impl Fn(&Exchange) -> bool) -> Self {
        Self { exchanges: self.exchanges.iter().filter(|one| keep(one)).cloned().collect() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.exchanges.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.exchanges.is_empty()
    }

    /// One line for each, such as `POST /rest/api/3/issue/SHOP-1/transitions 204`.
    pub fn lines(&self) -> Vec<String> {
        self.exchanges.iter().map(line).collect()
    }
}

fn line(one: &Exchange) -> String {
    let status = one.status.map_or("no answer".to_owned(), |status| status.to_string());
    let question = if one.query.is_empty() { "" } else { "?" };
    format!("{} {}{question}{} {status}", one.method, one.path, one.query)
}
