//! In which order a machine reads: its main line first, then what branches off, then what nothing reaches.

use std::collections::BTreeSet;

use super::{Arrow, Graph};
use crate::machine::model::{Machine, NEXT, Target};

/// The aliases that edges lead to from the initial state, itself among them.
pub(super) fn reachable(machine: &Machine) -> BTreeSet<&str> {
    let mut reached = BTreeSet::new();
    let mut waiting = vec![machine.initial.as_str()];
    while let Some(alias) = waiting.pop() {
        if reached.insert(alias) {
            waiting.extend(machine.edges(alias).iter().filter_map(|edge| match &edge.target {
                Target::State(next) => Some(next.as_str()),
                Target::End => None,
            }));
        }
    }
    reached
}

/// The edges that lead from the initial state onward, each state once: `next` where there is one, else the
/// first as written. It ends at the end, or where every edge leads back.
pub(super) fn main_line(graph: &Graph) -> Vec<&Arrow> {
    let mut line: Vec<&Arrow> = Vec::new();
    let mut at = graph.states.iter().find(|node| node.initial).map(|node| node.alias.as_str());
    let mut seen = BTreeSet::new();
    while let Some(alias) = at {
        seen.insert(alias);
        let onward =
            |arrow: &&Arrow| arrow.from == alias && arrow.to.as_deref().is_none_or(|to| !seen.contains(to));
        let mut onward = graph.edges.iter().filter(onward).peekable();
        let first = onward.peek().copied();
        let Some(arrow) = onward.find(|arrow| arrow.event == NEXT).or(first) else { break };
        line.push(arrow);
        at = arrow.to.as_deref();
    }
    line
}

/// All states in reading order, as positions in [`Graph::states`].
pub(super) fn rows(graph: &Graph) -> Vec<usize> {
    let main = main_line(graph);
    let start = graph.states.iter().position(|node| node.initial);
    let mut rows: Vec<usize> = start.into_iter().collect();
    rows.extend(main.iter().filter_map(|arrow| graph.position(arrow.to.as_deref()?)));
    let on_main: BTreeSet<usize> = rows.iter().copied().collect();
    let others = |reachable: bool| {
        let nodes = graph.states.iter().enumerate();
        nodes.filter(move |(_, node)| node.reachable == reachable).map(|(position, _)| position)
    };
    rows.extend(others(true).chain(others(false)).filter(|position| !on_main.contains(position)));
    rows
}
