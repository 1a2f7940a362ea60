//! What Jira does not show us, in words: a way that is not there, a ticket that is not there.

use std::collections::BTreeSet;

use super::{Setback, Ticket};
use crate::jira::{NoIssue, NoWay, Transition};
use crate::machine::Hop;
use crate::trace::Reason;

/// What is in the way, told apart as far as Jira tells.
pub(super) fn no_way(why: &NoWay, offered: &[String], ticket: &Ticket, hop: &Hop) -> Setback {
    let (from, to) = (&ticket.status.name, &hop.to_status);
    let via = hop.via.as_ref().map(|via| format!(" named `{via}`")).unwrap_or_default();
    let offers = match offered {
        [] => "it offers none at all".to_owned(),
        some => format!("it offers {}", some.join(", ")),
    };
    let project = &ticket.project;
    let (reason, message) = match why {
        NoWay::NotPermitted => (
            Reason::NoPermission,
            format!(
                "the account lacks the permission `Transition issues` in {project}: Jira offers it none from {from}"
            ),
        ),
        NoWay::Unknown if offered.is_empty() => (
            Reason::NoPermission,
            format!(
                "Jira offers no transition at all from {from}: the account probably lacks the permission \
                 `Transition issues` in {project}"
            ),
        ),
        NoWay::Hidden { name } => (
            Reason::TransitionHidden,
            format!(
                "`{name}` leads from {from} to {to}, but a condition of the workflow hides it from the account"
            ),
        ),
        NoWay::NotTold => (
            Reason::NoJiraTransition,
            format!(
                "Jira has no transition{via} from {from} to {to}, or a condition hides it, which Data Center \
                 does not tell apart; {offers}"
            ),
        ),
        NoWay::None | NoWay::Unknown => {
            (Reason::NoJiraTransition, format!("Jira has no transition{via} from {from} to {to}; {offers}"))
        }
    };
    Setback::permanent(reason, message)
}

/// Several transitions lead where a hop goes, and nothing says which.
pub(super) fn several_ways(leading: &[Transition], ticket: &Ticket, hop: &Hop) -> String {
    let (from, to) = (&ticket.status.name, &hop.to_status);
    let ways: Vec<_> = leading.iter().map(|one| format!("{} ({})", one.name, one.id)).collect();
    let ids: BTreeSet<_> = leading.iter().map(|one| one.to.id.as_str()).collect();
    let what = match ids.len() {
        0 | 1 => format!("several transitions lead from {from} to {to}"),
        more => format!(
            "{more} statuses are called {to} (ids {}), and transitions lead from {from} to each",
            Vec::from_iter(ids).join(", ")
        ),
    };
    format!("{what}: say which by `via` in the edge, by the name or the id of one of {}", ways.join(", "))
}

/// What there is to say of a ticket that nobody shows us.
pub(super) fn no_issue(key: &str, why: &NoIssue) -> Setback {
    let project = key.rsplit_once('-').map_or(key, |(project, _)| project);
    let (reason, message) = match why {
        NoIssue::NotPermitted => (
            Reason::NoPermission,
            format!(
                "the account lacks the permission `Browse projects` in {project}, so {key} is hidden from it"
            ),
        ),
        NoIssue::NoProject => (
            Reason::IssueNotFound,
            format!(
                "Jira shows the account no project {project}: it is not there, or the account lacks `Browse projects`"
            ),
        ),
        NoIssue::Missing => (
            Reason::IssueNotFound,
            format!("{key} does not exist, or its security level hides it; the account does see {project}"),
        ),
    };
    Setback::permanent(reason, message)
}
