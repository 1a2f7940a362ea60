//! Which parts of a description are said, and which are quoted.
//!
//! HTML comments (templates are full of them), quoted lines and fenced code are not what the author says. Read
//! as GitHub-flavoured Markdown does, with one liberty: quotes and fences may be indented, as they are in lists.

/// A part of a description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    /// What the author says.
    Said(&'t str),
    /// A comment, a quoted line or a line of code.
    Quoted(&'t str),
}

/// The parts of `body`, in order; together they are the whole of it.
///
/// Wherever one ends there is a character that can be part of no key, or an end.
pub(super) fn pieces(body: &str) -> impl Iterator<Item = Piece<'_>> {
    Pieces { rest: body, at_line_start: true, fence: None, comments_end: true }
}

struct Pieces<'t> {
    rest: &'t str,
    /// Nothing but white space stands before `rest` on its line.
    at_line_start: bool,
    fence: Option<Fence>,
    /// A comment may still be closed. Once one was not, none after it is, and nobody need look again.
    comments_end: bool,
}

/// The line that opened a block of code.
#[derive(Debug, Clone, Copy)]
struct Fence {
    mark: u8,
    length: usize,
}

const COMMENT: &str = "<!--";
const COMMENT_END: &str = "-->";

impl<'t> Iterator for Pieces<'t> {
    type Item = Piece<'t>;

    fn next(&mut self) -> Option<Piece<'t>> {
        if self.rest.is_empty() {
            return None;
        }
        let line = self.rest.split_inclusive('\n').next().unwrap_or(self.rest);
        if self.is_quoted(line) {
            return Some(Piece::Quoted(self.take(line.len())));
        }
        Some(match line.find(COMMENT) {
            Some(0) => self.comment(),
            Some(at) => Piece::Said(self.take(at)),
            None => Piece::Said(self.take(line.len())),
        })
    }
}

impl<'t> Pieces<'t> {
    /// Whether the whole of `line` is quoted; enters and leaves fenced code.
    fn is_quoted(&mut self, line: &str) -> bool {
        if let Some(fence) = self.fence {
            if fence.is_closed_by(line) {
                self.fence = None;
            }
            return true;
        }
        if !self.at_line_start {
            return false;
        }
        self.fence = Fence::opened_by(line);
        self.fence.is_some() || line.trim_start().starts_with('>')
    }

    /// The comment that `rest` begins with.
    fn comment(&mut self) -> Piece<'t> {
        // `<!-->` is a whole comment: the search begins within the opening.
        let end = self.comments_end.then(|| self.rest[2..].find(COMMENT_END)).flatten();
        match end {
            Some(end) => Piece::Quoted(self.take(2 + end + COMMENT_END.len())),
            // A comment that opens a line and never ends hides the rest of the text.
            None if self.at_line_start => Piece::Quoted(self.take(self.rest.len())),
            // Amid a line it is not one.
            None => {
                self.comments_end = false;
                Piece::Said(self.take(COMMENT.len()))
            }
        }
    }

    fn take(&mut self, length: usize) -> &'t str {
        let (piece, rest) = self.rest.split_at(length);
        self.rest = rest;
        self.at_line_start = piece.ends_with('\n') || (self.at_line_start && piece.trim().is_empty());
        piece
    }
}

impl Fence {
    fn opened_by(line: &str) -> Option<Self> {
        let line = line.trim_start();
        let mark = line.bytes().next().filter(|b| matches!(b, b'`' | b'~'))?;
        let length = line.bytes().take_while(|b| *b == mark).count();
        // What follows names the language, in which a backtick would make it code within a line.
        let is_fence = length >= 3 && !(mark == b'`' && line[length..].contains('`'));
        is_fence.then_some(Self { mark, length })
    }

    fn is_closed_by(self, line: &str) -> bool {
        let line = line.trim();
        line.len() >= self.length && line.bytes().all(|b| b == self.mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn said(body: &str) -> String {
        let said = pieces(body).filter_map(|piece| match piece {
            Piece::Said(text) => Some(text),
            Piece::Quoted(_) => None,
        });
        said.collect()
    }

    #[test]
    fn plain_text_is_said() {
        assert_eq!(said("a\r\nb `c` > d ~~e~~\n"), "a\r\nb `c` > d ~~e~~\n");
        assert_eq!(said(""), "");
    }

    #[test]
    fn quoted_lines_are_not_said() {
        assert_eq!(said("a\n> b\n  >> c\n- > d\ne"), "a\n- > d\ne");
    }

    #[test]
    fn fenced_code_is_not_said() {
        assert_eq!(said("a\n```rust\nb\n```\nc"), "a\nc");
        assert_eq!(said("a\n~~~ `x`\nb\n```\nc\n~~~~\nd"), "a\nd", "a fence is closed by its own kind");
        assert_eq!(said("a\n````\nb\n```\nc\n````\nd"), "a\nd", "and by one no shorter");
        assert_eq!(said("- a\n  ```\n  b\n  ```\n- c"), "- a\n- c");
        assert_eq!(said("a\n```\nb\n``` c\nd"), "a\n", "unclosed: to the end");
        assert_eq!(said("``` a ``` b\nc"), "``` a ``` b\nc", "code within a line is said");
    }

    #[test]
    fn comments_are_not_said() {
        assert_eq!(said("a <!-- b --> c <!--d-->e"), "a  c e");
        assert_eq!(said("a\n<!-- b\n```\n> c\n-->\nd"), "a\n\nd");
        assert_eq!(said("<!-->a<!---->b<!--->c"), "abc");
        assert_eq!(said("a\n  <!-- b\nc"), "a\n  ", "unclosed at a line's start: to the end");
        assert_eq!(said("use `<!--` to hide\nb\n<!--c"), "use `<!--` to hide\nb\n");
        assert_eq!(said("<!-- a -->\n> b\nc"), "\nc", "after a comment's line, lines begin anew");
        assert_eq!(said("```\n<!--\n```\na"), "a", "code holds no comments");
    }

    proptest! {
        #[test]
        fn nothing_is_lost(body in "([a-z\n>`~ -]|<!--|-->|\r\n|```|é){0,60}") {
            let all: String = pieces(&body).map(|p| match p { Piece::Said(t) | Piece::Quoted(t) => t }).collect();
            prop_assert_eq!(all, body);
        }

        #[test]
        fn pieces_end_where_no_key_goes_on(body in "([A-Z0-9\n>`~ -]|<!--|-->|\r\n|```){0,60}") {
            let texts: Vec<&str> =
                pieces(&body).map(|p| match p { Piece::Said(t) | Piece::Quoted(t) => t }).collect();
            for pair in texts.windows(2) {
                let ends = pair[0].ends_with(['\n', '>']);
                prop_assert!(ends || pair[1].starts_with("<!--") || pair[0] == "<!--", "{:?}", pair);
            }
        }
    }
}
