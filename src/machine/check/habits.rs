//! Rules that are right and probably not meant: W103, W105, W106, W107, W111.

use super::graph;
use crate::event::Trigger;
use crate::machine::decl::{Declarations, Provisioner, RuleDecl, StateMachine};
use crate::machine::diagnostic::Findings;
use crate::machine::filter::Filter;
use crate::machine::model::On::{self, One};
use crate::machine::span::Word;
use crate::machine::walk::MAX_HOPS;

/// Checks the rules of one list: a machine's own, or a set's.
pub(super) fn check(rules: &[RuleDecl], machine: Option<&StateMachine>, findings: &mut Findings<'_>) {
    let order = in_order(rules);
    for (index, rule) in order.iter().enumerate() {
        let before = order.get(..index).unwrap_or_default();
        never_runs(rule, before, findings);
        comes_often(rule, findings);
        drafts(rule, rules, findings);
        reverts(rule, before, machine, findings);
        if let Some(machine) = machine {
            no_way(rule, machine, None, findings);
        }
    }
}

fn in_order(rules: &[RuleDecl]) -> Vec<&RuleDecl> {
    let (skips, others): (Vec<_>, Vec<_>) = rules.iter().partition(|rule| rule.skip.is_some());
    skips.into_iter().chain(others).collect()
}

/// W103.
fn never_runs(rule: &RuleDecl, before: &[&RuleDecl], findings: &mut Findings<'_>) {
    let Some(first) = before.iter().find(|first| covers(first, rule)) else { return };
    let line = findings.sources.line(first.header);
    let message =
        format!("rule `{}` can never run: `{}` (line {line}) matches first", rule.title(), first.title());
    let label = findings.sources.label(first.header, "matches first");
    let diagnostic = findings.at("W103", rule.header, message).also(label);
    findings.push(diagnostic.help("put it first, or narrow the other"));
}

/// Whether every event and ticket that `second` matches is matched by `first`, as far as that is plain.
fn covers(first: &RuleDecl, second: &RuleDecl) -> bool {
    let events = match (first.on, second.on) {
        (on, One(trigger)) => on.covers(trigger),
        (On::Any(first), On::Any(second)) => first == second,
        (One(_), On::Any(_)) => false,
    };
    let keys = match (&first.keys, &second.keys) {
        (Some(first), Some(second)) => second.iter().all(|key| first.contains(key)),
        (first, second) => first == second,
    };
    let implied = |filter: &Filter| second.filters.iter().any(|other| filter.covers(&other.value));
    events && keys && first.filters.iter().all(|filter| implied(&filter.value))
}

/// W106.
fn comes_often(rule: &RuleDecl, findings: &mut Findings<'_>) {
    let family = rule.on.family();
    let Some(fire) = rule.fire.as_ref().filter(|_| matches!(family, "checks" | "push")) else { return };
    let trigger = &rule.trigger.value;
    let message = format!("`fire` on `{trigger}`: a relative move on something that comes often");
    let diagnostic = findings.at("W106", fire.span, message);
    findings.push(diagnostic.help("say where to with `move_to`: then the second time changes nothing"));
}

/// W107.
fn drafts(rule: &RuleDecl, rules: &[RuleDecl], findings: &mut Findings<'_>) {
    let opened = rule.on == One(Trigger::PullRequestOpened);
    let ready = rules.iter().any(|other| other.on == One(Trigger::PullRequestReady));
    let no_drafts = rule.filters.iter().any(|filter| match &filter.value {
        Filter::Draft(wanted) => !wanted,
        Filter::When(when) => when.expr.asks_for("pr", "draft"),
        _ => false,
    });
    if opened && no_drafts && !ready && rule.skip.is_none() {
        let message = "drafts marked ready later will not fire this";
        let diagnostic = findings.at("W107", rule.trigger.span, message);
        findings.push(diagnostic.help("use `pull_request.ready`"));
    }
}

