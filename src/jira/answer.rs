//! The one table from an answer to what it means.

use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, LOCATION};
use serde::de::DeserializeOwned;
use url::Url;

use super::error::Failure;
use super::said::{Said, one_line};
use super::{Dialect, pause};

/// An answer as it came in.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// Why the body is not whole, when it is not.
    pub(super) broken: Option<String>,
}

/// A failure and the sentence that goes with it.
pub(super) type Failed = (Failure, String);

impl Answer {
    /// Accepts the statuses that mean "done" for this call; everything else is a failure.
    ///
    /// Only those statuses: a login page answers any POST with 200.
    pub(super) fn accept(self, done: &[u16], dialect: Dialect, now: Timestamp) -> Result<Self, Failed> {
        if done.contains(&self.status.as_u16()) && !self.is_anonymous(dialect) {
            return Ok(self);
        }
        let said = Said::read(&self.body);
        let failure = self.failure(&said, dialect, now);
        let message = self.message(&said, &failure);
        Err((failure, message))
    }

    /// The table.
    fn failure(&self, said: &Said, dialect: Dialect, now: Timestamp) -> Failure {
        match self.status.as_u16() {
            429 => Failure::RateLimited {
                after: pause::after(&self.headers, now),
                reason: pause::reason(&self.headers),
            },
            status @ 500.. => Failure::ServerError { status, after: pause::after(&self.headers, now) },
            401 => Failure::Credentials,
            _ if self.login_failed() || self.is_anonymous(dialect) => Failure::Credentials,
            403 => Failure::Forbidden,
            404 if said.by_jira => Failure::NotFound,
            // A gateway that gave up waiting; whether Jira got the request, nobody knows.
            408 => Failure::NoAnswer,
            409 => Failure::Conflict,
            // A 404 that is not Jira's own means a wrong address, not a missing ticket.
            404 | ..=399 => Failure::Unintelligible,
            status => Failure::Refused { status, fields: said.fields.clone() },
        }
    }

    fn message(&self, said: &Said, failure: &Failure) -> String {
        let mut line = said.line();
        if line.is_empty() {
            line = self.status.to_string();
        }
        match failure {
            Failure::Credentials if self.login_failed() => {
                format!(
                    "{line} (the login was refused; after too many failed logins Jira asks for a CAPTCHA: log in once in a browser)"
                )
            }
            Failure::Credentials if self.status.is_success() => {
                "Jira took the request for an anonymous one: the token is not valid".to_owned()
            }
            Failure::Unintelligible => {
                format!(
                    "{line}{}, which is not an answer of Jira's API: is the site's address right?",
                    self.leads_to()
                )
            }
            _ => line,
        }
    }

    /// Where a redirect leads; the host alone, because the rest may carry a token.
    fn leads_to(&self) -> String {
        let location = self.headers.get(LOCATION).and_then(|value| Url::parse(value.to_str().ok()?).ok());
        location
            .and_then(|url| url.host_str().map(|host| one_line(&format!(" to {host}"))))
            .unwrap_or_default()
    }

    /// Data Center answers a bad token as if nobody had asked, and says so only here.
    fn is_anonymous(&self, dialect: Dialect) -> bool {
        dialect == Dialect::DataCenter && self.header_is("x-ausername", &["anonymous"])
    }

    /// Whether it is an answer to whom nobody knows: Data Center names the account on every one.
    pub(super) fn is_nameless_success(&self) -> bool {
        self.status.is_success() && !self.headers.contains_key("x-ausername")
    }

    /// Jira tried the login and it failed, or refused to try because of a CAPTCHA.
    fn login_failed(&self) -> bool {
        !self.status.is_success()
            && self.header_is("x-seraph-loginreason", &["AUTHENTICATION_DENIED", "AUTHENTICATED_FAILED"])
    }

    fn header_is(&self, name: &str, values: &[&str]) -> bool {
        self.headers.get(name).is_some_and(|found| values.iter().any(|value| *found == *value))
    }

