//! JSON with places (RFC 8259). `serde_json` reads the scalars; it keeps no places, so the structure is read here.

use std::ops::Range;

use indexmap::map::Entry as Slot;

use super::function::normalise;
use super::node::{Entry, Map, Node, Value};
use super::read::{Format, MAX_DEPTH, ReadError};

/// Reads one JSON value that takes up the whole text.
pub(super) fn read(text: &str) -> Result<Node, ReadError> {
    let mut reader = Reader { text, at: if text.starts_with('\u{feff}') { 3 } else { 0 } };
    let node = reader.value(0)?;
    reader.blanks();
    if reader.at < text.len() { Err(reader.refuse("nothing may follow the end of the template")) } else { Ok(node) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn refuse(&self, message: impl Into<String>) -> ReadError {
        ReadError::new(Format::Json, self.text, self.at, message)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Steps over `byte` (and blanks before it) if it comes next.
    fn skip(&mut self, byte: u8) -> bool {
        self.blanks();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, depth: usize) -> Result<Node, ReadError> {
        if depth > MAX_DEPTH {
            return Err(self.refuse(format!("values are nested more than {MAX_DEPTH} deep")));
        }
        self.blanks();
        let start = self.at;
        let value = match self.peek() {
            None => return Err(self.refuse("the template ends where a value should be")),
            Some(b'{') => normalise(Value::Map(self.map(depth)?)),
            Some(b'[') => Value::List(self.list(depth)?),
            Some(b'"') => Value::Text(self.string()?.0),
            Some(_) => self.word()?,
        };
        Ok(Node::new(start..self.at, value))
    }

    fn map(&mut self, depth: usize) -> Result<Map, ReadError> {
        self.at += 1;
        let mut map = Map::new();
        if self.skip(b'}') {
            return Ok(map);
        }
        loop {
            self.blanks();
            if self.peek() != Some(b'"') {
                return Err(self.refuse("a key in double quotes should be here"));
            }
            let (key, key_at) = self.string()?;
            if !self.skip(b':') {
                return Err(self.refuse("a colon should follow the key"));
            }
            let entry = Entry { key_at, node: self.value(depth + 1)?.into() };
            // The last of equal keys counts, as in most readers.
            match map.entry(key) {
                Slot::Occupied(mut slot) => drop(slot.insert(entry)),
                Slot::Vacant(slot) => drop(slot.insert(entry)),
            }
            if self.skip(b'}') {
                return Ok(map);
            }
            if !self.skip(b',') {
                return Err(self.refuse("a comma or a closing brace should be here"));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, ReadError> {
        self.at += 1;
        let mut items = Vec::new();
        if self.skip(b']') {
            return Ok(items);
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.skip(b']') {
                return Ok(items);
            }
            if !self.skip(b',') {
                return Err(self.refuse("a comma or a closing bracket should be here"));
            }
        }
    }

    /// The text and the place of a quoted string.
    fn string(&mut self) -> Result<(String, Range<usize>), ReadError> {
        let start = self.at;
        let mut escaped = false;
        let length = self.text.as_bytes()[start + 1..].iter().position(|byte| {
            let closes = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            closes
        });
        let Some(length) = length else {
            return Err(self.refuse("this text is never closed"));
        };
        let range = start..start + length + 2;
        // CloudFormation takes line breaks and tabs inside a text, which JSON itself forbids.
        let raw = &self.text[range.clone()];
        if let Some(at) = raw.find(|c: char| c < ' ' && !['\n', '\r', '\t'].contains(&c)) {
            let code = raw.as_bytes()[at];
            self.at += at;
            return Err(self.refuse(format!("this character may only stand here as an escape: \\u{code:04x}")));
        }
        let text = if raw.bytes().any(|byte| byte < 0x20) {
            read_text(&raw.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t"))
        } else {
            read_text(raw)
        };
        let text = text.ok_or_else(|| self.refuse("this text has an escape that JSON does not know"))?;
        self.at = range.end;
        Ok((text, range))
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Result<Value, ReadError> {
        let rest = &self.text[self.at..];
        let length =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))).unwrap_or(rest.len());
        let value = match &rest[..length] {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            word => match serde_json::from_str(word) {
                Ok(number) => Value::Number(number),
                Err(error) if error.to_string().starts_with("number out of range") => {
                    return Err(self.refuse("this number is too large"));
                }
                Err(_) => return Err(self.refuse("a value should be here: a text wants double quotes")),
            },
        };
        self.at += length;
        Ok(value)
    }
}

/// What a quoted text says. Half of a character by itself, which other readers take, is the sign for what cannot be
/// shown.
fn read_text(quoted: &str) -> Option<String> {
    if let Ok(text) = serde_json::from_str(quoted) {
        return Some(text);
    }
    serde_json::from_str(&without_lone_halves(quoted)).ok()
}

/// A quoted text with the sign for what cannot be shown in place of each half of a character that has no other half.
fn without_lone_halves(quoted: &str) -> String {
    let unit = |at: usize| {
        let digits = quoted.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    let mut whole = String::with_capacity(quoted.len());
    let mut at = 0;
    while let Some(found) = quoted[at..].find('\\') {
        whole.push_str(&quoted[at..at + found]);
        at += found;
        // Only ASCII follows a backslash that means something; any other is refused by whoever reads on.
        let length = match (unit(at), unit(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                whole.push_str("\\ufffd");
                at += 6;
                continue;
            }
            (Some(_), _) => 6,
            (None, _) => 1 + quoted[at + 1..].chars().next().map_or(0, char::len_utf8),
        };
        whole.push_str(&quoted[at..at + length]);
        at += length;
    }
    whole.push_str(&quoted[at..]);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    #[test]
    fn every_sort_of_value_is_read_with_its_place() {
        let text = "{\n  \"a\": [1, -2.5, true, null, \"\\u00e9\\ud83d\\ude00/\\n\"],\n \"b\": {}, \"c\": []}";
        let node = read(text).unwrap();
        assert_eq!(node.to_json().to_string(), r#"{"a":[1,-2.5,true,null,"é😀/\n"],"b":{},"c":[]}"#);
        assert_eq!(&text[node.get("a").unwrap().as_list().unwrap()[1].at.clone()], "-2.5");
        assert_eq!(&text[node.as_map().unwrap()["b"].key_at.clone()], "\"b\"");
    }

    #[test]
    fn wrong_json_is_refused_at_its_place() {
        insta::assert_snapshot!(refused("{\n  \"a\": [1 2]}"), @"a comma or a closing bracket should be here (line 2, column 11)");
        insta::assert_snapshot!(refused("{\"a\" 1}"), @"a colon should follow the key (line 1, column 6)");
        insta::assert_snapshot!(refused("{a: 1}"), @"a key in double quotes should be here (line 1, column 2)");
        insta::assert_snapshot!(refused("{\"a\": b}"), @"a value should be here: a text wants double quotes (line 1, column 7)");
        insta::assert_snapshot!(refused("{\"a\": \"b}"), @"this text is never closed (line 1, column 7)");
        insta::assert_snapshot!(refused("{\"é\": 1"), @"a comma or a closing brace should be here (line 1, column 8)");
        insta::assert_snapshot!(refused("{} {}"), @"nothing may follow the end of the template (line 1, column 4)");
        insta::assert_snapshot!(refused("{\"a\":"), @"the template ends where a value should be (line 1, column 6)");
    }

    #[test]
    fn what_is_wrong_with_a_text_or_a_number_is_said() {
        insta::assert_snapshot!(refused("{\"a\": \"b\u{1}c\"}"), @r"this character may only stand here as an escape: \u0001 (line 1, column 9)");
        insta::assert_snapshot!(refused("{\"a\": 1e400}"), @"this number is too large (line 1, column 7)");
        insta::assert_snapshot!(refused(r#"{"a": "\x"}"#), @"this text has an escape that JSON does not know (line 1, column 7)");
        insta::assert_snapshot!(refused(r#"{"a": "\ud83d \x"}"#), @"this text has an escape that JSON does not know (line 1, column 7)");
    }

    #[test]
    fn half_of_a_character_is_read() {
        for (text, expected) in [
            (r#"["\ud83d"]"#, "\u{fffd}"),
            (r#"["\uDE00x\ud83d\ude00"]"#, "\u{fffd}x😀"),
            (r#"["\\ud83d\ud83d\n"]"#, "\\ud83d\u{fffd}\n"),
            (r#"["\ud83d\ud83d\ude00é"]"#, "\u{fffd}😀é"),
        ] {
            assert_eq!(read(text).unwrap().as_list().unwrap()[0].as_text(), Some(expected), "{text}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = format!("{{\"a\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(refused(&deep).starts_with("values are nested more than 128 deep"));
    }

    #[test]
    fn line_breaks_inside_texts_are_taken() {
        assert_eq!(read("{\"a\": \"b\n\tc\"}").unwrap().get("a").unwrap().as_text(), Some("b\n\tc"));
    }
}