/// W111.
fn reverts(
    rule: &RuleDecl,
    before: &[&RuleDecl],
    machine: Option<&StateMachine>,
    findings: &mut Findings<'_>,
) {
    let merged = |rule: &RuleDecl| rule.on.covers(Trigger::PullRequestMerged);
    let asks = |rule: &RuleDecl| {
        rule.filters.iter().any(|filter| match &filter.value {
            Filter::When(when) => when.expr.asks_for("pr", "revert"),
            _ => false,
        })
    };
    let guarded = before.iter().any(|first| first.skip.is_some() && merged(first) && asks(first));
    if !merged(rule) || asks(rule) || guarded || !moves_forward(rule, machine) {
        return;
    }
    let message = "a rule on merged pull requests moves forward and never asks `pr.revert`";
    let diagnostic = findings.at("W111", rule.header, message);
    findings.push(diagnostic.help("add `when = !pr.revert`, or a rule before it that skips reverts"));
}

fn moves_forward(rule: &RuleDecl, machine: Option<&StateMachine>) -> bool {
    match (&rule.fire, machine) {
        (Some(event), Some(machine)) => graph::leads_forward(machine, &event.value),
        (Some(event), None) => event.value != "prev",
        (None, _) => rule.move_to.is_some(),
    }
}

/// W105 for the rules of the sets that a machine uses. Aliases that it does not have are W110.
pub(super) fn in_sets(
    declarations: &Declarations,
    provisioner: &Provisioner,
    machine: &StateMachine,
    findings: &mut Findings<'_>,
) {
    for used in machine.used() {
        let rules = declarations.set(&used.value).map(|set| set.rules.as_slice()).unwrap_or_default();
        let known =
            |rule: &&RuleDecl| rule.move_to.as_ref().is_some_and(|to| provisioner.has_alias(&to.value));
        for rule in rules.iter().filter(known) {
            no_way(rule, machine, Some(used), findings);
        }
    }
}

/// W105.
fn no_way(rule: &RuleDecl, machine: &StateMachine, used: Option<&Word>, findings: &mut Findings<'_>) {
    let (Some(target), Some(initial)) = (&rule.move_to, &machine.initial) else { return };
    let along = rule.walks();
    let (to, from) = (&target.value, &initial.value);
    let message = match graph::path(machine, from, to, Some(&along)) {
        Some(path) if path.len() <= MAX_HOPS => return,
        Some(path) => return too_far(target, from, path.len(), findings),
        None if rule.along.is_some() => {
            format!("`move_to = \"{to}\"` has no path along {} from `{from}`", along.join(", "))
        }
        None => format!("`move_to = \"{to}\"` has no `next` path from `{from}`"),
    };
    let mut diagnostic = findings.at("W105", target.span, message);
    if let Some(used) = used {
        diagnostic = diagnostic.also(findings.sources.label(used.span, "used here"));
    }
    findings.push(match suggestion(machine, from, target) {
        Some(events) => diagnostic.help(format!("`along = [{events}]`")),
        None => diagnostic.help(format!("no event leads from `{from}` to `{to}`; add a transition")),
    });
}

fn too_far(target: &Word, from: &str, hops: usize, findings: &mut Findings<'_>) {
    let to = &target.value;
    let message = format!("`move_to = \"{to}\"` is {hops} hops from `{from}`: at most {MAX_HOPS} are taken");
    let help = "from the states before, the ticket stays where it is; name a nearer state";
    let diagnostic = findings.at("W105", target.span, message).help(help);
    findings.push(diagnostic);
}

fn suggestion(machine: &StateMachine, from: &str, target: &Word) -> Option<String> {
    let mut events: Vec<String> = Vec::new();
    for event in graph::path(machine, from, &target.value, None)? {
        let event = format!("\"{event}\"");
        if !events.contains(&event) {
            events.push(event);
        }
    }
    Some(events.join(", "))
}
