//! Expressions of the rule language.
//!
//! A small language of its own over HCL's syntax, because `hcl::eval` has no short circuit, no places, no
//! budget, and copies every variable it names. What HCL has and rules do not (arithmetic, user functions)
//! is refused when a file is read; splats and template directives are turned into the forms below there.

mod eval;
mod function;
mod record;
mod types;
mod value;

use regex::Regex;

use super::span::{Span, Word};

pub(super) use eval::evaluate;
pub(super) use function::Function;
pub(super) use record::{Issue, Roots};
pub(super) use types::{Check, Wanted};
pub(super) use value::{Value, number_to_json};

/// An expression with its place.
#[derive(Debug, Clone)]
pub(super) struct Expr {
    pub kind: Kind,
    pub span: Span,
}

/// What an expression is.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// It could not be read, and there is a finding about it.
    Broken,
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
    Call(Box<Call>),
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

/// `condition ? then : otherwise`.
#[derive(Debug, Clone)]
pub(super) struct Conditional {
    pub condition: Expr,
    pub then: Expr,
    pub otherwise: Expr,
}

/// `contains(pr.labels, "x")`.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub function: Function,
    pub args: Vec<Expr>,
    /// The pattern of `matches`, which is compiled when the file is read.
    pub pattern: Option<Regex>,
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

impl Binary {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::And => "&&",
            Self::Or => "||",
        }
    }
}

impl Expr {
    /// What it is called in a message: `text`, `a number`.
    pub(super) fn describe(&self) -> &'static str {
        match self.kind {
            Kind::Null => "null",
            Kind::Bool(_) => "true or false",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "text",
            Kind::Template(_) => "a template",
            Kind::List(_) => "a list",
            Kind::Object(_) => "an object",
            _ => "an expression",
        }
    }

    /// Whether any part of it, itself included, is as asked.
    pub(super) fn any(&self, asked: &impl Fn(&Self) -> bool) -> bool {
        asked(self) || self.parts().into_iter().any(|part| part.any(asked))
    }

    /// Whether it names a variable. A loop's variable of the same name counts, too.
    pub(super) fn names(&self, variable: &str) -> bool {
        self.any(&|part| matches!(&part.kind, Kind::Name(name) if name == variable))
    }

    /// Whether it asks for an attribute of a variable: `pr.revert`.
    pub(super) fn asks_for(&self, variable: &str, attribute: &str) -> bool {
        self.any(&|part| match &part.kind {
            Kind::Attribute(of, name) => name.value == attribute && of.names(variable),
            _ => false,
        })
    }

    fn parts(&self) -> Vec<&Self> {
        match &self.kind {
            Kind::Broken | Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::Name(_) => {
                Vec::new()
            }
            Kind::List(items) | Kind::Template(items) => items.iter().collect(),
            Kind::Object(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
            Kind::Attribute(inner, _) | Kind::Not(inner) | Kind::Negate(inner) => vec![inner],
            Kind::Index(left, right) | Kind::Binary(_, left, right) => vec![left, right],
            Kind::Conditional(parts) => vec![&parts.condition, &parts.then, &parts.otherwise],
            Kind::Call(call) => call.args.iter().collect(),
            Kind::For(each) => {
                let always = [&each.collection, &each.result];
                always.into_iter().chain(&each.result_key).chain(&each.condition).collect()
            }
        }
    }
}
