//! What the calls answer and take: plain data, the same for both dialects.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{Shape, text};

/// Something that Jira knows by an id and shows by a name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
pub struct Named {
    /// Stable; a rename keeps it.
    pub id: String,
    /// As the account's language shows it.
    pub name: String,
}

/// A ticket as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Its id, which it keeps wherever it is moved.
    pub id: String,
    /// Its key *now*: a moved ticket answers under its old key with its new one.
    pub key: String,
    /// Its project's key.
    pub project: String,
    /// Its project's id, which a new version asks for.
    pub project_id: String,
    /// Its type; each type may have a workflow of its own.
    pub issue_type: Named,
    /// Its status.
    pub status: Named,
    /// Its labels.
    pub labels: Vec<String>,
    /// The name of whom it is assigned to.
    pub assignee: Option<String>,
    /// When it was last changed, as Jira writes it: only good to see whether it changed.
    pub updated: String,
}

/// One change of status in a ticket's past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusChange {
    /// When, by Jira's clock.
    pub at: Timestamp,
    /// Who: the same as [`Account::id`] when it was us. Absent when the account is gone.
    pub author: Option<String>,
    /// The id of the status it left.
    pub from_id: String,
    /// The id of the status it reached.
    pub to_id: String,
    /// The name of the status it left.
    pub from: String,
    /// The name of the status it reached.
    pub to: String,
}

/// A transition that is offered to a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// What a move is asked for by. It means something only in this workflow and from this status.
    pub id: String,
    /// Its name, which says nothing about where it leads.
    pub name: String,
    /// The status it leads to.
    pub to: Named,
    /// The fields its screen must have.
    pub required: Vec<RequiredField>,
    /// All fields on its screen, by id, with the shape of their values; Jira refuses any other.
    pub screen_fields: BTreeMap<String, Shape>,
    /// Whether it has a screen at all: a comment can only go with one that has.
    pub has_screen: bool,
    /// Whether it can be taken now; one that cannot is hidden by a condition of the workflow.
    pub available: bool,
}

/// A field that a transition's screen must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequiredField {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Jira fills it in when it is not sent.
    pub has_default: bool,
    /// The values it may have, by what people call them; empty when Jira does not list them.
    pub allowed: Vec<String>,
}

impl Transition {
    /// Whether it can be taken without sending a field.
    pub fn needs_nothing(&self) -> bool {
        self.required.iter().all(|field| field.has_default)
    }
}

/// A move.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TransitionRequest {
    /// The transition's id.
    pub id: String,
    /// Fields for its screen, by id, as Jira takes them.
    pub fields: BTreeMap<String, Value>,
    /// A comment in plain text, written in the same call.
    pub comment: Option<String>,
}

/// The account Conduit acts as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Cloud: the account id. Data Center: the user name.
    pub id: String,
    /// The name people see.
    pub name: String,
}

/// A comment on a ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct Comment {
    /// Its id.
    pub id: String,
    /// Who wrote it: the same as [`Account::id`] when it was us.
    pub author: Option<String>,
    /// When, by Jira's clock.
    pub at: Timestamp,
    pub(super) body: Value,
}

impl Comment {
    /// Whether it is what [`JiraClient::comment`](super::JiraClient::comment) would have written for this text.
    pub fn says(&self, text: &str) -> bool {
        text::is_written_as(&self.body, text)
    }
}

/// A link from a ticket to the outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteLink {
    /// What it is known by: the same id again changes the link instead of adding one. At most 255 characters.
    pub global_id: String,
    /// Where it leads.
    pub url: String,
    /// What it is called.
    pub title: String,
}

/// A version of a project.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Version {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it is released.
    #[serde(default)]
    pub released: bool,
}
