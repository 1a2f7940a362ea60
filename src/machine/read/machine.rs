//! Reads a `statemachine`.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{Reader, place};
use crate::event::ticket::Source;
use crate::machine::decl::{StateDecl, StateMachine};
use crate::machine::expr::{Expr, Kind, number_to_json};
use crate::machine::model::Mode;
use crate::machine::sources;
use crate::machine::span::Spanned;
use crate::machine::syntax::{Argument, Block, Item};

impl Reader<'_, '_> {
    pub(super) fn machine(&mut self, block: &Block) -> Option<StateMachine> {
        let [name] = self.labels(block, "statemachine \"<project>\"")?;
        let mut machine = StateMachine {
            name,
            header: block.header,
            initial: None,
            states: Vec::new(),
            rules: Vec::new(),
            uses: None,
            keys: None,
            max_tickets: None,
            mode: Mode::Act,
            damaged: false,
        };
        let before = self.trouble;
        for item in &block.items {
            match item {
                Item::Argument(argument) => self.machine_argument(argument, &mut machine),
                Item::Block(inner) if inner.keyword.value == "state" => {
                    machine.states.extend(self.state(inner));
                }
                Item::Block(inner) if inner.keyword.value == "on" => machine.rules.extend(self.rule(inner)),
                other @ Item::Block(_) => self.unknown(other, &place::MACHINE),
            }
        }
        machine.damaged = self.trouble > before;
        Some(machine)
    }

    fn machine_argument(&mut self, argument: &Argument, machine: &mut StateMachine) {
        match argument.name.as_str() {
            "initial" => machine.initial = self.text_of(argument),
            "use" => machine.uses = self.texts_of(argument),
            "keys" => {
                let keys = self.keys(argument);
                machine.keys = keys.map(|keys| keys.into_iter().map(|key| key.value).collect());
            }
            "max_tickets" => machine.max_tickets = self.count_of(argument),
            "mode" => {
                if self.text_of(argument).is_some_and(|mode| self.is_observe(&mode)) {
                    machine.mode = Mode::Observe;
                }
            }
            _ => self.unknown(&Item::Argument(argument.clone()), &place::MACHINE),
        }
    }

    fn is_observe(&mut self, mode: &super::Word) -> bool {
        let observe = mode.value == "observe";
        if !observe {
            let message = format!("`mode` must be \"observe\", found \"{}\"", mode.value);
            self.push(self.findings.at("E015", mode.span, message).help("leave it out to act"));
        }
        observe
    }

    fn count_of(&mut self, argument: &Argument) -> Option<u32> {
        let count = match &argument.value.kind {
            Kind::Number(number) => number.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0),
            _ => None,
        };
        if count.is_none() {
            let (name, found) = (&argument.name.value, self.written(argument.value.span));
            let message = format!("`{name}` must be a whole number from 1, found `{found}`");
            self.push(self.findings.at("E015", argument.value.span, message));
        }
        count
    }

    /// Names of key sources.
    pub(super) fn keys(&mut self, argument: &Argument) -> Option<Vec<Spanned<Source>>> {
        let mut keys = Vec::new();
        for word in self.some_texts_of(argument)? {
            if word.value == "commits" {
                self.needs_forge(argument, "commits");
            }
            let known = sources::NAMES.iter().find(|(name, _)| *name == word.value);
            if let Some((_, source)) = known {
                keys.push(Spanned::new(*source, word.span));
                continue;
            }
            let names = sources::NAMES.iter().map(|(name, _)| *name);
            let diagnostic =
                self.findings.at("E010", word.span, format!("unknown key source `{}`", word.value));
            self.push(diagnostic.suggest(word.as_str(), names, "known"));
        }
        Some(keys)
    }

    fn state(&mut self, block: &Block) -> Option<StateDecl> {
        let [alias, event] = self.labels(block, "state \"<alias>\" \"<event>\"")?;
        let before = self.trouble;
        let (mut target, mut via, mut fields) = (None, None, BTreeMap::new());
        for item in &block.items {
            match item {
                Item::Argument(argument) if argument.name.value == "transition" => {
                    target = self.text_of(argument);
                }
                Item::Argument(argument) if argument.name.value == "via" => {
                    via = self.text_of(argument).map(|word| word.value);
                }
                Item::Argument(argument) if argument.name.value == "fields" => {
                    fields = self.constant_fields(argument);
                }
                other => self.unknown(other, &place::STATE),
            }
        }
        if target.is_none() && self.trouble == before {
            let message = format!("state `{}` says nothing of where `{}` leads", alias.value, event.value);
            let help = "add `transition = \"<alias>\"` or `transition = \"<end>\"`";
            self.push(self.findings.at("E023", block.header, message).help(help));
        }
        Some(StateDecl { alias, event, header: block.header, target, via, fields })
    }

    /// Fields of an edge: what Jira demands, whatever the event was, so it is written out.
    fn constant_fields(&mut self, argument: &Argument) -> BTreeMap<String, Json> {
        let entries = self.object("fields", &argument.value).unwrap_or_default();
        let mut fields = BTreeMap::new();
        for (name, value) in entries {
            match constant(value) {
                Some(json) => {
                    fields.insert(name.value, json);
                }
                None => self.wrong_kind(&format!("`{}`", name.value), "written out in a state", value),
            }
        }
        fields
    }
}

fn constant(value: &Expr) -> Option<Json> {
    Some(match &value.kind {
        Kind::Null => Json::Null,
        Kind::Bool(value) => Json::Bool(*value),
        Kind::Number(number) => number_to_json(*number),
        Kind::Text(text) => Json::String(text.clone()),
        Kind::List(items) => Json::Array(items.iter().map(constant).collect::<Option<_>>()?),
        Kind::Object(entries) => {
            let entry = |(key, value): &(Expr, Expr)| match &key.kind {
                Kind::Text(key) => Some((key.clone(), constant(value)?)),
                _ => None,
            };
            Json::Object(entries.iter().map(entry).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}
