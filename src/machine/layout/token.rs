//! A lossless lexer: the tokens and the spaces between them are the text again.
//!
//! It knows no more of HCL than layout needs, and takes texts, heredocs and comments whole, so that nothing in
//! them is ever touched. It sees only files that the parser has accepted.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name, a number, `true`.
    Word,
    /// `"…"`, templates in it included.
    Text,
    /// From `<<` to the word that ends it.
    Heredoc,
    /// `# …`, `// …` or `/* … */`.
    Comment,
    /// `{`, `[` or `(`.
    Open,
    /// `}`, `]` or `)`.
    Close,
    /// `=`, `==`, `,`, `.` and so on.
    Mark,
    /// The end of a line.
    Newline,
}

/// A token with the spaces before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub kind: Kind,
    pub text: &'t str,
    /// How many characters of space stand before it on its line.
    pub gap: usize,
    /// The column in which it begins, from 0.
    pub column: usize,
}

impl Token<'_> {
    pub(super) fn is(&self, kind: Kind, text: &str) -> bool {
        self.kind == kind && self.text == text
    }

    /// Whether it is a mark that parts what is before it from what comes next.
    pub(super) fn parts(&self) -> bool {
        self.kind == Kind::Mark && [",", ":"].contains(&self.text)
    }

    /// Whether it is a mark that stands between two values.
    pub(super) fn is_operator(&self) -> bool {
        const OPERATORS: [&str; 11] = ["=", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "=>", "?"];
        self.kind == Kind::Mark && OPERATORS.contains(&self.text)
    }
}

/// Takes a text apart.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let (mut rest, mut column) = (text, 0);
    loop {
        let trimmed = rest.trim_start_matches(|c: char| c.is_whitespace() && c != '\n');
        let gap = rest.split_at(rest.len() - trimmed.len()).0.chars().count();
        let Some((kind, length)) = next(trimmed) else { return found };
        let (text, after) = trimmed.split_at(length);
        column += gap;
        let kept = if kind == Kind::Comment { text.trim_end() } else { text };
        found.push(Token { kind, text: kept, gap, column });
        column = match text.rfind('\n') {
            Some(newline) => text.split_at(newline + 1).1.chars().count(),
            None => column + text.chars().count(),
        };
        rest = after;
    }
}

/// The kind of the token that a text begins with, and how many bytes it has.
fn next(text: &str) -> Option<(Kind, usize)> {
    let first = text.chars().next()?;
    let to_line_end = || text.find('\n').unwrap_or(text.len());
    Some(match first {
        '\n' => (Kind::Newline, 1),
        '#' => (Kind::Comment, to_line_end()),
        '/' if text.starts_with("//") => (Kind::Comment, to_line_end()),
        '/' if text.starts_with("/*") => (Kind::Comment, text.find("*/").map_or(text.len(), |end| end + 2)),
        '"' => (Kind::Text, quoted(text)),
        '<' => heredoc(text).map_or_else(|| operator(text), |length| (Kind::Heredoc, length)),
        '{' | '[' | '(' => (Kind::Open, 1),
        '}' | ']' | ')' => (Kind::Close, 1),
        c if is_word(c) => (Kind::Word, text.find(|c| !is_word(c)).unwrap_or(text.len())),
        _ => operator(text),
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

fn operator(text: &str) -> (Kind, usize) {
    const LONG: [&str; 8] = ["...", "==", "!=", "<=", ">=", "&&", "||", "=>"];
    let long = LONG.iter().find(|mark| text.starts_with(**mark)).map(|mark| mark.len());
    (Kind::Mark, long.unwrap_or_else(|| text.chars().next().map_or(0, char::len_utf8)))
}

/// How long the quoted text is that a text begins with.
fn quoted(text: &str) -> usize {
    template(text, 1, |rest| rest.starts_with('"').then_some(1))
}

/// How long the heredoc is that a text begins with, if it does.
fn heredoc(text: &str) -> Option<usize> {
    let (line, _) = text.split_once('\n')?;
    let word = line.strip_prefix("<<")?;
    let word = word.strip_prefix('-').unwrap_or(word).trim_end();
    if word.is_empty() || !word.chars().all(is_word) {
        return None;
    }
    Some(template(text, line.len(), |rest| {
        let line = rest.strip_prefix('\n')?;
        let trimmed = line.trim_start_matches([' ', '\t']);
        let after = trimmed.strip_prefix(word).filter(|after| !after.starts_with(is_word))?;
        Some(rest.len() - after.len())
    }))
}

/// Where a template ends that goes on at `at`: after what `end` finds outside of its interpolations.
fn template(text: &str, mut at: usize, end: impl Fn(&str) -> Option<usize>) -> usize {
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if let Some(length) = end(rest) {
            return at + length;
        }
        at += match rest.as_bytes() {
            [b'$', b'$', b'{', ..] | [b'%', b'%', b'{', ..] => 3,
            [b'$' | b'%', b'{', ..] => 2 + interpolation(rest.split_at(2).1),
            [b'\\', b'"' | b'\\', ..] if text.starts_with('"') => 2,
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
    }
    text.len()
}

/// How much of a text belongs to the interpolation it goes on with, its closing brace included.
fn interpolation(text: &str) -> usize {
    let (mut at, mut open) = (0, 1);
    while let Some((rest, (kind, length))) = text.get(at..).and_then(|rest| Some((rest, next(rest)?))) {
        at += length;
        match rest.as_bytes() {
            [b'{', ..] if kind == Kind::Open => open += 1,
            [b'}', ..] if kind == Kind::Close => open -= 1,
            _ => {}
        }
        if open == 0 {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        tokens(text).iter().map(|token| token.text).collect()
    }

    #[test]
    fn texts_templates_heredocs_and_comments_are_one_token_each() {
        assert_eq!(
            texts(r#"a = "x ${f("}", {})} \" $${ y" # z  "#),
            ["a", "=", r#""x ${f("}", {})} \" $${ y""#, "# z"]
        );
        assert_eq!(
            texts("a = <<-E\n ${\"\nE\n\"}\n  E\nb"),
            ["a", "=", "<<-E\n ${\"\nE\n\"}\n  E", "\n", "b"]
        );
        assert_eq!(texts("/* a\n b */ c // d"), ["/* a\n b */", "c", "// d"]);
        assert_eq!(texts("a.b[0]>=-1...\n"), ["a", ".", "b", "[", "0", "]", ">=", "-1", "...", "\n"]);
    }

    #[test]
    fn columns_count_characters_of_the_tokens_own_line() {
        let columns: Vec<_> =
            tokens("é  x /* \n */ y").iter().map(|token| (token.gap, token.column)).collect();
        assert_eq!(columns, [(0, 0), (2, 3), (1, 5), (1, 4)]);
    }
}
