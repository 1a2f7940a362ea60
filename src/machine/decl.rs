//! What a set of files declares, each thing with its place, before it is known to be right.

use super::span::{Span, Word};

/// Everything that the files declare.
#[derive(Debug, Default)]
pub(super) struct Declarations {
    pub provisioners: Vec<Provisioner>,
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

impl StateMachine {
    /// Whether a state has a block of its own.
    pub(super) fn has_state(&self, alias: &str) -> bool {
        self.states.iter().any(|state| state.alias.value == alias)
    }
}
