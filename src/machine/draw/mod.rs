//! A machine as a picture: what stands where, which rule takes which edge.
//!
//! [`Graph`] is plain data, and its JSON is what `graph -o json` prints. Each renderer is a pure function over
//! it: [`text`], [`mermaid`], [`dot`], [`svg`]. Names are other people's texts: every renderer escapes control
//! and bidirectional characters first, and then what means something in its own format.

mod dot;
mod edges;
mod label;
mod mermaid;
mod order;
mod svg;
#[cfg(test)]
mod tests;
mod text;

use serde::Serialize;

use super::model::{Edge, Machine, Mode, Target};

pub use dot::dot;
pub use mermaid::mermaid;
pub use svg::svg;
pub use text::text;

/// The name of the JSON's shape.
pub const SCHEMA: &str = "conduit.graph/1";

/// One machine, ready to be drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Graph {
    /// Always [`SCHEMA`].
    pub schema: &'static str,
    /// The project's key.
    pub project: String,
    /// The file the machine stands in.
    pub file: String,
    /// The line of its `statemachine`.
    pub line: u32,
    /// It decides and records, and never touches Jira.
    pub observes: bool,
    /// All states, in the order of the aliases.
    pub states: Vec<Node>,
    /// All edges, in the order of the file.
    pub edges: Vec<Arrow>,
    /// Rules that take no edge: what they skip, or write, and those that can lead nowhere.
    pub other_rules: Vec<RuleNote>,
    /// The ticket that was asked about.
    pub ticket: Option<Ticket>,
}

/// A state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    /// `in_progress`.
    pub alias: String,
    /// `In Progress`, as the board shows it.
    pub status: String,
    /// Tickets begin here.
    pub initial: bool,
    /// Whether edges lead here from the initial state.
    pub reachable: bool,
}

/// An edge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Arrow {
    /// The alias it leaves.
    pub from: String,
    /// What makes it be taken.
    pub event: String,
    /// The alias it leads to; `None`: the end.
    pub to: Option<String>,
    /// Its line in the machine's file.
    pub line: u32,
    /// The rules that take it, in the order in which they are tried.
    pub rules: Vec<RuleNote>,
}

/// A rule, as a picture names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleNote {
    /// The rule's own name, when it has one.
    pub name: Option<String>,
    /// The trigger as written.
    pub trigger: String,
    /// The file; `built-in` for a default rule.
    pub file: String,
    /// The line; 0 for a default rule.
    pub line: u32,
    /// What it does.
    #[serde(flatten)]
    pub does: Does,
}

/// What a rule does, as far as a picture tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Does {
    /// `fire = "next"`.
    Fire(String),
    /// `move_to = "done"`.
    MoveTo(String),
    /// `skip = "…"`.
    Skip(String),
    /// It writes effects alone.
    Effects(()),
}

/// Where a ticket was last seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ticket {
    /// Its key.
    pub key: String,
    /// Its status as the board shows it; `None`: nobody knows.
    pub status: Option<String>,
    /// The state that stands for this status, when one does.
    pub state: Option<String>,
}

impl Graph {
    /// The picture of a machine.
    pub fn of(machine: &Machine) -> Self {
        let reachable = order::reachable(machine);
        let node = |alias: &super::model::Alias| Node {
            alias: alias.name.clone(),
            status: alias.status.clone(),
            initial: alias.name == machine.initial,
            reachable: reachable.contains(alias.name.as_str()),
        };
        let (edges, other_rules) = edges::with_rules(machine);
        Self {
            schema: SCHEMA,
            project: machine.project.clone(),
            file: machine.file.clone(),
            line: machine.line,
            observes: machine.mode == Mode::Observe,
            // Aliases without a `state` block are states too: a ticket can stand there.
            states: machine.aliases.iter().map(node).collect(),
            edges,
            other_rules,
            ticket: None,
        }
    }

    /// The same picture with a ticket in it.
    #[must_use]
    pub fn with_ticket(mut self, machine: &Machine, key: &str, status: Option<&str>) -> Self {
        let state = status.and_then(|status| machine.alias_of(status)).map(str::to_owned);
        self.ticket = Some(Ticket { key: key.to_owned(), status: status.map(str::to_owned), state });
        self
    }

    /// The ticket's key, if it stands in this state.
    fn ticket_in(&self, alias: &str) -> Option<&str> {
        let ticket = self.ticket.as_ref()?;
        (ticket.state.as_deref() == Some(alias)).then_some(ticket.key.as_str())
    }

    /// Where an alias stands in [`Graph::states`].
    fn position(&self, alias: &str) -> Option<usize> {
        self.states.iter().position(|node| node.alias == alias)
    }
}

impl Arrow {
    fn new(from: &str, edge: &Edge) -> Self {
        let to = match &edge.target {
            Target::State(alias) => Some(alias.clone()),
            Target::End => None,
        };
        Self { from: from.to_owned(), event: edge.event.clone(), to, line: edge.line, rules: Vec::new() }
    }
}
