//! What an expression can be told to come to before there is an event: E014 and E015.

use super::record::RecordKind;
use super::{Binary, Call, Expr, For, Kind};
use crate::machine::diagnostic::Findings;
use crate::machine::model::On;
use crate::machine::span::{Span, Word};

/// The type of an expression, as far as it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::machine) enum Type {
    /// It cannot be told, or anything will do.
    Any,
    Null,
    Bool,
    Number,
    Text,
    /// Text or null.
    MaybeText,
    Texts,
    Commits,
    List,
    /// Only as what a function takes.
    TextOrList,
    Object,
    Record(RecordKind),
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Self::Any => "anything",
            Self::Null => "null",
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::Text | Self::MaybeText => "text",
            Self::Texts | Self::Commits | Self::List => "a list",
            Self::TextOrList => "text or a list",
            Self::Object => "an object",
            Self::Record(kind) => kind.name(),
        }
    }

    fn is_list(self) -> bool {
        matches!(self, Self::Texts | Self::Commits | Self::List)
    }

    /// Whether a value of this type may be one of `wanted`.
    fn may_be(self, wanted: Self) -> bool {
        let any = self == Self::Any || wanted == Self::Any || self == wanted;
        any || match wanted {
            Self::Text => self == Self::MaybeText,
            Self::List => self.is_list(),
            Self::TextOrList => self == Self::Text || self == Self::MaybeText || self.is_list(),
            _ => false,
        }
    }
}

/// What the place of an expression asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::machine) enum Wanted {
    /// True or false.
    Truth,
    /// Something that has a form as text, or null.
    Text,
    /// Something that JSON can hold.
    Json,
}

/// Checks the expressions of one rule.
pub(in crate::machine) struct Check<'c, 's> {
    on: On,
    locals: Vec<(String, Type)>,
    findings: &'c mut Findings<'s>,
}

impl<'c, 's> Check<'c, 's> {
    pub(in crate::machine) fn new(on: On, findings: &'c mut Findings<'s>) -> Self {
        Self { on, locals: Vec::new(), findings }
    }

    /// Checks an argument's expression against what the argument wants.
    pub(in crate::machine) fn argument(&mut self, name: &str, expr: &Expr, wanted: Wanted) {
        let found = self.infer(expr);
        let (good, needs) = match wanted {
            Wanted::Truth => (found.may_be(Type::Bool), "true or false"),
            Wanted::Text => (!found.is_list() && !is_compound(found), "text"),
            Wanted::Json => (!matches!(found, Type::Record(_) | Type::Commits), "text, a number or a list"),
        };
        if !good {
            let found = if found == Type::Text { "string" } else { found.name() };
            self.mismatch(expr.span, format!("`{name}` must be {needs}, found {found}"));
        }
    }

    fn infer(&mut self, expr: &Expr) -> Type {
        match &expr.kind {
            Kind::Broken => Type::Any,
            Kind::Null => Type::Null,
            Kind::Bool(_) => Type::Bool,
            Kind::Number(_) => Type::Number,
            Kind::Text(_) => Type::Text,
            Kind::List(items) => self.list(items),
            Kind::Object(entries) => {
                for (key, value) in entries {
                    self.wants(key, Type::Text, "a key");
                    self.infer(value);
                }
                Type::Object
            }
            Kind::Template(parts) => {
                for part in parts {
                    let found = self.infer(part);
                    if found.is_list() || is_compound(found) {
                        self.mismatch(part.span, format!("{} has no form as text", found.name()));
                    }
                }
                Type::Text
            }
            Kind::Name(name) => self.name(name, expr.span),
            Kind::Attribute(of, name) => self.attribute(of, name),
            Kind::Index(of, index) => self.index(of, index),
            Kind::Not(of) => self.wants(of, Type::Bool, "`!`"),
            Kind::Negate(of) => self.wants(of, Type::Number, "`-`"),
            Kind::Binary(operator, left, right) => self.binary(*operator, left, right),
            Kind::Conditional(parts) => {
                self.wants(&parts.condition, Type::Bool, "`?`");
                let (then, otherwise) = (self.infer(&parts.then), self.infer(&parts.otherwise));
                if then == otherwise { then } else { Type::Any }
            }
            Kind::Call(call) => self.call(call),
            Kind::For(each) => self.for_each(each),
        }
    }

    fn list(&mut self, items: &[Expr]) -> Type {
        let types: Vec<Type> = items.iter().map(|item| self.infer(item)).collect();
        if types.iter().all(|found| *found == Type::Text) { Type::Texts } else { Type::List }
    }

