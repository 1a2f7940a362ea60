//! Writing a job's trace: what was seen, decided and done, in the contract's shape.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::intent::{Intent, Progress};
use super::processor::{Answer, Class, Found, Setback, Status};
use crate::machine::{Action, Decision, Effects, Hop, Machine, RuleSet};
use crate::store::Claim;
use crate::trace::{EffectTrace, Reason, StatusSeen, TicketTrace, TransitionUsed, Verdict};

/// A trace keeps so many calls: the first and the last of them. Three days of retries make about 900.
const MOST_CALLS: usize = 1000;

/// The trace of a job that is taken up, with what earlier workers wrote.
pub(super) fn begin(claim: &Claim, now: Timestamp) -> TicketTrace {
    let fresh = || TicketTrace::queued(&claim.lease.job.key, claim.found_in.clone(), claim.queued_at);
    let mut trace = claim.state.as_ref().map_or_else(fresh, |state| state.trace.clone());
    trace.started_at.get_or_insert(now);
    // It spoke of the try before; that one's calls stay.
    trace.detail = None;
    trace
}

/// The trace of a job that is over.
pub(super) fn end(trace: TicketTrace, verdict: Verdict, now: Timestamp) -> TicketTrace {
    let Verdict { outcome, reason } = verdict;
    bounded(TicketTrace { outcome, reason, finished_at: Some(now), ..trace })
}

/// Drops calls from the middle when there are too many.
pub(super) fn bounded(mut trace: TicketTrace) -> TicketTrace {
    let over = trace.attempts.len().saturating_sub(MOST_CALLS);
    if over > 0 {
        trace.attempts.drain(MOST_CALLS / 2..MOST_CALLS / 2 + over);
    }
    trace
}

/// The worker's notes as a store keeps them.
pub(super) fn notes(progress: &Progress) -> Value {
    // Plain data with text keys: there is nothing in it that JSON could not hold.
    serde_json::to_value(progress).unwrap_or_default()
}

/// Adds a sentence for a person. The last failure's sentence replaces the one before it.
pub(super) fn detail(trace: &mut TicketTrace, sentence: impl Into<String>) {
    trace.detail = Some(sentence.into());
}

/// Which machine of which rule set decides.
pub(super) fn machine(trace: &mut TicketTrace, machine: &Machine, rules: &RuleSet) {
    trace.machine = Some(machine.name.clone());
    trace.rules = Some(rules.hash().to_owned());
}

/// What was decided.
pub(super) fn decision(trace: &mut TicketTrace, decision: &Decision) {
    trace.rule.clone_from(&decision.rule);
    trace.rules_tried.clone_from(&decision.rules_tried);
    if let Some(sentence) = &decision.detail {
        detail(trace, sentence);
    }
}

/// What was decided of a ticket that stands at `status`, and how that is known.
pub(super) fn decision_at(trace: &mut TicketTrace, decided: &Decision, status: &str, source: &str) {
    decision(trace, decided);
    trace.from = Some(status.to_owned());
    let alias = decided.alias.clone();
    trace.status = Some(StatusSeen { name: status.to_owned(), alias, source: source.to_owned() });
    if let Action::Move(path) = &decided.action {
        trace.steps = path.iter().map(|hop| hop.step.clone()).collect();
        trace.to = path.last().map(|hop| hop.to_status.clone());
    }
}

/// A transition that is about to be taken.
pub(super) fn transition(trace: &mut TicketTrace, found: &Found) {
    let source = if found.cached { "cache" } else { "live" };
    let used = TransitionUsed { id: found.id.clone(), name: found.name.clone(), source: source.to_owned() };
    if trace.transitions.last() != Some(&used) {
        trace.transitions.push(used);
    }
}

/// The ticket is where a move was to bring it whose answer never came.
pub(super) fn found(trace: &mut TicketTrace, intent: &Intent, status: &Status) {
    let called = intent.called(status).filter(|name| !status.is_named(name));
    let before = called.map(|name| format!(", which was called {name}")).unwrap_or_default();
    detail(trace, format!("the answer was lost; found at {}{before}", status.name));
}

/// Somebody moved the ticket while a move was under way.
pub(super) fn moved_by_other(trace: &mut TicketTrace, intent: &Intent, status: &str) {
    detail(trace, format!("somebody moved it meanwhile, it stands at {status}; {}", progress(intent)));
}

/// A path could not be walked to its end.
pub(super) fn partial(trace: &mut TicketTrace, intent: &Intent, reason: Reason) {
    let why = trace.detail.take().unwrap_or_else(|| reason.meaning().to_owned());
    detail(trace, format!("{} ({reason}): {why}", progress(intent)));
}

fn progress(intent: &Intent) -> String {
    format!("{} of {} steps to {} were taken", intent.taken, intent.path.len(), intent.target())
}

