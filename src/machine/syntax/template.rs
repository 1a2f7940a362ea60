//! Templates: `"a ${b}"`, and the directives `%{ if }` and `%{ for }` as the expressions they stand for.

use hcl::edit::Span as _;
use hcl::edit::template::{Directive, Element, ForDirective, IfDirective, Strip, Template};

use super::lower::Lower;
use crate::machine::expr::{Call, Conditional, Expr, For, Function, Kind};
use crate::machine::span::Span;

impl Lower<'_, '_> {
    pub(super) fn template<'e>(&mut self, elements: impl Iterator<Item = &'e Element>) -> Kind {
        let elements: Vec<&Element> = elements.collect();
        let mut parts = Vec::with_capacity(elements.len());
        for (index, element) in elements.iter().enumerate() {
            let before = index.checked_sub(1).and_then(|before| elements.get(before));
            let strip_start = before.is_some_and(|before| strips(before).1);
            let strip_end = elements.get(index + 1).is_some_and(|after| strips(after).0);
            parts.push(self.element(element, strip_start, strip_end));
        }
        match parts.as_slice() {
            // A text without interpolations, such as most heredocs, is a text.
            [] => Kind::Text(String::new()),
            [Expr { kind: Kind::Text(text), .. }] => Kind::Text(text.clone()),
            _ => Kind::Template(parts),
        }
    }

    fn element(&mut self, element: &Element, strip_start: bool, strip_end: bool) -> Expr {
        let span = self.span(element.span());
        let kind = match element {
            Element::Literal(literal) => {
                let mut text = literal.value().as_str();
                if strip_start {
                    text = text.trim_start();
                }
                if strip_end {
                    text = text.trim_end();
                }
                Kind::Text(text.to_owned())
            }
            Element::Interpolation(interpolation) => return self.interpolated(&interpolation.expr, span),
            Element::Directive(directive) => match directive.as_ref() {
                Directive::If(directive) => self.if_directive(directive, span),
                Directive::For(directive) => self.for_directive(directive, span),
            },
        };
        Expr { kind, span }
    }

    /// `"${"x"}"` is an interpolation of a text and not that text itself, so it stays apart.
    fn interpolated(&mut self, expression: &hcl::edit::expr::Expression, span: Span) -> Expr {
        let around = std::mem::take(&mut self.indent);
        let inner = self.expression(expression);
        self.indent = around;
        match inner.kind {
            Kind::Text(_) => Expr { kind: Kind::Template(vec![inner]), span },
            _ => inner,
        }
    }

    fn nested(&mut self, template: &Template, strip_start: bool, strip_end: bool, span: Span) -> Expr {
        let mut kind = self.template(template.iter());
        dedent(&mut kind, self.indent);
        let parts = match &mut kind {
            Kind::Template(parts) => parts.as_mut_slice(),
            Kind::Text(text) => {
                *text = trimmed(text, strip_start, strip_end);
                &mut []
            }
            _ => &mut [],
        };
        if let Some(Expr { kind: Kind::Text(text), .. }) = parts.first_mut() {
            *text = trimmed(text, strip_start, false);
        }
        if let Some(Expr { kind: Kind::Text(text), .. }) = parts.last_mut() {
            *text = trimmed(text, false, strip_end);
        }
        Expr { kind, span }
    }

    fn if_directive(&mut self, directive: &IfDirective, span: Span) -> Kind {
        let (yes, no, end) = (&directive.if_expr, directive.else_expr.as_ref(), &directive.endif_expr);
        let (_, yes_starts) = sides(yes.strip);
        let (else_ends, else_starts) = no.map_or((false, false), |no| sides(no.strip));
        let (ends, _) = sides(end.strip);
        let condition = self.deeper(|this| this.expression(&yes.cond_expr));
        let yes_ends = if no.is_some() { else_ends } else { ends };
        let then = self.deeper(|this| this.nested(&yes.template, yes_starts, yes_ends, span));
        let otherwise = match no {
            Some(no) => self.deeper(|this| this.nested(&no.template, else_starts, ends, span)),
            None => Expr { kind: Kind::Text(String::new()), span },
        };
        Kind::Conditional(Box::new(Conditional { condition, then, otherwise }))
    }

    fn for_directive(&mut self, directive: &ForDirective, span: Span) -> Kind {
        let (intro, end) = (&directive.for_expr, &directive.endfor_expr);
        let (starts, ends) = (sides(intro.strip).1, sides(end.strip).0);
        let each = For {
            key: intro.key_var.as_ref().map(|name| name.as_str().to_owned()),
            value: intro.value_var.as_str().to_owned(),
            collection: self.deeper(|this| this.expression(&intro.collection_expr)),
            result_key: None,
            result: self.deeper(|this| this.nested(&intro.template, starts, ends, span)),
            condition: None,
        };
        let nothing = Expr { kind: Kind::Text(String::new()), span };
        let list = Expr { kind: Kind::For(Box::new(each)), span };
        Kind::Call(Box::new(Call { function: Function::Join, args: vec![nothing, list], pattern: None }))
    }

    fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        self.depth += 1;
        let done = work(self);
        self.depth -= 1;
        done
    }
}

/// Takes the indentation off every line but the first, which goes on after a directive. Texts of directives
/// further in have had theirs taken off.
fn dedent(kind: &mut Kind, indent: usize) {
    let dedented = |text: &str| {
        let mut lines = text.split('\n');
        let first = lines.next().unwrap_or_default().to_owned();
        lines.fold(first, |text, line| {
            let spaces = line.bytes().take(indent).take_while(|b| matches!(b, b' ' | b'\t')).count();
            text + "\n" + line.get(spaces..).unwrap_or_default()
        })
    };
    match kind {
        Kind::Text(text) => *text = dedented(text),
        Kind::Template(parts) => {
            for part in parts {
                if let Kind::Text(text) = &mut part.kind {
                    *text = dedented(text);
                }
            }
        }
        _ => {}
    }
}

fn trimmed(text: &str, start: bool, end: bool) -> String {
    let text = if start { text.trim_start() } else { text };
    if end { text.trim_end().to_owned() } else { text.to_owned() }
}

/// Whether an element takes away the spaces before it, and those after it.
fn strips(element: &Element) -> (bool, bool) {
    match element {
        Element::Literal(_) => (false, false),
        Element::Interpolation(interpolation) => sides(interpolation.strip),
        Element::Directive(directive) => match directive.as_ref() {
            Directive::If(directive) => {
                (sides(directive.if_expr.strip).0, sides(directive.endif_expr.strip).1)
            }
            Directive::For(directive) => {
                (sides(directive.for_expr.strip).0, sides(directive.endfor_expr.strip).1)
            }
        },
    }
}

fn sides(strip: Strip) -> (bool, bool) {
    (matches!(strip, Strip::Start | Strip::Both), matches!(strip, Strip::End | Strip::Both))
}
