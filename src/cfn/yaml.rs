//! YAML with places and CloudFormation's short tags, on saphyr's event parser.
//!
//! saphyr's own loader is not used: it recurses without bound and copies aliases without counting.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use super::function::{long_form, normalise};
use super::node::{Entry, Map, Node, Value};
use super::read::{Format, MAX_ALIASED, MAX_DEPTH, ReadError};
use super::yaml_scalar;

/// How many bytes are read for one text: each line that stands too far to the left costs one more reading.
const MOST_READ: usize = 32 * 1024 * 1024;

/// Reads the one document of a YAML stream.
///
/// Within braces, brackets and quotes, indentation means nothing to CloudFormation: pasted JSON may stand at the left
/// edge. saphyr refuses such a line, as YAML 1.2 does, so it is read again with the line moved to the right. Nor does
/// saphyr take `"\ud83d\ude00"`, where JSON and CloudFormation write a character in two halves.
pub(super) fn read(text: &str) -> Result<Node, ReadError> {
    let mut body = Cow::Borrowed(text.strip_prefix('\u{feff}').unwrap_or(text));
    let lines = body.split_inclusive('\n').count();
    let (mut padded, mut work) = (BTreeSet::new(), 0);
    loop {
        let refused = match attempt(text, &body, &padded) {
            Ok(node) => return Ok(node),
            Err(refused) => refused,
        };
        work += body.len() + padded.len() * PADDING;
        let may_go_on = work <= MOST_READ;
        let mended = may_go_on
            && match refused.mend {
                Some(Mend::Move(line)) => line < lines && padded.insert(line),
                Some(Mend::Halves) => without_halves(&mut body),
                None => false,
            };
        if !mended {
            return Err(refused.error);
        }
    }
}

/// Why a reading has failed, and what CloudFormation would take it for.
struct Refused {
    error: ReadError,
    mend: Option<Mend>,
}

enum Mend {
    /// This line, counted from nought, as if it stood further to the right.
    Move(usize),
    /// Every half of a character as if it were one.
    Halves,
}

/// Writes the sign for what cannot be shown in place of each half of a character, as long as it was, and says whether
/// there were any. What the two stand for together is lost: no name and no range holds such a thing.
fn without_halves(body: &mut Cow<'_, str>) -> bool {
    let mut whole = String::with_capacity(body.len());
    let mut rest = &**body;
    while let Some(at) = rest.find("\\u") {
        let half = rest.get(at + 2..at + 6).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        whole.push_str(&rest[..at + 2]);
        rest = &rest[at + 2..];
        if half.is_some_and(|half| (0xd800..0xe000).contains(&half)) {
            whole.push_str("fffd");
            rest = &rest[4..];
        }
    }
    whole.push_str(rest);
    let changed = whole != **body;
    *body = Cow::Owned(whole);
    changed
}

/// Reads a text some lines of which are moved to the right.
fn attempt(text: &str, body: &str, padded: &BTreeSet<usize>) -> Result<Node, Refused> {
    let offsets = Offsets::new(body, text.len() - body.len(), padded);
    let moved = if padded.is_empty() { Cow::Borrowed(body) } else { Cow::Owned(moved(body, padded)) };
    let mut builder = Builder { text, root: None, frames: Vec::new(), anchors: BTreeMap::new(), aliased: 0 };
    let mut parser = Parser::new_from_str(&moved);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| {
            let at = error.marker().line() - 1;
            let mend = match error.info() {
                // The place of a tab is its own: the line that it begins.
                "invalid indentation"
                | "invalid indentation in flow construct"
                | "tab cannot be used as indentation" => Some(Mend::Move(at)),
                // The place is where the text begins: what is refused is a line of it that was not moved yet.
                "invalid indentation in quoted scalar" => {
                    (at + 1..=at + 1 + padded.len()).find(|line| !padded.contains(line)).map(Mend::Move)
                }
                "while parsing a quoted scalar, found invalid Unicode character escape code" => Some(Mend::Halves),
                _ => None,
            };
            let error = ReadError::new(Format::Yaml, text, offsets.byte(error.marker().index()), error.info());
            Refused { error, mend }
        })?;
        let at = offsets.byte(span.start.index())..offsets.byte(span.end.index());
        builder.event(event, at).map_err(|error| Refused { error, mend: None })?;
    }
    Ok(builder.root.unwrap_or(Node::new(0..0, Value::Null)))
}

