//! Paths through a machine.

use std::collections::VecDeque;

use super::decision::Hop;
use super::model::{Edge, Machine, Target};
use crate::trace::Step;

/// The longest path a single event may take.
pub(super) const MAX_HOPS: usize = 8;

/// What `move_to` finds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Walk {
    /// The hops to take; never empty.
    Path(Vec<Hop>),
    /// The ticket is there.
    Here,
    /// The ticket is beyond it: the target leads to where the ticket is.
    Past,
    /// There is a way, of so many hops, and it is too long.
    TooLong(usize),
    /// There is no way.
    None,
}

/// The shortest path from one state to another over the named events; among equals the one whose events
/// come first in `along`.
pub(super) fn walk(machine: &Machine, from: &str, to: &str, along: &[String]) -> Walk {
    if from == to {
        return Walk::Here;
    }
    match shortest(machine, from, to, along) {
        Some(path) if path.len() > MAX_HOPS => Walk::TooLong(path.len()),
        Some(path) => {
            Walk::Path(path.into_iter().map(|(from, edge, to)| hop(machine, from, edge, to)).collect())
        }
        None if shortest(machine, to, from, along).is_some() => Walk::Past,
        None => Walk::None,
    }
}

/// An edge with the states it joins.
type Leg<'m> = (&'m str, &'m Edge, &'m str);

fn shortest<'m>(machine: &'m Machine, from: &str, to: &str, along: &[String]) -> Option<Vec<Leg<'m>>> {
    // Breadth first, edges in the order of `along`: the first way that reaches a state is the shortest,
    // and of those the one whose events come first.
    let mut reached: Vec<Leg<'m>> = Vec::new();
    let mut queue = VecDeque::from([machine.states.iter().find(|state| state.alias == from)?]);
    while let Some(state) = queue.pop_front() {
        for event in along {
            let Some(edge) = state.edges.iter().find(|edge| edge.event == *event) else { continue };
            let Target::State(next) = &edge.target else { continue };
            if next == from || reached.iter().any(|(_, _, seen)| seen == next) {
                continue;
            }
            reached.push((&state.alias, edge, next));
            if next == to {
                return Some(way_back(&reached, from));
            }
            queue.extend(machine.states.iter().find(|state| state.alias == *next));
        }
    }
    None
}

fn way_back<'m>(reached: &[Leg<'m>], from: &str) -> Vec<Leg<'m>> {
    let mut path: Vec<Leg<'m>> = reached.last().copied().into_iter().collect();
    while let Some((state, ..)) = path.last().filter(|(state, ..)| *state != from) {
        let before = reached.iter().find(|(_, _, next)| next == state);
        path.extend(before.copied());
    }
    path.reverse();
    path
}

/// An edge as a hop, with the statuses Jira knows.
pub(super) fn hop(machine: &Machine, from: &str, edge: &Edge, to: &str) -> Hop {
    let status = |alias: &str| machine.status_of(alias).unwrap_or(alias).to_owned();
    Hop {
        step: Step {
            from: from.to_owned(),
            event: edge.event.clone(),
            to: to.to_owned(),
            file: machine.file.clone(),
            line: edge.line,
        },
        from_status: status(from),
        to_status: status(to),
        via: edge.via.clone(),
        fields: edge.fields.clone(),
    }
}
