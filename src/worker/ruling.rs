//! PURE: the decision on one ticket, and what its trace says of it. `act` carries it out, [`plan`](super::plan)
//! only tells it.

use super::processor::{SiteMap, Ticket};
use super::record;
use crate::event::Event;
use crate::machine::{Action, Decision, Effects, Machine, RuleSet, TicketNow, decide};
use crate::trace::{Reason, TicketTrace};

/// Decides on a ticket as it is known from `source`.
pub(super) fn rule(
    trace: &mut TicketTrace,
    machine: &Machine,
    event: &Event,
    ticket: &Ticket,
    source: &str,
) -> Decision {
    let now = TicketNow {
        key: ticket.key.clone(),
        project: ticket.project.clone(),
        found_in: trace.found_in.clone(),
        status: ticket.status.name.clone(),
        issue_type: ticket.issue_type.clone(),
        labels: ticket.labels.clone(),
        assignee: ticket.assignee.clone(),
    };
    let decision = overtaken(event, ticket).unwrap_or_else(|| decide(machine, event, &now));
    record::decision_at(trace, &decision, &ticket.status.name, source);
    decision
}

/// What is decided when the ticket is not, or not any more, what Jira told of.
///
/// It may bear the same key on another site. Or it stands elsewhere than where the change of status has brought it: then
/// what brought it there is told of, too, and decides. So a late delivery, or one of several in a wrong order, moves
/// nothing from where it never brought the ticket.
fn overtaken(event: &Event, ticket: &Ticket) -> Option<Decision> {
    let told = event.issue()?;
    let differs = |told: &str, found: &str| !told.is_empty() && !found.is_empty() && told != found;
    let (reason, detail) = match &told.moved {
        _ if differs(&told.id, &ticket.id) => (
            Reason::RepoMismatch,
            format!(
                "{} of the Jira that told of it (id {}) is another ticket here (id {})",
                told.key, told.id, ticket.id
            ),
        ),
        Some(moved) if !moved.reached(&ticket.status.id, &ticket.status.name) => (
            Reason::MovedByOther,
            format!("it had come to {}, and stands at {} by now", moved.to.name, ticket.status.name),
        ),
        _ => return None,
    };
    Some(Decision {
        action: Action::Stay(reason.into()),
        alias: None,
        rule: None,
        rules_tried: Vec::new(),
        effects: Effects::default(),
        detail: Some(detail),
    })
}

/// The machine that decides on a ticket, also on one that has moved to another project of its site.
pub(super) fn machine_of<'r>(
    ticket: &Ticket,
    site: &str,
    sites: &SiteMap,
    rules: &'r RuleSet,
) -> Option<&'r Machine> {
    sites.site_of(&ticket.project).filter(|own| *own == site)?;
    rules.machine(&ticket.project)
}

/// Says so when the ticket bears another key by now.
pub(super) fn renamed(trace: &mut TicketTrace, ticket: &Ticket) {
    if ticket.key != trace.key {
        let sentence = format!("{} is {} now", trace.key, ticket.key);
        record::detail(trace, sentence);
    }
}