/// What a line is moved to the right by: further than anything is nested.
const PADDING: usize = 2 * MAX_DEPTH;

fn moved(body: &str, padded: &BTreeSet<usize>) -> String {
    let mut moved = String::with_capacity(body.len() + padded.len() * PADDING);
    for (line, text) in body.split_inclusive('\n').enumerate() {
        if padded.contains(&line) {
            moved.extend(std::iter::repeat_n(' ', PADDING));
        }
        moved.push_str(text);
    }
    moved
}

/// saphyr counts characters, of a text that may have been moved; spans count bytes.
struct Offsets {
    /// The byte offset of every character; `None` for a text where both are the same.
    bytes: Option<Vec<usize>>,
    length: usize,
    shift: usize,
}

impl Offsets {
    fn new(text: &str, shift: usize, padded: &BTreeSet<usize>) -> Self {
        let plain = text.is_ascii() && padded.is_empty();
        Self { bytes: (!plain).then(|| Self::bytes(text, padded)), length: text.len(), shift }
    }

    fn bytes(text: &str, padded: &BTreeSet<usize>) -> Vec<usize> {
        let mut bytes = Vec::with_capacity(text.len() + padded.len() * PADDING);
        let mut start = 0;
        for (line, content) in text.split_inclusive('\n').enumerate() {
            if padded.contains(&line) {
                bytes.extend(std::iter::repeat_n(start, PADDING));
            }
            bytes.extend(content.char_indices().map(|(offset, _)| start + offset));
            start += content.len();
        }
        bytes
    }

    fn byte(&self, character: usize) -> usize {
        let offset = match &self.bytes {
            Some(bytes) => bytes.get(character).copied().unwrap_or(self.length),
            None => character.min(self.length),
        };
        offset + self.shift
    }
}

/// A collection that is not closed yet.
struct Frame {
    start: usize,
    anchor: usize,
    tag: Option<String>,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Map, key: Option<(String, Range<usize>)>, merged: Vec<Node> },
}

struct Builder<'t> {
    text: &'t str,
    root: Option<Node>,
    frames: Vec<Frame>,
    anchors: BTreeMap<usize, Node>,
    aliased: usize,
}

