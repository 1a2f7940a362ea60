//! A machine for a terminal: its main line, what leads elsewhere below, then a table of states and one of rules.

use super::label::{self, width};
use super::order::{main_line, rows};
use super::{Arrow, Graph};
use crate::printable::printable;

/// The main line is folded at so many columns.
const WIDEST: usize = 100;

/// Draws the machine in letters.
pub fn text(graph: &Graph) -> String {
    let parts = [diagram(graph), states(graph), rules(graph)];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n")
}

/// The main line, folded where it gets too long, each fold followed by the other edges of its states.
fn diagram(graph: &Graph) -> String {
    let main = main_line(graph);
    let mut drawn = String::new();
    let mut rest = main.as_slice();
    while let Some(fold) = (!rest.is_empty()).then(|| fold(graph, rest)) {
        drawn.push_str(&fold.line);
        drawn.push('\n');
        rest = rest.get(fold.taken..).unwrap_or_default();
        let last = rest.is_empty().then_some(fold.end).flatten();
        for (alias, column) in fold.columns.into_iter().chain(last) {
            draw_others(graph, &main, alias, column, &mut drawn);
        }
    }
    let started: Vec<&str> = main.iter().flat_map(|arrow| ends(arrow)).collect();
    let off_line = rows(graph).into_iter().filter_map(|row| graph.states.get(row));
    for node in off_line.filter(|node| !started.contains(&node.alias.as_str())) {
        draw_others(graph, &main, &node.alias, 0, &mut drawn);
    }
    drawn
}

fn ends(arrow: &Arrow) -> impl Iterator<Item = &str> {
    std::iter::once(arrow.from.as_str()).chain(arrow.to.as_deref())
}

/// One line of the main line.
struct Fold<'g> {
    line: String,
    /// How many edges it shows.
    taken: usize,
    /// Each state that leads onward on it, with its column.
    columns: Vec<(&'g str, usize)>,
    /// The state at its end, likewise; the next line begins with it, if there is one.
    end: Option<(&'g str, usize)>,
}

fn fold<'g>(graph: &Graph, edges: &[&'g Arrow]) -> Fold<'g> {
    let first = edges.first().map_or("", |arrow| arrow.from.as_str());
    let mut fold = Fold { line: state(graph, first), taken: 0, columns: Vec::new(), end: Some((first, 0)) };
    for arrow in edges {
        let target = arrow.to.as_deref().map_or_else(|| label::END.to_owned(), |to| state(graph, to));
        let onward = format!(" {} ", label::event(arrow));
        let column = width(&fold.line) + width(&onward);
        if fold.taken > 0 && column + width(&target) > WIDEST {
            break;
        }
        fold.line = format!("{}{onward}{target}", fold.line);
        fold.taken += 1;
        fold.columns.extend(fold.end.take());
        fold.end = arrow.to.as_deref().map(|to| (to, column));
    }
    fold
}

/// A state's alias, in brackets when the ticket stands there.
fn state(graph: &Graph, alias: &str) -> String {
    let name = printable(alias);
    if graph.ticket_in(alias).is_some() { format!("[{name}]") } else { name.into_owned() }
}

/// The edges of a state that are not on the main line.
fn draw_others(graph: &Graph, main: &[&Arrow], alias: &str, column: usize, drawn: &mut String) {
    let others = graph.edges.iter().filter(|arrow| arrow.from == alias);
    for arrow in others.filter(|arrow| !main.iter().any(|on_line| on_line == arrow)) {
        let target = arrow.to.as_deref().map_or_else(|| label::END.to_owned(), |to| state(graph, to));
        let edge = format!("{} {} {target}", state(graph, alias), label::event(arrow));
        drawn.extend([&" ".repeat(column), &edge, "\n"]);
    }
}

/// Every state with its name on the board.
fn states(graph: &Graph) -> String {
    let nodes = rows(graph).into_iter().filter_map(|row| graph.states.get(row));
    let rows = nodes.map(|node| {
        let status = format!("\"{}\"", printable(&node.status));
        [printable(&node.alias).into_owned(), status, label::remarks(graph, node).join(", ")]
    });
    table(&format!("states of {}", label::title(graph)), &rows.collect::<Vec<_>>())
}

/// Every edge that a rule takes, and every rule that takes none.
fn rules(graph: &Graph) -> String {
    let mut rows = Vec::new();
    for arrow in &graph.edges {
        let mut edge = label::edge(arrow);
        for rule in &arrow.rules {
            // The edge is named once, beside the first of its rules.
            rows.push([
                std::mem::take(&mut edge),
                label::rule(rule),
                label::does(&rule.does),
                label::place(rule),
            ]);
        }
    }
    for rule in &graph.other_rules {
        rows.push(["–".to_owned(), label::rule(rule), label::does(&rule.does), label::place(rule)]);
    }
    table("rules", &rows)
}

/// Rows under a head, their columns aligned.
fn table<const N: usize>(head: &str, rows: &[[String; N]]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut widths = [0; N];
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = width(cell).max(*widest);
        }
    }
    let mut table = format!("{head}\n");
    for row in rows {
        let mut line = String::new();
        for (cell, widest) in row.iter().zip(widths) {
            line.extend(["  ", cell, &" ".repeat(widest - width(cell))]);
        }
        table.extend([line.trim_end(), "\n"]);
    }
    table
}
