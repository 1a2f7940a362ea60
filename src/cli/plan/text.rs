//! The plan as people read it.
//!
//! ```text
//!   ~ SHOP-42  In Progress → Done   on pull_request.merged kanban.hcl:16
//!       + comment ada merged #118 into main
//! Plan: 1 to move, 0 unchanged, 0 blocked. Jira was not contacted.
//! ```

use std::fmt::Write as _;

use super::Plan;
use super::compare::{self, Difference};
use crate::event::ticket::IgnoredKey;
use crate::printable::printable;
use crate::trace::text::verdict;
use crate::trace::{EffectTrace, Outcome, Reason, RuleRef, Trace};
use crate::worker::plan::Planned;

/// The most of a comment that is shown.
const MOST_OF_A_TEXT: usize = 120;

/// What would become of a ticket, in one character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Moves,
    Stays,
    /// It is blocked, or what would become of it cannot be told.
    Blocked,
}

/// How many of each.
#[derive(Default)]
struct Count {
    moves: usize,
    stays: usize,
    blocked: usize,
    same: usize,
    undecided: usize,
}

/// The plans; with `compare` only what would differ from what did happen.
pub(super) fn render(plans: &[Plan], compare: bool, live: bool) -> String {
    let mut text = String::new();
    let mut count = Count::default();
    for plan in plans {
        let differences = if compare { plan.differences() } else { Vec::new() };
        for one in &differences {
            count.difference(*one);
        }
        if compare && !differences.contains(&Difference::Differs) {
            continue;
        }
        if plans.len() > 1 || compare {
            line(&mut text, &plan.name);
        }
        event(&mut text, plan, &differences, &mut count);
    }
    line(&mut text, &count.sentence(compare, live));
    text
}

fn event(text: &mut String, plan: &Plan, differences: &[Difference], count: &mut Count) {
    let was = |key: &str| plan.recorded.as_ref().and_then(|trace| compare::find(trace, key));
    let width = plan.tickets.iter().map(|ticket| ticket.trace.key.len()).max().unwrap_or_default();
    for (index, ticket) in plan.tickets.iter().enumerate() {
        if differences.get(index).is_some_and(|one| *one != Difference::Differs) {
            continue;
        }
        count.sign(sign(ticket));
        line(text, &ticket_line(ticket, width));
        for effect in &ticket.trace.effects {
            line(text, &effect_line(effect));
        }
        if !differences.is_empty() {
            let then = was(&ticket.trace.key).map_or("the ticket was not looked at".into(), verdict);
            line(text, &format!("      then: {then}"));
        }
    }
    if let (Some(recorded), false) = (&plan.recorded, differences.is_empty()) {
        for ticket in compare::dropped(recorded, &plan.trace) {
            count.sign(Sign::Stays);
            line(text, &format!("  = {}  would not be looked at", ticket.key));
            line(text, &format!("      then: {}", verdict(ticket)));
        }
    }
    if plan.tickets.is_empty() && compare_needs_no_ticket(plan, differences) {
        no_ticket(text, &plan.trace, count);
    }
    for key in &plan.trace.ignored_keys {
        line(text, &ignored_line(key));
    }
}

/// An event that names no ticket has a line of its own, unless its recorded tickets have told all.
fn compare_needs_no_ticket(plan: &Plan, differences: &[Difference]) -> bool {
    differences.is_empty() || plan.recorded.as_ref().is_none_or(|recorded| recorded.tickets.is_empty())
}

fn no_ticket(text: &mut String, trace: &Trace, count: &mut Count) {
    let blocked = trace.reason == Reason::TooManyTickets;
    count.sign(if blocked { Sign::Blocked } else { Sign::Stays });
    let sign = if blocked { '!' } else { '=' };
    let because = because(trace.detail.as_deref(), trace.reason);
    line(text, &format!("  {sign} no ticket: {because}   {}", trace.reason));
}

