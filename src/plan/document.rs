//! A TOML file as a tree in which everything knows its place.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Number, Value as Json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::codes;
use super::depth::{MAX_DEPTH, too_deep};
use super::problems::Problems;
use crate::diag::{FileId, Sources, Span};

/// A table's entries in the order of the text.
pub(super) type Table = IndexMap<Arc<str>, Entry>;

/// One key of a table with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The key's place.
    pub(super) key: Span,
    /// The value.
    pub(super) item: Item,
}

impl Entry {
    /// Where to point for the entry as a whole: its `[header]` if it has one, else its key.
    pub(super) fn header(&self, sources: &Sources) -> Span {
        let has_header = matches!(self.item.data, Data::Table(_)) && sources.slice(&self.item.span).starts_with('[');
        if has_header { self.item.span.clone() } else { self.key.clone() }
    }
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// The value's text, with quotes; of a table with a header, the header.
    pub(super) span: Span,
    /// The value.
    pub(super) data: Data,
}

/// TOML's types.
#[derive(Clone, Debug)]
pub(super) enum Data {
    Text(Arc<str>),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Datetime(String),
    List(Vec<Item>),
    Table(Table),
}

impl Item {
    /// The type, for a sentence.
    pub(super) fn sort(&self) -> &'static str {
        match self.data {
            Data::Text(_) => "a text",
            Data::Integer(_) => "a whole number",
            Data::Float(_) => "a number",
            Data::Boolean(_) => "true or false",
            Data::Datetime(_) => "a date",
            Data::List(_) => "a list",
            Data::Table(_) => "a table",
        }
    }

    /// The table, if it is one.
    pub(super) fn table(&self) -> Option<&Table> {
        match &self.data {
            Data::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The value as expressions see it; a date is its text.
    pub(super) fn json(&self) -> Json {
        match &self.data {
            Data::Text(text) => Json::from(&**text),
            Data::Integer(number) => Json::from(*number),
            // TOML has infinities and NaN, JSON has not.
            Data::Float(number) => Number::from_f64(*number).map_or_else(|| number.to_string().into(), Json::Number),
            Data::Boolean(truth) => Json::from(*truth),
            Data::Datetime(text) => Json::from(text.as_str()),
            Data::List(items) => items.iter().map(Self::json).collect(),
            Data::Table(table) => table.iter().map(|(key, entry)| (key.to_string(), entry.item.json())).collect(),
        }
    }
}

/// Reads a file's text. What is not TOML is reported, all of it, and the rest is given.
pub(super) fn read(text: &str, file: FileId, problems: &mut Problems) -> Table {
    if let Some(at) = too_deep(text) {
        let message = format!("this lies more than {MAX_DEPTH} levels deep");
        let help = "a plan needs a few levels of tables and lists: take this nesting apart";
        problems.error(codes::SYNTAX, &Span::new(file, at..at + 1), message, help);
        return Table::new();
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty()
        && let Some((language, range)) = another_language(text)
    {
        let message = format!("this is {language}; a plan is written in TOML");
        let help = "name the plan; a template is named by a plan: template = \"…\"";
        problems.error(codes::SYNTAX, &Span::new(file, range), message, help);
        return Table::new();
    }
    for error in errors {
        let range = error.span().unwrap_or(0..0);
        let message = error.message();
        problems.error(codes::SYNTAX, &Span::new(file, on_boundaries(text, range)), message, remedy(message));
    }
    let mut reader = Reader { file, problems };
    reader.table(document.into_inner())
}

/// Whether a text that is not TOML begins as JSON or YAML does, and what of it says so. No key of TOML ends in a colon.
fn another_language(text: &str) -> Option<(&'static str, std::ops::Range<usize>)> {
    let mut at = 0;
    let first = text.split_inclusive('\n').find(|line| {
        let skipped = line.trim().is_empty() || line.trim_start().starts_with('#');
        at += if skipped { line.len() } else { 0 };
        !skipped
    })?;
    at += first.len() - first.trim_start().len();
    let word = first.split_whitespace().next()?;
    let range = at..at + word.len();
    match word {
        _ if word.starts_with('{') => Some(("JSON", at..at + 1)),
        "---" => Some(("YAML", range)),
        _ if word.len() > 1 && word.ends_with(':') && !word.contains(['"', '\'', '=']) => Some(("YAML", range)),
        _ => None,
    }
}

/// What to do about a syntax error, by the words that the parser has for it.
fn remedy(message: &str) -> &'static str {
    let says = |words: &str| message.contains(words);
    if says("duplicate key") {
        "a key is given once in a file; to change what another plan says, use extends"
    } else if says("must be quoted") {
        "put the text in quotes: \"…\""
    } else if says("invalid boolean") {
        "write true or false, or put the text in quotes: \"…\""
    } else if says("string") && says("expected") {
        "end the text with the quote that it began with, in the same line"
    } else if says("unclosed") {
        "close what is open here"
    } else {
        "write key = value, a text in quotes, a list in [ ], a table in { } or below its [header]"
    }
}

/// The range widened to whole characters inside the text: problems are drawn by slicing it.
fn on_boundaries(text: &str, range: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let start = text.floor_char_boundary(range.start.min(text.len()));
    let end = text.ceil_char_boundary(range.end.clamp(start, text.len()));
    start..end
}

/// A value that is given by itself, as in `--var`.
pub(super) fn read_value(text: &str, file: FileId) -> Result<Item, String> {
    if too_deep(text).is_some() {
        return Err(format!("it is nested more than {MAX_DEPTH} levels deep"));
    }
    let value = DeValue::parse(text).map_err(|error| error.message().to_owned())?;
    let mut problems = Problems::default();
    let item = Reader { file, problems: &mut problems }.item(value);
    if problems.any_errors() { Err("the number is too large".to_owned()) } else { Ok(item) }
}

struct Reader<'a> {
    file: FileId,
    problems: &'a mut Problems,
}

