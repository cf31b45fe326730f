//! Where the letters of a TOML text stand in its file.

use std::ops::Range;

/// The way from offsets in a decoded text to offsets in the TOML that it was read from.
#[derive(Debug)]
pub(super) struct Letters {
    /// Where the text itself begins in its TOML: after the quotes.
    start: usize,
    /// Where TOML says one letter in another way than by itself, in order; empty for most texts.
    turns: Vec<Turn>,
}

/// An escape, or what follows one.
#[derive(Debug)]
struct Turn {
    decoded: usize,
    toml: usize,
    /// The bytes of the escape in the TOML; `None` for letters that stand for themselves.
    escape: Option<usize>,
}

impl Letters {
    /// The letters of a text with its quotes; `None` if the one is not what the other says.
    pub(super) fn of(toml: &str, decoded: &str) -> Option<Self> {
        let quotes = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quotes| toml.starts_with(quotes))?;
        let inner = toml.get(quotes.len()..toml.len().checked_sub(quotes.len())?)?;
        // TOML drops a newline right after three quotes.
        let newline = ["\r\n", "\n"].into_iter().find(|newline| quotes.len() == 3 && inner.starts_with(newline));
        let start = quotes.len() + newline.map_or(0, str::len);
        let inner = &toml[start..quotes.len() + inner.len()];
        let mut letters = Self { start, turns: Vec::new() };
        if inner == decoded {
            return Some(letters);
        }
        let (mut at, mut read) = (0, 0);
        while let Some(first) = inner[at..].chars().next() {
            let (rest, left) = (&inner[at..], decoded.get(read..)?);
            let (length, letter) = match first {
                '\r' if rest.starts_with("\r\n") && !left.starts_with('\r') => (2, Some('\n')),
                '\\' if quotes.starts_with('"') => escape(rest)?,
                _ if left.starts_with(first) => {
                    at += first.len_utf8();
                    read += first.len_utf8();
                    continue;
                }
                _ => return None,
            };
            if letter.is_some_and(|letter| !left.starts_with(letter)) {
                return None;
            }
            letters.turns.push(Turn { decoded: read, toml: start + at, escape: Some(length) });
            at += length;
            read += letter.map_or(0, char::len_utf8);
            letters.turns.push(Turn { decoded: read, toml: start + at, escape: None });
        }
        (read == decoded.len()).then_some(letters)
    }

    /// Where a range of the decoded text stands in the TOML.
    pub(super) fn place(&self, range: &Range<usize>) -> Range<usize> {
        let start = match self.turn(|turn| turn.decoded <= range.start) {
            Some(turn) => turn.toml + range.start - turn.decoded,
            None => self.start + range.start,
        };
        // The end belongs to the letter before it: what TOML passes over after that is not of the range.
        let end = match self.turn(|turn| turn.decoded < range.end) {
            Some(Turn { toml, escape: Some(length), .. }) => toml + length,
            Some(turn) => turn.toml + range.end - turn.decoded,
            None => self.start + range.end,
        };
        start..end.max(start)
    }

    /// The last turn of those that come first and are as asked.
    fn turn(&self, is_before: impl FnMut(&Turn) -> bool) -> Option<&Turn> {
        self.turns[..self.turns.partition_point(is_before)].last()
    }
}

/// The length of the escape that a text begins with, and the letter that it stands for, if it stands for one.
fn escape(text: &str) -> Option<(usize, Option<char>)> {
    let kind = text[1..].chars().next()?;
    let hex = |digits: usize| {
        let code = u32::from_str_radix(text.get(2..2 + digits)?, 16).ok()?;
        Some((2 + digits, Some(char::from_u32(code)?)))
    };
    let letter = match kind {
        'x' => return hex(2),
        'u' => return hex(4),
        'U' => return hex(8),
        // A line that goes on: all white space up to the next letter is passed over.
        ' ' | '\t' | '\r' | '\n' => {
            return Some((text.len() - text[1..].trim_start_matches([' ', '\t', '\r', '\n']).len(), None));
        }
        'b' => '\u{8}',
        't' => '\t',
        'n' => '\n',
        'f' => '\u{c}',
        'r' => '\r',
        'e' => '\u{1b}',
        '"' | '\\' => kind,
        _ => return None,
    };
    Some((2, Some(letter)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands in the TOML where a part of the decoded text comes from.
    fn found(toml: &str, part: &str) -> String {
        let value = toml::de::DeValue::parse(toml).unwrap().into_inner();
        let decoded = value.as_str().unwrap();
        let start = decoded.find(part).unwrap();
        toml[Letters::of(toml, decoded).unwrap().place(&(start..start + part.len()))].to_owned()
    }

    #[test]
    fn letters_are_found_behind_escapes() {
        for (toml, part, expected) in [
            (r#""plain {{ a }}""#, "{{ a }}", "{{ a }}"),
            (r#""\t\u00e9\U0001F600\x41\e {{ a }}""#, "{{ a }}", "{{ a }}"),
            (r#""\"{{ eq a \"b\" }}\"""#, "{{ eq a \"b\" }}", r#"{{ eq a \"b\" }}"#),
            (r#""\"{{ a }}""#, "\"{{", r#"\"{{"#),
            (r#""a\\b""#, "\\", r"\\"),
            (r"'\t {{ a }}'", "{{ a }}", "{{ a }}"),
            ("\"\"\"\nä\n{{ a }}\"\"\"", "{{ a }}", "{{ a }}"),
            ("\"\"\"\r\nä\r\n{{ a }}\"\"\"", "{{ a }}", "{{ a }}"),
            ("'''\r\nä\r\n{{ a }}'''", "{{ a }}", "{{ a }}"),
            ("\"\"\"\\\n  {{ a }} \\\n\n  {{ b }}\"\"\"", "{{ a }}", "{{ a }}"),
            ("\"\"\"\\\n  {{ a }}\\\n\n  {{ b }}\"\"\"", "{{ a }}", "{{ a }}"),
            ("\"\"\"\\\r\n  {{ a }} \\\r\n  {{ b }}\"\"\"", "{{ b }}", "{{ b }}"),
            (r#"""""quoted" {{ a }}""""#, "{{ a }}", "{{ a }}"),
        ] {
            assert_eq!(found(toml, part), expected, "{toml}");
        }
    }

    #[test]
    fn a_text_that_is_not_what_its_toml_says_has_no_letters() {
        for (toml, decoded) in
            [("\"a\"", "b"), ("\"a\"", "aa"), ("\"ab\"", "a"), (r#""\q""#, "q"), ("a", "a"), ("\"", "")]
        {
            assert!(Letters::of(toml, decoded).is_none(), "{toml}");
        }
    }
}