    /// Checks that an operand may be of a type, and says that it is.
    fn wants(&mut self, expr: &Expr, wanted: Type, of: &str) -> Type {
        let found = self.infer(expr);
        if !found.may_be(wanted) {
            self.mismatch(expr.span, format!("{of} needs {}, found {}", wanted.name(), found.name()));
        }
        wanted
    }

    fn binary(&mut self, operator: Binary, left: &Expr, right: &Expr) -> Type {
        let of = format!("`{}`", operator.as_str());
        match operator {
            Binary::And | Binary::Or => {
                self.wants(left, Type::Bool, &of);
                self.wants(right, Type::Bool, &of);
            }
            Binary::Equal | Binary::NotEqual => {
                for side in [left, right] {
                    if let Type::Record(kind) = self.infer(side) {
                        let message = format!("`{}` cannot be compared as a whole", kind.name());
                        self.mismatch(side.span, message);
                    }
                }
            }
            _ => {
                self.wants(left, Type::Number, &of);
                self.wants(right, Type::Number, &of);
            }
        }
        Type::Bool
    }

    fn name(&mut self, name: &str, span: Span) -> Type {
        if let Some((_, found)) = self.locals.iter().rev().find(|(local, _)| local == name) {
            return *found;
        }
        let family = self.on.family();
        if let Some(kind) = RecordKind::VARIABLES.into_iter().find(|kind| kind.name() == name)
            && kind.is_in(family)
        {
            return Type::Record(kind);
        }
        let there: Vec<&str> = RecordKind::VARIABLES
            .into_iter()
            .filter(|kind| kind.is_in(family))
            .map(RecordKind::name)
            .collect();
        let message = format!("`{name}` does not exist on {family} events");
        let diagnostic = self.findings.at("E014", span, message);
        self.findings.push(diagnostic.suggest(name, there, "available"));
        Type::Any
    }

    fn attribute(&mut self, of: &Expr, name: &Word) -> Type {
        let found = self.infer(of);
        let Type::Record(kind) = found else {
            if !matches!(found, Type::Any | Type::Object) {
                self.mismatch(name.span, format!("{} has no attributes", found.name()));
            }
            return Type::Any;
        };
        if let Some(found) = kind.attribute(&name.value) {
            return found;
        }
        let names = kind.attributes().iter().map(|(name, _)| *name);
        let message = format!("`{}.{}` does not exist", kind.name(), name.value);
        let diagnostic = self.findings.at("E014", name.span, message);
        self.findings.push(diagnostic.suggest(&name.value, names, "available"));
        Type::Any
    }

    fn index(&mut self, of: &Expr, index: &Expr) -> Type {
        let (of_type, index_type) = (self.infer(of), self.infer(index));
        let good = match of_type {
            Type::Any => true,
            Type::Object => index_type.may_be(Type::Text),
            list if list.is_list() => index_type.may_be(Type::Number),
            _ => false,
        };
        if !good {
            let (of, with) = (of_type.name(), index_type.name());
            self.mismatch(index.span, format!("{of} cannot be indexed with {with}"));
        }
        item(of_type)
    }

    fn call(&mut self, call: &Call) -> Type {
        let params = call.function.params();
        for (index, arg) in call.args.iter().enumerate() {
            if let Some(wanted) = params.get(index).or(params.last()) {
                self.wants(arg, *wanted, &format!("`{}`", call.function.name()));
            }
        }
        call.function.result()
    }

    fn for_each(&mut self, each: &For) -> Type {
        let collection = self.infer(&each.collection);
        if !matches!(collection, Type::Any | Type::Object) && !collection.is_list() {
            let message = format!("`for` needs a list, found {}", collection.name());
            self.mismatch(each.collection.span, message);
        }
        let around = self.locals.len();
        self.locals.extend(each.key.clone().map(|name| (name, Type::Any)));
        self.locals.push((each.value.clone(), item(collection)));
        if let Some(condition) = &each.condition {
            self.wants(condition, Type::Bool, "`if`");
        }
        if let Some(key) = &each.result_key {
            self.wants(key, Type::Text, "a key");
        }
        let result = self.infer(&each.result);
        self.locals.truncate(around);
        match result {
            _ if each.result_key.is_some() => Type::Object,
            Type::Text => Type::Texts,
            _ => Type::List,
        }
    }

    fn mismatch(&mut self, span: Span, message: String) {
        let diagnostic = self.findings.at("E015", span, message);
        self.findings.push(diagnostic);
    }
}

fn is_compound(found: Type) -> bool {
    matches!(found, Type::Object | Type::Record(_))
}

/// What a list of this type holds.
fn item(of: Type) -> Type {
    match of {
        Type::Texts => Type::Text,
        Type::Commits => Type::Record(RecordKind::Commit),
        _ => Type::Any,
    }
}
