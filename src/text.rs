//! Text of others, made harmless, and a few words of our own.
//!
//! Names, tags, outputs and AWS's reasons may hold anything: a newline that breaks a line in two, an escape sequence
//! that recolours or retitles the terminal, marks that make text read in another order than it is written. What is
//! shown goes through [`printable`]; what is data (JSON, `--format env`) is left as it is and quoted.

use std::borrow::Cow;

/// The same text on one line and without anything that a terminal or a reader could be misled by: line breaks and
/// tabs become spaces, other control characters and invisible marks are spelt out as `\u{1b}`.
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().all(|char| matches!(treat(char), Treatment::Keep)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for char in text.trim_end().chars() {
        match treat(char) {
            Treatment::Keep => shown.push(char),
            Treatment::Space => shown.push(' '),
            Treatment::Spell => shown.extend(char.escape_unicode()),
        }
    }
    Cow::Owned(shown)
}

/// `1 node`, `2 nodes`.
pub fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("{count} {noun}") } else { format!("{count} {noun}s") }
}

enum Treatment {
    Keep,
    Space,
    Spell,
}

const fn treat(char: char) -> Treatment {
    match char {
        '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => Treatment::Space,
        // C0, DEL and C1: 0x9b alone begins an escape sequence on some terminals. Then marks that turn the reading
        // direction (https://trojansource.codes), invisible ones, and tag characters.
        '\0'..='\u{1f}'
        | '\u{7f}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}' => Treatment::Spell,
        _ => Treatment::Keep,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_not_touched() {
        for text in ["", "vpc-0123", "Größe 10 · 日本語 👩‍👩‍👧", "a  b "] {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn only_one_is_singular() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "node")), ["0 nodes", "1 node", "2 nodes"]);
    }

    #[test]
    fn nothing_reaches_the_terminal_that_could_move_or_colour_it() {
        assert_eq!(printable("a\x1b[31mred\u{9b}0m\x07"), r"a\u{1b}[31mred\u{9b}0m\u{7}");
        assert_eq!(printable("two\r\nlines\tand\u{2028}more\n"), "two  lines and more");
        assert_eq!(printable("user\u{202e}txt.exe\u{2066}"), r"user\u{202e}txt.exe\u{2066}");
    }
}
