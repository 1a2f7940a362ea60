//! PURE: what of a list of events would go through again, and what that means for each ticket.

use std::fmt;

use serde::Serialize;

use super::EventRow;
use crate::store::{EventState, ReplayScope, TicketState};
use crate::trace::{Repeat, TicketTrace, Verdict};

/// What shall go through again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) scope: ReplayScope,
    /// Only these tickets; empty: all.
    pub(super) among: Vec<String>,
    /// Only tickets for which a second run changes nothing.
    pub(super) safe_only: bool,
    /// Also tickets that would go a second step.
    pub(super) second_step: bool,
}

/// What of one event goes through again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) event_id: String,
    /// The tickets to name in the request; empty: all that the scope takes.
    pub(super) tickets: Vec<String>,
}

/// What goes, what each ticket of it means, and what is left out.
#[derive(Debug, Default)]
pub(super) struct Selection {
    /// The oldest first.
    pub(super) events: Vec<Chosen>,
    pub(super) tickets: Tickets,
    pub(super) left_out: LeftOut,
}

/// How many tickets go, by what another run means for them.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Tickets {
    safe: usize,
    relative: usize,
    unknown: usize,
    /// Events whose tickets are not looked up yet.
    #[serde(rename = "events_as_a_whole")]
    whole: usize,
}

/// How many do not go, and why.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct LeftOut {
    #[serde(rename = "events_not_finished")]
    not_finished: usize,
    #[serde(rename = "events_with_nothing_to_repeat")]
    nothing: usize,
    #[serde(rename = "tickets_not_safe")]
    not_safe: usize,
    #[serde(rename = "tickets_a_second_step")]
    second_step: usize,
}

impl Selection {
    /// The tickets of an event that the scope takes (empty: all that it will be found to name); `None` when it
    /// takes none. Only such an event's trace need be read.
    pub(super) fn candidates(&mut self, event: &EventRow, wanted: &Wanted) -> Option<Vec<String>> {
        if event.state != EventState::Finished {
            self.left_out.not_finished += 1;
            return None;
        }
        let tickets: Vec<TicketState> = event.tickets.iter().map(TicketState::from).collect();
        let verdict = Verdict { outcome: event.outcome, reason: event.reason };
        let selected = wanted.scope.select(verdict, &tickets, &wanted.among);
        if selected.is_err() {
            self.left_out.nothing += 1;
        }
        selected.ok()
    }

    /// Takes an event with those of its candidates that may go.
    pub(super) fn take(
        &mut self,
        event_id: &str,
        candidates: Vec<String>,
        traces: &[TicketTrace],
        wanted: &Wanted,
    ) {
        if candidates.is_empty() {
            return self.take_whole(event_id, wanted);
        }
        let all = candidates.len();
        let trace = |key: &String| traces.iter().find(|trace| trace.key == *key);
        let tickets: Vec<String> =
            candidates.into_iter().filter(|key| self.may_go(trace(key), wanted)).collect();
        if tickets.is_empty() {
            return;
        }
        // Named only where that says something: an event may have a thousand tickets.
        let named = tickets.len() < all || !wanted.among.is_empty();
        let tickets = if named { tickets } else { Vec::new() };
        self.events.push(Chosen { event_id: event_id.to_owned(), tickets });
    }

    fn take_whole(&mut self, event_id: &str, wanted: &Wanted) {
        if wanted.safe_only {
            self.left_out.not_safe += 1;
            return;
        }
        self.tickets.whole += 1;
        self.events.push(Chosen { event_id: event_id.to_owned(), tickets: Vec::new() });
    }

    /// Counts a ticket and tells whether it goes.
    fn may_go(&mut self, trace: Option<&TicketTrace>, wanted: &Wanted) -> bool {
        let repeat = trace.map_or(Repeat::Unknown, TicketTrace::repeat);
        if wanted.safe_only && repeat != Repeat::Safe {
            self.left_out.not_safe += 1;
            return false;
        }
        if trace.is_some_and(TicketTrace::goes_a_second_step) && !wanted.second_step {
            self.left_out.second_step += 1;
            return false;
        }
        *match repeat {
            Repeat::Safe => &mut self.tickets.safe,
            Repeat::Relative => &mut self.tickets.relative,
            Repeat::Unknown => &mut self.tickets.unknown,
        } += 1;
        true
    }
}

