//! The machine as a whole: states nobody reaches, events nobody fires, ends that are missing.

use std::collections::BTreeSet;

use crate::machine::decl::{Provisioner, StateMachine};
use crate::machine::diagnostic::Findings;
use crate::machine::model::{END, NEXT};
use crate::machine::span::Word;

pub(super) fn check(provisioner: &Provisioner, machine: &StateMachine, findings: &mut Findings<'_>) {
    unreachable(machine, findings);
    unused_aliases(provisioner, machine, findings);
    unfired_events(machine, findings);
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
    let mut reached = BTreeSet::from([from]);
    let mut waiting = vec![from];
    while let Some(alias) = waiting.pop() {
        let edges = machine.states.iter().filter(|state| state.alias.value == alias);
        for target in edges.filter_map(|edge| edge.target.as_ref()) {
            if reached.insert(target.as_str()) {
                waiting.push(target.as_str());
            }
        }
    }
    reached
}

/// W102.
fn unused_aliases(provisioner: &Provisioner, machine: &StateMachine, findings: &mut Findings<'_>) {
    let used = |name: &Word| {
        let targets = || machine.states.iter().filter_map(|state| state.target.as_ref());
        machine.has_state(&name.value) || targets().any(|target| target.value == name.value)
    };
    for alias in provisioner.aliases().filter(|alias| !used(&alias.name)) {
        let message = format!("alias `{}` is never used", alias.name.value);
        let help = "remove it, or give it a `state` block";
        let diagnostic = findings.at("W102", alias.name.span, message).help(help);
        findings.push(diagnostic);
    }
}

/// W104: events that no rule fires.
fn unfired_events(machine: &StateMachine, findings: &mut Findings<'_>) {
    // The default rules fire `next`; `prev` is habit in a machine that says nothing of rules.
    let fired = BTreeSet::from([NEXT, "prev"]);
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
