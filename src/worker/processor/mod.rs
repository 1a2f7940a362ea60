//! What drives a ticket system: one file a backend, one line in `KINDS`.
//!
//! A [`Processor`] knows how to read a ticket, find a transition and take it. What makes that safe (the
//! intent, the recovery, the retries, the lease) is the same for all of them and stands outside, in
//! `worker::act`. So a backend is only ever asked for one thing at a time, and says how it failed in
//! terms that `worker::retry` knows.

mod absent;
mod backends;
mod bulk;
pub mod jira;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::jira::Shape;
use crate::machine::{FixVersion, Hop, Link};
use crate::trace::{Attempt, Reason};

pub use backends::{Backends, ProjectTaken, ReadOnly, Site, SiteMap};
pub use bulk::{Bulk, Moves};

/// A kind of ticket system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Jira, Cloud or Data Center.
    Jira,
}

/// Every name that `workers.yaml` may use, as a worker's own name or as its `processor`.
const KINDS: &[(&str, Kind)] = &[("atlassian", Kind::Jira), ("jira", Kind::Jira)];

impl Kind {
    /// The kind that a name in `workers.yaml` stands for.
    pub fn named(name: &str) -> Option<Self> {
        KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    /// The names there are, for a message.
    pub fn names() -> impl Iterator<Item = &'static str> {
        KINDS.iter().map(|(name, _)| *name)
    }
}

/// A ticket system, as the worker uses it. Every call it makes goes into `log`.
#[async_trait]
pub trait Processor: Send + Sync + 'static {
    /// How long after a request was given up its effect may still appear: its own timeout.
    fn settles_within(&self) -> Duration;

    /// The ticket as it is now.
    async fn read(&self, key: &str, log: &mut Log) -> Answer<Ticket>;

    /// The status changes of a ticket after the moment that `updated` names, oldest first.
    async fn changes(&self, ticket: &Ticket, updated: &str, log: &mut Log) -> Answer<Vec<Change>>;

    /// The transition for a hop, to the status of this id where it is known from before; asks nobody when the transition
    /// is known.
    async fn find(&self, ticket: &Ticket, hop: &Hop, to: Option<&str>, log: &mut Log) -> Answer<Found>;

    /// Forgets what [`Processor::find`] knows about where this ticket can go.
    async fn forget(&self, ticket: &Ticket);

    /// Takes a transition: exactly one request that writes, never repeated here.
    async fn take(&self, ticket: &Ticket, step: &Taken<'_>, log: &mut Log) -> Answer<()>;

    /// Writes a comment by itself, when it could not go with a transition.
    async fn comment(&self, ticket: &Ticket, text: &str, log: &mut Log) -> Answer<()>;

    /// Whether such a comment was written since the moment that `updated` names.
    async fn has_comment(&self, ticket: &Ticket, text: &str, updated: &str, log: &mut Log) -> Answer<bool>;

    /// Links a ticket to the outside; again is the same as once.
    async fn link(&self, ticket: &Ticket, link: &Link, log: &mut Log) -> Answer<()>;

    /// Notes the version a ticket is fixed in; again is the same as once.
    async fn fix_version(&self, ticket: &Ticket, version: &FixVersion, log: &mut Log) -> Answer<()>;

    /// Whether an account, by the backend's id for it, is the one that we act as.
    async fn is_us(&self, account: &str, log: &mut Log) -> Answer<bool>;

    /// Whether the site answers and the login works: one cheap question.
    async fn probe(&self) -> Answer<()>;

    /// The calls for many tickets at once, where there are any.
    fn bulk(&self) -> Option<&dyn Bulk> {
        None
    }
}

/// The calls made for a job, in order.
pub type Log = Vec<Attempt>;

/// What a ticket system answered, or how it failed.
pub type Answer<T> = Result<T, Setback>;

/// A ticket as a backend shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ticket {
    /// The backend's id for it.
    pub id: String,
    /// Its key now, which is another than was asked for when it moved to another project.
    pub key: String,
    /// Its project's key.
    pub project: String,
    /// Its project's id.
    pub project_id: String,
    /// Where it stands.
    pub status: Status,
    /// When it last changed, in the backend's own words.
    pub updated: String,
    /// The id of its type.
    pub type_id: String,
    /// The name of its type.
    pub issue_type: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// The name of whom it is assigned to.
    pub assignee: Option<String>,
}

/// A status, by its id and as the board names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The backend's id for it.
    pub id: String,
    /// Its name.
    pub name: String,
}

impl Status {
    /// Whether the board's `name` is this status's. Case is nobody's intention here.
    pub fn is_named(&self, name: &str) -> bool {
        self.name.trim().to_lowercase() == name.trim().to_lowercase()
    }
}

/// Somebody, or we, changed a ticket's status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When, by the backend's clock.
    pub at: Timestamp,
    /// The id of the status it left.
    pub from: String,
    /// The id of the status it reached.
    pub to: String,
}

/// A transition that leads where a hop goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The backend's id for it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The id of the status that it leads to.
    pub to: String,
    /// Known from before, so it may be out of date.
    pub cached: bool,
    /// Fields that must be filled and have no default: `(id, name)`.
    pub required: Vec<(String, String)>,
    /// The fields it takes, by id; the backend refuses any other.
    pub fields: BTreeMap<String, Shape>,
    /// Whether a comment can go with it.
    pub takes_comment: bool,
}

/// A transition to be taken, with what goes along in the same request.
#[derive(Debug, Clone)]
pub struct Taken<'a> {
    /// The transition.
    pub found: &'a Found,
    /// Fields for its screen.
    pub fields: &'a BTreeMap<String, Value>,
    /// A comment, as plain text.
    pub comment: Option<&'a str>,
}

/// How a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setback {
    /// In which way.
    pub class: Class,
    /// It was a write, and it may have been applied all the same.
    pub unknown: bool,
    /// One sentence for a person.
    pub message: String,
}

/// The ways in which a request fails, as far as what happens next depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Class {
    /// We ask too often. With how long to wait, if that was said.
    RateLimited(Option<Duration>),
    /// What the site allows in an hour is used up. With how long that lasts, if it was said.
    Quota(Option<Duration>),
    /// Another transition is running on the ticket.
    Conflict,
    /// The server failed. With how long to wait, if that was said.
    Server(Option<Duration>),
    /// No answer, or none that could be read.
    Unreachable,
    /// The login is refused.
    Credentials,
    /// The forge, and not the ticket system, does not answer. With what the ticket waits for, and how long to wait,
    /// if that was said.
    Forge(Reason, Option<Duration>),
    /// A write was understood and refused. With the fields that were named.
    Refused(Vec<String>),
    /// It will fail again until somebody mends something.
    Permanent(Reason),
}

impl Setback {
    /// A failure that only a person can mend.
    pub fn permanent(reason: Reason, message: impl Into<String>) -> Self {
        Self { class: Class::Permanent(reason), unknown: false, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_known_by_its_name() {
        assert_eq!(Kind::named("atlassian"), Some(Kind::Jira));
        assert_eq!(Kind::named("jira"), Some(Kind::Jira));
        assert_eq!(Kind::named("linear"), None);
        assert_eq!(Kind::names().collect::<Vec<_>>(), ["atlassian", "jira"]);
    }

    #[test]
    fn a_status_is_known_in_any_case() {
        let status = Status { id: "3".into(), name: "In Progress".into() };
        assert!(status.is_named("in progress "));
        assert!(!status.is_named("Progress"));
    }
}
