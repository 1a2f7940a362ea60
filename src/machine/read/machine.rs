//! Reads a `statemachine`.

use super::{Reader, place};
use crate::machine::decl::{StateDecl, StateMachine};
use crate::machine::syntax::{Block, Item};

impl Reader<'_, '_> {
    pub(super) fn machine(&mut self, block: &Block) -> Option<StateMachine> {
        let [name] = self.labels(block, "statemachine \"<project>\"")?;
        let (initial, states, damaged) = (None, Vec::new(), false);
        let mut machine = StateMachine { name, header: block.header(), initial, states, damaged };
        let before = self.findings.found.len();
        for item in &block.items {
            match item {
                Item::Argument(argument) if argument.name.value == "initial" => {
                    machine.initial = self.text_of(argument);
                }
                Item::Block(inner) if inner.keyword.value == "state" => {
                    machine.states.extend(self.state(inner));
                }
                other => self.unknown(other, &place::MACHINE),
            }
        }
        machine.damaged = self.findings.found.len() > before;
        Some(machine)
    }

    fn state(&mut self, block: &Block) -> Option<StateDecl> {
        let [alias, event] = self.labels(block, "state \"<alias>\" \"<event>\"")?;
        let before = self.findings.found.len();
        let mut target = None;
        for item in &block.items {
            match item {
                Item::Argument(argument) if argument.name.value == "transition" => {
                    target = self.text_of(argument);
                }
                other => self.unknown(other, &place::STATE),
            }
        }
        if target.is_none() && self.findings.found.len() == before {
            let message = format!("state `{}` says nothing of where `{}` leads", alias.value, event.value);
            let diagnostic = self.findings.at("E023", block.header(), message);
            self.findings.push(diagnostic.help("add `transition = \"<alias>\"` or `transition = \"<end>\"`"));
        }
        Some(StateDecl { alias, event, header: block.header(), target })
    }
}
