//! Pull requests and their reviews.

use super::payload::{self, Changes, Payload};
use super::read::{Lacking, Reading, is_bot, login, needed};
use crate::event::{PullRequest, Subject, Trigger};

/// `pull_request`: <https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request>
pub(super) fn changed(payload: &Payload) -> Result<Reading, Lacking> {
    let pull_request = read(payload);
    let triggers = match &pull_request {
        Ok(pull_request) => triggers(payload, pull_request),
        // Worth an error only if a rule could have seen it.
        Err(_) => triggers(payload, &PullRequest::default()),
    };
    if triggers.is_empty() {
        return Ok(Reading::recorded(pull_request.map(Subject::PullRequest)));
    }
    let pull_request = pull_request?;
    let json = payload.pull_request.as_ref();
    let occurred_at = json.and_then(|json| *json.updated_at);
    let change = match &pull_request.merge_sha {
        Some(sha) => Some(format!("{}/{sha}", pull_request.number)),
        None => occurred_at
            .map(|at| format!("{}/{}@{at}{}", pull_request.number, pull_request.head_sha, what(payload))),
    };
    let association = json.and_then(|json| json.author_association.as_deref()).map(str::to_owned);
    Ok(Reading { triggers, subject: Subject::PullRequest(pull_request), occurred_at, change, association })
}

fn triggers(payload: &Payload, pull_request: &PullRequest) -> Vec<Trigger> {
    let ready = (!pull_request.draft).then_some(Trigger::PullRequestReady);
    match payload.action.str() {
        "opened" => [Trigger::PullRequestOpened].into_iter().chain(ready).collect(),
        "reopened" => [Trigger::PullRequestReopened].into_iter().chain(ready).collect(),
        "ready_for_review" => vec![Trigger::PullRequestReady],
        "converted_to_draft" => vec![Trigger::PullRequestDrafted],
        "edited" if was_edited(payload) => vec![Trigger::PullRequestEdited],
        "synchronize" => vec![Trigger::PullRequestUpdated],
        "labeled" => vec![Trigger::PullRequestLabeled],
        "unlabeled" => vec![Trigger::PullRequestUnlabeled],
        "closed" if pull_request.merged => vec![Trigger::PullRequestMerged],
        "closed" => vec![Trigger::PullRequestClosed],
        _ => Vec::new(),
    }
}

fn was_edited(payload: &Payload) -> bool {
    payload.changes.as_ref().is_some_and(|changes| changes.names().next().is_some())
}

/// `/<label>` or the fields that changed: several events of one kind may come within a second.
fn what(payload: &Payload) -> String {
    let label = payload.label.as_ref().map(|label| label.name.str());
    let fields = payload.changes.iter().flat_map(Changes::names);
    let names: Vec<&str> = std::iter::once("").chain(label).chain(fields).collect();
    names.join("/")
}

/// `pull_request_review`, whose pull request is cut down: it has no `merged`, for one.
pub(super) fn reviewed(payload: &Payload) -> Result<Reading, Lacking> {
    let pull_request = read(payload);
    let review = payload.review.as_ref();
    // The API writes states in capitals, deliveries do not.
    let state = review.map(|review| review.state.str().to_ascii_lowercase()).unwrap_or_default();
    let trigger = match (payload.action.str(), state.as_str()) {
        ("submitted", "approved") => Trigger::PullRequestApproved,
        ("submitted", "changes_requested") => Trigger::PullRequestChangesRequested,
        ("submitted", "") => return Err(Lacking("review.state")),
        _ => return Ok(Reading::recorded(pull_request.map(Subject::PullRequest))),
    };
    let pull_request = pull_request?;
    let id = review.and_then(|review| review.id.as_ref());
    Ok(Reading {
        triggers: vec![trigger],
        occurred_at: review.and_then(|review| *review.submitted_at),
        change: id.map(|id| format!("{}/review/{}", pull_request.number, id.0)),
        association: review.and_then(|review| review.author_association.as_deref()).map(str::to_owned),
        subject: Subject::PullRequest(pull_request),
    })
}

fn read(payload: &Payload) -> Result<PullRequest, Lacking> {
    let json = payload.pull_request.as_ref().ok_or(Lacking("pull_request"))?;
    let head = json.head.as_ref().ok_or(Lacking("pull_request.head"))?;
    let base = json.base.as_ref().ok_or(Lacking("pull_request.base"))?;
    let merged = json.merged.unwrap_or(false) || json.merged_at.is_some();
    let author = login(&json.user);
    Ok(PullRequest {
        number: json.number.or(*payload.number).ok_or(Lacking("pull_request.number"))?,
        title: needed(&json.title, "pull_request.title")?,
        body: json.body.owned(),
        url: json.html_url.owned(),
        // By its name alone: an assistant that writes pull requests of its own, and not an app's
        // digest of other people's changes, goes by a plain name.
        author_bot: is_bot(&author),
        author,
        head: needed(&head.name, "pull_request.head.ref")?,
        head_sha: head.sha.owned(),
        base: needed(&base.name, "pull_request.base.ref")?,
        draft: json.draft.unwrap_or(false),
        merged,
        // GitHub fills it with the commit of a test merge while the pull request is open.
        merge_sha: json.merge_commit_sha.as_deref().filter(|_| merged).map(str::to_owned),
        labels: labels(json),
        fork: is_fork(head, base),
        paths: None,
        commits: None,
    })
}

fn labels(json: &payload::PullRequest) -> Vec<String> {
    let names = json.labels.iter().flatten().filter_map(|label| label.name.as_deref());
    names.map(str::to_owned).collect()
}

fn is_fork(head: &payload::Branch, base: &payload::Branch) -> bool {
    match (head.repo.as_ref(), base.repo.as_ref()) {
        (Some(head), Some(base)) => head.full_name.str() != base.full_name.str(),
        // Only a fork can be deleted while its pull request lives.
        (None, Some(_)) => true,
        (_, None) => false,
    }
}
