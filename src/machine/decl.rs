//! What a set of files declares, each thing with its place, before it is known to be right.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::filter::Filter;
use super::model::{EffectTemplates, Mode, NEXT, On};
use super::span::{Span, Spanned, Word};
use crate::event::ticket::Source;

/// Everything that the files declare.
#[derive(Debug, Default)]
pub(super) struct Declarations {
    pub provisioners: Vec<Provisioner>,
    pub sets: Vec<SetDecl>,
    /// A file could not be read, so that what is missing may well stand there.
    pub incomplete: bool,
}

/// `provisioner "devhop" { … }`.
#[derive(Debug)]
pub(super) struct Provisioner {
    pub name: Word,
    pub header: Span,
    pub mappers: Vec<Mapper>,
    pub machines: Vec<StateMachine>,
}

/// `aliasmapper "devhop" { … }`.
#[derive(Debug)]
pub(super) struct Mapper {
    pub name: Word,
    pub header: Span,
    pub aliases: Vec<AliasDecl>,
    /// Some of it could not be read: what is missing may have been meant to be there.
    pub damaged: bool,
}

/// `to_do: "To Do"`.
#[derive(Debug)]
pub(super) struct AliasDecl {
    pub name: Word,
    pub status: Word,
}

/// `statemachine "devhop" { … }`.
#[derive(Debug)]
pub(super) struct StateMachine {
    pub name: Word,
    pub header: Span,
    pub initial: Option<Word>,
    pub states: Vec<StateDecl>,
    pub rules: Vec<RuleDecl>,
    /// The sets it names; `None` when it says nothing of them.
    pub uses: Option<Vec<Word>>,
    pub keys: Option<Vec<Source>>,
    pub max_tickets: Option<u32>,
    pub mode: Mode,
    /// Some of it could not be read: what is missing may have been meant to be there.
    pub damaged: bool,
}

/// `state "to_do" "next" { … }`: one edge.
#[derive(Debug)]
pub(super) struct StateDecl {
    pub alias: Word,
    pub event: Word,
    pub header: Span,
    pub target: Option<Word>,
    pub via: Option<String>,
    pub fields: BTreeMap<String, Json>,
}

/// `rules "house" { … }`.
#[derive(Debug)]
pub(super) struct SetDecl {
    pub name: Word,
    pub rules: Vec<RuleDecl>,
    /// Some of it could not be read.
    pub damaged: bool,
}

/// `on "pull_request.merged" "trunk" { … }`.
#[derive(Debug)]
pub(super) struct RuleDecl {
    /// The trigger as written.
    pub trigger: Word,
    pub on: On,
    pub name: Option<Word>,
    pub header: Span,
    pub keys: Option<Vec<Source>>,
    pub filters: Vec<Spanned<Filter>>,
    /// The aliases that its `status` filter names.
    pub statuses: Vec<Word>,
    pub fire: Option<Word>,
    pub move_to: Option<Word>,
    pub along: Option<Vec<Word>>,
    pub skip: Option<Word>,
    pub effects: EffectTemplates,
}

impl Declarations {
    /// The set of a name.
    pub(super) fn set(&self, name: &str) -> Option<&SetDecl> {
        self.sets.iter().find(|set| set.name.value == name)
    }
}

impl Provisioner {
    /// The project's key, in capitals.
    pub(super) fn project(&self) -> String {
        self.name.value.to_ascii_uppercase()
    }

    /// The statuses' short names, in the order of their declaration.
    pub(super) fn aliases(&self) -> impl Iterator<Item = &AliasDecl> {
        self.mappers.iter().flat_map(|mapper| &mapper.aliases)
    }

    pub(super) fn has_alias(&self, name: &str) -> bool {
        self.aliases().any(|alias| alias.name.value == name)
    }
}

impl RuleDecl {
    /// How a message calls it: its name, or its trigger.
    pub(super) fn title(&self) -> &str {
        self.name.as_ref().unwrap_or(&self.trigger).as_str()
    }

    /// The events that its `move_to` walks.
    pub(super) fn walks(&self) -> Vec<&str> {
        match &self.along {
            Some(along) => along.iter().map(Word::as_str).collect(),
            None if self.move_to.is_some() => vec![NEXT],
            None => Vec::new(),
        }
    }
}

impl StateMachine {
    /// Whether it says nothing of rules, and so has the default ones.
    pub(super) fn has_default_rules(&self) -> bool {
        self.rules.is_empty() && self.uses.is_none()
    }

    /// The names of the sets it uses.
    pub(super) fn used(&self) -> &[Word] {
        self.uses.as_deref().unwrap_or_default()
    }

    /// Whether any state answers an event.
    pub(super) fn answers(&self, event: &str) -> bool {
        self.states.iter().any(|state| state.event.value == event)
    }

    /// Whether a state has a block of its own.
    pub(super) fn has_state(&self, alias: &str) -> bool {
        self.states.iter().any(|state| state.alias.value == alias)
    }
}
