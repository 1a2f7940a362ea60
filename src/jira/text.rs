//! Plain text as Jira keeps it: a document on Cloud, wiki text on Data Center. Markup in it stays text.

use serde_json::Value;

use super::{Dialect, adf, wiki};

/// Jira takes 32 767 characters; it counts them as UTF-16 does.
pub(super) const LONGEST: usize = 32_000;

/// The body of a comment.
pub(super) fn body(dialect: Dialect, text: &str) -> Value {
    let text = clean(text);
    match dialect {
        Dialect::Cloud => adf::document(&cut(&text, LONGEST)),
        Dialect::DataCenter => Value::String(wiki_text(&text)),
    }
}

/// Whether a stored body is what [`body`] makes of this text. White space is not compared: Jira tidies it.
pub(super) fn is_written_as(stored: &Value, text: &str) -> bool {
    let text = clean(text);
    match stored {
        Value::String(stored) => stored.split_whitespace().eq(wiki_text(&text).split_whitespace()),
        document => adf::plain(document).split_whitespace().eq(cut(&text, LONGEST).split_whitespace()),
    }
}

/// Escaping makes a text longer, so it is cut until the escaped one fits.
fn wiki_text(text: &str) -> String {
    let mut limit = LONGEST;
    loop {
        let escaped = wiki::escape(&cut(text, limit));
        let size = units(&escaped);
        if size <= LONGEST {
            return escaped;
        }
        limit = limit * LONGEST / size;
    }
}

/// Without the control characters that JSON may carry and Jira may not.
fn clean(text: &str) -> String {
    text.chars()
        .filter(|&character| character == '\n' || character == '\t' || !character.is_control())
        .collect()
}

fn cut(text: &str, limit: usize) -> String {
    if units(text) <= limit {
        return text.to_owned();
    }
    let mut left = limit.saturating_sub(1);
    let fits = |character: &char| match left.checked_sub(character.len_utf16()) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_long_comment_is_cut_so_that_it_fits_once_it_is_escaped() {
        for text in ["a".repeat(40_000), "😀".repeat(40_000), "*".repeat(40_000), "\\".repeat(40_000)] {
            let wiki = body(Dialect::DataCenter, &text);
            let wiki = wiki.as_str().unwrap();
            assert!(wiki.ends_with('…') && units(wiki) <= LONGEST, "{}", units(wiki));
            let document = adf::plain(&body(Dialect::Cloud, &text));
            assert!(document.trim_end().ends_with('…') && units(document.trim_end()) <= LONGEST);
        }
        let short = "a".repeat(LONGEST);
        assert_eq!(body(Dialect::DataCenter, &short), Value::String(short));
    }

    #[test]
    fn control_characters_do_not_reach_jira() {
        assert_eq!(body(Dialect::DataCenter, "a\u{0}b\r\nc\u{1b}d"), Value::String("ab\ncd".to_owned()));
    }

    proptest! {
        #[test]
        fn what_was_written_is_recognised(text in "(?s).{0,200}", other in "[a-z]{1,20}") {
            for dialect in [Dialect::Cloud, Dialect::DataCenter] {
                prop_assert!(is_written_as(&body(dialect, &text), &text));
                let longer = body(dialect, &format!("{text} {other}"));
                prop_assert!(!is_written_as(&longer, &text));
            }
        }
    }
}
