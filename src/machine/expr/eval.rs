//! Evaluation: short-circuit, bounded in steps and in bytes, and never a panic.

use std::borrow::Cow;

use hcl::Number;

use super::function::Function;
use super::record::Roots;
use super::value::Value;
use super::{Binary, Call, Conditional, Expr, For, Kind};

/// How many steps one evaluation may take.
const MAX_STEPS: usize = 100_000;
/// How many bytes of text one evaluation may make.
const MAX_BYTES: usize = 1 << 20;
/// Reading this much text counts as a step.
const BYTES_PER_STEP: usize = 32;

/// Why an expression came to nothing. Not a mistake of the service: it is told in the trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::machine) struct Failure {
    pub message: String,
}

impl Failure {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

/// What an evaluation may still use up.
#[derive(Debug)]
pub(super) struct Budget {
    steps: usize,
    bytes: usize,
}

impl Budget {
    pub(super) fn steps(&mut self, count: usize) -> Result<(), Failure> {
        self.steps = self.steps.checked_sub(count).ok_or_else(|| {
            self.steps = 0;
            Failure::new(format!("takes more than {MAX_STEPS} steps"))
        })?;
        Ok(())
    }

    /// Looks through so much text.
    pub(super) fn read(&mut self, bytes: usize) -> Result<(), Failure> {
        self.steps(bytes / BYTES_PER_STEP)
    }

    /// Makes so much text.
    pub(super) fn write(&mut self, bytes: usize) -> Result<(), Failure> {
        let left = self.bytes.checked_sub(bytes);
        self.bytes = left.ok_or_else(|| Failure::new("makes more than 1 MiB of text"))?;
        self.read(bytes)
    }
}

/// Evaluates an expression.
pub(in crate::machine) fn evaluate<'a>(expr: &'a Expr, roots: Roots<'a>) -> Result<Value<'a>, Failure> {
    let budget = Budget { steps: MAX_STEPS, bytes: MAX_BYTES };
    Evaluator { roots, locals: Vec::new(), budget }.eval(expr)
}

struct Evaluator<'a> {
    roots: Roots<'a>,
    /// Variables of the loops around, innermost last.
    locals: Vec<(&'a str, Value<'a>)>,
    budget: Budget,
}

type Evaluated<'a> = Result<Value<'a>, Failure>;

