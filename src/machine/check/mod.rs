//! What can be wrong with declarations that read well: names that lead nowhere, machines that cannot work.

mod graph;
mod habits;
mod names;
mod rules;
mod states;
mod workers;

use super::decl::{Declarations, Provisioner, StateMachine};
use super::diagnostic::Findings;
use super::span::Word;

pub use workers::{Place, WorkerProjects, check_workers};

/// Checks everything; findings come in any order.
pub(super) fn check(declarations: &Declarations, findings: &mut Findings<'_>) {
    names::twice(declarations, findings);
    for set in &declarations.sets {
        habits::check(&set.rules, None, findings);
    }
    for provisioner in &declarations.provisioners {
        names::parts(provisioner, findings);
        names::aliases(provisioner, findings);
        for machine in &provisioner.machines {
            check_machine(declarations, provisioner, machine, findings);
        }
    }
}

fn check_machine(
    declarations: &Declarations,
    provisioner: &Provisioner,
    machine: &StateMachine,
    findings: &mut Findings<'_>,
) {
    let errors = |findings: &Findings<'_>| findings.found.iter().filter(|found| found.is_error()).count();
    let before = errors(findings);
    states::check(provisioner, machine, findings);
    rules::check(declarations, provisioner, machine, findings);
    let set_damaged = |used: &Word| declarations.set(&used.value).is_some_and(|set| set.damaged);
    let damaged = machine.damaged || machine.used().iter().any(set_damaged);
    // What a graph lacks because of a mistake in it is no finding of its own.
    if !damaged && errors(findings) == before {
        graph::check(declarations, provisioner, machine, findings);
        habits::check(&machine.rules, Some(machine), findings);
        habits::in_sets(declarations, provisioner, machine, findings);
    }
}

/// The one machine of a provisioner that is whole.
pub(super) fn whole(provisioner: &Provisioner) -> Option<&StateMachine> {
    match provisioner.machines.as_slice() {
        [machine] => Some(machine),
        _ => None,
    }
}
