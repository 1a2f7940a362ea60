//! A verified delivery on its way into a store.

use crate::event::{Event, Trigger};
use crate::store::EventId;
use crate::trace::{Received, Verdict};

/// A verified delivery on its way into the store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// See [`EventId::new`].
    pub id: EventId,
    /// The forge: `github`.
    pub provider: String,
    /// The forge's own id of the delivery.
    pub delivery_id: String,
    /// See [`Event::occurrence`].
    pub occurrence: Option<String>,
    /// The repository's path, for the index; empty when the payload names none.
    pub repo: String,
    /// See [`Event::kind`].
    pub kind: String,
    /// The projects that the hook may move, as it was when the delivery came; `None`: all.
    pub projects: Option<Vec<String>>,
    /// What it means, or the bytes that could not be understood.
    pub content: Content,
    /// When and how it arrived.
    pub received: Received,
    /// Set: recorded as finished with this verdict. Not set: to be fanned out.
    pub verdict: Option<Verdict>,
    /// One sentence that goes with the verdict.
    pub detail: Option<String>,
}

impl NewEvent {
    /// The commit as which it reports a pull request merged, in the words of [`merge_name`].
    pub(in crate::store) fn merge(&self) -> Option<String> {
        let Content::Event(event) = &self.content else { return None };
        let (repo_id, sha) = merge_of(event).filter(|_| self.verdict.is_none())?;
        Some(merge_name(&self.provider, repo_id, sha))
    }
}

/// The repository's id and the commit as which an event reports a pull request merged.
pub(in crate::store) fn merge_of(event: &Event) -> Option<(&str, &str)> {
    if !event.triggers.contains(&Trigger::PullRequestMerged) {
        return None;
    }
    let sha = event.pull_request()?.merge_sha.as_deref()?;
    Some((&event.repo.as_ref()?.id, sha))
}

/// The name of a commit in the index of merged pull requests.
pub(in crate::store) fn merge_name(provider: &str, repo_id: &str, sha: &str) -> String {
    format!("{provider}/{repo_id}/{sha}")
}

/// What is kept of a delivery.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// The normalised event.
    Event(Box<Event>),
    /// A verified body that could not be normalised, whole, so that nothing accepted is ever gone.
    Raw(Vec<u8>),
}

/// What became of an ingest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingested {
    /// It, or the same change, had been accepted before.
    pub duplicate: bool,
    /// It itself had been: its event has a record already, and got no second one.
    pub known: bool,
    /// Tickets of an earlier delivery that were queued again because they had failed.
    pub requeued: Vec<String>,
}
