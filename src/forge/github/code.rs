//! Pushes, and branches and tags that come and go.

use std::collections::BTreeSet;

use super::payload::{self, Payload};
use super::read::{Lacking, Reading, needed, pushed_at};
use crate::event::{Commit, Push, Ref, Subject, Trigger};

const BRANCH: &str = "refs/heads/";
const TAG: &str = "refs/tags/";

/// As many as GitHub shows of a pull request.
const MOST_PATHS: usize = 3000;

/// `push`: <https://docs.github.com/en/webhooks/webhook-events-and-payloads#push>
///
/// A pushed tag is `create`'s business and a removed branch is `delete`'s; both are only recorded here.
pub(super) fn pushed(payload: &Payload) -> Result<Reading, Lacking> {
    let git_ref = needed(&payload.git_ref, "ref")?;
    let after = payload.after.owned();
    if let Some(tag) = git_ref.strip_prefix(TAG) {
        let sha = Some(after).filter(|sha| !sha.is_empty());
        return Ok(Reading::recorded(Ok(Subject::Ref(Ref { name: tag.to_owned(), tag: true, sha }))));
    }
    let push = Push {
        branch: git_ref.strip_prefix(BRANCH).unwrap_or(&git_ref).to_owned(),
        before: payload.before.owned(),
        after,
        created: payload.created.unwrap_or(false),
        deleted: payload.deleted.unwrap_or(false),
        commits: payload.commits.iter().flatten().map(commit).collect(),
        paths: payload.commits.as_ref().map(|commits| paths(commits)),
    };
    if push.deleted {
        return Ok(Reading::recorded(Ok(Subject::Push(push))));
    }
    let occurred_at = pushed_at(payload);
    Ok(Reading {
        triggers: vec![Trigger::Push],
        occurred_at,
        change: occurred_at.map(|at| format!("{git_ref}/{}..{}@{at}", push.before, push.after)),
        subject: Subject::Push(push),
        association: None,
    })
}

/// The files of all commits, each once, at most [`MOST_PATHS`].
fn paths(commits: &[payload::Commit]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let files = commits.iter().flat_map(|commit| [&commit.added, &commit.removed, &commit.modified]);
    let names = files.flat_map(|files| files.iter().flatten()).map(|file| &**file);
    names.filter(|name| seen.insert(*name)).take(MOST_PATHS).map(str::to_owned).collect()
}

fn commit(json: &payload::Commit) -> Commit {
    let author = json.author.as_ref();
    let author = author.and_then(|author| author.username.as_deref().or(author.name.as_deref()));
    Commit {
        message: json.message.owned(),
        author: author.unwrap_or_default().to_owned(),
        url: json.url.owned(),
    }
}

/// `create`: <https://docs.github.com/en/webhooks/webhook-events-and-payloads#create>
pub(super) fn created(payload: &Payload) -> Result<Reading, Lacking> {
    came_or_went(payload, |tag| Some(if tag { Trigger::TagCreated } else { Trigger::BranchCreated }))
}

/// `delete`: <https://docs.github.com/en/webhooks/webhook-events-and-payloads#delete>
pub(super) fn deleted(payload: &Payload) -> Result<Reading, Lacking> {
    came_or_went(payload, |tag| (!tag).then_some(Trigger::BranchDeleted))
}

fn came_or_went(payload: &Payload, trigger: impl Fn(bool) -> Option<Trigger>) -> Result<Reading, Lacking> {
    let tag = match payload.ref_type.str() {
        "tag" => true,
        "branch" => false,
        "" => return Err(Lacking("ref_type")),
        _ => return Ok(Reading::default()),
    };
    // Short from GitHub; forges that speak its dialect send the whole name.
    let name = needed(&payload.git_ref, "ref")?;
    let name = name.strip_prefix(if tag { TAG } else { BRANCH }).unwrap_or(&name);
    let subject = Subject::Ref(Ref { name: name.to_owned(), tag, sha: None });
    let Some(trigger) = trigger(tag) else { return Ok(Reading::recorded(Ok(subject))) };
    let occurred_at = pushed_at(payload);
    Ok(Reading {
        triggers: vec![trigger],
        subject,
        occurred_at,
        change: occurred_at.map(|at| format!("{name}@{at}")),
        association: None,
    })
}
