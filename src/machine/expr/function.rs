//! The functions of the rule language. None of them sees anything but its arguments.

use super::eval::{Budget, Failure};
use super::types::Type;
use super::value::Value;

/// Declares [`Function`] with names, results and parameters from one table.
macro_rules! functions {
    ($($variant:ident = $name:literal ($($param:ident),*) $(..$rest:ident)? -> $result:ident,)*) => {
        /// A function a rule can call.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(in crate::machine) enum Function { $($variant,)* }

        impl Function {
            /// All of them, as documented.
            pub(in crate::machine) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in a rule.
            pub(in crate::machine) fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What its arguments must be.
            pub(super) fn params(self) -> &'static [Type] {
                match self { $(Self::$variant => &[$(Type::$param,)* $(Type::$rest)?],)* }
            }

            /// Whether the last parameter may come any number of times.
            pub(super) fn is_variadic(self) -> bool {
                match self { $(Self::$variant => <[&str]>::len(&[$(stringify!($rest))?]) > 0,)* }
            }

            /// What it comes to.
            pub(super) fn result(self) -> Type {
                match self { $(Self::$variant => Type::$result,)* }
            }
        }
    };
}

functions! {
    Contains = "contains"(TextOrList, Any) -> Bool,
    StartsWith = "startswith"(Text, Text) -> Bool,
    EndsWith = "endswith"(Text, Text) -> Bool,
    Matches = "matches"(Text, Text) -> Bool,
    Lower = "lower"(Text) -> Text,
    Upper = "upper"(Text) -> Text,
    TrimPrefix = "trimprefix"(Text, Text) -> Text,
    TrimSuffix = "trimsuffix"(Text, Text) -> Text,
    Replace = "replace"(Text, Text, Text) -> Text,
    Split = "split"(Text, Text) -> Texts,
    Join = "join"(Text, List) -> Text,
    Length = "length"(TextOrList) -> Number,
    Coalesce = "coalesce"() ..Any -> Any,
    AnyTrue = "anytrue"(List) -> Bool,
    AllTrue = "alltrue"(List) -> Bool,
}

type Result<T> = std::result::Result<T, String>;

impl Function {
    pub(in crate::machine) fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|function| function.name() == name)
    }

    /// Whether it can be called with so many arguments.
    pub(in crate::machine) fn takes(self, count: usize) -> bool {
        let params = self.params().len();
        if self.is_variadic() { count >= params } else { count == params }
    }

    /// As in a message: `2 arguments`.
    pub(in crate::machine) fn arity(self) -> String {
        let count = self.params().len();
        let at_least = if self.is_variadic() { "at least " } else { "" };
        format!("{at_least}{count} argument{}", if count == 1 { "" } else { "s" })
    }

    /// Calls it. [`Function::Matches`] is the evaluator's, which holds the compiled pattern.
    pub(super) fn call<'a>(
        self,
        args: &[Value<'a>],
        budget: &mut Budget,
    ) -> std::result::Result<Value<'a>, Failure> {
        let read: usize = args.iter().map(size).sum();
        budget.read(read)?;
        match (self, args) {
            (Self::Contains, [haystack, needle]) => contains(haystack, needle),
            (Self::StartsWith, [a, b]) => two(a, b, |a, b| Value::Bool(a.starts_with(b))),
            (Self::EndsWith, [a, b]) => two(a, b, |a, b| Value::Bool(a.ends_with(b))),
            (Self::TrimPrefix, [a, b]) => {
                two(a, b, |a, b| Value::owned(a.strip_prefix(b).unwrap_or(a).to_owned()))
            }
            (Self::TrimSuffix, [a, b]) => {
                two(a, b, |a, b| Value::owned(a.strip_suffix(b).unwrap_or(a).to_owned()))
            }
            (Self::Lower, [a]) => text(a).map(|a| Value::owned(a.to_lowercase())),
            (Self::Upper, [a]) => text(a).map(|a| Value::owned(a.to_uppercase())),
            (Self::Replace, [a, from, to]) => return replace(a, from, to, budget),
            (Self::Split, [separator, a]) => return split(separator, a, budget),
            (Self::Join, [separator, list]) => return join(separator, list, budget),
            (Self::Length, [of]) => length(of),
            (Self::Coalesce, all) => Ok(coalesce(all)),
            (Self::AnyTrue, [list]) => truths(list).map(|all| Value::Bool(all.contains(&true))),
            (Self::AllTrue, [list]) => truths(list).map(|all| Value::Bool(!all.contains(&false))),
            _ => Err(format!("{} takes {}", self.name(), self.arity())),
        }
        .map_err(|message| Failure::new(format!("{}: {message}", self.name())))
    }
}

