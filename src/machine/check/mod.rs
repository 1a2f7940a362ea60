//! What can be wrong with declarations that read well: names that lead nowhere, machines that cannot work.

mod graph;
mod names;
mod states;
mod workers;

use super::decl::{Declarations, Provisioner, StateMachine};
use super::diagnostic::Findings;

pub use workers::{Place, WorkerProjects, check_workers};

/// Checks everything; findings come in any order.
pub(super) fn check(declarations: &Declarations, findings: &mut Findings<'_>) {
    names::twice(declarations, findings);
    for provisioner in &declarations.provisioners {
        names::parts(provisioner, findings);
        names::aliases(provisioner, findings);
        for machine in &provisioner.machines {
            let before = findings.found.len();
            states::check(provisioner, machine, findings);
            // What a graph lacks because of a mistake in it is no finding of its own.
            if !machine.damaged && findings.found.len() == before {
                graph::check(provisioner, machine, findings);
            }
        }
    }
}

/// The one machine of a provisioner that is whole.
pub(super) fn whole(provisioner: &Provisioner) -> Option<&StateMachine> {
    match provisioner.machines.as_slice() {
        [machine] => Some(machine),
        _ => None,
    }
}
