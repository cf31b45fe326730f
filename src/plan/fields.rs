//! Reads the keys of one table, each with the type it must have.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::codes;
use super::document::{Data, Item, Table, check_keys};
use super::nearest::nearest;
use super::problems::{Problems, words};
use super::supply::DeclaredSupply;
use super::text::Text;
use crate::diag::{Sources, Span};

/// A value as the plan declares it, parsed but not yet bound: instances of a group share it.
#[derive(Clone, Debug)]
pub(super) enum Declared {
    /// A number or a truth.
    Known { span: Span, value: Arc<Json> },
    /// A text, with or without expressions.
    Text(Arc<Text>),
    /// A list of values.
    List { span: Span, items: Vec<Declared> },
    /// What is read elsewhere: a parameter of a stack only.
    Supplied { span: Span, supply: Box<DeclaredSupply> },
    /// What is no value, which was reported.
    Broken { span: Span },
}

impl Declared {
    /// Where it stands.
    pub(super) fn span(&self) -> &Span {
        match self {
            Self::Known { span, .. }
            | Self::List { span, .. }
            | Self::Supplied { span, .. }
            | Self::Broken { span } => span,
            Self::Text(text) => &text.span,
        }
    }
}

/// A value under a key of the plan's choice.
#[derive(Clone, Debug)]
pub(super) struct Keyed {
    /// Where the key stands.
    pub(super) key: Span,
    pub(super) value: Declared,
    /// Whether it is shown nowhere.
    pub(super) sensitive: bool,
}

/// A key that may be left out.
#[derive(Clone, Debug)]
pub(super) enum Key<T> {
    /// It is not there.
    Absent,
    /// It is there, and was reported as wrong: what it would say is unknown.
    Broken,
    /// It says this.
    Given(T),
}

impl<T> Key<T> {
    fn of(present: bool, value: Option<T>) -> Self {
        match value {
            Some(value) => Self::Given(value),
            None if present => Self::Broken,
            None => Self::Absent,
        }
    }
}

