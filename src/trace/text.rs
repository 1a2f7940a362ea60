//! The trace as a person reads it: the verdict in one sentence, then the twelve rows, then the way to
//! mend it.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::advice::advice;
use super::{
    Attempt, EffectTrace, EventSummary, Outcome, Reason, RuleTried, Step, TicketTrace, Trace, TransitionUsed,
};
use crate::event::ticket::Source;
use crate::printable::printable;

/// The whole trace: a block of rows for the delivery, then one for each ticket.
///
/// `now` is for "4 min ago" only.
pub fn render(trace: &Trace, now: Timestamp) -> String {
    let mut text = String::new();
    match trace.tickets.as_slice() {
        [] => line(&mut text, &format!("{} Nothing moved: {}.", mark(trace.outcome), event_sentence(trace))),
        tickets => tickets.iter().for_each(|ticket| line(&mut text, &verdict(ticket))),
    }
    line(&mut text, &heading(trace, now));
    delivery_rows(&mut text, trace);
    for ticket in &trace.tickets {
        if trace.tickets.len() > 1 {
            line(&mut text, &format!("── {}", ticket.key));
        }
        ticket_rows(&mut text, trace, ticket);
    }
    if trace.tickets.is_empty() {
        row(&mut text, 4, "keys", &ignored(trace).unwrap_or_else(|| "none".into()));
        row(&mut text, 12, "outcome", &outcome(trace.outcome, trace.reason));
        fix(&mut text, advice(trace.reason, None));
    }
    text
}

/// The verdict on one ticket, in one sentence.
pub fn verdict(ticket: &TicketTrace) -> String {
    let because = ticket.detail.as_deref().map_or_else(|| ticket.reason.meaning().into(), printable);
    let because = because.trim_end_matches('.');
    let key = &ticket.key;
    let icon = mark(ticket.outcome);
    match (ticket.outcome, &ticket.from, &ticket.to) {
        (Outcome::Moved, Some(from), Some(to)) => {
            let note =
                ticket.detail.as_deref().map(|note| format!(" ({})", printable(note).trim_end_matches('.')));
            format!(
                "{icon} {key} moved: {} → {}{}.",
                printable(from),
                printable(to),
                note.unwrap_or_default()
            )
        }
        (Outcome::Waiting, ..) => format!("{icon} {key} has not moved yet: {because}."),
        (Outcome::Failed, ..) => format!("{icon} {key} could not be moved: {because}."),
        (Outcome::Dead, ..) => format!("{icon} {key} was given up: {because}."),
        _ => format!("{icon} {key} did not move: {because}."),
    }
}

/// An icon for each outcome; the word always stands beside it.
pub const fn mark(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Moved => "✓",
        Outcome::NothingToDo => "–",
        Outcome::Skipped => "»",
        Outcome::Waiting => "…",
        Outcome::Failed | Outcome::Dead => "✗",
    }
}

fn event_sentence(trace: &Trace) -> String {
    let own = trace.detail.as_deref().map(printable);
    own.unwrap_or_else(|| trace.reason.meaning().into()).trim_end_matches('.').to_owned()
}

fn heading(trace: &Trace, now: Timestamp) -> String {
    let mut parts = vec![format!("event {}", trace.event_id), trace.provider.clone()];
    if let Some(event) = &trace.event {
        let number = event.number.map(|n| format!(" #{n}")).unwrap_or_default();
        parts.extend(event.repo.as_deref().map(|repo| format!("{}{number}", printable(repo))));
        parts.extend(event.title.as_deref().map(|title| format!("“{}”", printable(title))));
    }
    parts.extend(trace.received.as_ref().map(|received| ago(received.at, now)));
    parts.join(" · ")
}