impl Builder<'_> {
    fn refuse(&self, at: usize, message: impl Into<String>) -> ReadError {
        ReadError::new(Format::Yaml, self.text, at, message)
    }

    fn event(&mut self, event: Event<'_>, at: Range<usize>) -> Result<(), ReadError> {
        match event {
            Event::DocumentStart(_) if self.root.is_some() => {
                Err(self.refuse(at.start, "a template is one document: a second one begins here"))
            }
            Event::Scalar(text, style, anchor, tag) => self.scalar(text, style, anchor, tag.as_deref(), at),
            Event::Alias(anchor) => self.alias(anchor, at),
            Event::SequenceStart(anchor, tag) => self.open(anchor, tag.as_deref(), at.start, Content::List(Vec::new())),
            Event::MappingStart(anchor, tag) => {
                let content = Content::Map { entries: Map::new(), key: None, merged: Vec::new() };
                self.open(anchor, tag.as_deref(), at.start, content)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(at.end),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
        }
    }

    fn open(&mut self, anchor: usize, tag: Option<&Tag>, start: usize, content: Content) -> Result<(), ReadError> {
        if self.frames.len() >= MAX_DEPTH {
            return Err(self.refuse(start, format!("values are nested more than {MAX_DEPTH} deep")));
        }
        self.frames.push(Frame { start, anchor, tag: short_tag(tag), content });
        Ok(())
    }

    fn close(&mut self, end: usize) -> Result<(), ReadError> {
        let Some(frame) = self.frames.pop() else {
            return Err(self.refuse(end, "a value ends that never began"));
        };
        let (value, last) = match frame.content {
            Content::List(items) => {
                let last = items.last().map(|item| item.at.end);
                (Value::List(items), last)
            }
            Content::Map { mut entries, merged, .. } => {
                let last = entries.values().next_back().map(|entry| entry.node.at.end);
                merge(&mut entries, merged);
                (normalise(Value::Map(entries)), last)
            }
        };
        // A block collection ends where its last value does, not at the token that follows it.
        let closed_by_bracket = matches!(self.text.as_bytes().get(end.wrapping_sub(1)), Some(b']' | b'}'));
        let end = if closed_by_bracket { end } else { last.unwrap_or(frame.start) };
        let node = Node::new(frame.start..end.max(frame.start), value);
        self.complete(tagged(frame.tag, node), frame.anchor)
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        at: Range<usize>,
    ) -> Result<(), ReadError> {
        let is_text =
            style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
        let short = short_tag(tag);
        if self.wants_key() {
            return self.key(text.into_owned(), anchor, at);
        }
        let value = if is_text || (short.is_some() && text.is_empty()) {
            Value::Text(text.into_owned())
        } else {
            yaml_scalar::resolve(text)
        };
        let node = Node::new(self.without_tag(&at)..at.end, value);
        self.complete(tagged(short, node), anchor)
    }

    /// Where a scalar begins behind its anchor and its tag, which saphyr counts in.
    fn without_tag(&self, at: &Range<usize>) -> usize {
        let mut start = at.start;
        while let Some(rest) = self.text.get(start..at.end).filter(|rest| rest.starts_with(['!', '&'])) {
            let token = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let blanks = rest[token..].len() - rest[token..].trim_start().len();
            start += token + blanks;
        }
        start
    }

    fn wants_key(&self) -> bool {
        matches!(self.frames.last(), Some(Frame { content: Content::Map { key: None, .. }, .. }))
    }

    fn key(&mut self, text: String, anchor: usize, at: Range<usize>) -> Result<(), ReadError> {
        if anchor != 0 {
            self.anchors.insert(anchor, Node::new(at.clone(), Value::Text(text.clone())));
        }
        match self.frames.last_mut() {
            Some(Frame { content: Content::Map { key, .. }, .. }) => {
                *key = Some((text, at));
                Ok(())
            }
            _ => Err(self.refuse(at.start, "a key stands outside of a map")),
        }
    }

    fn alias(&mut self, anchor: usize, at: Range<usize>) -> Result<(), ReadError> {
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            return Err(self.refuse(at.start, "this alias stands inside of what it stands for"));
        };
        let (count, depth) = measure(&node);
        self.aliased += count;
        if self.aliased > MAX_ALIASED {
            return Err(self.refuse(at.start, format!("aliases add more than {MAX_ALIASED} values to the template")));
        }
        if self.frames.len() + depth > MAX_DEPTH {
            return Err(self.refuse(at.start, format!("values are nested more than {MAX_DEPTH} deep")));
        }
        if self.wants_key() {
            let Some(key) = node.scalar() else {
                return Err(self.refuse(at.start, "a key must be a text"));
            };
            return self.key(key, 0, at);
        }
        self.complete(node, 0)
    }

    /// Puts a finished value where it belongs.
    fn complete(&mut self, node: Node, anchor: usize) -> Result<(), ReadError> {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.frames.last_mut().map(|frame| &mut frame.content) {
            None => self.root = Some(node),
            Some(Content::List(items)) => items.push(node),
            Some(Content::Map { entries, key, merged }) => match key.take() {
                None => return Err(self.refuse(node.at.start, "a key must be a text")),
                Some((name, _)) if name == "<<" => merged.push(node),
                Some((name, key_at)) => {
                    entries.insert(name, Entry { key_at, node: node.into() });
                }
            },
        }
        Ok(())
    }
}

/// CloudFormation's function for a local tag: `Sub` for `!Sub`. YAML's own tags (`!!str`) name none.
fn short_tag(tag: Option<&Tag>) -> Option<String> {
    tag.filter(|tag| tag.handle == "!" && !tag.suffix.is_empty()).map(|tag| tag.suffix.clone())
}

/// The long form of a tagged value.
fn tagged(tag: Option<String>, node: Node) -> Node {
    let Some(tag) = tag else { return node };
    let at = node.at.clone();
    let entry = Entry { key_at: at.clone(), node: node.into() };
    Node::new(at, normalise(Value::Map(Map::from([(long_form(&tag), entry)]))))
}

/// Adds the entries of merge keys (`<<`): a map's own keys win, then the earlier source.
fn merge(entries: &mut Map, merged: Vec<Node>) {
    for source in merged {
        match source.value {
            Value::Map(map) => {
                for (key, entry) in map {
                    entries.entry(key).or_insert(entry);
                }
            }
            Value::List(items) => merge(entries, items),
            _ => {}
        }
    }
}