/// The fields that went with a hop, and those that its screen does not have.
pub(super) fn fields(trace: &mut TicketTrace, sent: &BTreeMap<String, Value>, off_screen: &[String]) {
    if !off_screen.is_empty() {
        let why = format!("not on the transition's screen: {}", off_screen.join(", "));
        note(trace, "fields", "left_out", why);
    } else if !sent.is_empty() {
        note(trace, "fields", "done", sent.keys().cloned().collect::<Vec<_>>().join(", "));
    }
}

/// The comment is written.
pub(super) fn commented(trace: &mut TicketTrace, text: &str) {
    note(trace, "comment", "done", text.to_owned());
}

/// The comment and the fields go with a move, and there is none.
pub(super) fn not_carried_along(trace: &mut TicketTrace, effects: &Effects) {
    with_the_move(trace, effects, "left_out", |_| "it goes with the last step only".to_owned());
}

fn with_the_move(trace: &mut TicketTrace, effects: &Effects, result: &str, say: impl Fn(String) -> String) {
    if let Some(comment) = &effects.comment {
        note(trace, "comment", result, say(comment.clone()));
    }
    if !effects.fields.is_empty() {
        let names: Vec<_> = effects.fields.keys().cloned().collect();
        note(trace, "fields", result, say(names.join(", ")));
    }
}

/// What would be written: by a machine that only observes, or in a plan.
pub(super) fn planned(trace: &mut TicketTrace, effects: &Effects) {
    with_the_move(trace, effects, "planned", |text| text);
    lasting_planned(trace, effects);
}

/// What would be written whether or not the ticket moves.
pub(super) fn lasting_planned(trace: &mut TicketTrace, effects: &Effects) {
    if let Some(link) = &effects.link {
        note(trace, "link", "planned", link.url.clone());
    }
    if let Some(version) = &effects.fix_version {
        note(trace, "fix_version", "planned", version.name.clone());
    }
    left_out(trace, effects);
}

/// The fields that would go with the hops of a path.
pub(super) fn fields_planned(trace: &mut TicketTrace, path: &[Hop], effects: &Effects) {
    let edges = path.iter().flat_map(|hop| hop.fields.keys());
    let names: BTreeSet<&str> = edges.chain(effects.fields.keys()).map(String::as_str).collect();
    if !names.is_empty() {
        note(trace, "fields", "planned", Vec::from_iter(names).join(", "));
    }
}

/// A plan that knows no more of a ticket than its status, where the rules look at more.
pub(super) fn doubt(trace: &mut TicketTrace) {
    let doubt = "the rules look at more of the ticket than its status: --live asks Jira";
    let known = trace.detail.take().map(|known| format!("{known}; ")).unwrap_or_default();
    detail(trace, format!("{known}{doubt}"));
}

/// Effects whose template failed.
pub(super) fn left_out(trace: &mut TicketTrace, effects: &Effects) {
    for effect in &effects.left_out {
        note(trace, &effect.effect, &effect.result, effect.detail.clone());
    }
}

/// An effect that was asked for. A refusal is written down and stops nothing; anything else is tried again.
pub(super) fn effect(
    trace: &mut TicketTrace,
    effect: &str,
    what: &str,
    answer: Answer<()>,
) -> Result<(), Setback> {
    match answer {
        Ok(()) => note(trace, effect, "done", what.to_owned()),
        Err(Setback { class: Class::Permanent(_) | Class::Refused(_), message, .. }) => {
            note(trace, effect, "refused", message);
        }
        Err(setback) => return Err(setback),
    }
    Ok(())
}

/// One entry an effect, however often it is tried.
fn note(trace: &mut TicketTrace, effect: &str, result: &str, detail: String) {
    let entry = EffectTrace { effect: effect.to_owned(), result: result.to_owned(), detail };
    match trace.effects.iter_mut().find(|known| known.effect == effect) {
        Some(known) => *known = entry,
        None => trace.effects.push(entry),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Attempt;

    fn called(times: usize) -> Vec<u64> {
        let call = |number| Attempt {
            at: Timestamp::UNIX_EPOCH,
            call: "issue".into(),
            status: None,
            ms: number,
            note: None,
        };
        let mut trace = TicketTrace::queued("SHOP-1", vec![], Timestamp::UNIX_EPOCH);
        trace.attempts = (0..times as u64).map(call).collect();
        bounded(trace).attempts.iter().map(|call| call.ms).collect()
    }

    #[test]
    fn a_long_history_keeps_its_beginning_and_its_end() {
        assert_eq!(called(3), [0, 1, 2]);
        let kept = called(MOST_CALLS + 2);
        assert_eq!((kept.len(), kept[499], kept[500], kept[999]), (MOST_CALLS, 499, 502, 1001));
    }
}
