//! Plain text as wiki text, with its markup escaped.
//!
//! Jira's renderer takes a backslash before `! # % ( ) * + - ? @ [ ] ^ _ { | } ~` as "this is text", and
//! reads numeric entities. A backslash itself cannot be escaped by another (two are a line break), so it
//! becomes an entity; so does the full stop of what would begin a heading or a quotation. A bare web address
//! stays as it is: the renderer links it before it looks for markup, and would link the backslashes too.
//! (An entity that the text itself holds shows as its character, which is not markup.)

/// What a backslash protects.
const MARKUP: &str = "!#%()*+-?@[]^_{|}~";

/// Text that shows as it is.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    for line in text.split_inclusive('\n') {
        escape_line(line, &mut out);
    }
    out
}

fn escape_line(line: &str, out: &mut String) {
    let block = block_mark(line);
    for (position, word) in words(line) {
        if is_address(word.trim_end()) {
            out.push_str(word);
            continue;
        }
        for (offset, character) in word.char_indices() {
            if block == Some(position + offset) {
                out.push_str("&#46;");
            } else {
                escape_character(character, out);
            }
        }
    }
}

fn escape_character(character: char, out: &mut String) {
    match character {
        '\\' => out.push_str("&#92;"),
        mark if MARKUP.contains(mark) => out.extend(['\\', mark]),
        plain => out.push(plain),
    }
}

/// Words with the white space that follows them, and where they begin.
fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut position = 0;
    line.split_inclusive(char::is_whitespace).map(move |word| {
        let start = position;
        position += word.len();
        (start, word)
    })
}

/// Where the full stop of a leading `h1.` or `bq.` stands.
fn block_mark(line: &str) -> Option<usize> {
    let text = line.trim_start();
    let mark = text.as_bytes().get(..3)?;
    let begins_block = matches!(mark, [b'h', b'1'..=b'6', b'.'] | b"bq.");
    begins_block.then(|| line.len() - text.len() + 2)
}

/// A web address without any character that could end a link and begin markup, or end an entity of ours.
fn is_address(word: &str) -> bool {
    let rest = word.strip_prefix("https://").or_else(|| word.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/:?#@%&=+,$".contains(&b))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markup_shows_as_it_was_written() {
        assert_eq!(escape("*bold* [~ada] {code}x{code}"), r"\*bold\* \[\~ada\] \{code\}x\{code\}");
        assert_eq!(escape("!http://evil.test/x.png!"), r"\!http://evil.test/x.png\!");
        assert_eq!(escape("[click|http://evil.test]"), r"\[click\|http://evil.test\]");
        assert_eq!(escape(r"C:\temp \\ \*"), r"C:&#92;temp &#92;&#92; &#92;\*");
    }

    #[test]
    fn headings_quotations_lists_and_rules_do_not_begin() {
        assert_eq!(escape("h1. Big\n  bq. said\nmh2. no"), "h1&#46; Big\n  bq&#46; said\nmh2. no");
        assert_eq!(escape("# one\n- two\n----"), "\\# one\n\\- two\n\\-\\-\\-\\-");
    }

    #[test]
    fn a_bare_address_stays_one() {
        let address = "https://github.com/acme_inc/shop-api/pull/118?w=1#r_2";
        assert_eq!(escape(&format!("See {address} now-ish")), format!(r"See {address} now\-ish"));
        assert_eq!(escape("https://x.test/{code}"), r"https://x.test/\{code\}");
        assert_eq!(escape("xhttps://a_b"), r"xhttps://a\_b");
        assert_eq!(escape("https:// _x_"), r"https:// \_x\_");
    }

    /// The reverse, written apart from [`escape`]: what the renderer shows. `Err` at markup that is left.
    fn shown(wiki: &str) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = wiki;
        while let Some(character) = rest.chars().next() {
            let at_word = out.is_empty() || out.ends_with(char::is_whitespace);
            let word = rest.split(char::is_whitespace).next().unwrap_or_default();
            let (text, used) = if at_word && is_address(word) {
                (word.to_owned(), word.len())
            } else if let Some(entity) = ["&#92;", "&#46;"].iter().find(|entity| rest.starts_with(**entity)) {
                ((if *entity == "&#92;" { "\\" } else { "." }).to_owned(), entity.len())
            } else if let Some(escaped) = rest.strip_prefix('\\').and_then(|rest| rest.chars().next()) {
                (escaped.to_string(), 1 + escaped.len_utf8())
            } else if MARKUP.contains(character) || character == '\\' {
                return Err(format!("`{character}` is left in `{wiki}`"));
            } else {
                (character.to_string(), character.len_utf8())
            };
            out.push_str(&text);
            rest = &rest[used..];
        }
        Ok(out)
    }

    proptest! {
        #[test]
        fn no_markup_survives_and_no_text_is_lost(
            text in "(?:[!#%()*+?@\\[\\]^_{|}~\\\\ \n.-]|h1\\.|bq\\.|https?://|[a-z0-9é😀]){0,60}"
        ) {
            let escaped = escape(&text);
            prop_assert_eq!(shown(&escaped), Ok(text));
            for line in escaped.lines() {
                prop_assert_eq!(block_mark(line), None);
            }
        }
    }
}
