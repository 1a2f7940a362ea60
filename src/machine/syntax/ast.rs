//! The text as a tree of blocks and arguments, before anybody asks what they mean.

use crate::machine::expr::Expr;
use crate::machine::span::{Span, Word};

/// `state "to_do" "next" { … }`.
#[derive(Debug, Clone)]
pub(in crate::machine) struct Block {
    pub keyword: Word,
    pub labels: Vec<Word>,
    /// From the keyword to the last label: what a finding about the block as such underlines.
    pub header: Span,
    pub items: Vec<Item>,
}

/// What a block, or a file, holds.
#[derive(Debug, Clone)]
pub(in crate::machine) enum Item {
    Argument(Argument),
    Block(Block),
}

/// `initial = "to_do"`.
#[derive(Debug, Clone)]
pub(in crate::machine) struct Argument {
    pub name: Word,
    pub value: Expr,
}
