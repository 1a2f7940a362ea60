//! Places in rule files, and the files themselves.

use std::ops::Range;

use super::diagnostic::Label;

/// A file of rules, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// The name as diagnostics show it: `jira.hcl`.
    pub name: String,
    /// What it says.
    pub text: String,
}

impl SourceFile {
    /// A file from its bytes.
    ///
    /// Invalid UTF-8 is not lost: it stays visible as U+FFFD and [`load`](super::load) reports it as E001.
    /// A byte order mark is dropped.
    pub fn from_bytes(name: impl Into<String>, bytes: &[u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(error) => {
                let (good, _) = bytes.split_at(error.valid_up_to());
                format!("{}{INVALID_UTF8}", String::from_utf8_lossy(good))
            }
        };
        Self { name: name.into(), text }
    }

    /// Where `offset` is, counted as people count: lines and characters from 1.
    pub fn position(&self, offset: usize) -> Position {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(start..).unwrap_or_default().chars().count() + 1;
        Position { line, column }
    }
}

/// What stands in for the first byte that is not UTF-8 and for all that follows. A non-character, so that
/// no text a person writes can be mistaken for it.
pub(super) const INVALID_UTF8: char = '\u{FFFE}';

/// A line and a column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// A stretch of one of the files that are being read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Span {
    pub file: u32,
    pub start: u32,
    pub end: u32,
}

impl Span {
    /// From the start of this one to the end of `other`.
    pub(super) fn to(self, other: Self) -> Self {
        Self { end: other.end.max(self.end), ..self }
    }
}

/// Something with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spanned<T> {
    pub value: T,
    pub span: Span,
}

impl<T> Spanned<T> {
    pub(super) fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// A name or a text as written, with its place (without the quotes).
pub(super) type Word = Spanned<String>;

impl Word {
    pub(super) fn as_str(&self) -> &str {
        &self.value
    }
}

/// The files that are being read, with an index of their lines.
pub(super) struct Sources<'a> {
    pub files: &'a [SourceFile],
    lines: Vec<Lines>,
}

impl<'a> Sources<'a> {
    pub(super) fn new(files: &'a [SourceFile]) -> Self {
        let lines = files.iter().map(|file| Lines::new(&file.text)).collect();
        Self { files, lines }
    }

    /// A file and its lines.
    pub(super) fn file(&self, name: &str) -> Option<(&'a SourceFile, &Lines)> {
        self.files.iter().zip(&self.lines).find(|(file, _)| file.name == name)
    }

    /// The name of the file a span is in.
    pub(super) fn name(&self, span: Span) -> &'a str {
        self.files.get(span.file as usize).map_or("", |file| &file.name)
    }

    /// The line a span begins in, from 1.
    pub(super) fn line(&self, span: Span) -> u32 {
        let line = self.lines.get(span.file as usize).map_or(0, |lines| lines.of(span.start as usize));
        u32::try_from(line).unwrap_or(u32::MAX)
    }

    /// `jira.hcl:4`.
    pub(super) fn place(&self, span: Span) -> String {
        format!("{}:{}", self.name(span), self.line(span))
    }

    /// A label for a diagnostic.
    pub(super) fn label(&self, span: Span, text: impl Into<String>) -> Label {
        let range: Range<usize> = span.start as usize..span.end as usize;
        Label { file: self.name(span).to_owned(), span: range, text: text.into() }
    }
}

/// Where the lines of a text begin.
pub(super) struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self(std::iter::once(0).chain(newlines.map(|(at, _)| at + 1)).collect())
    }

    /// The line of an offset, from 1.
    pub(super) fn of(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset)
    }

    /// The offset of a line; beyond the last, the largest there is.
    pub(super) fn start(&self, line: usize) -> usize {
        line.checked_sub(1).and_then(|index| self.0.get(index).copied()).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_not_bytes() {
        let file = SourceFile { name: "a.hcl".into(), text: "é = 1\nпривет x".into() };
        let at = file.text.find('x').unwrap();
        assert_eq!(file.position(at), Position { line: 2, column: 8 });
    }

    #[test]
    fn a_byte_order_mark_goes_and_a_wrong_byte_stays_visible() {
        assert_eq!(SourceFile::from_bytes("a", b"\xEF\xBB\xBFx = 1").text, "x = 1");
        assert_eq!(SourceFile::from_bytes("a", b"x = \xFF1").text, format!("x = {INVALID_UTF8}"));
    }
}
