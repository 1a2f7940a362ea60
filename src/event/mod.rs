//! What happened at a forge, or in Jira, in one model for all of them.
//!
//! A forge's payload is normalised into an [`Event`] once, at the door; everything behind the door
//! (key extraction, rules, traces, `plan`) sees only this. It is plain data: no I/O, no clock.
//!
//! Only what a decision, a template or a trace can use is kept, so that an event stays some hundreds
//! of bytes and can be stored in the request path.

mod issue;
pub mod ticket;
mod trigger;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use issue::{Issue, IssueStatus, Person, StatusMove};
pub use trigger::{Trigger, UnknownTrigger};

/// The version of this model as it is written to a store.
///
/// A worker leaves events of a newer schema alone during a rolling upgrade.
pub const SCHEMA: u16 = 1;

/// One thing that happened at a forge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// The schema it was written under, see [`SCHEMA`].
    pub schema: u16,
    /// The forge's name as in the route: `github`.
    pub provider: String,
    /// The finest name of what happened. A trigger's name where rules know one
    /// (`pull_request.merged`); the forge's own words otherwise (`issues.opened`, `ping`).
    pub kind: String,
    /// Everything this event counts as. Empty: recorded, but no rule can ever see it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Trigger>,
    /// The repository it happened in; an organisation's `ping` has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repo: Option<Repo>,
    /// Who did it.
    #[serde(default)]
    pub sender: Sender,
    /// When it happened, by the forge's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Timestamp>,
    /// What makes this change the same change when another hook reports it: kind, subject and what is
    /// new about it (merge sha, review id, head sha and time, release id with its pre-release flag).
    /// Provider and repository are added by [`Event::occurrence`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
    /// What it happened to.
    #[serde(default)]
    pub subject: Subject,
}

/// What an event is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A pull request (merge request, change).
    PullRequest(PullRequest),
    /// Commits pushed to a branch.
    Push(Push),
    /// A branch or a tag came or went.
    Ref(Ref),
    /// A release.
    Release(Release),
    /// A completed suite of checks, pipeline or build.
    Checks(Checks),
    /// A deployment that ended.
    Deployment(Deployment),
    /// A ticket, told of by Jira itself.
    Issue(Box<Issue>),
    /// Nothing that a rule could look at.
    #[default]
    Nothing,
}

/// A repository, as the event shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Repo {
    /// The forge's own id, which survives a rename.
    pub id: String,
    /// `shop`.
    pub name: String,
    /// `acme/shop`.
    pub path: String,
    /// The branch that the default rules look at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_branch: Option<String>,
    /// Where a person finds it.
    pub url: String,
}

/// Who caused an event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Sender {
    /// The account's name; of a person in Jira Cloud, the account's id.
    pub login: String,
    /// An app or a bot account.
    pub bot: bool,
    /// How the author belongs to the repository (`MEMBER`, `CONTRIBUTOR`, …), where the forge says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub association: Option<String>,
}

/// A pull request as it stood when the event was sent.
#[allow(clippy::struct_excessive_bools, reason = "a forge's flags, each its own")]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PullRequest {
    /// Its number within the repository.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// Its description; empty when the forge sent none.
    pub body: String,
    /// Where a person finds it.
    pub url: String,
    /// Who opened it.
    pub author: String,
    /// The author is an app (`dependabot[bot]`): its body quotes other people's change logs.
    pub author_bot: bool,
    /// The source branch.
    pub head: String,
    /// The commit it stands at.
    pub head_sha: String,
    /// The target branch.
    pub base: String,
    /// Not yet asking for review.
    pub draft: bool,
    /// Merged, never merely closed.
    pub merged: bool,
    /// The commit the merge made; set only when merged (GitHub fills it for test merges too).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge_sha: Option<String>,
    /// Names of its labels.
    pub labels: Vec<String>,
    /// The source branch lives in another repository.
    pub fork: bool,
    /// The files it changes. No payload has them: they are read from the forge when a rule asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paths: Option<Vec<String>>,
    /// The messages of its commits, oldest first. No payload has them either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commits: Option<Vec<String>>,
}

