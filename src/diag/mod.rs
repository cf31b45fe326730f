//! Problems as data: what is wrong, where, what it contradicts and what to do about it.
//!
//! Nothing here knows how a problem is laid out for a reader; that is `report::diagnostic`.

mod problem;
mod source;

pub use problem::{Code, Label, NotACode, Problem, Severity, in_order};
pub use source::{FileId, Source, Sources, Span, position};
