//! The tree that a template is read into: JSON's data model, with the place of every value in the text.

use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Number;

use super::function::Call;

/// A value of a template and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// Byte offsets into the template's text. A value that came in by an alias has the place of its anchor.
    pub at: Range<usize>,
    /// The value.
    pub value: Value,
}

/// What a [`Node`] holds. Short forms are gone: `!Ref x` is the map `{"Ref": "x"}`.
#[derive(Clone, Debug)]
pub enum Value {
    /// `null`, `~` or nothing at all.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, or the call of an intrinsic function.
    Map(Map),
}

/// A map in the order of the text.
pub type Map = IndexMap<String, Entry>;

/// A key's place and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where the key stands.
    pub key_at: Range<usize>,
    /// The value; shared, so that a section of a [`Document`](super::Document) costs no copy.
    pub node: Arc<Node>,
}

impl Node {
    /// A value at a place.
    pub fn new(at: Range<usize>, value: Value) -> Self {
        Self { at, value }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a text, a number or a truth value: CloudFormation takes any of them where it wants a text.
    pub fn scalar(&self) -> Option<String> {
        match &self.value {
            Value::Text(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// The items, if it is a list.
    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entries, if it is a map (a call is one too).
    pub fn as_map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The value below a key, if it is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.get(key).map(|entry| entry.node.as_ref())
    }

    /// The intrinsic function that it calls, if it is a map of exactly one entry whose key names one.
    pub fn call(&self) -> Option<Call<'_>> {
        Call::of(self)
    }

    /// Whether no intrinsic function is called anywhere inside.
    pub fn is_literal(&self) -> bool {
        match &self.value {
            Value::List(items) => items.iter().all(Node::is_literal),
            Value::Map(map) => self.call().is_none() && map.values().all(|entry| entry.node.is_literal()),
            _ => true,
        }
    }

    /// The same values, whatever the order of keys, the places and the spelling (JSON or YAML, short or long form).
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Number(a), Value::Number(b)) => a == b,
            (Value::Text(a), Value::Text(b)) => a == b,
            (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b)),
            (Value::Map(a), Value::Map(b)) => {
                a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| a.node.same(&b.node)))
            }
            _ => false,
        }
    }

    /// The value as JSON, intrinsic functions in their long form.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(truth) => serde_json::Value::Bool(*truth),
            Value::Number(number) => serde_json::Value::Number(number.clone()),
            Value::Text(text) => serde_json::Value::String(text.clone()),
            Value::List(items) => items.iter().map(Node::to_json).collect(),
            Value::Map(map) => {
                serde_json::Value::Object(map.iter().map(|(key, entry)| (key.clone(), entry.node.to_json())).collect())
            }
        }
    }
}