impl From<&super::TicketRow> for TicketState {
    fn from(row: &super::TicketRow) -> Self {
        let verdict = Verdict { outcome: row.outcome, reason: row.reason };
        Self { key: row.key.clone(), site: row.site.clone(), generation: 0, verdict }
    }
}

/// `1 ticket`, `3 tickets`.
pub(super) fn many(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// What there is to know before the question is answered.
impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tickets { safe, relative, unknown, whole } = self.tickets;
        writeln!(f, "{} would go through again, the oldest first:", many(self.events.len(), "event"))?;
        let kinds = [
            (safe, "ticket", "safe: the rule says where to (move_to); twice is the same as once"),
            (
                relative,
                "ticket",
                "relative: the rule says one step on (fire); after a move by hand it is one too many",
            ),
            (unknown, "ticket", "unknown: no rule has decided on it yet"),
            (whole, "event", "unknown: held back as a whole, its tickets are looked up when it goes"),
        ];
        for (count, what, means) in kinds.into_iter().filter(|(count, ..)| *count > 0) {
            writeln!(f, "  {:<12} {means}", many(count, what))?;
        }
        if safe > 0 && relative > 0 {
            writeln!(f, "  --only safe leaves out all but the safe ones.")?;
        }
        write!(f, "{}", self.left_out)
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = [
            (self.not_finished, "event", "not finished yet"),
            (self.nothing, "event", "nothing in it failed (--force takes what moved, too)"),
            (self.not_safe, "ticket", "not known to be safe"),
            (self.second_step, "ticket", "moved by a relative rule already (--second-step takes them, too)"),
        ];
        for (count, what, why) in lines.into_iter().filter(|(count, ..)| *count > 0) {
            writeln!(f, "Left out: {}, {why}.", many(count, what))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::trace::{Outcome, Reason, RuleGoal, RuleRef};

    const FAILED: Wanted =
        Wanted { scope: ReplayScope::Unfinished, among: Vec::new(), safe_only: false, second_step: false };

    fn event(id: &str, state: &str, reason: Reason, tickets: &[(&str, Reason)]) -> EventRow {
        let ticket = |(key, reason): &(&str, Reason)| json!({ "key": key, "site": "jira", "outcome": reason.outcome(), "reason": reason });
        serde_json::from_value(json!({
            "event_id": id, "received_at": "2026-11-22T08:00:00Z", "hook": "github/shop", "kind": "push", "repo": "acme/shop",
            "number": null, "state": state, "outcome": reason.outcome(), "reason": reason,
            "tickets": tickets.iter().map(ticket).collect::<Vec<_>>(),
        }))
        .unwrap()
    }

    fn trace(key: &str, goal: Option<RuleGoal>, outcome: Outcome) -> TicketTrace {
        let rule = goal.map(|goal| RuleRef {
            name: None,
            trigger: "push".into(),
            file: "shop.hcl".into(),
            line: 1,
            goal: Some(goal),
        });
        TicketTrace { outcome, rule, ..TicketTrace::queued(key, vec![], Timestamp::UNIX_EPOCH) }
    }

    /// What is selected of one event whose tickets have these rules and ends.
    fn selected(tickets: &[(&str, Option<RuleGoal>, Reason)], wanted: &Wanted) -> Selection {
        let rows: Vec<_> = tickets.iter().map(|(key, _, reason)| (*key, *reason)).collect();
        let gravest = Verdict::gravest(tickets.iter().map(|(_, _, reason)| (*reason).into())).unwrap();
        let event = event("e-1", "finished", gravest.reason, &rows);
        let traces: Vec<_> =
            tickets.iter().map(|(key, goal, reason)| trace(key, *goal, reason.outcome())).collect();
        let mut selection = Selection::default();
        if let Some(candidates) = selection.candidates(&event, wanted) {
            selection.take(&event.event_id, candidates, &traces, wanted);
        }
        selection
    }

    const THREE: &[(&str, Option<RuleGoal>, Reason)] = &[
        ("SHOP-1", Some(RuleGoal::MoveTo), Reason::NoPermission),
        ("SHOP-2", Some(RuleGoal::Fire), Reason::NoJiraTransition),
        ("SHOP-3", None, Reason::IssueNotFound),
    ];

    #[test]
    fn tickets_are_told_apart_by_what_another_run_means() {
        let selection = selected(THREE, &FAILED);
        assert_eq!(selection.tickets, Tickets { safe: 1, relative: 1, unknown: 1, whole: 0 });
        assert_eq!(selection.events, [Chosen { event_id: "e-1".into(), tickets: vec![] }]);
        insta::assert_snapshot!(selection, @r"
        1 event would go through again, the oldest first:
          1 ticket     safe: the rule says where to (move_to); twice is the same as once
          1 ticket     relative: the rule says one step on (fire); after a move by hand it is one too many
          1 ticket     unknown: no rule has decided on it yet
          --only safe leaves out all but the safe ones.
        ");
    }

    #[test]
    fn only_safe_names_the_safe_ones_and_leaves_out_the_rest() {
        let selection = selected(THREE, &Wanted { safe_only: true, ..FAILED });
        assert_eq!(selection.events, [Chosen { event_id: "e-1".into(), tickets: vec!["SHOP-1".into()] }]);
        assert_eq!(selection.left_out, LeftOut { not_safe: 2, ..LeftOut::default() });
        assert!(selected(&THREE[1..], &Wanted { safe_only: true, ..FAILED }).events.is_empty());
    }

    #[test]
    fn one_ticket_that_is_asked_for_is_named() {
        let selection = selected(THREE, &Wanted { among: vec!["SHOP-2".into()], ..FAILED });
        assert_eq!(selection.events[0].tickets, ["SHOP-2"]);
        assert_eq!(selection.tickets, Tickets { relative: 1, ..Tickets::default() });
    }

    #[test]
    fn what_moved_by_a_step_needs_a_word_of_its_own() {
        let tickets = &[
            ("SHOP-1", Some(RuleGoal::MoveTo), Reason::Moved),
            ("SHOP-2", Some(RuleGoal::Fire), Reason::Moved),
        ];
        assert!(selected(tickets, &FAILED).events.is_empty());
        let all = Wanted { scope: ReplayScope::All, ..FAILED };
        let selection = selected(tickets, &all);
        assert_eq!(selection.events[0].tickets, ["SHOP-1"]);
        assert_eq!(selection.left_out, LeftOut { second_step: 1, ..LeftOut::default() });
        let both = selected(tickets, &Wanted { second_step: true, ..all });
        assert_eq!(both.tickets, Tickets { safe: 1, relative: 1, ..Tickets::default() });
    }

    #[test]
    fn what_waits_and_what_went_well_stays_where_it_is_and_what_was_held_back_goes_whole() {
        let mut selection = Selection::default();
        let waits = event("e-1", "working", Reason::Queued, &[("SHOP-1", Reason::Queued)]);
        assert_eq!(selection.candidates(&waits, &FAILED), None);
        let moved = event("e-2", "finished", Reason::Moved, &[("SHOP-1", Reason::Moved)]);
        assert_eq!(selection.candidates(&moved, &FAILED), None);
        let stale = event("e-3", "finished", Reason::Stale, &[]);
        let candidates = selection.candidates(&stale, &FAILED).unwrap();
        selection.take("e-3", candidates, &[], &FAILED);
        assert_eq!(selection.tickets, Tickets { whole: 1, ..Tickets::default() });
        insta::assert_snapshot!(selection, @r"
        1 event would go through again, the oldest first:
          1 event      unknown: held back as a whole, its tickets are looked up when it goes
        Left out: 1 event, not finished yet.
        Left out: 1 event, nothing in it failed (--force takes what moved, too).
        ");
    }
}
