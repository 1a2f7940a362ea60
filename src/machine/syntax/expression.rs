//! From the parser's expressions to ours.

use hcl::edit::expr::{
    BinaryOp, BinaryOperator, Expression, ForExpr, FuncCall, Object, ObjectKey, Traversal, TraversalOperator,
    UnaryOp, UnaryOperator,
};
use hcl::edit::{Decorated, Span as _};

use regex::{Regex, RegexBuilder};

use super::lower::{Lower, MAX_DEPTH};
use crate::machine::expr::{Binary, Call, Conditional, Expr, For, Function, Kind};
use crate::machine::span::Span;

/// The variable of the loop that a splat is; no file can name it.
const SPLAT: &str = "[*]";

/// What a compiled pattern may take.
const PATTERN_BYTES: usize = 1 << 18;

impl Lower<'_, '_> {
    /// Lowers an expression, and refuses one that nests too deeply to be evaluated safely.
    pub(super) fn expression(&mut self, expression: &Expression) -> Expr {
        let span = match expression {
            Expression::String(_) => self.inside_quotes(expression.span()),
            _ => self.span(expression.span()),
        };
        if self.depth > MAX_DEPTH {
            return self.too_deep(span);
        }
        self.depth += 1;
        let kind = self.kind(expression, span);
        self.depth -= 1;
        Expr { kind, span }
    }

    fn kind(&mut self, expression: &Expression, span: Span) -> Kind {
        match expression {
            Expression::Null(_) => Kind::Null,
            Expression::Bool(value) => Kind::Bool(*value.value()),
            Expression::Number(value) => Kind::Number(*value.value()),
            Expression::String(value) => Kind::Text(value.value().clone()),
            Expression::Array(array) => Kind::List(array.iter().map(|e| self.expression(e)).collect()),
            Expression::Object(object) => self.object(object),
            Expression::StringTemplate(template) => self.template(template.iter()),
            Expression::HeredocTemplate(heredoc) => {
                let around = std::mem::replace(&mut self.indent, heredoc.indent().unwrap_or(0));
                let kind = self.template(heredoc.template.iter());
                self.indent = around;
                kind
            }
            Expression::Parenthesis(inner) => self.kind(inner.inner(), span),
            Expression::Variable(name) => Kind::Name(name.as_str().to_owned()),
            Expression::Conditional(conditional) => Kind::Conditional(Box::new(Conditional {
                condition: self.expression(&conditional.cond_expr),
                then: self.expression(&conditional.true_expr),
                otherwise: self.expression(&conditional.false_expr),
            })),
            Expression::FuncCall(call) => self.call(call, span),
            Expression::Traversal(traversal) => self.traversal(traversal).kind,
            Expression::UnaryOp(operation) => self.unary(operation),
            Expression::BinaryOp(operation) => self.binary(operation),
            Expression::ForExpr(for_expr) => self.for_expr(for_expr, span),
        }
    }

    /// Said once a file: one deep expression has many places where it is too deep.
    fn too_deep(&mut self, span: Span) -> Expr {
        if !self.told_too_deep {
            self.refuse(span, "expected an expression nested less deeply");
        }
        self.told_too_deep = true;
        Expr { kind: Kind::Broken, span }
    }

    fn object(&mut self, object: &Object) -> Kind {
        let entries = object.iter().map(|(key, value)| {
            let key = match key {
                ObjectKey::Ident(name) => {
                    Expr { kind: Kind::Text(name.as_str().to_owned()), span: self.span(name.span()) }
                }
                ObjectKey::Expression(expression) => self.expression(expression),
            };
            (key, self.expression(value.expr()))
        });
        Kind::Object(entries.collect())
    }

    fn call(&mut self, call: &FuncCall, span: Span) -> Kind {
        if call.name.is_namespaced() {
            self.refuse(span, "expected a function without a namespace");
            return Kind::Broken;
        }
        if call.args.expand_final() {
            self.refuse(span, "expected arguments without `...`");
            return Kind::Broken;
        }
        let name = self.word(call.name.name.as_str(), call.name.name.span());
        let args: Vec<Expr> = call.args.iter().map(|arg| self.expression(arg)).collect();
        let Some(function) = Function::parse(name.as_str()) else {
            let names = Function::ALL.iter().map(|function| function.name());
            let message = format!("function `{}` does not exist", name.value);
            let diagnostic = self.findings.at("E014", name.span, message);
            self.findings.push(diagnostic.suggest(name.as_str(), names, "available"));
            return Kind::Broken;
        };
        if !function.takes(args.len()) {
            let message = format!("`{}` takes {}, found {}", name.value, function.arity(), args.len());
            let diagnostic = self.findings.at("E015", span, message);
            self.findings.push(diagnostic);
            return Kind::Broken;
        }
        match self.pattern(function, &args) {
            Ok(pattern) => Kind::Call(Box::new(Call { function, args, pattern })),
            Err(()) => Kind::Broken,
        }
    }

