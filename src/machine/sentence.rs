//! What happened, in a few words: `PR merged into "develop"`.

use crate::event::{Event, Issue, StatusMove, Subject};

/// The start of a sentence about an event.
pub(super) fn what_happened(event: &Event) -> String {
    let action = event.kind.split_once('.').map_or("", |(_, action)| action).replace('_', " ");
    match &event.subject {
        Subject::PullRequest(pr) if action == "merged" => format!("PR merged into \"{}\"", pr.base),
        Subject::PullRequest(_) => format!("PR {action}"),
        Subject::Push(push) => format!("push to \"{}\"", push.branch),
        Subject::Ref(tag) if tag.tag => format!("tag \"{}\" {action}", tag.name),
        Subject::Ref(branch) => format!("branch \"{}\" {action}", branch.name),
        Subject::Release(release) if release.prerelease => {
            format!("pre-release \"{}\" {action}", release.name)
        }
        Subject::Release(release) => format!("release \"{}\" {action}", release.name),
        Subject::Checks(checks) => format!("checks on \"{}\" {action}", checks.branch),
        Subject::Deployment(deployment) => format!("deployment to \"{}\" {action}", deployment.environment),
        Subject::Issue(issue) => ticket(issue, &action),
        Subject::Nothing => event.kind.clone(),
    }
}

fn ticket(issue: &Issue, action: &str) -> String {
    match &issue.moved {
        Some(StatusMove { from, to }) => {
            format!("ticket moved from \"{}\" to \"{}\" in Jira", from.name, to.name)
        }
        None => format!("ticket {action} in Jira"),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn list(names: &[&str]) -> String {
    match names {
        [] => "none".to_owned(),
        [one] => (*one).to_owned(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}
