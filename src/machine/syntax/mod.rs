//! From HCL text to a tree with places.
//!
//! `hcl-edit` parses and keeps every span; its tree is turned into ours and dropped at once, on a thread of
//! its own. `hcl::from_str` with serde would be shorter and wrong: it merges blocks with the same labels,
//! loses some, and knows no places.

mod ast;
mod expression;
mod limits;
mod lower;
mod template;

use std::num::NonZero;
use std::ops::Range;
use std::thread::{Scope, ScopedJoinHandle};

use hcl::edit::parser::{self, parse_body};

use super::diagnostic::{Diagnostic, Findings};
use super::span::{INVALID_UTF8, Sources, Span};

pub(super) use ast::{Argument, Block, Item};

/// Stack for the parser. It recurses up to 64 levels of nesting with up to 128 operators on each, and its tree
/// is dropped recursively, too: that needs some megabytes in a debug build, more than a worker's thread has.
/// Only what is touched is ever backed by memory.
const STACK: usize = 64 << 20;

/// What became of one file.
type Parsed = (Option<Vec<Item>>, Vec<Diagnostic>);

/// Parses every file, in order. A file that cannot be parsed yields `None` and a finding.
pub(super) fn parse_all(findings: &mut Findings<'_>) -> Vec<Option<Vec<Item>>> {
    let parsed = side_by_side(findings.sources);
    let (trees, found): (Vec<_>, Vec<_>) = parsed.into_iter().unzip();
    found.into_iter().flatten().for_each(|diagnostic| findings.push(diagnostic));
    trees
}

/// The files in as many shares as there are cores: parsing is most of what loading rules costs.
fn side_by_side(sources: &Sources<'_>) -> Vec<Parsed> {
    let files = sources.files.len();
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = files.div_ceil(cores).max(1);
    let shares = (0..files).step_by(share).map(|first| first..files.min(first + share));
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            shares.map(|share| (share.clone(), on_a_deep_stack(scope, sources, share))).collect();
        let join = |(share, thread): (Range<usize>, Option<ScopedJoinHandle<'_, _>>)| {
            let parsed = thread.and_then(|thread| thread.join().ok());
            parsed.unwrap_or_else(|| share.map(|_| (None, vec![no_thread(sources)])).collect())
        };
        threads.into_iter().flat_map(join).collect()
    })
}

fn on_a_deep_stack<'scope>(
    scope: &'scope Scope<'scope, '_>,
    sources: &'scope Sources<'_>,
    share: Range<usize>,
) -> Option<ScopedJoinHandle<'scope, Vec<Parsed>>> {
    let thread = std::thread::Builder::new().name("rules".into()).stack_size(STACK);
    thread.spawn_scoped(scope, move || share.map(|file| parse_apart(sources, file)).collect()).ok()
}

fn parse_apart(sources: &Sources<'_>, file: usize) -> Parsed {
    let mut findings = Findings::new(sources);
    let tree = parse(file, &mut findings);
    (tree, findings.found)
}

fn no_thread(sources: &Sources<'_>) -> Diagnostic {
    let message = "syntax: the parser could not be run";
    Diagnostic::new("E001", message, sources.label(Span::default(), "")).help("is the machine out of memory?")
}

fn parse(file: usize, findings: &mut Findings<'_>) -> Option<Vec<Item>> {
    let whole = findings.sources.files.get(file).map_or("", |file| file.text.as_str());
    let text = whole.strip_prefix('\u{FEFF}').unwrap_or(whole);
    let place = Place { file: u32::try_from(file).ok()?, base: whole.len() - text.len() };
    if let Err((at, message)) = limits::check(text) {
        return refuse(findings, place.span(at), &message, "");
    }
    if let Some(at) = text.find(INVALID_UTF8) {
        let message = "expected UTF-8 text";
        return refuse(findings, place.span(at..at + INVALID_UTF8.len_utf8()), message, "not UTF-8");
    }
    // With a line's end of its own, where the parser stumbles at the end of the file is told from the rest.
    match parse_body(&format!("{text}\n")) {
        Ok(body) => Some(lower::Lower::new(place, text, findings).body(&body)),
        Err(error) => {
            let at = text.floor_char_boundary(error.location().offset());
            let (range, found) = found_at(text, at);
            refuse(findings, place.span(range), &expected(&error), &found)
        }
    }
}

fn refuse(findings: &mut Findings<'_>, span: Span, message: &str, label: &str) -> Option<Vec<Item>> {
    let diagnostic = findings.labelled("E001", span, format!("syntax: {message}"), label);
    findings.push(diagnostic);
    None
}

/// The parser's words, without its names for what it was reading.
fn expected(error: &parser::Error) -> String {
    let message = error.message();
    if message.contains("found redefined") {
        return "expected each name once".to_owned();
    }
    message.split_once("; ").map_or(message, |(_, expected)| expected).to_owned()
}

/// The word, or the character, that the parser stumbled over, and how to name it.
fn found_at(text: &str, at: usize) -> (Range<usize>, String) {
    let rest = text.get(at..).unwrap_or_default();
    let Some(first) = rest.chars().next().filter(|_| !rest.trim_end().is_empty()) else {
        let end = text.trim_end().len();
        return (end..end, "found the end of the file".to_owned());
    };
    if matches!(first, '\n' | '\r') {
        return (at..at, "found the end of the line".to_owned());
    }
    let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).unwrap_or(rest.len());
    let length = word.max(first.len_utf8());
    (at..at + length, format!("found `{}`", rest.get(..length).unwrap_or_default()))
}

/// Turns the parser's ranges into spans.
#[derive(Debug, Clone, Copy)]
struct Place {
    file: u32,
    /// Bytes before the parsed text: a byte order mark.
    base: usize,
}

impl Place {
    fn span(self, range: Range<usize>) -> Span {
        let offset = |at: usize| u32::try_from(at + self.base).unwrap_or(u32::MAX);
        Span { file: self.file, start: offset(range.start), end: offset(range.end) }
    }
}
