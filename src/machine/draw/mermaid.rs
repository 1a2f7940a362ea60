//! A machine as a Mermaid flowchart, for Markdown pages.
//!
//! A flowchart, not a `stateDiagram`: its labels may hold any text once they are quoted.

use super::label;
use super::order::rows;
use super::{Arrow, Graph, Node};
use crate::printable::printable;

/// Draws the machine as a Mermaid flowchart.
pub fn mermaid(graph: &Graph) -> String {
    let mut lines = vec!["flowchart TB".to_owned()];
    let nodes = || rows(graph).into_iter().filter_map(|row| Some((row, graph.states.get(row)?)));
    lines.extend(nodes().map(|(row, node)| format!("    s{row}[\"{}\"]", state(graph, node))));
    if graph.edges.iter().any(|arrow| arrow.to.is_none()) {
        lines.push(format!("    stop([\"{}\"])", label::END));
    }
    lines.extend(graph.edges.iter().filter_map(|arrow| edge(graph, arrow)));
    lines
        .extend(nodes().filter(|(_, node)| !node.reachable).map(|(row, _)| format!("    class s{row} lost")));
    lines.extend(
        nodes()
            .filter(|(_, n)| graph.ticket_in(&n.alias).is_some())
            .map(|(row, _)| format!("    class s{row} here")),
    );
    lines.push("    classDef lost stroke-dasharray:4 3".to_owned());
    lines.push("    classDef here stroke-width:4px".to_owned());
    lines.join("\n") + "\n"
}

fn state(graph: &Graph, node: &Node) -> String {
    let status = format!("<b>{}</b>", quote(&label::short(&printable(&node.status))));
    let alias = quote(&label::short(&printable(&node.alias)));
    let remarks = label::remarks(graph, node);
    let remarks = remarks.iter().map(|remark| format!("<br/><i>{}</i>", quote(remark)));
    format!("{status}<br/>{alias}{}", remarks.collect::<String>())
}

fn edge(graph: &Graph, arrow: &Arrow) -> Option<String> {
    let from = graph.position(&arrow.from)?;
    let to = match &arrow.to {
        Some(to) => format!("s{}", graph.position(to)?),
        None => "stop".to_owned(),
    };
    let event = format!("<b>{}</b>", quote(&label::short(&printable(&arrow.event))));
    let rules = arrow.rules.iter().map(|rule| format!("<br/>{}", quote(&label::rule_on_edge(rule))));
    Some(format!("    s{from} -->|\"{event}{}\"| {to}", rules.collect::<String>()))
}

/// A text inside a quoted label. Every ASCII sign that could mean something to Mermaid, Markdown or HTML becomes
/// a numbered entity.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_punctuation() && !matches!(c, '_' | '-' | '.' | ',' | '/') {
            quoted.extend(["#", &u32::from(c).to_string(), ";"]);
        } else {
            quoted.push(c);
        }
    }
    quoted
}
