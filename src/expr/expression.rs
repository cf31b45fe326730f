//! One parsed text.

use std::ops::Range;
use std::sync::Arc;

use serde_json::Value as Json;

use super::{Certain, EvaluateError, Fault, Helper, certain, evaluate, parse};

/// One path in a text, where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The path's parts: `stacks`, `master`, `outputs`, `VPCId`.
    pub path: Vec<Arc<str>>,
    /// The path as it is written: `stacks.master.outputs.VPCId`.
    pub text: Arc<str>,
    /// Its bytes in the text.
    pub range: Range<usize>,
}

/// A text with its expressions, parsed.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    pub(super) parts: Vec<Part>,
    pub(super) references: Vec<Reference>,
}

/// One stretch of a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    Text(String),
    Value(Term),
    If { condition: Term, negated: bool, then: Vec<Part>, otherwise: Vec<Part> },
}

/// Something that has a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Term {
    /// By its place in [`Expression::references`].
    Reference(usize),
    Literal(Json),
    Call {
        helper: Helper,
        arguments: Vec<Term>,
        range: Range<usize>,
    },
}

impl Expression {
    /// Parses a text.
    ///
    /// # Errors
    ///
    /// Everything in it that is not part of the language.
    pub fn parse(text: &str) -> Result<Self, Vec<Fault>> {
        parse::parse(text)
    }

    /// Every path in the text, in the order in which they stand, also those in branches that may not be taken.
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// Whether the text is only put together from its paths, without a helper or a condition.
    pub fn is_plain(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Text(_) | Part::Value(Term::Reference(_) | Term::Literal(_))))
    }

    /// The value of the text, given the value of each of [`Expression::references`] in that order.
    ///
    /// A text that is exactly one expression has that expression's value, of whatever type; any other is text.
    ///
    /// # Errors
    ///
    /// A helper that is given a value of the wrong type, or a list or a table in the middle of a text.
    ///
    /// # Panics
    ///
    /// If there are fewer values than references.
    pub fn evaluate(&self, values: &[Json]) -> Result<Json, EvaluateError> {
        evaluate::evaluate(self, values)
    }

    /// What is certain of the value, given what is certain of each of [`Expression::references`] in that order.
    ///
    /// # Errors
    ///
    /// A value that there can never be, whatever the paths that are not known yet turn out to be.
    ///
    /// # Panics
    ///
    /// If there are fewer paths than references.
    pub fn certain<'a>(&'a self, paths: &[Certain<'a>]) -> Result<Certain<'a>, EvaluateError> {
        certain::certain(self, paths)
    }

    /// Where a term stands.
    pub(super) fn range(&self, term: &Term) -> Range<usize> {
        match term {
            Term::Reference(index) => self.references[*index].range.clone(),
            Term::Call { range, .. } => range.clone(),
            Term::Literal(_) => 0..0,
        }
    }
}
