//! What the API shows of the configuration in force.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::http::{InForce, MachineView, RulesView};
use crate::machine::{Machine, RuleSet};

/// The rules that decide now, and the names of the sites.
pub(super) struct Configuration {
    pub(super) rules: Arc<ArcSwap<RuleSet>>,
    pub(super) sites: Vec<String>,
}

impl InForce for Configuration {
    fn rules(&self) -> Option<RulesView> {
        let rules = self.rules.load();
        Some(RulesView { hash: rules.hash().to_owned(), machines: rules.machines().map(view).collect() })
    }

    fn sites(&self) -> Vec<String> {
        self.sites.clone()
    }
}

fn view(machine: &Machine) -> MachineView {
    MachineView {
        name: machine.name.clone(),
        file: machine.file.clone(),
        line: machine.line,
        states: machine.states.iter().map(|state| state.alias.clone()).collect(),
        rules: machine.rule_count(),
    }
}
