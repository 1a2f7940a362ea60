//! The fields of GitHub's payloads that Conduit reads, and no others.
//!
//! One struct for all events: which of its fields are there depends on the event. Everything is borrowed
//! from the body and optional; `read` says what an event cannot do without.
//! Shapes: <https://docs.github.com/en/webhooks/webhook-events-and-payloads>.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};

use crate::forge::lenient::{FromJson, Id, Maybe, Text, objects};

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Payload<'a> {
    pub(super) action: Text<'a>,
    pub(super) repository: Maybe<Repository<'a>>,
    pub(super) sender: Maybe<User<'a>>,
    // pull_request, pull_request_review
    pub(super) number: Maybe<u64>,
    pub(super) pull_request: Maybe<PullRequest<'a>>,
    pub(super) changes: Maybe<Changes>,
    pub(super) label: Maybe<Label<'a>>,
    pub(super) review: Maybe<Review<'a>>,
    // push, create, delete
    #[serde(rename = "ref")]
    pub(super) git_ref: Text<'a>,
    pub(super) ref_type: Text<'a>,
    pub(super) before: Text<'a>,
    pub(super) after: Text<'a>,
    pub(super) created: Maybe<bool>,
    pub(super) deleted: Maybe<bool>,
    pub(super) commits: Maybe<Vec<Commit<'a>>>,
    // release, check_suite, deployment_status
    pub(super) release: Maybe<Release<'a>>,
    pub(super) check_suite: Maybe<CheckSuite<'a>>,
    pub(super) deployment: Maybe<Deployment<'a>>,
    pub(super) deployment_status: Maybe<DeploymentStatus<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Repository<'a> {
    pub(super) id: Maybe<Id>,
    pub(super) name: Text<'a>,
    pub(super) full_name: Text<'a>,
    pub(super) default_branch: Text<'a>,
    pub(super) html_url: Text<'a>,
    pub(super) pushed_at: Maybe<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct User<'a> {
    pub(super) login: Text<'a>,
    #[serde(rename = "type")]
    pub(super) kind: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct PullRequest<'a> {
    pub(super) number: Maybe<u64>,
    pub(super) title: Text<'a>,
    pub(super) body: Text<'a>,
    pub(super) html_url: Text<'a>,
    pub(super) user: Maybe<User<'a>>,
    pub(super) author_association: Text<'a>,
    pub(super) head: Maybe<Branch<'a>>,
    pub(super) base: Maybe<Branch<'a>>,
    pub(super) draft: Maybe<bool>,
    pub(super) merged: Maybe<bool>,
    pub(super) merged_at: Text<'a>,
    pub(super) merge_commit_sha: Text<'a>,
    pub(super) labels: Maybe<Vec<Label<'a>>>,
    pub(super) updated_at: Maybe<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Branch<'a> {
    #[serde(rename = "ref")]
    pub(super) name: Text<'a>,
    pub(super) sha: Text<'a>,
    pub(super) repo: Maybe<Home<'a>>,
}

/// The repository a branch lives in.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Home<'a> {
    pub(super) full_name: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Label<'a> {
    pub(super) name: Text<'a>,
}

/// What an `edited` pull request was before; only whether it is there matters.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Changes {
    pub(super) title: Maybe<Present>,
    pub(super) body: Maybe<Present>,
    pub(super) base: Maybe<Present>,
}

impl Changes {
    /// What changed, of that which a rule could look at.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let fields = [("title", &self.title), ("body", &self.body), ("base", &self.base)];
        fields.into_iter().filter(|(_, before)| before.is_some()).map(|(name, _)| name)
    }
}

/// An object, unread.
#[derive(Debug)]
pub(super) struct Present;

impl<'de> FromJson<'de> for Present {
    fn object<A: MapAccess<'de>>(map: A) -> Result<Option<Self>, A::Error> {
        IgnoredAny.visit_map(map)?;
        Ok(Some(Self))
    }
}

impl<'de> FromJson<'de> for Changes {
    fn object<A: MapAccess<'de>>(map: A) -> Result<Option<Self>, A::Error> {
        Self::deserialize(MapAccessDeserializer::new(map)).map(Some)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Review<'a> {
    pub(super) id: Maybe<Id>,
    pub(super) state: Text<'a>,
    pub(super) submitted_at: Maybe<Timestamp>,
    pub(super) author_association: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Commit<'a> {
    pub(super) message: Text<'a>,
    pub(super) url: Text<'a>,
    pub(super) author: Maybe<CommitAuthor<'a>>,
    pub(super) added: Maybe<Vec<Cow<'a, str>>>,
    pub(super) removed: Maybe<Vec<Cow<'a, str>>>,
    pub(super) modified: Maybe<Vec<Cow<'a, str>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct CommitAuthor<'a> {
    pub(super) username: Text<'a>,
    pub(super) name: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Release<'a> {
    pub(super) id: Maybe<Id>,
    pub(super) tag_name: Text<'a>,
    pub(super) name: Text<'a>,
    pub(super) body: Text<'a>,
    pub(super) html_url: Text<'a>,
    pub(super) prerelease: Maybe<bool>,
    pub(super) author: Maybe<User<'a>>,
    pub(super) published_at: Maybe<Timestamp>,
    pub(super) updated_at: Maybe<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct CheckSuite<'a> {
    pub(super) id: Maybe<Id>,
    pub(super) conclusion: Text<'a>,
    pub(super) head_branch: Text<'a>,
    pub(super) head_sha: Text<'a>,
    pub(super) updated_at: Maybe<Timestamp>,
    pub(super) app: Maybe<App<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct App<'a> {
    pub(super) name: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Deployment<'a> {
    pub(super) environment: Text<'a>,
    #[serde(rename = "ref")]
    pub(super) git_ref: Text<'a>,
    pub(super) sha: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct DeploymentStatus<'a> {
    pub(super) id: Maybe<Id>,
    pub(super) state: Text<'a>,
    pub(super) environment: Text<'a>,
    pub(super) log_url: Text<'a>,
    pub(super) target_url: Text<'a>,
    pub(super) environment_url: Text<'a>,
    pub(super) created_at: Maybe<Timestamp>,
}

objects!(
    Payload,
    Repository,
    User,
    PullRequest,
    Branch,
    Home,
    Label,
    Review,
    Commit,
    CommitAuthor,
    Release,
    CheckSuite,
    App,
    Deployment,
    DeploymentStatus,
);
