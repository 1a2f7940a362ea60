//! Findings about rule files: data first, text last.
//!
//! A [`Diagnostic`] says what is wrong, where, and how to mend it, as rustc's do. [`render`] draws them;
//! the command line's JSON and a forge's annotations read the same data.

use std::borrow::Cow;
use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use super::span::{SourceFile, Sources, Span};
use crate::printable::{is_unsafe, printable};

/// The code of a rule that asks what only the forge's API tells. A warning as it is found; whoever decides without
/// a token for the forge takes it for an error.
pub const NEEDS_FORGE: &str = "E017";

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It stops a start and a reload.
    Error,
    /// It works, and probably not as meant.
    Warning,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// `E004`.
    pub code: &'static str,
    /// Error or warning, as the code's letter says; [`NEEDS_FORGE`] depends on who asks.
    pub severity: Severity,
    /// What is wrong, in one sentence.
    pub message: String,
    /// Where; the first is the place itself, the others explain it.
    pub labels: Vec<Label>,
    /// What to do.
    pub help: Option<String>,
    /// The edit that mends it, when there is exactly one.
    pub fix: Option<Fix>,
}

/// A place in a file, with a word on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Label {
    /// The file's name.
    pub file: String,
    /// Bytes of its text.
    pub span: Range<usize>,
    /// What to say there; may be empty.
    pub text: String,
}

/// An edit that mends a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// The file's name.
    pub file: String,
    /// What to replace.
    pub span: Range<usize>,
    /// What to put there.
    pub replacement: String,
}

impl Diagnostic {
    /// A finding at one place. The severity is the code's: `E…` or `W…`.
    pub fn new(code: &'static str, message: impl Into<String>, label: Label) -> Self {
        let severity = if code.starts_with('W') { Severity::Warning } else { Severity::Error };
        Self { code, severity, message: message.into(), labels: vec![label], help: None, fix: None }
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a further place.
    #[must_use]
    pub fn also(mut self, label: Label) -> Self {
        self.labels.push(label);
        self
    }

    /// Adds a guess at what was meant, if there is one; taking it is the fix, unless another is as good.
    #[must_use]
    pub(super) fn did_you_mean(mut self, guess: Option<Guess<'_>>) -> Self {
        let Some(guess) = guess else { return self };
        self.help = Some(format!("did you mean `{}`?", guess.name));
        if guess.only { self.mend(guess.name) } else { self }
    }

    /// Makes writing `replacement` at the place itself the fix.
    #[must_use]
    pub fn mend(mut self, replacement: &str) -> Self {
        self.fix = self.labels.first().map(|label| Fix {
            file: label.file.clone(),
            span: label.span.clone(),
            replacement: replacement.to_owned(),
        });
        self
    }

    /// Guesses which of `names` was meant, or else lists them: `available: a, b`.
    #[must_use]
    pub fn suggest<'n>(
        self,
        found: &str,
        names: impl IntoIterator<Item = &'n str> + Clone,
        intro: &str,
    ) -> Self {
        match nearest(found, names.clone()) {
            guess @ Some(_) => self.did_you_mean(guess),
            None => self.help(format!("{intro}: {}", names.into_iter().collect::<Vec<_>>().join(", "))),
        }
    }

    /// Whether it stops a start and a reload.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Collects the findings of one run.
pub(super) struct Findings<'a> {
    pub sources: &'a Sources<'a>,
    pub found: Vec<Diagnostic>,
}

impl<'a> Findings<'a> {
    pub(super) fn new(sources: &'a Sources<'a>) -> Self {
        Self { sources, found: Vec::new() }
    }

    /// A finding at `span`, to be completed and [`push`](Self::push)ed.
    pub(super) fn at(&self, code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, message, self.sources.label(span, ""))
    }

    /// As [`at`](Self::at), with a word on the place.
    pub(super) fn labelled(
        &self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        text: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic::new(code, message, self.sources.label(span, text))
    }

    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    /// Everything found, in the order of the files and of the places in them.
    pub(super) fn into_sorted(self) -> Vec<Diagnostic> {
        let mut found = self.found;
        let file = |name: &str| self.sources.files.iter().position(|file| file.name == name);
        found.sort_by_cached_key(|diagnostic| {
            let first = diagnostic.labels.first();
            (first.map(|label| (file(&label.file), label.span.start)), diagnostic.code)
        });
        found.dedup();
        found
    }
}

/// A name that was probably meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Guess<'n> {
    pub name: &'n str,
    /// Whether no other name is as near.
    only: bool,
}