impl Reader<'_> {
    fn table(&mut self, table: DeTable<'_>) -> Table {
        table
            .into_iter()
            .map(|(key, value)| {
                let span = Span::new(self.file, key.span());
                (Arc::from(&**key.get_ref()), Entry { key: span, item: self.item(value) })
            })
            .collect()
    }

    fn item(&mut self, value: Spanned<DeValue<'_>>) -> Item {
        let span = Span::new(self.file, value.span());
        let data = match value.into_inner() {
            DeValue::String(text) => Data::Text(Arc::from(&*text)),
            DeValue::Integer(number) => {
                Data::Integer(i64::from_str_radix(number.as_str(), number.radix()).unwrap_or_else(|_| {
                    self.problems.error(codes::INVALID_VALUE, &span, "this number is too large", "write it in quotes");
                    0
                }))
            }
            DeValue::Float(number) => Data::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(truth) => Data::Boolean(truth),
            DeValue::Datetime(date) => Data::Datetime(date.to_string()),
            DeValue::Array(items) => Data::List(items.into_iter().map(|item| self.item(item)).collect()),
            DeValue::Table(table) => Data::Table(self.table(table)),
        };
        Item { span, data }
    }
}

/// `over` laid upon `base`: tables merge by key at every depth, everything else is replaced.
pub(super) fn merge(base: &mut Table, over: Table) {
    for (key, entry) in over {
        match (base.get_mut(&key), entry) {
            (
                Some(Entry { key: old, item: Item { data: Data::Table(below), span: place } }),
                Entry { key, item: Item { data: Data::Table(table), span } },
            ) => {
                merge(below, table);
                (*old, *place) = (key, span);
            }
            (_, entry) => {
                base.insert(key, entry);
            }
        }
    }
}

/// Reports every key of a table that is not one of `known`; `what` is the table in words.
pub(super) fn check_keys(table: &Table, known: &[&str], what: &str, problems: &mut Problems) {
    for (key, entry) in table {
        if !known.contains(&&**key) {
            problems.error_with(codes::UNKNOWN_KEY, &entry.key, format!("{what} has no key `{key}`"), |search| {
                let near = search.did_you_mean(key, known.iter().copied());
                if near.is_empty() { format!("the keys are {}", known.join(", ")) } else { near }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> (Table, Sources, Vec<crate::diag::Problem>) {
        let mut sources = Sources::default();
        let file = sources.add("a.toml", text);
        let mut problems = Problems::default();
        let table = read(text, file, &mut problems);
        (table, sources, problems.into_sorted())
    }

    #[test]
    fn everything_knows_its_place() {
        let (table, sources, _) = document("[stacks.a]\nname = \"x\"\n[routes]\nb = { via = 'y' }\n");
        let Data::Table(stacks) = &table["stacks"].item.data else { panic!() };
        assert_eq!(sources.slice(&stacks["a"].header(&sources)), "[stacks.a]");
        let Data::Table(stack) = &stacks["a"].item.data else { panic!() };
        assert_eq!(sources.slice(&stack["name"].key), "name");
        assert_eq!(sources.slice(&stack["name"].item.span), "\"x\"");
        let Data::Table(routes) = &table["routes"].item.data else { panic!() };
        assert_eq!(sources.slice(&routes["b"].header(&sources)), "b");
    }

    #[test]
    fn all_syntax_errors_are_found_at_once() {
        let (_, sources, problems) = document("a = 'x\nb = 1\nb = 2\nd = 99999999999999999999\n[c\n");
        let found: Vec<_> =
            problems.iter().map(|problem| format!("{} {}", sources.place(&problem.at.span), problem.message)).collect();
        assert_eq!(
            found,
            [
                "a.toml:1:7 invalid literal string, expected `'`",
                "a.toml:3:1 duplicate key",
                "a.toml:4:5 this number is too large",
                "a.toml:5:3 unclosed table, expected `]`",
            ]
        );
    }

    #[test]
    fn tables_merge_deeply_and_all_else_is_replaced() {
        let (mut base, ..) = document("list = [1, 2]\n[t]\na = 1\nb = { c = 1, d = 2 }\n");
        let (over, ..) = document("list = [3]\n[t]\na = 2\nb = { c = 3 }\ne = 4\n");
        merge(&mut base, over);
        let merged: Json = Item { span: base["list"].key.clone(), data: Data::Table(base) }.json();
        assert_eq!(merged.to_string(), r#"{"list":[3],"t":{"a":2,"b":{"c":3,"d":2},"e":4}}"#);
    }

    #[test]
    fn an_unknown_key_is_reported_with_the_nearest() {
        let (table, sources, _) = document("tempalte = 1\nzzz = 2\n");
        let mut problems = Problems::default();
        check_keys(&table, &["template", "name"], "a stack", &mut problems);
        let problems = problems.into_sorted();
        assert_eq!(sources.slice(&problems[0].at.span), "tempalte");
        assert_eq!(problems[0].message, "a stack has no key `tempalte`");
        assert_eq!(problems[0].help, ["did you mean `template`?"]);
        assert_eq!(problems[1].help, ["the keys are template, name"]);
    }
}
