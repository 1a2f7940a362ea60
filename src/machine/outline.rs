//! What a set of files declares, counted: for summaries, also of sets that have mistakes.

use std::collections::BTreeSet;
use std::ops::Range;

use super::decl::{Declarations, Provisioner, SetDecl, StateMachine};
use super::default_rules;
use super::diagnostic::Diagnostic;
use super::span::{Sources, Span};

/// The provisioners of a set of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// Each provisioner, in the order of the files.
    pub machines: Vec<Counted>,
    /// Whether every file could be read; what is missing may otherwise stand in one that could not.
    pub complete: bool,
}

/// A provisioner in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Its name, as written.
    pub name: String,
    /// The project's key, in capitals.
    pub project: String,
    /// The file it stands in.
    pub file: String,
    /// Where its name stands there.
    pub span: Range<usize>,
    /// How many states it has.
    pub states: usize,
    /// How many rules it has, those of the sets it uses among them.
    pub rules: usize,
    /// From its header to the next declaration of the file.
    extent: Range<usize>,
}

impl Counted {
    /// Whether a finding is about something in it.
    pub fn holds(&self, diagnostic: &Diagnostic) -> bool {
        let place = diagnostic.labels.first();
        place.is_some_and(|label| label.file == self.file && self.extent.contains(&label.span.start))
    }
}

/// Counts what the files declare.
pub(super) fn outline(declarations: &Declarations, sources: &Sources<'_>) -> Outline {
    let count = |provisioner| counted(provisioner, declarations, sources);
    Outline {
        machines: declarations.provisioners.iter().map(count).collect(),
        complete: !declarations.incomplete,
    }
}

fn counted(provisioner: &Provisioner, declarations: &Declarations, sources: &Sources<'_>) -> Counted {
    let name = &provisioner.name;
    let states = provisioner.machines.iter().flat_map(|machine| &machine.states);
    Counted {
        name: name.value.clone(),
        project: provisioner.project(),
        file: sources.name(name.span).to_owned(),
        span: name.span.start as usize..name.span.end as usize,
        states: states.map(|state| state.alias.as_str()).collect::<BTreeSet<_>>().len(),
        rules: provisioner.machines.iter().map(|machine| rules(machine, declarations)).sum(),
        extent: provisioner.header.start as usize..end_of(provisioner.header, declarations),
    }
}

fn rules(machine: &StateMachine, declarations: &Declarations) -> usize {
    let default = || default_rules::rules(None).len();
    if machine.has_default_rules() {
        return default();
    }
    let of_set = |set: Option<&SetDecl>| set.map(|set| set.rules.len());
    let used = machine.used().iter().map(|used| match used.as_str() {
        default_rules::NAME => default(),
        name => of_set(declarations.set(name)).unwrap_or(0),
    });
    machine.rules.len() + used.sum::<usize>()
}

fn end_of(header: Span, declarations: &Declarations) -> usize {
    let provisioners = declarations.provisioners.iter().map(|provisioner| provisioner.header);
    let sets = declarations.sets.iter().map(|set| set.name.span);
    let after =
        provisioners.chain(sets).filter(|other| other.file == header.file && other.start > header.start);
    after.map(|other| other.start as usize).min().unwrap_or(usize::MAX)
}
