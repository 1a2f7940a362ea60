//! Lines of tokens: how far in they stand, and what stands between their tokens.

use super::token::{Kind, Token};

const INDENT: usize = 2;

/// What a line is, as far as its neighbours go by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// `name = value`, whole; its first tokens, as many as said, are what stands before the mark.
    Argument(usize),
    /// `state "to_do" "next" { … }`, whole; likewise.
    Block(usize),
    /// Anything else.
    Other,
}

/// A line, or several when a token has more than one. Without tokens it is a blank line.
#[derive(Debug)]
pub(super) struct Line<'t> {
    tokens: &'t [Token<'t>],
    indent: usize,
    pub shape: Shape,
    /// The width to which what stands before the mark or the brace is filled up.
    pub width: usize,
}

/// Parts tokens into lines. Blank lines are kept one at a time, and not at the ends.
pub(super) fn lines<'t>(tokens: &'t [Token<'t>]) -> Vec<Line<'t>> {
    let mut open = Vec::new();
    let mut lines: Vec<Line<'t>> = Vec::new();
    for tokens in tokens.split(|token| token.kind == Kind::Newline) {
        let last_is_blank = lines.last().is_none_or(|line| line.tokens.is_empty());
        if tokens.is_empty() && last_is_blank {
            continue;
        }
        let line = line(tokens, &mut open);
        lines.push(line);
    }
    if lines.last().is_some_and(|line| line.tokens.is_empty()) {
        lines.pop();
    }
    lines
}

/// A bracket that is open: its kind, and whether what follows stands further in because of it. Of several
/// that one line opens, only the last one counts, so that `f([` indents once.
struct Bracket {
    brace: bool,
    indents: bool,
}

fn line<'t>(tokens: &'t [Token<'t>], open: &mut Vec<Bracket>) -> Line<'t> {
    let indent = |open: &[Bracket]| INDENT * open.iter().filter(|bracket| bracket.indents).count();
    let closing = tokens.iter().take_while(|token| token.kind == Kind::Close).count();
    open.truncate(open.len().saturating_sub(closing));
    let line = Line { tokens, indent: indent(open), shape: shape(tokens, open), width: 0 };
    let before = open.len();
    let mut low = before;
    for token in tokens.iter().skip(closing) {
        match token.kind {
            Kind::Open => open.push(Bracket { brace: token.text == "{", indents: false }),
            Kind::Close => {
                open.pop();
                low = low.min(open.len());
            }
            _ => {}
        }
    }
    if open.len() > low
        && let Some(last) = open.last_mut()
    {
        last.indents = true;
    }
    line
}

fn shape(tokens: &[Token<'_>], open: &[Bracket]) -> Shape {
    let code = without_comment(tokens);
    let in_braces = open.last().is_none_or(|bracket| bracket.brace);
    if !in_braces || !whole(code) {
        return Shape::Other;
    }
    match code {
        [Token { kind: Kind::Word | Kind::Text, .. }, mark, ..] if mark.is(Kind::Mark, "=") => {
            Shape::Argument(1)
        }
        [Token { kind: Kind::Word, .. }, .., close] if close.is(Kind::Close, "}") => {
            let head = code.iter().take_while(|token| matches!(token.kind, Kind::Word | Kind::Text)).count();
            let brace = code.get(head).is_some_and(|token| token.is(Kind::Open, "{"));
            if brace { Shape::Block(head) } else { Shape::Other }
        }
        _ => Shape::Other,
    }
}

/// Whether brackets that a line opens are closed on it, and none of its tokens goes over its end.
fn whole(tokens: &[Token<'_>]) -> bool {
    let count = |kind| tokens.iter().filter(|token| token.kind == kind).count();
    count(Kind::Open) == count(Kind::Close) && !tokens.iter().any(|token| token.text.contains('\n'))
}

/// The tokens without the comment that ends a line of code.
fn without_comment<'s, 't>(tokens: &'s [Token<'t>]) -> &'s [Token<'t>] {
    match tokens {
        [code @ .., last] if !code.is_empty() && last.kind == Kind::Comment => code,
        tokens => tokens,
    }
}

impl Line<'_> {
    /// How wide what stands before the mark or the brace is.
    pub(super) fn head_width(&self) -> usize {
        let (Shape::Argument(head) | Shape::Block(head)) = self.shape else { return 0 };
        let mut out = String::new();
        write_code(self.tokens.split_at(head).0, &mut out);
        out.chars().count()
    }

    pub(super) fn indent(&self) -> usize {
        self.indent
    }

    pub(super) fn write(&self, out: &mut String) {
        if self.tokens.is_empty() {
            return;
        }
        out.extend(std::iter::repeat_n(' ', self.indent));
        let code = without_comment(self.tokens);
        match self.shape {
            Shape::Argument(head) | Shape::Block(head) => {
                let (head, rest) = code.split_at(head);
                write_code(head, out);
                let fill = 1 + self.width.saturating_sub(self.head_width());
                out.extend(std::iter::repeat_n(' ', fill));
                write_code(rest, out);
            }
            Shape::Other => write_code(code, out),
        }
        if let [comment] = self.tokens.split_at(code.len()).1 {
            write_comment(*comment, out);
        }
    }
}

fn write_code(tokens: &[Token<'_>], out: &mut String) {
    for (index, token) in tokens.iter().enumerate() {
        let (earlier, _) = tokens.split_at(index);
        out.extend(std::iter::repeat_n(' ', gap(earlier, token)));
        out.push_str(token.text);
    }
}

/// A comment at the end of a line keeps its column, so that comments which stand below each other go on doing
/// so, as long as the code leaves room; one that follows closely goes on following.
fn write_comment(comment: Token<'_>, out: &mut String) {
    let column = out.rfind('\n').map_or(out.as_str(), |newline| out.split_at(newline + 1).1).chars().count();
    let fill = if comment.gap > 1 { comment.column.saturating_sub(column).max(1) } else { 1 };
    out.extend(std::iter::repeat_n(' ', fill));
    out.push_str(comment.text);
}

/// How many spaces stand before a token of a line, after those that stand on it already.
fn gap(earlier: &[Token<'_>], token: &Token<'_>) -> usize {
    let Some(before) = earlier.last() else { return 0 };
    let comment = before.kind == Kind::Comment || token.kind == Kind::Comment;
    if before.kind == Kind::Heredoc {
        return token.gap;
    }
    if token.is(Kind::Mark, ",") || before.is(Kind::Open, "{") && token.is(Kind::Close, "}") {
        return 0;
    }
    if token.is(Kind::Mark, ":") {
        return usize::from(!ends_with_key(earlier));
    }
    let braces = before.is(Kind::Open, "{") || token.is(Kind::Close, "}");
    if braces || [before, token].into_iter().any(Token::is_operator) || before.parts() {
        return 1;
    }
    match (before.kind, token.kind) {
        (Kind::Open, Kind::Open) => token.gap.min(1),
        (Kind::Open, _) | (_, Kind::Close) if !comment => 0,
        (Kind::Close, Kind::Word) => 1,
        _ => token.gap.min(1),
    }
}

/// Whether the last token is an object's key, which its colon follows closely.
fn ends_with_key(tokens: &[Token<'_>]) -> bool {
    match tokens {
        [] => false,
        [_] => true,
        [.., before, _] => before.is(Kind::Open, "{") || before.is(Kind::Mark, ","),
    }
}