fn delivery_rows(text: &mut String, trace: &Trace) {
    if let Some(received) = &trace.received {
        let size = size(received.bytes);
        let delivery = printable(&trace.delivery_id);
        row(
            text,
            1,
            "received",
            &format!("{} · {} ms · delivery {delivery} · {size}", received.at, received.ms),
        );
        let by =
            format!("{} ok · secret v{} of {}", received.verified_by, received.secret_version, received.hook);
        row(text, 2, "verified", &by);
    }
    match &trace.event {
        Some(event) => row(text, 3, "event", &event_row(event)),
        None => row(text, 3, "event", "could not be understood; the body is kept"),
    }
}

fn event_row(event: &EventSummary) -> String {
    let mut parts = vec![printable(&event.kind).into_owned()];
    let also: Vec<_> = event.triggers.iter().map(|t| t.as_str()).filter(|t| *t != event.kind).collect();
    if !also.is_empty() {
        parts.push(format!("also {}", also.join(", ")));
    }
    match (&event.base, &event.head) {
        (Some(base), Some(head)) => parts.push(format!("{} ← {}", printable(base), printable(head))),
        (Some(name), None) | (None, Some(name)) => parts.push(printable(name).into_owned()),
        (None, None) => {}
    }
    parts.extend(
        event
            .moved
            .as_ref()
            .map(|moved| format!("\"{}\" → \"{}\"", printable(&moved.from.name), printable(&moved.to.name))),
    );
    parts.extend(event.draft.then(|| "draft".to_owned()));
    parts.extend(event.tag.as_deref().map(|tag| format!("tag {}", printable(tag))));
    parts.extend(event.environment.as_deref().map(|name| format!("to {}", printable(name))));
    parts.extend(event.author.as_deref().map(|author| format!("by {}", printable(author))));
    parts.join(" · ")
}

fn ticket_rows(text: &mut String, trace: &Trace, ticket: &TicketTrace) {
    let mut keys = named(ticket.was.as_deref().unwrap_or(&ticket.key), &ticket.found_in);
    if ticket.was.is_some() {
        let _ = write!(keys, ", which is {} now", ticket.key);
    }
    if let Some(ignored) = ignored(trace) {
        let _ = write!(keys, " · {ignored}");
    }
    row(text, 4, "keys", &keys);
    let rules = ticket.rules.as_deref().map_or_else(String::new, |hash| format!(" · rules {hash}"));
    row(text, 5, "machine", &format!("{}{rules}", ticket.machine.as_deref().unwrap_or("none")));
    row(text, 6, "status", &status(ticket));
    rows(text, 7, "rules", ticket.rules_tried.iter().map(rule_row));
    rows(text, 8, "step", ticket.steps.iter().map(step_row));
    rows(text, 9, "transition", ticket.transitions.iter().map(transition_row));
    let attempts = ticket.attempts.iter().enumerate();
    rows(text, 10, "jira", attempts.map(|(index, attempt)| attempt_row(index + 1, attempt)));
    rows(text, 11, "effects", ticket.effects.iter().map(effect_row));
    row(text, 12, "outcome", &format!("{}{}", outcome_of(ticket), time_spent(ticket)));
    fix(text, advice(ticket.reason, Some(ticket)));
}

fn status(ticket: &TicketTrace) -> String {
    let Some(seen) = &ticket.status else {
        let why = match (ticket.outcome, ticket.reason) {
            // Jira told us of our own doing, or that the ticket bears another key.
            (_, Reason::Duplicate) => "not looked at",
            (Outcome::Waiting, Reason::Queued | Reason::Working | Reason::Paused) => "not asked yet",
            (Outcome::Waiting | Outcome::Failed | Outcome::Dead, _) => "not known: Jira has not shown it",
            _ => "not asked: no rule could match",
        };
        return why.to_owned();
    };
    let alias = seen.alias.as_deref().map_or("no alias".into(), |alias| format!("= {alias}"));
    format!("\"{}\" {alias} · {}", printable(&seen.name), seen.source)
}

