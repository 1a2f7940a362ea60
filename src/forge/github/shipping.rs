//! What happens to code after it is written: releases, checks, deployments.

use super::payload::{self, Payload};
use super::read::{Lacking, Reading, login, needed};
use crate::event::{Checks, Deployment, Release, Subject, Trigger};
use crate::forge::lenient::Text;

/// `release`: <https://docs.github.com/en/webhooks/webhook-events-and-payloads#release>
///
/// GitHub sends `published` and `released` for one release, and `released` again when a pre-release is
/// promoted. Both are one trigger, and the same change as long as the pre-release flag is the same.
pub(super) fn released(payload: &Payload) -> Result<Reading, Lacking> {
    let release = read_release(payload);
    let json = payload.release.as_ref();
    let occurred_at = match payload.action.str() {
        "published" => json.and_then(|json| *json.published_at),
        // Of a promotion `published_at` would be wrong: it says when the pre-release came out.
        "released" => json.and_then(|json| *json.updated_at),
        _ => return Ok(Reading::recorded(release.map(Subject::Release))),
    };
    let release = release?;
    let id = json.and_then(|json| json.id.as_ref()).ok_or(Lacking("release.id"))?;
    let flag = if release.prerelease { "prerelease" } else { "full" };
    Ok(Reading {
        triggers: vec![Trigger::ReleasePublished],
        occurred_at,
        change: Some(format!("{}/{flag}", id.0)),
        subject: Subject::Release(release),
        association: None,
    })
}

fn read_release(payload: &Payload) -> Result<Release, Lacking> {
    let json = payload.release.as_ref().ok_or(Lacking("release"))?;
    let tag = needed(&json.tag_name, "release.tag_name")?;
    Ok(Release {
        name: json.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&tag).to_owned(),
        tag,
        body: json.body.owned(),
        url: json.html_url.owned(),
        prerelease: json.prerelease.unwrap_or(false),
        author: login(&json.author),
    })
}

/// `check_suite`: <https://docs.github.com/en/webhooks/webhook-events-and-payloads#check_suite>
pub(super) fn checked(payload: &Payload) -> Result<Reading, Lacking> {
    let json = payload.check_suite.as_ref().ok_or(Lacking("check_suite"))?;
    let subject = Subject::Checks(read_checks(payload, json));
    let trigger = match (payload.action.str(), json.conclusion.str()) {
        ("completed", "success") => Trigger::ChecksSucceeded,
        ("completed", "failure" | "timed_out" | "startup_failure") => Trigger::ChecksFailed,
        // `neutral`, `skipped`, `cancelled` and `stale` say nothing of the code, and `action_required`
        // waits for a person, such as an approval to run a stranger's workflow.
        _ => return Ok(Reading::recorded(Ok(subject))),
    };
    let occurred_at = *json.updated_at;
    let id = json.id.as_ref().ok_or(Lacking("check_suite.id"))?;
    Ok(Reading {
        triggers: vec![trigger],
        subject,
        occurred_at,
        // A suite that runs again completes again, under its old id.
        change: occurred_at
            .map(|at| format!("{}/{}@{at}/{}", id.0, json.head_sha.str(), json.conclusion.str())),
        association: None,
    })
}

fn read_checks(payload: &Payload, json: &payload::CheckSuite) -> Checks {
    let repo_url = payload.repository.as_ref().map(|repo| repo.html_url.str());
    let sha = json.head_sha.owned();
    Checks {
        name: json.app.as_ref().map(|app| app.name.owned()).unwrap_or_default(),
        conclusion: json.conclusion.owned(),
        branch: json.head_branch.owned(),
        // A suite's own address is the API's; people look at the commit's page.
        url: repo_url.map(|url| format!("{url}/commit/{sha}/checks")).unwrap_or_default(),
        sha,
    }
}

/// `deployment_status`: <https://docs.github.com/en/webhooks/webhook-events-and-payloads#deployment_status>
pub(super) fn deployed(payload: &Payload) -> Result<Reading, Lacking> {
    let deployment = read_deployment(payload);
    let status = payload.deployment_status.as_ref().ok_or(Lacking("deployment_status"))?;
    let trigger = match status.state.str() {
        "success" => Trigger::DeploymentSucceeded,
        "failure" | "error" => Trigger::DeploymentFailed,
        _ => return Ok(Reading::recorded(deployment.map(Subject::Deployment))),
    };
    Ok(Reading {
        triggers: vec![trigger],
        subject: Subject::Deployment(deployment?),
        occurred_at: *status.created_at,
        change: status.id.as_ref().map(|id| format!("status/{}", id.0)),
        association: None,
    })
}

fn read_deployment(payload: &Payload) -> Result<Deployment, Lacking> {
    let status = payload.deployment_status.as_ref().ok_or(Lacking("deployment_status"))?;
    let json = payload.deployment.as_ref().ok_or(Lacking("deployment"))?;
    // A status may rename the environment that its deployment was for.
    let environment = first(&[&status.environment, &json.environment]);
    Ok(Deployment {
        environment: environment.ok_or(Lacking("deployment.environment"))?,
        state: status.state.owned(),
        git_ref: needed(&json.git_ref, "deployment.ref")?,
        sha: json.sha.owned(),
        url: first(&[&status.log_url, &status.target_url, &status.environment_url]).unwrap_or_default(),
    })
}

/// The first of the texts that says something.
fn first(texts: &[&Text]) -> Option<String> {
    texts.iter().map(|text| text.str()).find(|text| !text.is_empty()).map(str::to_owned)
}
