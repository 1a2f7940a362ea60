//! The machine as a whole: states nobody reaches, events nobody fires, ends that are missing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::rules;
use crate::machine::decl::{Declarations, Provisioner, StateDecl, StateMachine};
use crate::machine::default_rules;
use crate::machine::diagnostic::Findings;
use crate::machine::model::{END, NEXT};
use crate::machine::span::Word;

pub(super) fn check(
    declarations: &Declarations,
    provisioner: &Provisioner,
    machine: &StateMachine,
    findings: &mut Findings<'_>,
) {
    unreachable(machine, findings);
    unused_aliases(declarations, provisioner, machine, findings);
    unfired_events(declarations, machine, findings);
    no_end(machine, findings);
}

/// W101.
fn unreachable(machine: &StateMachine, findings: &mut Findings<'_>) {
    let Some(initial) = machine.initial.as_ref().filter(|initial| machine.has_state(&initial.value)) else {
        return;
    };
    let reached = reachable(machine, &initial.value);
    let mut told: BTreeSet<&str> = BTreeSet::new();
    for state in &machine.states {
        let alias = state.alias.as_str();
        if !reached.contains(alias) && told.insert(alias) {
            let message = format!("state `{alias}` is unreachable from `{}`", initial.value);
            let help = format!("add a transition to `{alias}`, or remove it");
            let diagnostic = findings.at("W101", state.alias.span, message).help(help);
            findings.push(diagnostic);
        }
    }
}

fn reachable<'m>(machine: &'m StateMachine, from: &'m str) -> BTreeSet<&'m str> {
    distances(machine, from).into_keys().collect()
}

/// Every state that can be reached, with the number of hops to it.
fn distances<'m>(machine: &'m StateMachine, from: &'m str) -> BTreeMap<&'m str, usize> {
    let mut distances = BTreeMap::from([(from, 0)]);
    let mut waiting = VecDeque::from([(from, 0)]);
    while let Some((alias, distance)) = waiting.pop_front() {
        for (_, target) in edges(machine, alias) {
            if !distances.contains_key(target) {
                distances.insert(target, distance + 1);
                waiting.push_back((target, distance + 1));
            }
        }
    }
    distances
}

/// Events and targets of what leads from a state to a state.
fn edges<'m>(machine: &'m StateMachine, alias: &str) -> impl Iterator<Item = (&'m str, &'m str)> {
    let states = machine.states.iter().filter(move |state| state.alias.value == alias);
    let edges = states.filter_map(|state| Some((state.event.as_str(), state.target.as_ref()?.as_str())));
    edges.filter(|(_, target)| *target != END).collect::<Vec<_>>().into_iter()
}

/// Whether an event leads further from the initial state than it was, anywhere.
pub(super) fn leads_forward(machine: &StateMachine, event: &str) -> bool {
    let Some(initial) = &machine.initial else { return false };
    let distances = distances(machine, &initial.value);
    let further = |state: &StateDecl| {
        let target = state.target.as_ref()?;
        Some(distances.get(target.as_str())? > distances.get(state.alias.as_str())?)
    };
    machine.states.iter().filter(|state| state.event.value == event).any(|s| further(s).unwrap_or(false))
}

/// The events of the shortest path, over these events or over any.
pub(super) fn path<'m>(
    machine: &'m StateMachine,
    from: &'m str,
    to: &str,
    along: Option<&[&str]>,
) -> Option<Vec<&'m str>> {
    let mut paths: BTreeMap<&str, Vec<&str>> = BTreeMap::from([(from, Vec::new())]);
    let mut waiting = VecDeque::from([from]);
    while let Some(alias) = waiting.pop_front() {
        if alias == to {
            return paths.remove(alias);
        }
        let so_far = paths.get(alias).cloned().unwrap_or_default();
        for (event, target) in edges(machine, alias) {
            let allowed = along.is_none_or(|along| along.contains(&event));
            if allowed && !paths.contains_key(target) {
                let mut path = so_far.clone();
                path.push(event);
                paths.insert(target, path);
                waiting.push_back(target);
            }
        }
    }
    None
}

/// W102.
fn unused_aliases(
    declarations: &Declarations,
    provisioner: &Provisioner,
    machine: &StateMachine,
    findings: &mut Findings<'_>,
) {
    let used = |name: &Word| {
        let targets = || machine.states.iter().filter_map(|state| state.target.as_ref());
        let rules = rules::all(declarations, machine);
        let in_rules = rules.flat_map(|rule| rule.move_to.iter().chain(&rule.statuses));
        machine.has_state(&name.value) || targets().chain(in_rules).any(|used| used.value == name.value)
    };
    for alias in provisioner.aliases().filter(|alias| !used(&alias.name)) {
        let message = format!("alias `{}` is never used", alias.name.value);
        let help = "remove it, or give it a `state` block";
        let diagnostic = findings.at("W102", alias.name.span, message).help(help);
        findings.push(diagnostic);
    }
}

/// W104: events that no rule fires.
fn unfired_events(declarations: &Declarations, machine: &StateMachine, findings: &mut Findings<'_>) {
    let fired = fired(declarations, machine);
    let mut told: BTreeSet<&str> = BTreeSet::new();
    for event in machine.states.iter().map(|state| &state.event) {
        if !fired.contains(event.as_str()) && told.insert(event.as_str()) {
            let message = format!("event `{}` is never fired, and no `move_to` walks it", event.value);
            let help = "fire it in a rule, or remove the transition";
            let diagnostic = findings.at("W104", event.span, message).help(help);
            findings.push(diagnostic);
        }
    }
}

fn fired<'d>(declarations: &'d Declarations, machine: &'d StateMachine) -> BTreeSet<&'d str> {
    if machine.has_default_rules() {
        // The default rules fire `next`; `prev` is habit in a machine that says nothing of rules.
        return BTreeSet::from([NEXT, "prev"]);
    }
    let mut fired = BTreeSet::new();
    for rule in rules::all(declarations, machine) {
        fired.extend(rule.fire.as_ref().map(Word::as_str));
        fired.extend(rule.walks());
    }
    if machine.used().iter().any(|used| used.value == default_rules::NAME) {
        fired.insert(NEXT);
    }
    // An `<end>` is there to be arrived at: its event need not be fired.
    let ends = machine.states.iter().filter(|state| state.target.as_ref().is_some_and(|t| t.value == END));
    fired.extend(ends.filter(|state| state.event.value == NEXT).map(|state| state.event.as_str()));
    fired
}

/// W109.
fn no_end(machine: &StateMachine, findings: &mut Findings<'_>) {
    let ends = |target: &Word| target.value == END;
    if machine.states.is_empty() || machine.states.iter().filter_map(|s| s.target.as_ref()).any(ends) {
        return;
    }
    let last = machine.states.last().map_or("done", |state| state.alias.as_str());
    let message = format!("nothing reaches `{END}`");
    let help = format!("add `state \"{last}\" \"next\" {{ transition = \"{END}\" }}`");
    let diagnostic = findings.at("W109", machine.header, message).help(help);
    findings.push(diagnostic);
}
