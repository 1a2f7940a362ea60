//! An issue and what hangs on it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

/// A text as it was sent: an ADF document through version 3 of the API, wiki text through version 2.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Text {
    Adf(Value),
    Wiki(String),
}

/// An issue, as a test may look at it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Issue {
    /// The numeric id, which never changes.
    pub id: u64,
    /// The present key.
    pub key: String,
    /// The key of its project.
    pub project: String,
    /// The name of its type, such as `Story`.
    pub issue_type: String,
    /// The id of its status.
    pub status: u64,
    /// The one-line summary.
    pub summary: String,
    /// Labels, in the order they were put on.
    pub labels: Vec<String>,
    /// The account id of the assignee.
    pub assignee: Option<String>,
    /// The name of the resolution; set while the issue stands in a done status.
    pub resolution: Option<String>,
    /// Ids of the versions it is fixed in.
    pub fix_versions: Vec<u64>,
    /// Custom fields by key.
    pub custom: BTreeMap<String, Value>,
    /// Comments, oldest first.
    pub comments: Vec<Comment>,
    /// Links to other systems.
    pub remote_links: Vec<RemoteLink>,
    /// Every change, oldest first.
    pub history: Vec<History>,
    /// Issue properties by key.
    pub properties: BTreeMap<String, Value>,
    /// When it was created.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// A transition of somebody else's is running: another one is answered with 409.
    pub in_transition: bool,
}

impl Issue {
    /// Whether it has something in the field. A screen asks for a resolution anew each time.
    pub(crate) fn has(&self, field: &str) -> bool {
        match field {
            "resolution" => false,
            "fixVersions" => !self.fix_versions.is_empty(),
            "assignee" => self.assignee.is_some(),
            "labels" => !self.labels.is_empty(),
            _ => self.custom.get(field).is_some_and(|value| value.as_str() != Some("")),
        }
    }
}

/// A comment.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Comment {
    /// The numeric id.
    pub id: u64,
    /// The account id of its author.
    pub author: String,
    /// When it was written.
    pub created: Timestamp,
    pub(crate) body: Text,
    /// Comment properties by key.
    pub properties: BTreeMap<String, Value>,
    /// Who may see it, as it was sent.
    pub visibility: Option<Value>,
}

impl Comment {
    /// The text as a person reads it.
    pub fn text(&self) -> String {
        self.body.plain()
    }
}

/// A link to another system. What was not sent stays empty, also when it was there before.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RemoteLink {
    /// The numeric id.
    pub id: u64,
    /// The key for updating it.
    pub global_id: Option<String>,
    /// The linked application, as sent.
    pub application: Option<Value>,
    /// How the two are related.
    pub relationship: Option<String>,
    /// The linked thing: `title`, `url`, `summary`, `icon`, `status`.
    pub object: Value,
}

/// One entry of the change log: everything that changed in one step.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct History {
    /// The numeric id.
    pub id: u64,
    /// The account id of who did it.
    pub author: String,
    /// When.
    pub created: Timestamp,
    /// What changed.
    pub items: Vec<HistoryItem>,
}

/// One field's change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryItem {
    /// The field as the change log names it, such as `status`.
    pub field: String,
    /// The field's id, such as `fixVersions`.
    pub field_id: String,
    /// The id before, where there was one.
    pub from: Option<String>,
    /// The words before.
    pub from_string: Option<String>,
    /// The id after, where there is one.
    pub to: Option<String>,
    /// The words after.
    pub to_string: Option<String>,
}

/// A version of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Version {
    /// The numeric id.
    pub id: u64,
    /// The id of its project.
    pub project: u64,
    /// Its name.
    pub name: String,
    /// What is written about it.
    pub description: Option<String>,
    /// Whether it is out.
    pub released: bool,
    /// Whether it is put away.
    pub archived: bool,
    /// `YYYY-MM-DD`.
    pub start_date: Option<String>,
    /// `YYYY-MM-DD`.
    pub release_date: Option<String>,
}
