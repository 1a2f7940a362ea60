//! From declarations that are right to the machines that decide.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::check::whole;
use super::decl::{Declarations, Provisioner, StateDecl, StateMachine};
use super::default_rules;
use super::model::{Alias, END, Edge, Machine, Mode, RuleSet, State, Target};
use super::span::{SourceFile, Sources};

/// How much of the hash is kept: plenty to tell sets apart, and short enough to be shown.
const HASH_LENGTH: usize = 16;

/// Builds the set. What was not whole has an error and never gets here.
pub(super) fn build(declarations: &Declarations, sources: &Sources<'_>) -> RuleSet {
    let machines = declarations.provisioners.iter().filter_map(|p| machine(p, sources));
    RuleSet {
        machines: machines.map(|machine| (machine.project.clone(), machine)).collect(),
        hash: hash(sources.files),
    }
}

fn machine(provisioner: &Provisioner, sources: &Sources<'_>) -> Option<Machine> {
    let declared = whole(provisioner)?;
    let name = &provisioner.name;
    Some(Machine {
        project: provisioner.project(),
        name: name.value.clone(),
        file: sources.name(name.span).to_owned(),
        line: sources.line(declared.header),
        span: name.span.start as usize..name.span.end as usize,
        initial: declared.initial.as_ref()?.value.clone(),
        aliases: provisioner
            .aliases()
            .map(|alias| Alias { name: alias.name.value.clone(), status: alias.status.value.clone() })
            .collect(),
        states: states(declared, sources),
        mode: Mode::Act,
        max_tickets: None,
        rules: default_rules::rules(),
    })
}

fn states(machine: &StateMachine, sources: &Sources<'_>) -> Vec<State> {
    let mut states: Vec<State> = Vec::new();
    for declared in &machine.states {
        let Some(edge) = edge(declared, sources) else { continue };
        match states.iter_mut().find(|state| state.alias == declared.alias.value) {
            Some(state) => state.edges.push(edge),
            None => states.push(State { alias: declared.alias.value.clone(), edges: vec![edge] }),
        }
    }
    states
}

fn edge(declared: &StateDecl, sources: &Sources<'_>) -> Option<Edge> {
    let target = declared.target.as_ref()?.as_str();
    Some(Edge {
        event: declared.event.value.clone(),
        target: if target == END { Target::End } else { Target::State(target.to_owned()) },
        via: None,
        fields: BTreeMap::new(),
        line: sources.line(declared.header),
    })
}

/// The same files give the same hash, in whatever order they were found.
fn hash(files: &[SourceFile]) -> String {
    let mut files: Vec<&SourceFile> = files.iter().collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let mut hasher = Sha256::new();
    for part in files.iter().flat_map(|file| [&file.name, &file.text]) {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut hash = HEXLOWER.encode(&hasher.finalize());
    hash.truncate(HASH_LENGTH);
    hash
}