/// The number of values in a node and their depth.
fn measure(node: &Node) -> (usize, usize) {
    let inner = |sizes: &mut dyn Iterator<Item = (usize, usize)>| {
        sizes.fold((1, 1), |(count, depth), (inner, below)| (count + inner, depth.max(below + 1)))
    };
    match &node.value {
        Value::List(items) => inner(&mut items.iter().map(measure)),
        Value::Map(map) => inner(&mut map.values().map(|entry| measure(&entry.node))),
        _ => (1, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> String {
        read(text).unwrap().to_json().to_string()
    }

    fn refused(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    #[test]
    fn indentation_means_nothing_within_braces_brackets_and_quotes() {
        for (text, expected) in [
            ("a: {\n  b: 1\n}\nc: 2", r#"{"a":{"b":1},"c":2}"#),
            ("x:\n  a: {\n  b: 1\n  }\n  c: 2", r#"{"x":{"a":{"b":1},"c":2}}"#),
            ("x:\n  a: [\nb,\nc\n]\n  d: 2", r#"{"x":{"a":["b","c"],"d":2}}"#),
            ("x:\n    a: {\n\"b\": {\n\"c\": [\n1\n]\n}\n}\n    d: \"é\"", r#"{"x":{"a":{"b":{"c":[1]}},"d":"é"}}"#),
            ("x:\n  a: \"one\ntwo\n\nthree\"\n  b: 1", r#"{"x":{"a":"one two\nthree","b":1}}"#),
            ("x:\n  a: 'one\ntwo'", r#"{"x":{"a":"one two"}}"#),
            ("x:\n  a: '{\n\t\"é\": 1\n\t\t}\n}'\n  b: 1", "{\"x\":{\"a\":\"{ \\\"é\\\": 1 } }\",\"b\":1}}"),
            ("x:\n  a: \"{\n\tb\n}\"", r#"{"x":{"a":"{ b }"}}"#),
        ] {
            assert_eq!(json(text), expected, "{text}");
        }
        // Places are those of the text as it is written.
        let text = "é:\n  a: [\n\"ü\",\nb\n]\n";
        let items = read(text).unwrap();
        let item = &items.get("é").unwrap().get("a").unwrap().as_list().unwrap()[1];
        assert_eq!(&text[item.at.clone()], "b");
        let text = "x:\n  é: 'ü\n\tb\n\tc'\n  d: [ö]\n";
        let map = read(text).unwrap();
        let slice = |key: &str| &text[map.get("x").unwrap().get(key).unwrap().at.clone()];
        assert_eq!((slice("é"), slice("d")), ("'ü\n\tb\n\tc'", "[ö]"));
        // What stands wrong elsewhere is refused as before, at its own place.
        let found = refused("a:\n  b: {\nc: 1\n}\n d: 1");
        insta::assert_snapshot!(found, @"while parsing a block mapping, did not find expected key (line 5, column 2)");
    }

    #[test]
    fn a_quoted_text_that_never_ends_is_refused_at_once() {
        let found = refused(&format!("a: 1\n  b: [[[[[[ \"x{}", "\n\n\nJ\n".repeat(50)));
        assert!(!found.is_empty());
        let found = refused(
            "Resocsu* er{T: Fn: {\"FnFn::GetAtt9ces: {T: {Type: T}}\nO: 1z\n\r\r\na: 1z\n[[[[ &a {x99!C\n\n\n\nC74]\n 74]}}\n",
        );
        assert!(!found.is_empty());
    }

    #[test]
    fn characters_in_two_halves_are_read() {
        assert_eq!(json(r#"{a: "é \ud83d\uDE00!", b: "\u0041"}"#), "{\"a\":\"é \u{fffd}\u{fffd}!\",\"b\":\"A\"}");
        let text = "a: \"\\ud83d\\ude00\"\nb: [ü]\n";
        assert_eq!(&text[read(text).unwrap().get("b").unwrap().as_list().unwrap()[0].at.clone()], "ü");
        assert!(refused(r#"a: "\UFFFFFFFF""#).starts_with("while parsing a quoted scalar"));
    }

    #[test]
    fn pasted_json_of_many_lines_is_read() {
        let lines = (0..400).map(|line| format!("\"k{line}\": {line}")).collect::<Vec<_>>().join(",\n");
        assert_eq!(
            read(&format!("x:\n  y: {{\n{lines}\n}}\n  z: 1"))
                .unwrap()
                .get("x")
                .unwrap()
                .get("y")
                .unwrap()
                .as_map()
                .unwrap()
                .len(),
            400
        );
    }

    #[test]
    fn short_tags_become_long_forms() {
        insta::assert_snapshot!(json("a: !Ref B"), @r#"{"a":{"Ref":"B"}}"#);
        insta::assert_snapshot!(json("a: !GetAtt B.C.D"), @r#"{"a":{"Fn::GetAtt":["B","C.D"]}}"#);
        insta::assert_snapshot!(json("a: !GetAtt [B, C]"), @r#"{"a":{"Fn::GetAtt":["B","C"]}}"#);
        insta::assert_snapshot!(json("a:\n  Fn::GetAtt: B.C"), @r#"{"a":{"Fn::GetAtt":["B","C"]}}"#);
        insta::assert_snapshot!(json("a: !Select [0, !GetAZs '']"), @r#"{"a":{"Fn::Select":[0,{"Fn::GetAZs":""}]}}"#);
        insta::assert_snapshot!(json("a: !If\n  - C\n  - !Ref B\n  - !Ref AWS::NoValue"), @r#"{"a":{"Fn::If":["C",{"Ref":"B"},{"Ref":"AWS::NoValue"}]}}"#);
        insta::assert_snapshot!(json("a: !Condition B"), @r#"{"a":{"Condition":"B"}}"#);
        insta::assert_snapshot!(json("a: !Transform {Name: AWS::Include}"), @r#"{"a":{"Fn::Transform":{"Name":"AWS::Include"}}}"#);
        insta::assert_snapshot!(json("a: !Base64\n  Fn::Sub: x"), @r#"{"a":{"Fn::Base64":{"Fn::Sub":"x"}}}"#);
        insta::assert_snapshot!(json("a: !GetAZs"), @r#"{"a":{"Fn::GetAZs":""}}"#);
    }

    #[test]
    fn anchors_aliases_and_merge_keys_are_followed() {
        let text = "base: &b {x: 1, y: 2}\nlist: [*b]\nmore:\n  <<: *b\n  y: 3\n  z: 4\nmany:\n  <<: [*b, {w: 5}]";
        insta::assert_snapshot!(json(text), @r#"{"base":{"x":1,"y":2},"list":[{"x":1,"y":2}],"more":{"y":3,"z":4,"x":1},"many":{"x":1,"y":2,"w":5}}"#);
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let below = format!("*a{}", level - 1);
            bomb.extend([format!("a{level}: &a{level} [{}]\n", [below.as_str(); 10].join(", "))]);
        }
        assert!(refused(&bomb).starts_with("aliases add more than 250000 values"));
        assert!(refused("a: &a [*a]").starts_with("this alias stands inside of what it stands for"));
    }

    #[test]
    fn nesting_is_bounded() {
        assert!(read(&"[".repeat(100_000)).is_err());
        assert!(read(&"- ".repeat(100_000)).is_err());
    }

    #[test]
    fn places_are_bytes_of_the_whole_text() {
        let text = "\u{feff}é: ü\nlist:\n  - a\n  - !Ref Bär\nnext: [1, 2]\nlast: |\n  x\n";
        let node = read(text).unwrap();
        let slice = |node: &Node| &text[node.at.clone()];
        assert_eq!(slice(node.get("é").unwrap()), "ü");
        assert_eq!(slice(node.get("list").unwrap().as_list().unwrap()[1].get("Ref").unwrap()), "Bär");
        assert_eq!(slice(node.get("next").unwrap()), "[1, 2]");
        assert_eq!(&text[node.as_map().unwrap()["next"].key_at.clone()], "next");
        assert!(slice(node.get("list").unwrap()).ends_with("Bär"));
    }

    #[test]
    fn wrong_yaml_is_refused_at_its_place() {
        insta::assert_snapshot!(refused("a:\n  - b\n c: d\n"), @"while parsing a block mapping, did not find expected key (line 3, column 2)");
        insta::assert_snapshot!(refused("a: [1\nb: 2"), @"illegal placement of ':' indicator (line 2, column 2)");
        insta::assert_snapshot!(refused("a: 1\n---\nb: 2"), @"a template is one document: a second one begins here (line 2, column 1)");
        insta::assert_snapshot!(refused("a: *b"), @"while parsing node, found unknown anchor (line 1, column 4)");
        insta::assert_snapshot!(refused("[a]: 1"), @"a key must be a text (line 1, column 1)");
    }
}
