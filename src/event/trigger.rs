//! The names by which rules know what happened.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Declares [`Trigger`] from one list of names, so that a trigger is added in one line.
macro_rules! triggers {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal,)*) => {
        /// What a rule's `on "…"` names. An event has a set of them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "&'static str", try_from = "String")]
        pub enum Trigger {
            $($(#[doc = $doc])* $variant,)*
        }

        impl Trigger {
            /// All of them, in the order of the language's documentation.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name as written in a rule.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

triggers! {
    /// A pull request was opened, draft or not.
    PullRequestOpened = "pull_request.opened",
    /// It asks for review: opened or reopened and not a draft, or a draft marked ready.
    PullRequestReady = "pull_request.ready",
    /// It was turned back into a draft.
    PullRequestDrafted = "pull_request.drafted",
    /// Its title, body or base changed.
    PullRequestEdited = "pull_request.edited",
    /// New commits.
    PullRequestUpdated = "pull_request.updated",
    /// A label was put on.
    PullRequestLabeled = "pull_request.labeled",
    /// A label was taken off.
    PullRequestUnlabeled = "pull_request.unlabeled",
    /// Closed once, open again.
    PullRequestReopened = "pull_request.reopened",
    /// A review approved it.
    PullRequestApproved = "pull_request.approved",
    /// A review asked for changes.
    PullRequestChangesRequested = "pull_request.changes_requested",
    /// Closed without merging.
    PullRequestClosed = "pull_request.closed",
    /// Merged.
    PullRequestMerged = "pull_request.merged",
    /// A branch was made.
    BranchCreated = "branch.created",
    /// A branch was removed.
    BranchDeleted = "branch.deleted",
    /// A tag was made.
    TagCreated = "tag.created",
    /// Commits were pushed to a branch.
    Push = "push",
    /// A release was published, or a pre-release promoted.
    ReleasePublished = "release.published",
    /// A whole suite of checks passed.
    ChecksSucceeded = "checks.succeeded",
    /// A whole suite of checks failed.
    ChecksFailed = "checks.failed",
    /// A deployment went through.
    DeploymentSucceeded = "deployment.succeeded",
    /// A deployment failed.
    DeploymentFailed = "deployment.failed",
    /// A ticket's status changed in Jira.
    JiraStatusChanged = "jira.status_changed",
    /// A ticket was created in Jira.
    JiraCreated = "jira.created",
    /// A ticket was commented on in Jira.
    JiraCommented = "jira.commented",
}

impl Trigger {
    /// The part before the dot: `pull_request` of `pull_request.merged`, `push` of `push`.
    pub fn family(self) -> &'static str {
        self.as_str().split('.').next().unwrap_or_default()
    }
}

/// A name that is no trigger's.
#[derive(Debug, thiserror::Error)]
#[error("unknown trigger `{0}`")]
pub struct UnknownTrigger(pub String);

impl FromStr for Trigger {
    type Err = UnknownTrigger;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|trigger| trigger.as_str() == name)
            .ok_or_else(|| UnknownTrigger(name.to_owned()))
    }
}

impl TryFrom<String> for Trigger {
    type Error = UnknownTrigger;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<Trigger> for &'static str {
    fn from(trigger: Trigger) -> Self {
        trigger.as_str()
    }
}

impl JsonSchema for Trigger {
    fn schema_name() -> Cow<'static, str> {
        "Trigger".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<_> = Self::ALL.iter().map(|one| one.as_str()).collect();
        json_schema!({ "type": "string", "enum": names })
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