impl<'a> Evaluator<'a> {
    fn eval(&mut self, expr: &'a Expr) -> Evaluated<'a> {
        self.budget.steps(1)?;
        match &expr.kind {
            Kind::Broken => Err(Failure::new("could not be read")),
            Kind::Null => Ok(Value::Null),
            Kind::Bool(value) => Ok(Value::Bool(*value)),
            Kind::Number(number) => Ok(Value::Number(*number)),
            Kind::Text(text) => Ok(Value::text(text)),
            Kind::List(items) => {
                Ok(Value::list(items.iter().map(|item| self.eval(item)).collect::<Result<_, _>>()?))
            }
            Kind::Object(entries) => self.object(entries),
            Kind::Template(parts) => self.template(parts),
            Kind::Name(name) => self.name(name),
            Kind::Attribute(of, name) => self.attribute(of, name.as_str()),
            Kind::Index(of, index) => self.index(of, index),
            Kind::Not(of) => Ok(Value::Bool(!self.truth(of, "!")?)),
            Kind::Negate(of) => self.negate(of),
            Kind::Binary(operator, left, right) => self.binary(*operator, left, right),
            Kind::Conditional(conditional) => self.conditional(conditional),
            Kind::Call(call) => self.call(call),
            Kind::For(each) => self.for_each(each),
        }
    }

    fn object(&mut self, entries: &'a [(Expr, Expr)]) -> Evaluated<'a> {
        let mut object = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let key = self.key(key)?;
            object.push((key, self.eval(value)?));
        }
        Ok(Value::Object(object.into()))
    }

    fn key(&mut self, key: &'a Expr) -> Result<Cow<'a, str>, Failure> {
        match self.eval(key)? {
            Value::Text(text) => Ok(text),
            other => Err(Failure::new(format!("a key must be text, found {}", other.describe()))),
        }
    }

    fn template(&mut self, parts: &'a [Expr]) -> Evaluated<'a> {
        let mut text = String::new();
        for part in parts {
            let value = self.eval(part)?;
            let piece = value
                .to_text()
                .ok_or_else(|| Failure::new(format!("{} has no form as text", value.describe())))?;
            self.budget.write(piece.len())?;
            text.push_str(&piece);
        }
        Ok(Value::owned(text))
    }

    fn name(&mut self, name: &str) -> Evaluated<'a> {
        if let Some((_, value)) = self.locals.iter().rev().find(|(local, _)| *local == name) {
            let value = value.clone();
            self.budget.read(if let Value::Text(Cow::Owned(text)) = &value { text.len() } else { 0 })?;
            return Ok(value);
        }
        let record = self.roots.get(name);
        record.map(Value::Record).ok_or_else(|| Failure::new(format!("this event has no `{name}`")))
    }

    fn attribute(&mut self, of: &'a Expr, name: &str) -> Evaluated<'a> {
        let missing = |what: &str| Failure::new(format!("{what} has no `{name}`"));
        match self.eval(of)? {
            Value::Record(record) => {
                let value = record.get(name).ok_or_else(|| missing(record.kind().name()))?;
                if let Value::List(items) = &value {
                    self.budget.steps(items.len())?;
                }
                Ok(value)
            }
            Value::Object(entries) => {
                self.budget.steps(entries.len())?;
                let found = entries.iter().find(|(key, _)| key == name);
                found.map(|(_, value)| value.clone()).ok_or_else(|| missing("the object"))
            }
            other => Err(missing(other.describe())),
        }
    }

    fn index(&mut self, of: &'a Expr, index: &'a Expr) -> Evaluated<'a> {
        let of = self.eval(of)?;
        match (&of, self.eval(index)?) {
            (Value::List(items), Value::Number(at)) => {
                let found = at.as_u64().and_then(|at| items.get(usize::try_from(at).ok()?));
                let missing = || Failure::new(format!("the list of {} has no element {at}", items.len()));
                found.cloned().ok_or_else(missing)
            }
            (Value::Object(entries), Value::Text(key)) => {
                self.budget.steps(entries.len())?;
                let found = entries.iter().find(|(name, _)| *name == key);
                let missing = || Failure::new(format!("the object has no `{key}`"));
                found.map(|(_, value)| value.clone()).ok_or_else(missing)
            }
            (_, index) => {
                let (of, index) = (of.describe(), index.describe());
                Err(Failure::new(format!("{of} cannot be indexed with {index}")))
            }
        }
    }

    fn truth(&mut self, expr: &'a Expr, of: &str) -> Result<bool, Failure> {
        match self.eval(expr)? {
            Value::Bool(value) => Ok(value),
            other => Err(Failure::new(format!("`{of}` needs true or false, found {}", other.describe()))),
        }
    }

    fn number(&mut self, expr: &'a Expr, of: &str) -> Result<Number, Failure> {
        match self.eval(expr)? {
            Value::Number(number) => Ok(number),
            other => Err(Failure::new(format!("`{of}` needs a number, found {}", other.describe()))),
        }
    }

    fn negate(&mut self, of: &'a Expr) -> Evaluated<'a> {
        let number = self.number(of, "-")?;
        let negative = number.as_f64().and_then(|number| Number::from_f64(-number));
        negative.map(Value::Number).ok_or_else(|| Failure::new("the number is too large"))
    }

    fn binary(&mut self, operator: Binary, left: &'a Expr, right: &'a Expr) -> Evaluated<'a> {
        let name = operator.as_str();
        Ok(Value::Bool(match operator {
            Binary::And => self.truth(left, name)? && self.truth(right, name)?,
            Binary::Or => self.truth(left, name)? || self.truth(right, name)?,
            Binary::Equal | Binary::NotEqual => {
                let (left, right) = (self.eval(left)?, self.eval(right)?);
                self.equal(&left, &right)? == (operator == Binary::Equal)
            }
            _ => {
                let (left, right) = (self.number(left, name)?, self.number(right, name)?);
                match operator {
                    Binary::Less => left < right,
                    Binary::LessOrEqual => left <= right,
                    Binary::Greater => left > right,
                    _ => left >= right,
                }
            }
        }))
    }

    /// Values of different kinds are not equal; records are compared by no one.
    fn equal(&mut self, left: &Value<'a>, right: &Value<'a>) -> Result<bool, Failure> {
        self.budget.steps(1)?;
        Ok(match (left, right) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Number(a), Value::Number(b)) => a == b,
            (Value::Text(a), Value::Text(b)) => {
                self.budget.read(a.len().min(b.len()))?;
                a == b
            }
            (Value::List(a), Value::List(b)) if a.len() == b.len() => {
                for (a, b) in a.iter().zip(b.iter()) {
                    if !self.equal(a, b)? {
                        return Ok(false);
                    }
                }
                true
            }
            (Value::Object(a), Value::Object(b)) if a.len() == b.len() => {
                for (name, value) in a.iter() {
                    self.budget.steps(b.len())?;
                    let other = b.iter().find(|(other, _)| other == name);
                    match other {
                        Some((_, other)) if self.equal(value, other)? => {}
                        _ => return Ok(false),
                    }
                }
                true
            }
            (Value::Record(record), _) | (_, Value::Record(record)) => {
                let name = record.kind().name();
                return Err(Failure::new(format!("`{name}` cannot be compared as a whole")));
            }
            _ => false,
        })
    }