/// The table of an account, a group or a part of one.
pub(super) struct Fields<'a> {
    /// The table.
    pub(super) table: &'a Table,
    /// Where to point for what is missing.
    pub(super) header: Span,
    /// The texts that places point into.
    pub(super) sources: &'a Sources,
    /// Where to report.
    pub(super) problems: &'a mut Problems,
    what: String,
    known: Vec<&'a str>,
    missing: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// The fields of a table, of which unknown keys are reported at once. `what` is the table in words: `a stack`.
    pub(super) fn new(
        table: &'a Table,
        what: &str,
        known: &[&'a str],
        header: Span,
        sources: &'a Sources,
        problems: &'a mut Problems,
    ) -> Self {
        check_keys(table, known, what, problems);
        Self { table, header, sources, problems, what: what.to_owned(), known: known.to_vec(), missing: Vec::new() }
    }

    /// Reports all required keys that were asked for and are not there. A key that is only misspelt was reported.
    pub(super) fn finish(mut self) {
        let unknown = self.table.keys().filter(|key| !self.known.contains(&&***key));
        let meant: Vec<_> = unknown.filter_map(|key| nearest(key, self.known.iter().copied())).collect();
        self.missing.retain(|key| !meant.contains(key));
        if !self.missing.is_empty() {
            let message = format!("{} needs {}", self.what, words(&self.missing));
            let lines: Vec<_> = self.missing.iter().map(|key| example(key)).collect();
            self.problems.error(codes::MISSING_KEY, &self.header, message, format!("write {}", lines.join(", ")));
        }
    }

    /// A key's value, whatever it is.
    pub(super) fn item(&self, key: &str) -> Option<&'a Item> {
        self.table.get(key).map(|entry| &entry.item)
    }

    /// Notes that a key is needed if it is not there.
    pub(super) fn require(&mut self, key: &'static str) {
        if !self.table.contains_key(key) {
            self.missing.push(key);
        }
    }

    /// A text, which may hold expressions.
    pub(super) fn text(&mut self, key: &str) -> Option<Arc<Text>> {
        let item = self.item(key)?;
        self.parse(item, "a text in quotes")
    }

    /// A text that may be left out.
    pub(super) fn optional_text(&mut self, key: &str) -> Key<Arc<Text>> {
        Key::of(self.table.contains_key(key), self.text(key))
    }

    /// A value that may be left out, read in its own way; `None` was reported.
    pub(super) fn optional<T>(&mut self, key: &str, read: impl FnOnce(&Item, &mut Self) -> Option<T>) -> Key<T> {
        let item = self.item(key);
        Key::of(item.is_some(), item.and_then(|item| read(item, self)))
    }

    /// The text that a value must be; `wanted` names it.
    pub(super) fn parse(&mut self, item: &Item, wanted: &str) -> Option<Arc<Text>> {
        if let Data::Text(text) = &item.data {
            return Text::parse(text, &item.span, self.sources, self.problems).map(Arc::new);
        }
        self.problems.wrong_type(item, wanted, "put it in quotes: \"…\"");
        None
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, key: &str) -> Option<bool> {
        let item = self.item(key)?;
        if let Data::Boolean(truth) = item.data {
            return Some(truth);
        }
        self.problems.wrong_type(
            item,
            "true or false",
            &format!("write {key} = true or {key} = false, without quotes"),
        );
        None
    }

    /// A table.
    pub(super) fn table(&mut self, key: &str) -> Option<&'a Table> {
        let item = self.item(key)?;
        if let Data::Table(table) = &item.data {
            return Some(table);
        }
        self.problems.wrong_type(item, "a table", &format!("write {key} = {{ … }}"));
        None
    }

    /// The elements of a list.
    pub(super) fn list(&mut self, key: &str) -> Option<&'a [Item]> {
        let item = self.item(key)?;
        if let Data::List(items) = &item.data {
            return Some(items);
        }
        self.problems.wrong_type(item, "a list", &format!("write {key} = [ … ]"));
        None
    }

    /// A list of texts without expressions, each with its place.
    pub(super) fn names(&mut self, key: &str) -> Vec<(Arc<str>, Span)> {
        let items = self.list(key).unwrap_or_default();
        let mut names = Vec::with_capacity(items.len());
        for item in items {
            if let Data::Text(text) = &item.data {
                names.push((text.clone(), item.span.clone()));
            } else {
                self.problems.wrong_type(item, "a text", "put it in quotes: \"…\"");
            }
        }
        names
    }

    /// A value of a node.
    pub(super) fn value(&mut self, key: &str) -> Option<Declared> {
        self.item(key).map(|item| self.declare(item))
    }

    /// A table of values: tags.
    pub(super) fn values(&mut self, key: &str) -> IndexMap<Arc<str>, Keyed> {
        let Some(table) = self.table(key) else { return IndexMap::new() };
        self.check_plain_keys(table);
        let keyed = |key: &Span, value: Declared| Keyed { key: key.clone(), value, sensitive: false };
        // What such a key would be is unknown.
        let plain = table.iter().filter(|(name, _)| !name.contains("{{"));
        plain.map(|(name, entry)| (name.clone(), keyed(&entry.key, self.declare(&entry.item)))).collect()
    }

    /// Reports keys with expressions in them: only values are worked out, so they would be taken as they stand.
    pub(super) fn check_plain_keys(&mut self, table: &Table) {
        for entry in table.iter().filter(|(name, _)| name.contains("{{")).map(|(_, entry)| entry) {
            let help = "write the key itself: only values can hold expressions";
            self.problems.error(codes::EXPRESSION, &entry.key, "this key holds an expression", help);
        }
    }

    /// Tags: values whose keys are not reserved.
    pub(super) fn tags(&mut self, key: &str) -> IndexMap<Arc<str>, Keyed> {
        for (name, entry) in self.table.get(key).and_then(|entry| entry.item.table()).into_iter().flatten() {
            if let Some(prefix) = ["aws:", "orch:"].into_iter().find(|prefix| name.to_lowercase().starts_with(prefix)) {
                let message = format!("tags that begin with `{prefix}` are not the plan's to give");
                self.problems.error(codes::INVALID_NAME, &entry.key, message, "choose another key for this tag");
            }
        }
        self.values(key)
    }

    /// The value as it is declared; tables are no values of nodes.
    pub(super) fn declare(&mut self, item: &Item) -> Declared {
        let broken = Declared::Broken { span: item.span.clone() };
        match &item.data {
            Data::Text(text) => Text::parse(text, &item.span, self.sources, self.problems)
                .map_or(broken, |text| Declared::Text(Arc::new(text))),
            Data::List(items) => {
                let items = items.iter().map(|item| self.declare(item)).collect();
                Declared::List { span: item.span.clone(), items }
            }
            Data::Table(_) => {
                let help = "name one value, or give each value inside a key of its own";
                self.problems.wrong_type(item, "a text, a number, true, false or a list of them", help);
                broken
            }
            Data::Datetime(_) => {
                self.problems.wrong_type(item, "a text", "put the date in quotes");
                broken
            }
            Data::Integer(_) | Data::Float(_) | Data::Boolean(_) => {
                Declared::Known { span: item.span.clone(), value: Arc::new(item.json()) }
            }
        }
    }
}

/// How a key is written that a table must have.
fn example(key: &str) -> &'static str {
    match key {
        "id" => "id = \"111111111111\"",
        "account" => "account = \"NAME\"",
        "template" => "template = \"PATH\"",
        "requester" => "requester = { account = \"NAME\", vpc = \"…\" }",
        "accepter" => "accepter = { account = \"NAME\", vpc = \"…\" }",
        "vpc" => "vpc = \"{{ stacks.NAME.outputs.OUTPUT }}\"",
        "route_tables" => "route_tables = [\"{{ stacks.NAME.outputs.OUTPUT }}\"]",
        "destination" => "destination = \"10.0.0.0/16\"",
        "via" => "via = \"{{ peerings.NAME.id }}\"",
        _ => "it, as docs/plan.md shows",
    }
}
