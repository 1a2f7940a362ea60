//! Why a call to Jira did not do what it was meant to.

use std::time::Duration;

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Jira, {call}: {message}")]
pub struct JiraError {
    /// The call's name, as in [`Call::call`](super::Call::call).
    pub call: &'static str,
    /// What kind of failure: this is what to branch on.
    pub failure: Failure,
    /// What Jira said, for people; control characters escaped, cut, and never a whole web page.
    pub message: String,
}

/// The kinds of failure, by what can be done about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Jira asks for a pause. Nothing was applied.
    RateLimited {
        /// How long; absent when Jira (or a gateway before it) does not say.
        after: Option<Duration>,
        /// Which limit: `jira-burst-based`, `jira-per-issue-on-write`, `jira-quota-…`.
        reason: Option<String>,
    },
    /// The login is wrong, expired, locked behind a CAPTCHA, or silently taken for nobody's.
    Credentials,
    /// The account may not do this.
    Forbidden,
    /// It does not exist, or the account cannot see it: Jira does not tell these apart.
    NotFound,
    /// Another transition is running on the ticket.
    Conflict,
    /// Jira understood and says no: no such transition, a field is missing, a validator objects.
    Refused {
        /// The HTTP status.
        status: u16,
        /// What Jira says of single fields: (id, message).
        fields: Vec<(String, String)>,
    },
    /// Jira, or a gateway before it, answers 5xx.
    ServerError {
        /// The HTTP status.
        status: u16,
        /// How long Jira asks to be left alone, when it says so.
        after: Option<Duration>,
    },
    /// No connection: name, address, TLS. The request was surely not applied.
    Unreachable,
    /// The request was sent and no whole answer came.
    NoAnswer,
    /// The answer is not Jira's: a login page, a redirect, another program's JSON.
    Unintelligible,
}

impl JiraError {
    /// Whether a *write* that failed like this may have been applied all the same, so that the ticket has
    /// to be read again before anything is decided.
    pub fn outcome_unknown(&self) -> bool {
        matches!(self.failure, Failure::ServerError { .. } | Failure::NoAnswer | Failure::Unintelligible)
    }

    /// How long Jira asks to be left alone, when it says so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.failure {
            Failure::RateLimited { after, .. } | Failure::ServerError { after, .. } => after,
            _ => None,
        }
    }
}
