//! Text of others, made harmless, and a few words of our own.
//!
//! Names, tags, outputs and AWS's reasons may hold anything: a newline that breaks a line in two, an escape sequence
//! that recolours or retitles the terminal, marks that make text read in another order than it is written. What is
//! shown goes through [`printable`]; what is data (JSON, `--format env`) is left as it is and quoted.

use std::borrow::Cow;
use std::fmt::Write as _;

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

/// A text of several lines without anything that a terminal or a reader could be misled by. With `colors`, what sets
/// colours and nothing else (`ESC [ 1 ; 31 m`) is left.
pub fn harmless(text: &str, colors: bool) -> Cow<'_, str> {
    respelt(text, colors, |char, shown| shown.extend(char.escape_unicode()))
}

/// The same of a document in JSON, which says what it did: what is not harmless can only stand within quotes there.
pub fn harmless_json(document: &str) -> Cow<'_, str> {
    respelt(document, false, |char, shown| {
        for unit in char.encode_utf16(&mut [0; 2]) {
            let _ = write!(shown, "\\u{unit:04x}");
        }
    })
}

/// The text with every char that is not harmless by itself spelt in another way.
fn respelt(text: &str, colors: bool, spell: impl Fn(char, &mut String)) -> Cow<'_, str> {
    let mut shown = String::new();
    let (mut copied, mut passed) = (0, 0);
    for (at, char) in text.char_indices() {
        let breaks_lines = matches!(char, '\n' | '\t');
        if at < passed || breaks_lines || matches!(treat(char), Treatment::Keep) {
            continue;
        }
        if let Some(length) = color(&text[at..]).filter(|_| colors) {
            passed = at + length;
            continue;
        }
        shown.push_str(&text[copied..at]);
        spell(char, &mut shown);
        copied = at + char.len_utf8();
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    shown.push_str(&text[copied..]);
    Cow::Owned(shown)
}

/// The length of what sets colours, if a text begins with that.
fn color(text: &str) -> Option<usize> {
    let numbers = text.strip_prefix("\u{1b}[")?;
    let end = numbers.find(|char: char| !char.is_ascii_digit() && char != ';')?;
    (numbers.as_bytes()[end] == b'm').then_some("\u{1b}[".len() + end + 1)
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
    #[test]
    fn a_whole_text_keeps_its_lines_and_with_colours_those_and_nothing_else() {
        let text = "a\x1b[1;31mred\x1b[0m\n\tb\r\x1b]0;title\x07\x1b[2J\u{202e}c\u{9b}31m";
        let bare = "\n\tb\\u{d}\\u{1b}]0;title\\u{7}\\u{1b}[2J\\u{202e}c\\u{9b}31m";
        assert_eq!(harmless(text, true), format!("a\x1b[1;31mred\x1b[0m{bare}"));
        assert_eq!(harmless(text, false), format!("a\\u{{1b}}[1;31mred\\u{{1b}}[0m{bare}"));
        assert!(matches!(harmless("two\nlines", false), Cow::Borrowed("two\nlines")));
        assert_eq!(harmless("\x1b[1", true), "\\u{1b}[1");
    }

    #[test]
    fn json_says_what_it_said_whatever_it_is_made_harmless_of() {
        let value = serde_json::json!({ "a\u{202e}": "\u{9b}\u{7f}\x1b\n\u{2028}\u{e0001}é" });
        let text = serde_json::to_string_pretty(&value).unwrap();
        let shown = harmless_json(&text);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
        assert_eq!(shown, "{\n  \"a\\u202e\": \"\\u009b\\u007f\\u001b\\n\\u2028\\udb40\\udc01é\"\n}");
    }
}
