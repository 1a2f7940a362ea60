//! Patterns of filters: `release/*`, `!renovate/**`.
//!
//! Only `*`, `**` and `?` mean something, so that `dependabot[bot]` is just a name. A pattern is matched by
//! following all of its possible positions at once: the cost is its length times the text's, whatever
//! either of them says.

use std::fmt;

/// Longer than any name it could be meant for.
const MAX_LENGTH: usize = 1000;

/// One glob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glob {
    text: String,
    /// `None`: no wildcard, the text itself.
    tokens: Option<Vec<Token>>,
    /// How many bytes of it come before its first wildcard: most texts are told apart by them.
    fixed: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Char(char),
    /// `?`: one character.
    One,
    /// `*`: any number of characters, within one segment where segments count.
    Star,
    /// `**`: any number of characters and segments.
    Stars,
    /// `**/`: nothing, or whole segments.
    Segments,
}

impl Glob {
    /// Reads a glob. `/` separates only where the filter says so.
    pub(super) fn new(text: &str, separated: bool) -> Self {
        let wild = text.find(['*', '?']);
        let fixed = wild.unwrap_or(text.len());
        Self { text: text.to_owned(), tokens: wild.map(|_| tokens(text, separated)), fixed }
    }

    /// Whether the whole of `text` is what this means.
    pub(super) fn matches(&self, text: &str, separated: bool) -> bool {
        match &self.tokens {
            None => self.text == text,
            Some(tokens) => {
                let fixed = self.text.get(..self.fixed).unwrap_or_default();
                text.starts_with(fixed) && simulate(tokens, text, separated)
            }
        }
    }

    /// The text it stands for, if it stands for exactly one.
    fn literal(&self) -> Option<&str> {
        self.tokens.is_none().then_some(self.text.as_str())
    }
}

fn tokens(text: &str, separated: bool) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let token = match char {
            '?' => Token::One,
            '*' => {
                let mut stars = 1;
                while chars.next_if_eq(&'*').is_some() {
                    stars += 1;
                }
                let at_segment = matches!(tokens.last(), None | Some(Token::Char('/') | Token::Segments));
                if stars == 1 {
                    Token::Star
                } else if separated && at_segment && chars.next_if_eq(&'/').is_some() {
                    Token::Segments
                } else {
                    Token::Stars
                }
            }
            other => Token::Char(other),
        };
        tokens.push(token);
    }
    tokens
}

fn simulate(tokens: &[Token], text: &str, separated: bool) -> bool {
    // Bit n: the first n tokens match what was read so far.
    let mut now = vec![false; tokens.len() + 1];
    let mut next = now.clone();
    set(&mut now, 0, tokens);
    for char in text.chars() {
        next.fill(false);
        for (at, token) in tokens.iter().enumerate() {
            if !now.get(at).copied().unwrap_or_default() {
                continue;
            }
            let divides = separated && char == '/';
            match token {
                Token::Char(wanted) if *wanted == char => set(&mut next, at + 1, tokens),
                Token::One if !divides => set(&mut next, at + 1, tokens),
                Token::Star if !divides => set(&mut next, at, tokens),
                Token::Stars => set(&mut next, at, tokens),
                Token::Segments => {
                    stay(&mut next, at);
                    if char == '/' {
                        set(&mut next, at + 1, tokens);
                    }
                }
                _ => {}
            }
        }
        std::mem::swap(&mut now, &mut next);
    }
    now.last().copied().unwrap_or_default()
}

/// Marks a position, and those behind it that a wildcard reaches for nothing.
fn set(positions: &mut [bool], mut at: usize, tokens: &[Token]) {
    stay(positions, at);
    while matches!(tokens.get(at), Some(Token::Star | Token::Stars | Token::Segments)) {
        at += 1;
        stay(positions, at);
    }
}

fn stay(positions: &mut [bool], at: usize) {
    if let Some(position) = positions.get_mut(at) {
        *position = true;
    }
}

/// A filter's value: any of these, and none of those.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Patterns {
    any: Vec<Glob>,
    none: Vec<Glob>,
    separated: bool,
}

/// Why a text cannot be a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadPattern {
    Empty,
    LoneExclusion,
    TooLong,
}

impl BadPattern {
    pub(super) fn message(self) -> &'static str {
        match self {
            Self::Empty => "an empty pattern matches nothing",
            Self::LoneExclusion => "a lone `!` excludes nothing",
            Self::TooLong => "a pattern has at most 1000 characters",
        }
    }
}

impl Patterns {
    pub(super) fn new(separated: bool) -> Self {
        Self { any: Vec::new(), none: Vec::new(), separated }
    }

    /// Adds one pattern; `!` in front excludes.
    pub(super) fn add(&mut self, text: &str) -> Result<(), BadPattern> {
        if text.chars().count() > MAX_LENGTH {
            return Err(BadPattern::TooLong);
        }
        match text.strip_prefix('!') {
            Some("") => Err(BadPattern::LoneExclusion),
            Some(excluded) => {
                self.none.push(Glob::new(excluded, self.separated));
                Ok(())
            }
            None if text.is_empty() => Err(BadPattern::Empty),
            None => {
                self.any.push(Glob::new(text, self.separated));
                Ok(())
            }
        }
    }

    fn excludes(&self, text: &str) -> bool {
        self.none.iter().any(|glob| glob.matches(text, self.separated))
    }

    fn includes(&self, text: &str) -> bool {
        self.any.is_empty() || self.any.iter().any(|glob| glob.matches(text, self.separated))
    }

    /// Whether one value passes: any of the wanted, none of the excluded.
    pub(super) fn accept(&self, text: &str) -> bool {
        !self.excludes(text) && self.includes(text)
    }