impl PullRequest {
    /// Whether it takes back another pull request: a title `Revert "…"`, or a branch `revert-<digits>-…`,
    /// the names GitHub's *Revert* button gives.
    pub fn revert(&self) -> bool {
        let by_branch = || {
            let rest = self.head.strip_prefix("revert-")?;
            let (digits, _) = rest.split_once('-')?;
            Some(!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
        };
        self.title.starts_with("Revert \"") || by_branch().unwrap_or(false)
    }
}

/// Commits pushed to a branch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Push {
    /// The branch, without `refs/heads/`.
    pub branch: String,
    /// The commit it stood at.
    pub before: String,
    /// The commit it stands at now.
    pub after: String,
    /// This push made the branch.
    pub created: bool,
    /// This push removed the branch.
    pub deleted: bool,
    /// The commits, oldest first, as many as the forge sends.
    pub commits: Vec<Commit>,
    /// The files they change, where the payload names them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paths: Option<Vec<String>>,
}

/// One pushed commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Commit {
    /// The whole message.
    pub message: String,
    /// The author's account name, or the name in the commit.
    pub author: String,
    /// Where a person finds it.
    pub url: String,
}

/// A branch or a tag that came or went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Ref {
    /// Its short name, without `refs/…/`.
    pub name: String,
    /// A tag rather than a branch.
    pub tag: bool,
    /// The commit, where the payload names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha: Option<String>,
}

/// A release.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Release {
    /// The tag it was made from.
    pub tag: String,
    /// Its title; the tag when it has none.
    pub name: String,
    /// Its notes.
    pub body: String,
    /// Where a person finds it.
    pub url: String,
    /// Not meant for everybody yet.
    pub prerelease: bool,
    /// Who made it.
    pub author: String,
}

/// A completed suite of checks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Checks {
    /// The app or pipeline that ran them.
    pub name: String,
    /// The forge's word for how it ended.
    pub conclusion: String,
    /// The branch they ran on; empty when the forge did not say.
    pub branch: String,
    /// The commit they ran on.
    pub sha: String,
    /// Where a person finds them.
    pub url: String,
}

/// A deployment that ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Deployment {
    /// `production`, `staging`, …
    pub environment: String,
    /// The forge's word for how it ended.
    pub state: String,
    /// The branch, tag or commit that was asked for.
    #[serde(rename = "ref")]
    pub git_ref: String,
    /// The commit that was deployed.
    pub sha: String,
    /// Where a person finds it.
    pub url: String,
}

impl Event {
    /// The pull request, when the event is about one.
    pub fn pull_request(&self) -> Option<&PullRequest> {
        match &self.subject {
            Subject::PullRequest(pull_request) => Some(pull_request),
            _ => None,
        }
    }

    /// The ticket, when Jira tells of one.
    pub fn issue(&self) -> Option<&Issue> {
        match &self.subject {
            Subject::Issue(issue) => Some(issue),
            _ => None,
        }
    }

    /// The files it changes; `None` when they are not known, or such an event has none.
    pub fn paths(&self) -> Option<&[String]> {
        match &self.subject {
            Subject::PullRequest(pull_request) => pull_request.paths.as_deref(),
            Subject::Push(push) => push.paths.as_deref(),
            _ => None,
        }
    }

    /// The commit that was tagged or deployed, where the payload names it: GitHub's `create` of a tag does not.
    pub fn shipped_sha(&self) -> Option<&str> {
        match &self.subject {
            Subject::Ref(tag) if tag.tag => tag.sha.as_deref(),
            Subject::Deployment(deployment) => Some(deployment.sha.as_str()).filter(|sha| !sha.is_empty()),
            _ => None,
        }
    }

    /// The name under which this change is known whichever hook reports it, or `None` when each
    /// delivery stands for itself.
    pub fn occurrence(&self) -> Option<String> {
        let change = self.change.as_ref()?;
        let repo = self.repo.as_ref()?;
        Some(format!("{}/{}/{}/{change}", self.provider, repo.id, self.kind))
    }

    /// Whether any rule could ever see it.
    pub fn is_supported(&self) -> bool {
        !self.triggers.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revert_is_known_by_its_title_or_by_its_branch() {
        let revert = |title: &str, head: &str| {
            PullRequest { title: title.into(), head: head.into(), ..PullRequest::default() }.revert()
        };
        assert!(revert("Revert \"SHOP-1: pay\"", "undo"));
        assert!(revert("Take it back", "revert-118-feature/SHOP-1"));
        assert!(!revert("Reverting to the old look", "feature/x"));
        assert!(!revert("x", "revert-the-colours"));
        assert!(!revert("x", "revert--x"));
    }
}
