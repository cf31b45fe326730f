//! Where something stands, as programs want it.

use serde::Serialize;

use crate::diag::{Sources, Span};

/// A range of a file. Lines and columns count from one, columns in characters; the end is the first column behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Place {
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) end_line: usize,
    pub(super) end_column: usize,
}

impl Place {
    pub(super) fn of(span: &Span, sources: &Sources) -> Self {
        let source = sources.get(span.file);
        let (line, column) = source.position(span.range.start);
        let (end_line, end_column) = source.position(span.range.end);
        // Slashes on every system: what reads this is often another one.
        let path = source.path.to_string_lossy().replace('\\', "/");
        Self { path, line, column, end_line, end_column }
    }
}
