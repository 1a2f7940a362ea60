//! What would differ from what did happen.

use serde_json::{Value, json};

use super::Plan;
use crate::trace::{Outcome, TicketTrace, Trace};

/// How a plan compares with what did happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Difference {
    /// The same would be decided.
    Same,
    /// Another outcome, reason or target.
    Differs,
    /// Nothing was decided then: Jira did not let the ticket be read.
    Undecided,
}

/// One for each ticket of either, those of the plan first; one for an event that names none.
pub(super) fn all(recorded: &Trace, planned: &Trace) -> Vec<Difference> {
    if recorded.tickets.is_empty() && planned.tickets.is_empty() {
        let same = (recorded.outcome, recorded.reason) == (planned.outcome, planned.reason);
        return vec![if same { Difference::Same } else { Difference::Differs }];
    }
    let each = planned.tickets.iter().map(|ticket| one(find(recorded, &ticket.key), ticket));
    each.chain(dropped(recorded, planned).map(|_| Difference::Differs)).collect()
}

/// The tickets that would not be looked at any more.
pub(super) fn dropped<'a>(recorded: &'a Trace, planned: &Trace) -> impl Iterator<Item = &'a TicketTrace> {
    recorded.tickets.iter().filter(|ticket| find(planned, &ticket.key).is_none())
}

/// A ticket of a trace.
pub(super) fn find<'a>(trace: &'a Trace, key: &str) -> Option<&'a TicketTrace> {
    trace.tickets.iter().find(|ticket| ticket.key == key)
}

/// What Jira made of a decision is no part of it: a move that failed is the same decision as one that succeeds.
fn one(recorded: Option<&TicketTrace>, planned: &TicketTrace) -> Difference {
    let Some(recorded) = recorded else { return Difference::Differs };
    let same = match &recorded.to {
        Some(target) => planned.to.as_ref() == Some(target),
        None if matches!(recorded.outcome, Outcome::Waiting | Outcome::Failed | Outcome::Dead) => {
            return Difference::Undecided;
        }
        None => (recorded.outcome, recorded.reason) == (planned.outcome, planned.reason),
    };
    if same { Difference::Same } else { Difference::Differs }
}

/// The events that differ, for scripts.
pub(super) fn json(plans: &[Plan]) -> Value {
    let all: Vec<_> = plans.iter().flat_map(Plan::differences).collect();
    let count = |wanted| all.iter().filter(|one| **one == wanted).count();
    let differing = plans.iter().filter(|plan| plan.differences().contains(&Difference::Differs));
    json!({
        "schema": "conduit.plan_comparison/1",
        "same": count(Difference::Same),
        "undecided": count(Difference::Undecided),
        "differs": count(Difference::Differs),
        "events": differing.map(|plan| json!({ "recorded": plan.recorded, "planned": plan.trace })).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Reason;

    fn ticket(reason: Reason, to: Option<&str>) -> TicketTrace {
        let fresh = TicketTrace::queued("SHOP-1", vec![], jiff::Timestamp::UNIX_EPOCH);
        TicketTrace { outcome: reason.outcome(), reason, to: to.map(Into::into), ..fresh }
    }

    #[test]
    fn a_decision_is_compared_and_not_what_jira_made_of_it() {
        let moved = ticket(Reason::Moved, Some("Done"));
        let compare = |recorded| one(Some(&recorded), &moved);
        assert_eq!(compare(ticket(Reason::Moved, Some("Done"))), Difference::Same);
        assert_eq!(compare(ticket(Reason::FieldsRequired, Some("Done"))), Difference::Same);
        assert_eq!(compare(ticket(Reason::Moved, Some("In QA"))), Difference::Differs);
        assert_eq!(compare(ticket(Reason::NoEdge, None)), Difference::Differs);
        assert_eq!(compare(ticket(Reason::IssueNotFound, None)), Difference::Undecided);
        assert_eq!(one(None, &moved), Difference::Differs);
    }
}
