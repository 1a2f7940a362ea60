//! The names that a machine's rules use: aliases, events and sets.

use super::states::declared;
use crate::machine::decl::{Declarations, Provisioner, RuleDecl, SetDecl, StateMachine};
use crate::machine::default_rules;
use crate::machine::diagnostic::{Findings, nearest};
use crate::machine::model::NEXT;
use crate::machine::span::{Span, Word};

pub(super) fn check(
    declarations: &Declarations,
    provisioner: &Provisioner,
    machine: &StateMachine,
    findings: &mut Findings<'_>,
) {
    for rule in &machine.rules {
        for alias in rule.move_to.iter().chain(&rule.statuses) {
            declared(provisioner, alias, findings);
        }
        for event in rule.fire.iter().chain(rule.along.iter().flatten()) {
            answered(machine, event, findings);
        }
    }
    if machine.has_default_rules() {
        default_fits(provisioner, machine, machine.header, findings);
    }
    for used in machine.used() {
        match declarations.set(&used.value) {
            Some(set) => fits(provisioner, machine, set, used, findings),
            None if used.value == default_rules::NAME => {
                default_fits(provisioner, machine, used.span, findings);
            }
            None => not_found(declarations, used, findings),
        }
    }
}

/// W110 for the built-in set.
fn default_fits(provisioner: &Provisioner, machine: &StateMachine, span: Span, findings: &mut Findings<'_>) {
    if machine.damaged || machine.states.is_empty() || machine.answers(NEXT) {
        return;
    }
    let (set, project) = (default_rules::NAME, &provisioner.name.value);
    let message = format!("set `{set}` fires `{NEXT}`, which no state of `{project}` answers");
    let diagnostic = findings.at("W110", span, message);
    findings.push(diagnostic.help("name an event `next`, or write rules that fire the events there are"));
}

/// E011: an event that nothing answers.
fn answered(machine: &StateMachine, event: &Word, findings: &mut Findings<'_>) {
    if machine.damaged || machine.answers(&event.value) {
        return;
    }
    let mut events: Vec<&str> = machine.states.iter().map(|state| state.event.as_str()).collect();
    events.sort_unstable();
    events.dedup();
    let message = format!("no state answers event `{}`", event.value);
    let guess = nearest(&event.value, events.iter().copied());
    let help = format!("declared: {}", events.join(", "));
    let diagnostic = findings.at("E011", event.span, message).did_you_mean(guess).help(help);
    findings.push(diagnostic);
}

/// E016: a set that is nowhere.
fn not_found(declarations: &Declarations, used: &Word, findings: &mut Findings<'_>) {
    if declarations.incomplete {
        return;
    }
    let names = declarations.sets.iter().map(|set| set.name.as_str()).chain([default_rules::NAME]);
    let diagnostic = findings.at("E016", used.span, format!("rule set `{}` not found", used.value));
    findings.push(diagnostic.suggest(&used.value, names, "declared"));
}

/// W110: a set whose rules ask for what this machine does not have.
fn fits(
    provisioner: &Provisioner,
    machine: &StateMachine,
    set: &SetDecl,
    used: &Word,
    findings: &mut Findings<'_>,
) {
    let (set_name, project) = (&set.name.value, &provisioner.name.value);
    for rule in &set.rules {
        for event in rule.fire.iter().chain(rule.along.iter().flatten()) {
            if !machine.answers(&event.value) {
                let message = format!(
                    "set `{set_name}` fires `{}`, which no state of `{project}` answers",
                    event.value
                );
                misfit(used, event, message, findings);
            }
        }
        for alias in rule.move_to.iter().chain(&rule.statuses) {
            if !provisioner.has_alias(&alias.value) {
                let message =
                    format!("set `{set_name}` names `{}`, which is no alias of `{project}`", alias.value);
                misfit(used, alias, message, findings);
            }
        }
    }
}

fn misfit(used: &Word, there: &Word, message: String, findings: &mut Findings<'_>) {
    let label = findings.sources.label(there.span, "here");
    let diagnostic = findings.labelled("W110", used.span, message, "used here").also(label);
    findings.push(diagnostic.help("that rule does nothing in this project"));
}

/// The rules of a machine's own and of the sets it uses.
pub(super) fn all<'d>(
    declarations: &'d Declarations,
    machine: &'d StateMachine,
) -> impl Iterator<Item = &'d RuleDecl> {
    let used = machine.used().iter().filter_map(|used| declarations.set(&used.value));
    machine.rules.iter().chain(used.flat_map(|set| &set.rules))
}
