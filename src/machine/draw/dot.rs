//! A machine for Graphviz.

use super::label;
use super::order::rows;
use super::{Arrow, Graph, Node};
use crate::printable::printable;

/// Draws the machine in Graphviz's language.
pub fn dot(graph: &Graph) -> String {
    let mut lines = vec![
        format!("digraph \"{}\" {{", quote(&graph.project)),
        "    node [shape=box, style=rounded, fontname=\"sans-serif\"]".to_owned(),
        "    edge [fontname=\"sans-serif\", fontsize=10]".to_owned(),
    ];
    let nodes = rows(graph).into_iter().filter_map(|row| Some((row, graph.states.get(row)?)));
    lines.extend(nodes.map(|(row, node)| state(graph, row, node)));
    if graph.edges.iter().any(|arrow| arrow.to.is_none()) {
        lines.push(format!("    stop [label=\"{}\", shape=plain]", label::END));
    }
    lines.extend(graph.edges.iter().filter_map(|arrow| edge(graph, arrow)));
    lines.push("}".to_owned());
    lines.join("\n") + "\n"
}

fn state(graph: &Graph, row: usize, node: &Node) -> String {
    let words = [label::short(&printable(&node.status)), label::short(&printable(&node.alias))];
    let label = joined(words.into_iter().chain(label::remarks(graph, node)));
    let style = match (graph.ticket_in(&node.alias), node.reachable) {
        (Some(_), _) => ", penwidth=3",
        (None, false) => ", style=\"rounded,dashed\"",
        (None, true) => "",
    };
    format!("    s{row} [label=\"{label}\"{style}]")
}

fn edge(graph: &Graph, arrow: &Arrow) -> Option<String> {
    let from = graph.position(&arrow.from)?;
    let to = match &arrow.to {
        Some(to) => format!("s{}", graph.position(to)?),
        None => "stop".to_owned(),
    };
    let event = label::short(&printable(&arrow.event));
    let label = joined(std::iter::once(event).chain(arrow.rules.iter().map(label::rule_on_edge)));
    Some(format!("    s{from} -> {to} [label=\"{label}\"]"))
}

/// The lines of a label.
fn joined(lines: impl Iterator<Item = String>) -> String {
    lines.map(|line| quote(&line)).collect::<Vec<_>>().join("\\n")
}

/// A text inside a quoted string. Graphviz reads escapes such as `\N` there, and HTML's entities.
fn quote(text: &str) -> String {
    printable(text).replace('\\', "\\\\").replace('"', "\\\"").replace('&', "&amp;")
}
