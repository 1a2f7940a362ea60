//! The machines in force.

use schemars::JsonSchema;
use serde::Serialize;

use crate::http::ApiError;
use crate::http::answer::{self, Answer};
use crate::http::extract::Ask;
use crate::machine::{Alias, Edge, Machine, Mode, RuleSet, Target};

use super::queue::Nothing;

/// `GET /conduit/api/machines`
pub(super) async fn list(ask: Ask<Nothing>) -> Answer<RulesView<'static>> {
    let rules = ask.state.in_force.rules().ok_or(ApiError::Busy("no rules are loaded"))?;
    Ok(answer::ok(RulesView::from(&*rules)))
}

/// A rule set as the API shows it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RuleSet")]
pub(super) struct RulesView<'a> {
    /// Its name in traces.
    hash: &'a str,
    machines: Vec<MachineView<'a>>,
}

/// A machine.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Machine")]
struct MachineView<'a> {
    project: &'a str,
    name: &'a str,
    file: &'a str,
    line: u32,
    /// `act` or `observe`.
    mode: &'static str,
    initial: &'a str,
    states: Vec<StateView<'a>>,
    rules: usize,
}

/// A state of a machine.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MachineState")]
struct StateView<'a> {
    alias: &'a str,
    /// As the board shows it.
    status: &'a str,
    edges: Vec<EdgeView<'a>>,
}

/// A way out of a state.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MachineEdge")]
struct EdgeView<'a> {
    event: &'a str,
    /// The alias it leads to; `null`: the end.
    to: Option<&'a str>,
    line: u32,
}

impl<'a> From<&'a RuleSet> for RulesView<'a> {
    fn from(rules: &'a RuleSet) -> Self {
        Self { hash: rules.hash(), machines: rules.machines().map(MachineView::from).collect() }
    }
}

impl<'a> From<&'a Machine> for MachineView<'a> {
    fn from(machine: &'a Machine) -> Self {
        let state = |Alias { name, status, .. }: &'a Alias| StateView {
            alias: name,
            status,
            edges: machine.edges(name).iter().map(EdgeView::from).collect(),
        };
        Self {
            project: &machine.project,
            name: &machine.name,
            file: &machine.file,
            line: machine.line,
            mode: if machine.mode == Mode::Act { "act" } else { "observe" },
            initial: &machine.initial,
            // Aliases without edges are states too: a ticket can stand there.
            states: machine.aliases.iter().map(state).collect(),
            rules: machine.rule_count(),
        }
    }
}

impl<'a> From<&'a Edge> for EdgeView<'a> {
    fn from(edge: &'a Edge) -> Self {
        let to = match &edge.target {
            Target::State(alias) => Some(alias.as_str()),
            Target::End => None,
        };
        Self { event: &edge.event, to, line: edge.line }
    }
}
