//! What a file may be at most, found out before it is parsed.
//!
//! The parser caps nesting itself. Its objects are lists that are searched for every key, so the number of
//! keys is capped here; blocks are not affected.

use std::ops::Range;

const MAX_BYTES: usize = 1 << 20;
const MAX_KEYS: usize = 500;

/// Says where a file goes beyond a limit, and which.
pub(super) fn check(text: &str) -> Result<(), (Range<usize>, String)> {
    if text.len() > MAX_BYTES {
        return Err((0..0, format!("expected at most 1 MiB, found {} bytes", text.len())));
    }
    match Scan::new(text).first_large_object() {
        Some(at) => Err((at..at + 1, format!("expected at most {MAX_KEYS} keys in an object"))),
        None => Ok(()),
    }
}

/// What the scanner is in, innermost last.
enum Within {
    /// `{ … }` of a block or an interpolation.
    Braces,
    /// `{ … }` of an object, its place and its keys so far.
    Object {
        at: usize,
        keys: usize,
    },
    Quotes,
    Heredoc {
        end: Range<usize>,
    },
}

/// A scanner that knows just enough of HCL to tell an object's separators from other text. Where it is
/// mistaken, a file is refused that nobody writes, or the parser takes longer.
struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    within: Vec<Within>,
    /// The last byte of code that is no space: tells an object's brace from a block's.
    last: u8,
}

impl<'a> Scan<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, bytes: text.as_bytes(), at: 0, within: Vec::new(), last: b'\n' }
    }

    fn first_large_object(mut self) -> Option<usize> {
        while self.at < self.bytes.len() {
            match self.within.last() {
                Some(Within::Quotes) => self.quoted(),
                Some(Within::Heredoc { end }) => self.heredoc(end.clone()),
                _ => self.code(),
            }
            if let Some(Within::Object { at, keys }) = self.within.last()
                && *keys > MAX_KEYS
            {
                return Some(*at);
            }
        }
        None
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn skip_past(&mut self, end: &[u8]) {
        let found = self.rest().windows(end.len()).position(|window| window == end);
        self.at = found.map_or(self.bytes.len(), |found| self.at + found + end.len());
    }

    fn code(&mut self) {
        let rest = self.rest();
        match rest {
            [b'#', ..] | [b'/', b'/', ..] => return self.skip_past(b"\n"),
            [b'/', b'*', ..] => return self.skip_past(b"*/"),
            [b'<', b'<', ..] => return self.heredoc_start(),
            [b'"', ..] => self.within.push(Within::Quotes),
            [b'{', ..] if matches!(self.last, b'=' | b':' | b',' | b'(' | b'[' | b'?' | b'>' | b'{') => {
                self.within.push(Within::Object { at: self.at, keys: 0 });
            }
            [b'{', ..] => self.within.push(Within::Braces),
            [b'}', ..] => {
                self.within.pop();
            }
            [b'=' | b':', ..] => {
                if let Some(Within::Object { keys, .. }) = self.within.last_mut() {
                    *keys += 1;
                }
            }
            _ => {}
        }
        if let Some(byte) = rest.first().filter(|byte| !byte.is_ascii_whitespace()) {
            self.last = *byte;
        }
        self.at += 1;
    }

    fn quoted(&mut self) {
        match self.rest() {
            [b'\\', _, ..] => self.at += 2,
            [b'"', ..] => {
                self.within.pop();
                self.last = b'"';
                self.at += 1;
            }
            _ => self.text_or_interpolation(),
        }
    }

    fn text_or_interpolation(&mut self) {
        match self.rest() {
            [b'$', b'$', b'{', ..] | [b'%', b'%', b'{', ..] => self.at += 3,
            [b'$' | b'%', b'{', ..] => {
                self.within.push(Within::Braces);
                self.last = b'{';
                self.at += 2;
            }
            _ => self.at += 1,
        }
    }

    fn heredoc_start(&mut self) {
        let mut start = self.at + 2;
        start += usize::from(self.bytes.get(start) == Some(&b'-'));
        let line = self.text.get(start..).unwrap_or_default();
        let length = line.find('\n').unwrap_or(line.len());
        let word = line.get(..length).unwrap_or_default().trim_end();
        if word.is_empty() || word.contains(|c: char| c.is_whitespace()) {
            self.at += 2;
            return;
        }
        self.within.push(Within::Heredoc { end: start..start + word.len() });
        self.at = start + length;
    }

    fn heredoc(&mut self, end: Range<usize>) {
        if self.bytes.get(self.at) == Some(&b'\n') {
            let word = self.text.get(end).unwrap_or_default();
            let line = self.text.get(self.at + 1..).unwrap_or_default();
            if let Some(after) = line.trim_start_matches([' ', '\t']).strip_prefix(word)
                && !after.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '-')
            {
                self.within.pop();
                self.last = b'"';
                self.at = self.text.len() - after.len();
                return;
            }
        }
        self.text_or_interpolation();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(n: usize) -> String {
        (0..n).map(|i| format!("k{i} = \"}} {i}\"\n")).collect::<Vec<_>>().concat()
    }

    #[test]
    fn an_object_has_a_limit_and_a_block_has_none() {
        assert!(check(&format!("a = {{\n{}}}", keys(MAX_KEYS))).is_ok());
        let (at, message) = check(&format!("a = {{\n{}}}", keys(MAX_KEYS + 1))).unwrap_err();
        assert_eq!(at, 4..5);
        assert!(message.contains("500 keys"));
        assert!(check(&format!("a {{\n{}}}", keys(MAX_KEYS * 2))).is_ok());
    }

    #[test]
    fn strings_comments_and_heredocs_do_not_mislead_it() {
        let colons = ":".repeat(MAX_KEYS + 1);
        for text in [
            format!("a = {{ k = \"{colons}\" }}"),
            format!("a = {{ # {colons}\n}}"),
            format!("a = {{ k = <<EOT\n{colons}\"\nEOT\n}}"),
            format!("a = {{ k = \"${{lower(\"{colons}\")}} $${{\" }}"),
        ] {
            assert!(check(&text).is_ok(), "{text}");
        }
        let nested = format!("a = {{ k = \"${{ {{\n{}}}.x }}\" }}", keys(MAX_KEYS + 1));
        assert!(check(&nested).is_err());
    }

    #[test]
    fn a_file_has_a_limit() {
        assert!(check(&" ".repeat(MAX_BYTES)).is_ok());
        assert!(check(&" ".repeat(MAX_BYTES + 1)).unwrap_err().1.contains("1 MiB"));
    }
}