    /// Whether a set such as labels passes: one excluded value rejects, one wanted value suffices.
    pub(super) fn accept_all(&self, texts: &[String]) -> bool {
        let wanted = || self.any.is_empty() || texts.iter().any(|text| self.includes(text));
        !texts.iter().any(|text| self.excludes(text)) && wanted()
    }

    /// Whether everything that `other` accepts is accepted here, as far as that can be told easily.
    pub(super) fn covers(&self, other: &Self) -> bool {
        if self == other {
            return true;
        }
        let literals: Option<Vec<&str>> = other.any.iter().map(Glob::literal).collect();
        let same = |glob: &Glob| self.any.contains(glob);
        let wanted = self.any.is_empty()
            || (!other.any.is_empty() && other.any.iter().all(same))
            || literals.is_some_and(|all| !all.is_empty() && all.iter().all(|text| self.includes(text)));
        wanted && self.none.iter().all(|glob| other.none.contains(glob))
    }

    /// As a sentence has it: `"main" or "release/*"`, `anything but "x"`.
    pub(super) fn sentence(&self) -> String {
        let list = |globs: &[Glob]| {
            globs.iter().map(|glob| format!("\"{}\"", glob.text)).collect::<Vec<_>>().join(" or ")
        };
        match (self.any.is_empty(), self.none.is_empty()) {
            (_, true) => list(&self.any),
            (true, false) => format!("anything but {}", list(&self.none)),
            (false, false) => format!("{} but not {}", list(&self.any), list(&self.none)),
        }
    }
}

/// As written, `main|release/*|!x`.
impl fmt::Display for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wanted = self.any.iter().map(|glob| ("", glob));
        let excluded = self.none.iter().map(|glob| ("!", glob));
        for (index, (mark, glob)) in wanted.chain(excluded).enumerate() {
            let separator = if index == 0 { "" } else { "|" };
            write!(f, "{separator}{mark}{}", glob.text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn patterns(separated: bool, texts: &[&str]) -> Patterns {
        let mut patterns = Patterns::new(separated);
        for text in texts {
            patterns.add(text).unwrap();
        }
        patterns
    }

    #[test]
    fn a_slash_separates_only_where_the_filter_says_so() {
        let path = |glob: &str, text: &str| Glob::new(glob, true).matches(text, true);
        assert!(path("release/*", "release/1.2"));
        assert!(!path("release/*", "release/1/2"));
        assert!(path("release/**", "release/1/2"));
        assert!(path("**/x.rs", "x.rs") && path("**/x.rs", "a/b/x.rs") && !path("**/x.rs", "a/yx.rs"));
        assert!(path("src/**/x.rs", "src/x.rs") && path("src/**/x.rs", "src/a/b/x.rs"));
        assert!(path("a?c", "abc") && !path("a?c", "a/c") && !path("a?c", "ac"));
        assert!(Glob::new("a*", false).matches("a/b", false));
    }

    #[test]
    fn everything_but_stars_and_question_marks_is_literal() {
        let bot = patterns(false, &["*[bot]"]);
        assert!(bot.accept("dependabot[bot]"));
        assert!(!bot.accept("dependabot"));
        assert!(Glob::new("{a,b}\\*", false).matches("{a,b}\\c", false));
    }

    #[test]
    fn a_list_means_any_of_and_an_exclamation_mark_excludes() {
        let base = patterns(true, &["release/*", "main", "!release/old"]);
        assert!(base.accept("main") && base.accept("release/2") && !base.accept("release/old"));
        assert!(!base.accept("develop"));
        let anything_but = patterns(false, &["!a"]);
        assert!(anything_but.accept("b") && !anything_but.accept("a"));

        let labels = patterns(false, &["bug", "!wip"]);
        let accept =
            |there: &[&str]| labels.accept_all(&there.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert!(accept(&["x", "bug"]) && !accept(&["bug", "wip"]) && !accept(&["x"]) && !accept(&[]));
        assert!(patterns(false, &["!wip"]).accept_all(&[]));
    }

    #[test]
    fn an_empty_pattern_is_a_mistake() {
        let mut patterns = Patterns::new(true);
        assert_eq!(patterns.add(""), Err(BadPattern::Empty));
        assert_eq!(patterns.add("!"), Err(BadPattern::LoneExclusion));
        assert_eq!(patterns.add(&"x".repeat(1001)), Err(BadPattern::TooLong));
    }

    #[test]
    fn what_covers_what_is_told_for_the_easy_cases() {
        let all = |a: &[&str], b: &[&str]| patterns(true, a).covers(&patterns(true, b));
        assert!(all(&["main", "release/*"], &["main"]));
        assert!(all(&["release/*"], &["release/1"]));
        assert!(!all(&["main"], &["main", "x"]));
        assert!(!all(&["main", "!y"], &["main"]));
        assert!(!all(&["main"], &["!y"]));
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_regular_expression_it_stands_for(
            glob in "[ab/*?]{0,8}", text in "[ab/]{0,10}", separated: bool,
        ) {
            let mut pattern = String::from("(?s)^");
            for token in tokens(&glob, separated) {
                pattern += &match (token, separated) {
                    (Token::Char(c), _) => regex::escape(&c.to_string()),
                    (Token::One, true) => "[^/]".into(),
                    (Token::One, false) => ".".into(),
                    (Token::Star, true) => "[^/]*".into(),
                    (Token::Star, false) | (Token::Stars, _) => ".*".into(),
                    (Token::Segments, _) => "(?:.*/)?".into(),
                };
            }
            let wanted = regex::Regex::new(&(pattern + "$")).unwrap().is_match(&text);
            prop_assert_eq!(Glob::new(&glob, separated).matches(&text, separated), wanted);
        }
    }
}