    /// Reads an accepted answer's JSON.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Failed> {
        if let Some(why) = &self.broken {
            return Err((Failure::NoAnswer, format!("the answer broke off: {why}")));
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            (Failure::Unintelligible, format!("the answer cannot be read: {}", one_line(&error.to_string())))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Answer {
        let headers = headers
            .iter()
            .map(|(name, value)| (reqwest::header::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        Answer { status: StatusCode::from_u16(status).unwrap(), headers, body: body.into(), broken: None }
    }

    fn judge(status: u16, headers: &[(&'static str, &str)], body: &str) -> Failed {
        answer(status, headers, body).accept(&[204], Dialect::DataCenter, Timestamp::UNIX_EPOCH).unwrap_err()
    }

    fn failure(status: u16, headers: &[(&'static str, &str)], body: &str) -> Failure {
        judge(status, headers, body).0
    }

    const JIRA: &str =
        r#"{"errorMessages":["Not this way."],"errors":{"resolution":"Resolution is required."}}"#;
    const PAGE: &str = "<!doctype html><html><body>secret session 1234</body></html>";

    #[test]
    fn the_table_from_status_to_failure() {
        assert_eq!(failure(401, &[], PAGE), Failure::Credentials);
        assert_eq!(failure(403, &[], JIRA), Failure::Forbidden);
        assert_eq!(failure(404, &[], JIRA), Failure::NotFound);
        assert_eq!(failure(408, &[], ""), Failure::NoAnswer);
        assert_eq!(failure(409, &[], JIRA), Failure::Conflict);
        for status in [500, 502, 503, 504, 599] {
            assert_eq!(failure(status, &[], PAGE), Failure::ServerError { status, after: None });
        }
        for status in [400, 410, 413, 415, 422] {
            let fields = vec![("resolution".to_owned(), "Resolution is required.".to_owned())];
            assert_eq!(failure(status, &[], JIRA), Failure::Refused { status, fields });
        }
    }

    #[test]
    fn pauses_come_with_their_reason() {
        let limit = failure(429, &[("retry-after", "5"), ("ratelimit-reason", "jira-burst-based")], "");
        let reason = Some("jira-burst-based".to_owned());
        assert_eq!(limit, Failure::RateLimited { after: Some(Duration::from_secs(5)), reason });
        assert_eq!(failure(429, &[], PAGE), Failure::RateLimited { after: None, reason: None });
        let after = Some(Duration::from_secs(9));
        assert_eq!(failure(503, &[("retry-after", "9")], ""), Failure::ServerError { status: 503, after });
    }

    #[test]
    fn a_captcha_and_a_failed_login_are_trouble_with_the_credentials() {
        let (failure, message) = judge(403, &[("x-seraph-loginreason", "AUTHENTICATION_DENIED")], PAGE);
        assert_eq!(failure, Failure::Credentials);
        assert!(message.contains("CAPTCHA"), "{message}");
        let denied = judge(404, &[("x-seraph-loginreason", "AUTHENTICATED_FAILED")], JIRA);
        assert_eq!(denied.0, Failure::Credentials);
        assert_eq!(judge(403, &[("x-seraph-loginreason", "OK")], JIRA).0, Failure::Forbidden);
    }

    #[test]
    fn data_center_taking_us_for_nobody_is_found_out() {
        let anonymous = [("x-ausername", "anonymous")];
        assert_eq!(failure(204, &anonymous, ""), Failure::Credentials);
        assert_eq!(failure(404, &anonymous, JIRA), Failure::Credentials);
        assert_eq!(failure(404, &[("x-ausername", "conduit")], JIRA), Failure::NotFound);
        let on_cloud = answer(204, &anonymous, "").accept(&[204], Dialect::Cloud, Timestamp::UNIX_EPOCH);
        assert!(on_cloud.is_ok());
    }

    #[test]
    fn what_is_not_jiras_api_points_at_the_address() {
        for (status, body) in
            [(200, PAGE), (302, ""), (404, PAGE), (404, ""), (404, r#"{"title":"No endpoint"}"#)]
        {
            let (failure, message) = judge(status, &[], body);
            assert_eq!(failure, Failure::Unintelligible, "{status}");
            assert!(
                message.contains("is the site's address right?") && !message.contains("1234"),
                "{message}"
            );
        }
        let (_, message) = judge(302, &[("location", "https://login.acme.test/sso?token=hush")], "");
        assert!(message.starts_with("302 Found to login.acme.test, which"), "{message}");
    }

    #[test]
    fn the_message_is_what_jira_said_and_never_a_page() {
        assert_eq!(judge(400, &[], JIRA).1, "Not this way. · resolution: Resolution is required.");
        assert_eq!(judge(502, &[], PAGE).1, "502 Bad Gateway");
    }

    #[test]
    fn json_that_broke_off_is_no_answer_and_other_json_is_unintelligible() {
        let mut half = answer(200, &[], r#"{"id":"#);
        half.broken = Some("connection reset".to_owned());
        assert_eq!(half.json::<serde_json::Value>().unwrap_err().0, Failure::NoAnswer);
        let page = answer(200, &[], PAGE);
        assert_eq!(page.json::<serde_json::Value>().unwrap_err().0, Failure::Unintelligible);
    }
}
