//! From blocks and arguments to declarations: is everything known, in its place, and of the right kind?

mod effect;
mod machine;
mod place;
mod rule;

use super::decl::{AliasDecl, Declarations, Mapper, Provisioner};
use super::diagnostic::{Diagnostic, Findings};
use super::expr::{Expr, Kind};
use super::span::{Span, Spanned, Word};
use super::syntax::{Argument, Block, Item};
use place::Within;

/// Reads what could be parsed; `None` is a file that could not.
pub(super) fn read_all(trees: &[Option<Vec<Item>>], findings: &mut Findings<'_>) -> Declarations {
    let mut reader = Reader { findings, trouble: 0 };
    let mut declarations =
        Declarations { incomplete: trees.iter().any(Option::is_none), ..Declarations::default() };
    for item in trees.iter().flatten().flatten() {
        reader.top_level(item, &mut declarations);
    }
    declarations
}

struct Reader<'r, 's> {
    findings: &'r mut Findings<'s>,
    /// How much could not be read so far, findings of the parser among it: tells whether a block is whole.
    trouble: usize,
}

impl Reader<'_, '_> {
    fn top_level(&mut self, item: &Item, declarations: &mut Declarations) {
        match item {
            Item::Block(block) if block.keyword.value == "provisioner" => {
                declarations.provisioners.extend(self.provisioner(block));
            }
            Item::Block(block) if block.keyword.value == "rules" => {
                declarations.sets.extend(self.set(block));
            }
            other => self.unknown(other, &place::FILE),
        }
    }

    fn provisioner(&mut self, block: &Block) -> Option<Provisioner> {
        let [name] = self.labels(block, "provisioner \"<project>\"")?;
        if !is_project_key(&name.value) {
            let message = format!("syntax: expected a Jira project key, found `{}`", name.value);
            let help = "letters, digits and _ or -, beginning with a letter";
            self.push(self.findings.at("E001", name.span, message).help(help));
            return None;
        }
        let (mut mappers, mut machines) = (Vec::new(), Vec::new());
        for item in &block.items {
            match item {
                Item::Block(inner) if inner.keyword.value == "aliasmapper" => {
                    mappers.extend(self.mapper(inner));
                }
                Item::Block(inner) if inner.keyword.value == "statemachine" => {
                    machines.extend(self.machine(inner));
                }
                other => self.unknown(other, &place::PROVISIONER),
            }
        }
        Some(Provisioner { name, header: block.header, mappers, machines })
    }

    fn mapper(&mut self, block: &Block) -> Option<Mapper> {
        let [name] = self.labels(block, "aliasmapper \"<project>\"")?;
        let mut aliases = Vec::new();
        let before = self.trouble;
        for item in &block.items {
            match item {
                Item::Argument(argument) if argument.name.value == "aliases" => {
                    aliases = self.aliases(argument);
                }
                other => self.unknown(other, &place::MAPPER),
            }
        }
        let damaged = self.trouble > before;
        Some(Mapper { name, header: block.header, aliases, damaged })
    }

    fn aliases(&mut self, argument: &Argument) -> Vec<AliasDecl> {
        let Some(entries) = self.object(&argument.name.value, &argument.value) else { return Vec::new() };
        let read = |(name, status): (Word, &Expr)| {
            let status = self.text(&format!("the status of `{}`", name.value), status)?;
            Some(AliasDecl { name, status })
        };
        entries.into_iter().filter_map(read).collect()
    }

    /// An object's entries, whose keys are plain names.
    fn object<'e>(&mut self, what: &str, value: &'e Expr) -> Option<Vec<(Word, &'e Expr)>> {
        let Kind::Object(entries) = &value.kind else {
            self.wrong_kind(&format!("`{what}`"), "an object, { name = value }", value);
            return None;
        };
        let read = |(key, value): &'e (Expr, Expr)| Some((self.text("a key", key)?, value));
        Some(entries.iter().filter_map(read).collect())
    }

    /// A plain text.
    fn text(&mut self, what: &str, value: &Expr) -> Option<Word> {
        match &value.kind {
            Kind::Text(text) => Some(Spanned::new(text.clone(), value.span)),
            Kind::Template(_) => {
                self.wrong_kind(what, "plain text without ${…}", value);
                None
            }
            _ => {
                self.wrong_kind(what, "text", value);
                None
            }
        }
    }

    /// A plain text given to an argument.
    fn text_of(&mut self, argument: &Argument) -> Option<Word> {
        self.text(&format!("`{}`", argument.name.value), &argument.value)
    }

    /// A list of plain texts; one text alone is a list of one.
    fn texts_of(&mut self, argument: &Argument) -> Option<Vec<Word>> {
        match &argument.value.kind {
            Kind::List(items) => {
                let what = format!("each of `{}`", argument.name.value);
                Some(items.iter().filter_map(|item| self.text(&what, item)).collect())
            }
            Kind::Text(_) => self.text_of(argument).map(|word| vec![word]),
            _ => {
                let what = format!("`{}`", argument.name.value);
                self.wrong_kind(&what, "text or a list of texts", &argument.value);
                None
            }
        }
    }

    /// As [`texts_of`](Self::texts_of), where an empty list would mean that nothing can ever be.
    fn some_texts_of(&mut self, argument: &Argument) -> Option<Vec<Word>> {
        if matches!(&argument.value.kind, Kind::List(items) if items.is_empty()) {
            let message = format!("`{}` is an empty list: nothing could match", argument.name.value);
            self.push(self.findings.at("E019", argument.value.span, message).help("leave it out"));
            return None;
        }
        self.texts_of(argument)
    }

    fn truth_of(&mut self, argument: &Argument) -> Option<bool> {
        if let Kind::Bool(value) = argument.value.kind {
            return Some(value);
        }
        self.wrong_kind(&format!("`{}`", argument.name.value), "true or false", &argument.value);
        None
    }

    /// The text of a span.
    fn written(&self, span: Span) -> &str {
        let file = self.findings.sources.files.get(span.file as usize);
        file.and_then(|file| file.text.get(span.start as usize..span.end as usize)).unwrap_or_default()
    }

    fn wrong_kind(&mut self, what: &str, wanted: &str, found: &Expr) {
        if matches!(found.kind, Kind::Broken) {
            self.trouble += 1;
            return;
        }
        let message = format!("{what} must be {wanted}, found {}", found.describe());
        self.push(self.findings.at("E015", found.span, message));
    }

    fn push(&mut self, diagnostic: Diagnostic) {
        self.trouble += 1;
        self.findings.push(diagnostic);
    }

    /// Exactly `N` labels.
    fn labels<const N: usize>(&mut self, block: &Block, usage: &str) -> Option<[Word; N]> {
        let labels = <[Word; N]>::try_from(block.labels.clone());
        if labels.is_err() {
            let found = match block.labels.len() {
                0 => "no label".to_owned(),
                1 => "one label".to_owned(),
                n => format!("{n} labels"),
            };
            let message = format!("syntax: expected `{usage}`, found {found}");
            self.push(self.findings.at("E001", block.header, message));
        }
        labels.ok()
    }

    fn unknown(&mut self, item: &Item, within: &Within) {
        self.push(within.refuse(item, self.findings));
    }
}

fn is_project_key(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}
