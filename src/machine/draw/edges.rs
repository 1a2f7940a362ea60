//! Which rule takes which edge.

use super::{Arrow, Does, RuleNote};
use crate::machine::filter::Filter;
use crate::machine::model::{Goal, Machine, Rule};
use crate::machine::walk::{Walk, walk};

/// An edge, named by the state it leaves and its event.
type Leg = (String, String);

/// All edges with the rules that take them, and the rules that take none.
pub(super) fn with_rules(machine: &Machine) -> (Vec<Arrow>, Vec<RuleNote>) {
    let states = machine.states.iter();
    let mut arrows: Vec<Arrow> =
        states.flat_map(|state| state.edges.iter().map(|edge| Arrow::new(&state.alias, edge))).collect();
    let mut others = Vec::new();
    let mut walks = Walks::default();
    for rule in &machine.rules {
        let legs = legs(machine, rule, &mut walks);
        let note = note(rule);
        let taken = |arrow: &&mut Arrow| legs.iter().any(|(from, event)| is(arrow, from, event));
        let mut taken = arrows.iter_mut().filter(taken).peekable();
        if taken.peek().is_none() {
            others.push(note);
        } else {
            taken.for_each(|arrow| arrow.rules.push(note.clone()));
        }
    }
    (arrows, others)
}

fn is(arrow: &Arrow, from: &str, event: &str) -> bool {
    arrow.from == from && arrow.event == event
}

/// The edges that a rule takes from the states in which it may find a ticket.
fn legs(machine: &Machine, rule: &Rule, walks: &mut Walks) -> Vec<Leg> {
    let starts = || machine.states.iter().map(|state| state.alias.as_str()).filter(|s| may_start(rule, s));
    match &rule.goal {
        Goal::Fire(event) => starts().map(|from| (from.to_owned(), event.clone())).collect(),
        Goal::MoveTo { target, along } => {
            starts().flat_map(|from| walks.legs(machine, from, target, along)).collect()
        }
        Goal::Skip(_) | Goal::Stay => Vec::new(),
    }
}

/// Whether the rule's `status` filter lets it act on a ticket here.
fn may_start(rule: &Rule, alias: &str) -> bool {
    rule.filters.iter().all(|filter| match filter {
        Filter::Status(patterns) => patterns.accept(alias),
        _ => true,
    })
}

/// The walks that were asked for, because many rules share a target.
#[derive(Default)]
struct Walks(std::collections::HashMap<(String, String, Vec<String>), Vec<Leg>>);

impl Walks {
    fn legs(&mut self, machine: &Machine, from: &str, target: &str, along: &[String]) -> Vec<Leg> {
        let key = (from.to_owned(), target.to_owned(), along.to_vec());
        let legs = self.0.entry(key).or_insert_with(|| match walk(machine, from, target, along) {
            Walk::Path(path) => path.into_iter().map(|hop| (hop.step.from, hop.step.event)).collect(),
            Walk::Here | Walk::Past | Walk::TooLong(_) | Walk::None => Vec::new(),
        });
        legs.clone()
    }
}

fn note(rule: &Rule) -> RuleNote {
    RuleNote {
        name: rule.place.name.clone(),
        trigger: rule.place.trigger.clone(),
        file: rule.place.file.clone(),
        line: rule.place.line,
        does: match &rule.goal {
            Goal::Fire(event) => Does::Fire(event.clone()),
            Goal::MoveTo { target, .. } => Does::MoveTo(target.clone()),
            Goal::Skip(reason) => Does::Skip(reason.clone()),
            Goal::Stay => Does::Effects(()),
        },
    }
}