    fn conditional(&mut self, conditional: &'a Conditional) -> Evaluated<'a> {
        let chosen = self.truth(&conditional.condition, "?")?;
        self.eval(if chosen { &conditional.then } else { &conditional.otherwise })
    }

    fn call(&mut self, call: &'a Call) -> Evaluated<'a> {
        if let (Function::Matches, [text, _], Some(pattern)) =
            (call.function, call.args.as_slice(), &call.pattern)
        {
            let Value::Text(text) = self.eval(text)? else {
                return Err(Failure::new("matches: needs text"));
            };
            self.budget.read(text.len().saturating_mul(4))?;
            return Ok(Value::Bool(pattern.is_match(&text)));
        }
        let args = call.args.iter().map(|arg| self.eval(arg)).collect::<Result<Vec<_>, _>>()?;
        call.function.call(&args, &mut self.budget)
    }

    fn for_each(&mut self, each: &'a For) -> Evaluated<'a> {
        let items: Vec<(Value<'a>, Value<'a>)> = match self.eval(&each.collection)? {
            Value::List(items) => {
                let numbered = items.iter().cloned().enumerate();
                numbered.map(|(index, item)| (Value::Number(index.into()), item)).collect()
            }
            Value::Object(entries) => {
                entries.iter().cloned().map(|(key, value)| (Value::Text(key), value)).collect()
            }
            other => return Err(Failure::new(format!("`for` needs a list, found {}", other.describe()))),
        };
        let around = self.locals.len();
        let mut list = Vec::new();
        let mut object = Vec::new();
        for (key, item) in items {
            self.budget.steps(1)?;
            self.locals.extend(each.key.as_deref().map(|name| (name, key)));
            self.locals.push((&each.value, item));
            if each.condition.as_ref().map_or(Ok(true), |condition| self.truth(condition, "if"))? {
                match &each.result_key {
                    Some(key) => object.push((self.key(key)?, self.eval(&each.result)?)),
                    None => list.push(self.eval(&each.result)?),
                }
            }
            self.locals.truncate(around);
        }
        Ok(if each.result_key.is_some() { Value::Object(object.into()) } else { Value::list(list) })
    }
}