/// How much of a value a function may have to look at.
fn size(value: &Value<'_>) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::List(items) => items.iter().map(|item| 8 + text_size(item)).sum(),
        _ => 1,
    }
}

fn text_size(value: &Value<'_>) -> usize {
    if let Value::Text(text) = value { text.len() } else { 1 }
}

fn text<'v>(value: &'v Value<'_>) -> Result<&'v str> {
    match value {
        Value::Text(text) => Ok(text),
        other => Err(format!("needs text, found {}", other.describe())),
    }
}

fn list<'v, 'a>(value: &'v Value<'a>) -> Result<&'v [Value<'a>]> {
    match value {
        Value::List(items) => Ok(items),
        other => Err(format!("needs a list, found {}", other.describe())),
    }
}

fn two<'a>(a: &Value<'a>, b: &Value<'a>, of: impl Fn(&str, &str) -> Value<'a>) -> Result<Value<'a>> {
    Ok(of(text(a)?, text(b)?))
}

fn contains<'a>(haystack: &Value<'a>, needle: &Value<'a>) -> Result<Value<'a>> {
    match haystack {
        Value::Text(haystack) => Ok(Value::Bool(haystack.contains(text(needle)?))),
        other => Ok(Value::Bool(list(other)?.iter().any(|item| same_scalar(item, needle)))),
    }
}

fn same_scalar(a: &Value<'_>, b: &Value<'_>) -> bool {
    match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Number(a), Value::Number(b)) => a == b,
        (Value::Text(a), Value::Text(b)) => a == b,
        _ => false,
    }
}

fn length<'a>(of: &Value<'a>) -> Result<Value<'a>> {
    let length = match of {
        Value::Text(text) => text.chars().count(),
        other => list(other)?.len(),
    };
    Ok(Value::Number(length.into()))
}

/// The first that is neither null nor an empty text.
fn coalesce<'a>(values: &[Value<'a>]) -> Value<'a> {
    let says_something = |value: &&Value<'_>| match value {
        Value::Null => false,
        Value::Text(text) => !text.is_empty(),
        _ => true,
    };
    values.iter().find(says_something).cloned().unwrap_or(Value::Null)
}

fn truths(value: &Value<'_>) -> Result<Vec<bool>> {
    let truth = |value: &Value<'_>| match value {
        Value::Bool(value) => Ok(*value),
        other => Err(format!("needs a list of true and false, found {} in it", other.describe())),
    };
    list(value)?.iter().map(truth).collect()
}

fn replace<'a>(
    a: &Value<'a>,
    from: &Value<'a>,
    to: &Value<'a>,
    budget: &mut Budget,
) -> std::result::Result<Value<'a>, Failure> {
    let texts = text(a).and_then(|a| Ok((a, text(from)?, text(to)?)));
    let (a, from, to) = texts.map_err(|message| Failure::new(format!("replace: {message}")))?;
    if from.is_empty() {
        return Err(Failure::new("replace: needs something to look for, found empty text"));
    }
    // What it would take is known before it is taken.
    budget.write(a.len() + a.matches(from).count().saturating_mul(to.len()))?;
    Ok(Value::owned(a.replace(from, to)))
}

fn split<'a>(
    separator: &Value<'a>,
    a: &Value<'a>,
    budget: &mut Budget,
) -> std::result::Result<Value<'a>, Failure> {
    let texts = text(separator).and_then(|separator| Ok((separator, text(a)?)));
    let (separator, a) = texts.map_err(|message| Failure::new(format!("split: {message}")))?;
    if separator.is_empty() {
        return Err(Failure::new("split: needs something to split at, found empty text"));
    }
    budget.steps(a.matches(separator).count())?;
    budget.write(a.len())?;
    Ok(Value::list(a.split(separator).map(|piece| Value::owned(piece.to_owned())).collect()))
}

fn join<'a>(
    separator: &Value<'a>,
    items: &Value<'a>,
    budget: &mut Budget,
) -> std::result::Result<Value<'a>, Failure> {
    let fail = |message| Failure::new(format!("join: {message}"));
    let separator = text(separator).map_err(fail)?;
    let items = list(items).map_err(fail)?;
    let mut joined = String::new();
    for (index, item) in items.iter().enumerate() {
        let piece = item.to_text().ok_or_else(|| fail(format!("found {} in the list", item.describe())))?;
        let separator = if index == 0 { "" } else { separator };
        budget.write(separator.len() + piece.len())?;
        joined.push_str(separator);
        joined.push_str(&piece);
    }
    Ok(Value::owned(joined))
}
