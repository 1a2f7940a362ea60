//! States and their edges: does every name lead somewhere, and to one place?

use std::collections::BTreeMap;

use crate::machine::decl::{Provisioner, StateDecl, StateMachine};
use crate::machine::diagnostic::{Diagnostic, Findings, nearest};
use crate::machine::model::END;
use crate::machine::span::Word;

pub(super) fn check(provisioner: &Provisioner, machine: &StateMachine, findings: &mut Findings<'_>) {
    for state in &machine.states {
        declared(provisioner, &state.alias, findings);
        if let Some(target) = state.target.as_ref().filter(|target| target.value != END) {
            declared(provisioner, target, findings);
        }
    }
    initial(machine, findings);
    targets(provisioner, machine, findings);
    one_edge_per_event(machine, findings);
}

/// E004: an alias that the mapper does not know.
pub(in crate::machine) fn declared(provisioner: &Provisioner, name: &Word, findings: &mut Findings<'_>) {
    let Some(mapper) = provisioner.mappers.first() else { return };
    if mapper.damaged || mapper.aliases.is_empty() || provisioner.has_alias(&name.value) {
        return;
    }
    let guess = nearest(&name.value, provisioner.aliases().map(|alias| alias.name.as_str()));
    let message = format!("`{}` is not a declared alias", name.value);
    let label = format!("not in aliasmapper \"{}\"", mapper.name.value);
    let diagnostic = findings.labelled("E004", name.span, message, label);
    let diagnostic = match guess {
        Some(guess) => diagnostic.did_you_mean(Some(guess)),
        None if name.value == END => {
            diagnostic.help(format!("`{END}` is no state: name the last one before it"))
        }
        None => diagnostic.help(format!("add it to `aliases`, as `{}: \"<status>\"`", name.value)),
    };
    findings.push(diagnostic);
}

/// E008: tickets begin nowhere.
fn initial(machine: &StateMachine, findings: &mut Findings<'_>) {
    let Some(initial) = &machine.initial else { return };
    if machine.damaged || machine.has_state(&initial.value) {
        return;
    }
    let message = format!("`initial = \"{}\"` has no `state` block", initial.value);
    let guess = nearest(&initial.value, machine.states.iter().map(|state| state.alias.as_str()));
    let diagnostic = findings.at("E008", initial.span, message);
    let diagnostic = match guess {
        Some(guess) => diagnostic.did_you_mean(Some(guess)),
        None => diagnostic.help(missing_block(&initial.value)),
    };
    findings.push(diagnostic);
}

/// E007: a target without a block of its own, reported once, where it is first a target.
fn targets(provisioner: &Provisioner, machine: &StateMachine, findings: &mut Findings<'_>) {
    if machine.damaged {
        return;
    }
    let mut seen: Vec<&str> = Vec::new();
    for target in machine.states.iter().filter_map(|state| state.target.as_ref()) {
        let name = target.as_str();
        // What is no alias has its own finding.
        let known = name == END || machine.has_state(name) || !provisioner.has_alias(name);
        if known || seen.contains(&name) {
            continue;
        }
        seen.push(name);
        let message = format!("`{name}` is a target but has no `state` block");
        let diagnostic = findings.at("E007", target.span, message).help(missing_block(name));
        findings.push(diagnostic);
    }
}

fn missing_block(alias: &str) -> String {
    format!("add `state \"{alias}\" \"next\" {{ transition = \"{END}\" }}`")
}

/// E005: one event, two targets.
fn one_edge_per_event(machine: &StateMachine, findings: &mut Findings<'_>) {
    let mut seen: BTreeMap<(&str, &str), &StateDecl> = BTreeMap::new();
    for state in &machine.states {
        let key = (state.alias.as_str(), state.event.as_str());
        let Some(first) = seen.get(&key) else {
            seen.insert(key, state);
            continue;
        };
        let diagnostic = two_edges(first, state, findings);
        findings.push(diagnostic);
    }
}

fn two_edges(first: &StateDecl, second: &StateDecl, findings: &Findings<'_>) -> Diagnostic {
    let edge = |state: &StateDecl| {
        let target = state.target.as_ref().map_or("?", Word::as_str);
        format!("`{target}` (line {})", findings.sources.line(state.header))
    };
    let (alias, event) = (&second.alias.value, &second.event.value);
    let message = format!("`{alias}` has two `{event}` transitions: {}, {}", edge(first), edge(second));
    findings
        .labelled("E005", second.header, message, "again here")
        .also(findings.sources.label(first.header, "first here"))
        .help("keep one, or rename an event")
}
