//! Issue keys: which tickets an event names, and where it names them.

use serde::{Deserialize, Serialize};

/// A place in an event where an issue key can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The title of a pull request.
    Title,
    /// The name of a branch or a tag.
    Branch,
    /// The description of a pull request.
    Body,
    /// The messages of a pull request's commits.
    Commits,
    /// The messages of pushed commits.
    Message,
    /// A release's name and notes.
    Notes,
    /// The recorded pull requests whose merge commit was tagged or deployed.
    Merged,
}

impl Source {
    /// The name as written in a rule's `keys`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Branch => "branch",
            Self::Body => "body",
            Self::Commits => "commits",
            Self::Message => "message",
            Self::Notes => "notes",
            Self::Merged => "merged",
        }
    }
}

/// A ticket an event names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundKey {
    /// The issue key, in capitals: `SHOP-42`.
    pub key: String,
    /// The project's part of it, in capitals: `SHOP`.
    pub project: String,
    /// Where it stands, in order of first appearance.
    pub found_in: Vec<Source>,
}

/// Something that looks like an issue key and is not acted on, so that it is not lost silently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IgnoredKey {
    /// As it would be written, in capitals.
    pub key: String,
    /// Where it stands.
    pub found_in: Vec<Source>,
    /// Why it does not count: `quoted`, `bot`, `project_not_configured`, `not_looked_at`, …
    pub because: String,
}
