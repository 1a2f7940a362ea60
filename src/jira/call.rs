//! What was asked of Jira, call by call.

use jiff::Timestamp;

/// One call, as the trace shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// When it was sent.
    pub at: Timestamp,
    /// Its name: `issue`, `transitions`, `transition`, `comment`, …
    pub call: &'static str,
    /// The HTTP status; absent when no answer came.
    pub status: Option<u16>,
    /// Milliseconds until the answer, or until it was given up.
    pub ms: u64,
    /// What Jira said when it did not do it, or why there was no answer.
    pub note: Option<String>,
}

/// The calls made for one ticket, in order. Every method of the client adds what it did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallLog(pub Vec<Call>);