    /// The pattern of `matches`, compiled once. It must be written out: nothing that comes in with an event
    /// decides how much work a pattern is.
    fn pattern(&mut self, function: Function, args: &[Expr]) -> Result<Option<Regex>, ()> {
        let [_, pattern] = args else { return Ok(None) };
        if function != Function::Matches || matches!(pattern.kind, Kind::Broken) {
            return Ok(None);
        }
        let Kind::Text(text) = &pattern.kind else {
            let message = "the pattern of `matches` must be plain text, written out".to_owned();
            let diagnostic = self.findings.at("E015", pattern.span, message);
            self.findings.push(diagnostic);
            return Err(());
        };
        let compiled = RegexBuilder::new(text).size_limit(PATTERN_BYTES).build();
        compiled.map(Some).map_err(|error| {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            let message = format!("the pattern of `matches` cannot be used: {reason}");
            let diagnostic = self.findings.at("E019", pattern.span, message);
            self.findings.push(diagnostic);
        })
    }

    fn unary(&mut self, operation: &UnaryOp) -> Kind {
        let operand = Box::new(self.expression(&operation.expr));
        match operation.operator.value() {
            UnaryOperator::Not => Kind::Not(operand),
            UnaryOperator::Neg => Kind::Negate(operand),
        }
    }

    fn binary(&mut self, operation: &BinaryOp) -> Kind {
        let operator = match operation.operator.value() {
            BinaryOperator::Eq => Binary::Equal,
            BinaryOperator::NotEq => Binary::NotEqual,
            BinaryOperator::Less => Binary::Less,
            BinaryOperator::LessEq => Binary::LessOrEqual,
            BinaryOperator::Greater => Binary::Greater,
            BinaryOperator::GreaterEq => Binary::GreaterOrEqual,
            BinaryOperator::And => Binary::And,
            BinaryOperator::Or => Binary::Or,
            other => {
                let span = self.span(operation.operator.span());
                let message = "expected one of == != < <= > >= && ||: rules do not calculate";
                self.refuse(span, &format!("{message} with `{}`", other.as_str()));
                return Kind::Broken;
            }
        };
        let left = Box::new(self.expression(&operation.lhs_expr));
        Kind::Binary(operator, left, Box::new(self.expression(&operation.rhs_expr)))
    }

    fn for_expr(&mut self, expression: &ForExpr, span: Span) -> Kind {
        if expression.grouping {
            self.refuse(span, "expected a `for` without `...`");
            return Kind::Broken;
        }
        let intro = &expression.intro;
        Kind::For(Box::new(For {
            key: intro.key_var.as_ref().map(|name| name.as_str().to_owned()),
            value: intro.value_var.as_str().to_owned(),
            collection: self.expression(&intro.collection_expr),
            result_key: expression.key_expr.as_ref().map(|key| self.expression(key)),
            result: self.expression(&expression.value_expr),
            condition: expression.cond.as_ref().map(|cond| self.expression(&cond.expr)),
        }))
    }

    fn traversal(&mut self, traversal: &Traversal) -> Expr {
        let start = self.expression(&traversal.expr);
        let operators: Vec<&TraversalOperator> = traversal.operators.iter().map(Decorated::value).collect();
        self.steps(start, &operators)
    }

    /// Applies `.name`, `[index]` and `[*]` one after the other; a splat is a loop over all that follows it.
    fn steps(&mut self, start: Expr, operators: &[&TraversalOperator]) -> Expr {
        let depth = self.depth;
        let mut expr = start;
        for (index, operator) in operators.iter().enumerate() {
            self.depth += 1;
            let span = expr.span.to(self.span(operator.span()));
            if self.depth > MAX_DEPTH {
                expr = self.too_deep(span);
                break;
            }
            let inner = Box::new(expr);
            let kind = match operator {
                TraversalOperator::GetAttr(name) => {
                    Kind::Attribute(inner, self.word(name.as_str(), name.span()))
                }
                TraversalOperator::Index(index) => Kind::Index(inner, Box::new(self.expression(index))),
                TraversalOperator::LegacyIndex(index) => {
                    let index = Kind::Number((*index.value()).into());
                    Kind::Index(inner, Box::new(Expr { kind: index, span }))
                }
                TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => {
                    let rest = operators.get(index + 1..).unwrap_or_default();
                    expr = self.splat(*inner, span, rest);
                    break;
                }
            };
            expr = Expr { kind, span };
        }
        self.depth = depth;
        expr
    }

    fn splat(&mut self, collection: Expr, span: Span, rest: &[&TraversalOperator]) -> Expr {
        let item = Expr { kind: Kind::Name(SPLAT.to_owned()), span };
        let result = self.steps(item, rest);
        let span = span.to(result.span);
        let value = SPLAT.to_owned();
        let each = For { key: None, value, collection, result_key: None, result, condition: None };
        Expr { kind: Kind::For(Box::new(each)), span }
    }
}
