//! From the parser's tree to ours: blocks, arguments and labels.

use std::ops::Range;

use hcl::edit::Span as _;
use hcl::edit::structure::{Attribute, Block as HclBlock, BlockLabel, Body, Structure};

use super::Place;
use super::ast::{Argument, Block, Item};
use crate::machine::diagnostic::Findings;
use crate::machine::span::{Span, Spanned, Word};

/// Expressions deeper than this are refused: evaluating one recurses as deep.
pub(super) const MAX_DEPTH: usize = 150;

pub(super) struct Lower<'f, 's> {
    place: Place,
    text: &'f str,
    pub(super) findings: &'f mut Findings<'s>,
    pub(super) depth: usize,
    /// The spaces to take off each line of a directive's text, in a `<<-` heredoc. The parser does so only
    /// outside of directives.
    pub(super) indent: usize,
    pub(super) told_too_deep: bool,
}

impl<'f, 's> Lower<'f, 's> {
    pub(super) fn new(place: Place, text: &'f str, findings: &'f mut Findings<'s>) -> Self {
        Self { place, text, findings, depth: 0, indent: 0, told_too_deep: false }
    }

    pub(super) fn body(&mut self, body: &Body) -> Vec<Item> {
        body.iter().map(|structure| self.structure(structure)).collect()
    }

    fn structure(&mut self, structure: &Structure) -> Item {
        match structure {
            Structure::Attribute(attribute) => Item::Argument(self.argument(attribute)),
            Structure::Block(block) => Item::Block(self.block(block)),
        }
    }

    fn argument(&mut self, attribute: &Attribute) -> Argument {
        let name = self.word(attribute.key.as_str(), attribute.key.span());
        Argument { name, value: self.expression(&attribute.value) }
    }

    fn block(&mut self, block: &HclBlock) -> Block {
        let label = |this: &Self, label: &BlockLabel| this.word(label.as_str(), label.span());
        let keyword = self.word(block.ident.as_str(), block.ident.span());
        let last = block.labels.last().map(|label| self.span(label.span()));
        Block {
            header: last.map_or(keyword.span, |last| keyword.span.to(last)),
            keyword,
            labels: block.labels.iter().map(|l| label(self, l)).collect(),
            items: self.body(&block.body),
        }
    }

    /// The span of something the parser saw; everything it makes has one.
    pub(super) fn span(&self, range: Option<Range<usize>>) -> Span {
        self.place.span(range.unwrap_or_default())
    }

    /// A name or a text with its place, the quotes left out.
    pub(super) fn word(&self, value: &str, range: Option<Range<usize>>) -> Word {
        Spanned::new(value.to_owned(), self.inside_quotes(range))
    }

    pub(super) fn inside_quotes(&self, range: Option<Range<usize>>) -> Span {
        let range = range.unwrap_or_default();
        let written = self.text.get(range.clone()).unwrap_or_default();
        let quoted = written.len() > 2 && written.starts_with('"') && written.ends_with('"');
        self.place.span(if quoted { range.start + 1..range.end - 1 } else { range })
    }

    /// Something that HCL has and rules do not.
    pub(super) fn refuse(&mut self, span: Span, message: &str) {
        let diagnostic = self.findings.at("E001", span, format!("syntax: {message}"));
        self.findings.push(diagnostic);
    }
}
