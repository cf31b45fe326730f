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
        let text = if raw.bytes().any(|byte| byte < 0x20) {
            serde_json::from_str(&raw.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t"))
        } else {
            serde_json::from_str(raw)
        };
        let text = text.map_err(|_| self.refuse("this text has an escape that JSON does not know"))?;
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
                Err(_) => return Err(self.refuse("a value should be here: a text wants double quotes")),
            },
        };
        self.at += length;
        Ok(value)
    }
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
    fn nesting_is_bounded() {
        let deep = format!("{{\"a\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(refused(&deep).starts_with("values are nested more than 128 deep"));
    }

    #[test]
    fn line_breaks_inside_texts_are_taken() {
        assert_eq!(read("{\"a\": \"b\n\tc\"}").unwrap().get("a").unwrap().as_text(), Some("b\n\tc"));
    }
}
