//! Other people's texts, made safe to print: in a log, on a terminal, in a trace.

use std::borrow::Cow;

/// `text` with control and bidirectional characters escaped, so that a title cannot move the cursor,
/// hide a line or turn the reading direction of what stands beside it.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().fold(String::with_capacity(text.len()), |mut safe, character| {
        if is_unsafe(character) {
            safe.extend(character.escape_default());
        } else {
            safe.push(character);
        }
        safe
    }))
}

/// C0, C1 and DEL; line and paragraph separators; the characters that steer bidirectional text
/// (Unicode UAX #9), which "Trojan Source" abuses; and zero-width marks that hide in names.
pub(crate) fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{061c}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn a_title_cannot_steer_the_terminal() {
        assert_eq!(printable("SHOP-1: Zahlung für Ünïcode ✓"), "SHOP-1: Zahlung für Ünïcode ✓");
        assert_eq!(printable("a\u{1b}[2Jb\nc"), "a\\u{1b}[2Jb\\nc");
        assert_eq!(printable("x\u{202e}y"), "x\\u{202e}y");
    }
}
