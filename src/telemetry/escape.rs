//! Other people's texts, made safe to print.
//!
//! A branch name may hold a line break that forges a log line, an escape sequence that repaints the
//! terminal, or a bidirectional override that makes a line read as another one.

use std::fmt::{self, Write};

/// A text whose control and bidirectional characters print as `\u{…}`.
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a>(&'a str);

/// Wraps `text` so that it prints on one line, as what it is.
pub fn escape(text: &str) -> Escaped<'_> {
    Escaped(text)
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '\n' => f.write_str("\\n"),
            '\t' => f.write_str("\\t"),
            c if is_unsafe(c) => write!(f, "\\u{{{:x}}}", u32::from(c)),
            c => f.write_char(c),
        })
    }
}

/// Control characters, line and paragraph separators, and everything that reorders text or hides in it.
pub(super) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_the_cursor_or_the_reader_gets_through() {
        let text = "feature/\u{1b}[2J\n\u{202e}gpj.exe é 票 \u{200b}\u{9b}";
        let escaped = escape(text).to_string();
        assert_eq!(escaped, "feature/\\u{1b}[2J\\n\\u{202e}gpj.exe é 票 \\u{200b}\\u{9b}");
    }
}
