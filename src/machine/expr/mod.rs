//! Expressions of the rule language.
//!
//! A small language of its own over HCL's syntax, because `hcl::eval` has no short circuit, no places, no
//! budget, and copies every variable it names. What HCL has and rules do not (arithmetic, user functions)
//! is refused when a file is read; splats and template directives are turned into the forms below there.

use super::span::{Span, Word};

/// An expression with its place.
#[derive(Debug, Clone)]
pub(super) struct Expr {
    pub kind: Kind,
    pub span: Span,
}

/// What an expression is.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Number(hcl::Number),
    Text(String),
    List(Vec<Expr>),
    Object(Vec<(Expr, Expr)>),
    /// `"a ${b}"`.
    Template(Vec<Expr>),
    Name(String),
    Attribute(Box<Expr>, Word),
    Index(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    Conditional(Box<Conditional>),
    Call(Call),
    For(Box<For>),
}

/// An operator between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binary {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
}

/// `if ? then : otherwise`.
#[derive(Debug, Clone)]
pub(super) struct Conditional {
    pub condition: Expr,
    pub then: Expr,
    pub otherwise: Expr,
}

/// `contains(pr.labels, "x")`.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub name: Word,
    pub args: Vec<Expr>,
}

/// `[for key, value in collection : result if condition]`, or with `key =>` an object.
#[derive(Debug, Clone)]
pub(super) struct For {
    pub key: Option<String>,
    pub value: String,
    pub collection: Expr,
    pub result_key: Option<Expr>,
    pub result: Expr,
    pub condition: Option<Expr>,
}

impl Expr {
    /// What it is called in a message: `text`, `a number`.
    pub(super) fn describe(&self) -> &'static str {
        match self.kind {
            Kind::Null => "null",
            Kind::Bool(_) => "a boolean",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "text",
            Kind::Template(_) => "a template",
            Kind::List(_) => "a list",
            Kind::Object(_) => "an object",
            _ => "an expression",
        }
    }
}
