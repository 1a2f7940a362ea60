//! From declarations that are right to the machines that decide.

use std::ops::Range;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::check::whole;
use super::decl::{Declarations, Provisioner, RuleDecl, SetDecl, StateDecl, StateMachine};
use super::default_rules;
use super::filter::Filter;
use super::model::{Alias, END, Edge, Goal, Machine, Rule, RuleSet, State, Target};
use super::sources as key_sources;
use super::span::{SourceFile, Sources, Span};
use crate::event::ticket::Source;
use crate::trace::RuleRef;

/// How much of the hash is kept: plenty to tell sets apart, and short enough to be shown.
const HASH_LENGTH: usize = 16;

/// Builds the set. What was not whole has an error and never gets here.
pub(super) fn build(declarations: &Declarations, sources: &Sources<'_>) -> RuleSet {
    let machines = declarations.provisioners.iter().filter_map(|p| machine(p, &declarations.sets, sources));
    RuleSet {
        machines: machines.map(|machine| (machine.project.clone(), machine)).collect(),
        hash: hash(sources.files),
    }
}

fn machine(provisioner: &Provisioner, sets: &[SetDecl], sources: &Sources<'_>) -> Option<Machine> {
    let declared = whole(provisioner)?;
    let name = &provisioner.name;
    Some(Machine {
        project: provisioner.project(),
        name: name.value.clone(),
        file: sources.name(name.span).to_owned(),
        line: sources.line(name.span),
        span: range(name.span),
        initial: declared.initial.as_ref()?.value.clone(),
        aliases: provisioner
            .aliases()
            .map(|alias| Alias {
                name: alias.name.value.clone(),
                status: alias.status.value.clone(),
                span: range(alias.status.span),
            })
            .collect(),
        states: states(declared, sources),
        mode: declared.mode,
        max_tickets: declared.max_tickets,
        rules: rules(declared, sets, sources),
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
    let word = declared.target.as_ref()?;
    let target = word.as_str();
    Some(Edge {
        event: declared.event.value.clone(),
        target: if target == END { Target::End } else { Target::State(target.to_owned()) },
        via: declared.via.clone(),
        fields: declared.fields.clone(),
        line: sources.line(declared.header),
        span: range(word.span),
    })
}

fn range(span: Span) -> Range<usize> {
    span.start as usize..span.end as usize
}

/// The rules in the order in which they are tried: the machine's own, then each used set's, and within each
/// those that skip first. A machine that says nothing of rules has the default ones.
fn rules(machine: &StateMachine, sets: &[SetDecl], sources: &Sources<'_>) -> Vec<Rule> {
    let keys = machine.keys.as_deref();
    if machine.has_default_rules() {
        return default_rules::rules(keys);
    }
    let read = |declared: &[RuleDecl]| declared.iter().map(|rule| self::rule(rule, keys, sources)).collect();
    let mut rules = skips_first(read(&machine.rules));
    for used in machine.used() {
        let set = sets.iter().find(|set| set.name.value == used.value);
        rules.extend(match set {
            Some(set) => skips_first(read(&set.rules)),
            None => default_rules::rules(keys),
        });
    }
    rules
}

fn skips_first(rules: Vec<Rule>) -> Vec<Rule> {
    let (mut skips, others): (Vec<_>, Vec<_>) =
        rules.into_iter().partition(|rule| matches!(rule.goal, Goal::Skip(_)));
    skips.extend(others);
    skips
}

fn rule(declared: &RuleDecl, machines_keys: Option<&[Source]>, sources: &Sources<'_>) -> Rule {
    let mut filters: Vec<Filter> = declared.filters.iter().map(|filter| filter.value.clone()).collect();
    filters.sort_by_key(|filter| {
        let (paths, when) = (matches!(filter, Filter::Paths(_)), matches!(filter, Filter::When(_)));
        (filter.looks_at_the_ticket(), paths, when)
    });
    let goal = goal(declared);
    Rule {
        place: RuleRef {
            name: declared.name.as_ref().map(|name| name.value.clone()),
            trigger: declared.trigger.value.clone(),
            file: sources.name(declared.header).to_owned(),
            line: sources.line(declared.header),
            goal: Some(goal.kind()),
        },
        on: declared.on,
        sources: key_sources::resolve(declared.on, declared.keys.as_deref(), machines_keys),
        filters,
        goal,
        effects: declared.effects.clone(),
    }
}

fn goal(declared: &RuleDecl) -> Goal {
    if let Some(reason) = &declared.skip {
        Goal::Skip(reason.value.clone())
    } else if let Some(event) = &declared.fire {
        Goal::Fire(event.value.clone())
    } else if let Some(target) = &declared.move_to {
        let along = declared.walks().into_iter().map(str::to_owned).collect();
        Goal::MoveTo { target: target.value.clone(), along }
    } else {
        Goal::Stay
    }
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