impl<'n> Guess<'n> {
    /// A guess that has no rival.
    pub(super) fn sure(name: &'n str) -> Self {
        Self { name, only: true }
    }
}

/// The name most like `found`, if any is like enough.
pub(super) fn nearest<'n>(found: &str, names: impl IntoIterator<Item = &'n str>) -> Option<Guess<'n>> {
    let allowed = (found.chars().count() / 3).clamp(1, 4);
    let distance = |name: &str| strsim::osa_distance(&found.to_lowercase(), &name.to_lowercase());
    let near = names.into_iter().map(|name| (distance(name), name)).filter(|(d, _)| *d <= allowed);
    let near: Vec<_> = near.collect();
    let (best, name) = *near.iter().min_by_key(|(distance, _)| *distance)?;
    let only = near.iter().all(|(distance, other)| *distance > best || *other == name);
    Some(Guess { name, only })
}

/// Draws findings in rustc's style, each with file, line, column, the source line and a caret.
pub fn render(diagnostics: &[Diagnostic], files: &[SourceFile], color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let sources = Sources::new(files);
    let drawn = diagnostics.iter().map(|diagnostic| renderer.render(&[group(diagnostic, &sources)]) + "\n");
    drawn.collect::<Vec<_>>().join("\n")
}

fn group<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources<'a>) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(printable(&diagnostic.message)).id(diagnostic.code);
    let mut names: Vec<&str> = Vec::new();
    for label in &diagnostic.labels {
        if !names.contains(&label.file.as_str()) {
            names.push(&label.file);
        }
    }
    let snippets = names.into_iter().filter_map(|name| snippet(diagnostic, name, sources));
    let group = Group::with_title(title).elements(snippets);
    match &diagnostic.help {
        Some(help) => group.element(Level::HELP.message(printable(help))),
        None => group,
    }
}

/// The lines of one file that the labels point at. Only those are handed on, so that a finding in a large
/// file costs no more than in a small one.
fn snippet<'a>(
    diagnostic: &'a Diagnostic,
    name: &str,
    sources: &'a Sources<'a>,
) -> Option<Snippet<'a, Annotation<'a>>> {
    let (file, lines) = sources.file(name)?;
    let clip = |at: usize| file.text.floor_char_boundary(at.min(file.text.len()));
    let mine = || diagnostic.labels.iter().enumerate().filter(|(_, label)| label.file == name);
    let first = mine().map(|(_, label)| lines.of(clip(label.span.start))).min()?;
    let last = mine().map(|(_, label)| lines.of(clip(label.span.end))).max()?;
    let (start, end) = (lines.start(first), lines.start(last + 1).min(file.text.len()));
    let annotations = mine().map(|(index, label)| {
        let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let from = clip(label.span.start) - start;
        let to = (clip(label.span.end) - start).max(from);
        let text = (!label.text.is_empty()).then(|| printable(&label.text));
        kind.span(from..to).label(text)
    });
    let text = file.text.get(start..end).unwrap_or_default();
    let text = text.strip_suffix('\n').unwrap_or(text);
    let snippet = Snippet::source(masked(text)).line_start(first).path(printable(&file.name));
    Some(snippet.annotations(annotations))
}

/// Source text with what steers masked, each by a character of as many bytes, so that places stay.
fn masked(text: &str) -> Cow<'_, str> {
    let hidden = |char: char| is_unsafe(char) && !matches!(char, '\n' | '\r' | '\t');
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let mask = |char: char| match char.len_utf8() {
        _ if !hidden(char) => char,
        1 => '?',
        2 => '\u{b7}',
        _ => char::REPLACEMENT_CHARACTER,
    };
    Cow::Owned(text.chars().map(mask).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guess_is_a_fix_only_when_no_other_is_as_near() {
        let label = Label { file: "a.hcl".into(), span: 3..7, text: String::new() };
        let found = |names: &[&'static str]| {
            let guess = nearest("dong", names.iter().copied());
            let diagnostic = Diagnostic::new("E004", "dong", label.clone()).did_you_mean(guess);
            (diagnostic.help, diagnostic.fix.map(|fix| (fix.span, fix.replacement)))
        };
        let help = Some("did you mean `doing`?".to_owned());
        assert_eq!(found(&["doing", "to_do", "doing"]), (help.clone(), Some((3..7, "doing".to_owned()))));
        assert_eq!(found(&["doing", "done"]), (help, None));
        assert_eq!(found(&["to_do"]), (None, None));
    }
}
