//! What to do about a reason: the last line of a trace.

use super::{Reason, TicketTrace};

/// The way to mend it, when there is one. Nothing for what is as it should be.
pub(super) fn advice(reason: Reason, ticket: Option<&TicketTrace>) -> Option<String> {
    let project = ticket.and_then(|t| t.key.rsplit_once('-')).map_or("the project", |(project, _)| project);
    let text = match reason {
        Reason::NoKeys => {
            "put the ticket's key into the title or the branch, e.g. \"SHOP-42: …\" or feature/SHOP-42".into()
        }
        Reason::ProjectNotConfigured => format!(
            "add {project} to `projects` in workers.yaml (and to the hook's projects, if it is limited), with a machine in statemachines/"
        ),
        Reason::NoMachine => {
            format!("add `provisioner \"{}\" {{ … }}` to a file in statemachines/", project.to_lowercase())
        }
        Reason::UnknownStatus => format!(
            "add an alias for the status to `aliases` of {}, and a state that uses it",
            project.to_lowercase()
        ),
        Reason::NoEdge => "add a `state` block for this state and event, if it should move".into(),
        Reason::NoPath => "add the missing `state` edges, or name the events to walk with `along = [\"…\"]`".into(),
        Reason::TooManyTickets => "check that it is meant, then replay the event; or raise `max_tickets`".into(),
        Reason::Stale => "replay the event if it should still act".into(),
        Reason::RepoMismatch => {
            "register this repository as a hook of its own; the payload names another one than was registered".into()
        }
        Reason::NoJiraTransition => {
            "add the transition to the Jira workflow, correct the alias of the target status, or say by `via` which way is meant".into()
        }
        Reason::TransitionHidden => "satisfy the condition in the Jira workflow, or grant it to Conduit's account".into(),
        Reason::FieldsRequired => "add `fields = { … }` to the edge's `state` block, then replay the event".into(),
        Reason::NoPermission => {
            format!("grant Conduit's account *Browse projects* and *Transition issues* in {project}, then replay the event")
        }
        Reason::IssueNotFound => "check the key, and that Conduit's account may see the ticket".into(),
        Reason::PartialPath => "mend what stopped it, move the ticket on by hand or replay the event".into(),
        Reason::JiraRefused => "read Jira's answer above, mend the cause, then replay the event".into(),
        Reason::NotNormalisable => "report it with the payload's shape; the body is kept and can be replayed".into(),
        Reason::Credentials => {
            "renew the site's login, in workers.yaml or the ATLASSIAN_… variables, and restart; nothing is lost meanwhile".into()
        }
        Reason::JiraUnreachable | Reason::Jira5xx => {
            "see whether Jira answers; Conduit asks again by itself and goes on when it does".into()
        }
        Reason::RateLimited => "nothing: it goes on by itself as soon as it may ask again".into(),
        Reason::Paused => "resume the site when it is ready: conduit queue resume".into(),
        Reason::Poison => "report it with the event's id; it is kept and can be replayed".into(),
        _ => return None,
    };
    Some(text)
}