fn ticket_line(ticket: &Planned, width: usize) -> String {
    let trace = &ticket.trace;
    let key = &trace.key;
    let way = way(ticket);
    let gap = if way.is_empty() { "" } else { "   " };
    let because = || because(trace.detail.as_deref(), trace.reason);
    match sign(ticket) {
        Sign::Moves => format!("  ~ {key:width$}  {way}{gap}{}", rule(trace.rule.as_ref())),
        Sign::Stays => format!("  = {key:width$}  {way}{gap}{}   {}", because(), trace.reason),
        Sign::Blocked if ticket.uncertain => format!("  ! {key:width$}  {way}{gap}uncertain: {}", because()),
        Sign::Blocked => format!("  ! {key:width$}  {way}{gap}{}   {}", because(), trace.reason),
    }
}

fn sign(ticket: &Planned) -> Sign {
    match ticket.trace.outcome {
        _ if ticket.uncertain => Sign::Blocked,
        Outcome::Moved => Sign::Moves,
        Outcome::Waiting | Outcome::Failed | Outcome::Dead => Sign::Blocked,
        Outcome::NothingToDo | Outcome::Skipped => Sign::Stays,
    }
}

/// Every status on the way: `To Do (assumed) → In Progress → Done`.
fn way(ticket: &Planned) -> String {
    let Some(from) = &ticket.trace.status else { return String::new() };
    let assumed = if from.source == "assumed" { " (assumed)" } else { "" };
    let hops = ticket.path().iter().map(|hop| format!(" → {}", printable(&hop.to_status)));
    format!("{}{assumed}{}", printable(&from.name), hops.collect::<String>())
}

fn rule(rule: Option<&RuleRef>) -> String {
    let Some(RuleRef { name, trigger, file, line, .. }) = rule else { return String::new() };
    let name = name.as_deref().map(|name| format!(" \"{}\"", printable(name))).unwrap_or_default();
    let place = if *line == 0 { printable(file).into_owned() } else { format!("{}:{line}", printable(file)) };
    format!("on {trigger}{name} {place}")
}

fn because(detail: Option<&str>, reason: Reason) -> String {
    let sentence = detail.map_or_else(|| reason.meaning().into(), printable);
    sentence.trim_end_matches('.').to_owned()
}

fn effect_line(effect: &EffectTrace) -> String {
    let name = effect.effect.replace('_', " ");
    let detail = shortened(&effect.detail);
    if effect.result == "planned" {
        format!("      + {name} {detail}")
    } else {
        format!("      - {name} {}: {detail}", effect.result.replace('_', " "))
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MOST_OF_A_TEXT) {
        Some((end, _)) => format!("{}…", printable(text.get(..end).unwrap_or_default())),
        None => printable(text).into_owned(),
    }
}

fn ignored_line(key: &IgnoredKey) -> String {
    let places: Vec<_> = key.found_in.iter().map(|source| source.as_str()).collect();
    let places = if places.is_empty() { String::new() } else { format!(" in {}", places.join(", ")) };
    format!("      {}{places} does not count: {}", printable(&key.key), key.because)
}

impl Count {
    fn sign(&mut self, sign: Sign) {
        match sign {
            Sign::Moves => self.moves += 1,
            Sign::Stays => self.stays += 1,
            Sign::Blocked => self.blocked += 1,
        }
    }

    fn difference(&mut self, difference: Difference) {
        match difference {
            Difference::Same => self.same += 1,
            Difference::Undecided => self.undecided += 1,
            Difference::Differs => {}
        }
    }

    fn sentence(&self, compare: bool, live: bool) -> String {
        let mut text =
            format!("Plan: {} to move, {} unchanged, {} blocked", self.moves, self.stays, self.blocked);
        if compare {
            let _ = write!(text, "; {} as it happened", self.same);
        }
        if self.undecided > 0 {
            let _ = write!(text, ", {} undecided then", self.undecided);
        }
        let jira = if live { "Jira was read, and nothing was written." } else { "Jira was not contacted." };
        format!("{text}. {jira}")
    }
}

fn line(text: &mut String, content: &str) {
    text.push_str(content);
    text.push('\n');
}