fn rule_row(rule: &RuleTried) -> String {
    let name = rule.name.as_deref().map(|name| format!(" \"{name}\"")).unwrap_or_default();
    let place = if rule.line == 0 { rule.file.clone() } else { format!(":{}", rule.line) };
    let sign = if rule.matched { "✓" } else { "✗" };
    format!("{sign} {}{name} {place}  {}", rule.trigger, printable(&rule.because))
}

fn step_row(step: &Step) -> String {
    format!("{} ─{}→ {} ({}:{})", step.from, step.event, step.to, step.file, step.line)
}

fn transition_row(used: &TransitionUsed) -> String {
    format!("{} “{}” · {}", used.id, printable(&used.name), used.source)
}

fn effect_row(effect: &EffectTrace) -> String {
    format!("{} {} · {}", effect.effect, effect.result, printable(&effect.detail))
}

fn attempt_row(number: usize, attempt: &Attempt) -> String {
    let status = attempt.status.map_or("no answer".into(), |status| status.to_string());
    let note = attempt.note.as_deref().map(|note| format!(" · {}", printable(note))).unwrap_or_default();
    format!("#{number} {} {status} · {} ms{note}", attempt.call, attempt.ms)
}

fn ignored(trace: &Trace) -> Option<String> {
    let keys = trace.ignored_keys.iter();
    let list: Vec<_> =
        keys.map(|key| format!("{} ({})", named(&printable(&key.key), &key.found_in), key.because)).collect();
    (!list.is_empty()).then(|| format!("not acted on: {}", list.join(", ")))
}

/// Where an event names a ticket; nowhere when it is about the ticket itself.
fn named(key: &str, found_in: &[Source]) -> String {
    let places = found_in.iter().map(|source| source.as_str()).collect::<Vec<_>>().join(", ");
    if places.is_empty() { format!("{key} itself") } else { format!("{key} in {places}") }
}

fn outcome(outcome: Outcome, reason: Reason) -> String {
    format!("{} · {reason}", outcome.as_str().replace('_', " "))
}

fn outcome_of(ticket: &TicketTrace) -> String {
    match (ticket.outcome, &ticket.from, &ticket.to) {
        (Outcome::Moved, Some(from), Some(to)) => format!("moved {} → {}", printable(from), printable(to)),
        _ => outcome(ticket.outcome, ticket.reason),
    }
}

/// Time spent waiting is told apart from time spent working.
fn time_spent(ticket: &TicketTrace) -> String {
    let (Some(queued), Some(finished)) = (ticket.queued_at, ticket.finished_at) else { return String::new() };
    let total = finished.as_millisecond() - queued.as_millisecond();
    let in_queue = ticket.started_at.map_or(0, |start| start.as_millisecond() - queued.as_millisecond());
    let jira: u64 = ticket.attempts.iter().map(|attempt| attempt.ms).sum();
    format!(" · {total} ms (queue {in_queue}, jira {jira}, waiting {})", ticket.waited_ms)
}

fn fix(text: &mut String, advice: Option<String>) {
    if let Some(advice) = advice {
        line(text, &format!(" fix: {advice}"));
    }
}

fn row(text: &mut String, number: u8, name: &str, content: &str) {
    line(text, &format!("{number:>2} {name:<11} {content}"));
}

/// Several lines under one name: the name stands at the first.
fn rows(text: &mut String, number: u8, name: &str, contents: impl IntoIterator<Item = String>) {
    for (index, content) in contents.into_iter().enumerate() {
        if index == 0 {
            row(text, number, name, &content);
        } else {
            line(text, &format!("{:>14} {content}", ""));
        }
    }
}

fn line(text: &mut String, content: &str) {
    text.push_str(content);
    text.push('\n');
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KB", bytes / 1024),
        _ => format!("{} MB", bytes / 1_048_576),
    }
}

fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = (now.as_second() - then.as_second()).max(0);
    match seconds {
        0..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..172_800 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests;
