//! From text to tree.

use super::node::Node;
use super::{json, yaml};

/// How deep a template's values may be nested.
pub(super) const MAX_DEPTH: usize = 128;

/// How many values a template's aliases may add, all in all: enough for any honest use, far below an alias bomb.
pub(super) const MAX_ALIASED: usize = 250_000;

/// How a template is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON.
    Json,
    /// YAML, with CloudFormation's short tags.
    Yaml,
}

/// What sort of mistake a [`ReadError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadErrorKind {
    /// The text is not well-formed JSON or YAML.
    Malformed,
    /// The text is well-formed, but not a template.
    NotATemplate,
}

/// A text that is not a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (line {line}, column {column})")]
pub struct ReadError {
    /// What sort of mistake it is.
    pub kind: ReadErrorKind,
    /// What the text was read as.
    pub format: Format,
    /// What is wrong, without the place.
    pub message: String,
    /// The byte offset at which it is wrong.
    pub at: usize,
    /// The line of that byte, from one.
    pub line: usize,
    /// The column of that byte in characters, from one.
    pub column: usize,
}

impl ReadError {
    /// An error at a byte of a text.
    pub(super) fn new(format: Format, text: &str, at: usize, message: impl Into<String>) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        Self { kind: ReadErrorKind::Malformed, format, message: message.into(), at: before.len(), line, column }
    }

    /// The same for a text that is well-formed.
    pub(super) fn structure(format: Format, text: &str, at: usize, message: impl Into<String>) -> Self {
        Self { kind: ReadErrorKind::NotATemplate, ..Self::new(format, text, at, message) }
    }
}

/// Reads a text as JSON if it begins with a brace, as CloudFormation does, and as YAML otherwise.
///
/// # Errors
///
/// The first place at which the text is not JSON or YAML, nests values deeper than CloudFormation's limits could ever
/// need, or multiplies itself by aliases.
pub fn tree(text: &str) -> Result<(Format, Node), ReadError> {
    if text.trim_start_matches('\u{feff}').trim_start().starts_with('{') {
        json::read(text).map(|node| (Format::Json, node))
    } else {
        yaml::read(text).map(|node| (Format::Yaml, node))
    }
}
