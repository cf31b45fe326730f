//! What a rule is, and what it finds.

use super::design::Design;
use crate::diag::{Code, Problem, Severity, Span};
use crate::graph::Ix;

/// One sort of problem that a plan can have: its number, how bad it is, what it means, and how it is found.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its number, which is never given to another rule.
    pub code: Code,
    /// A few words that name it: `unknown-output`.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence without a full stop.
    pub summary: &'static str,
    /// Why it matters, what the rule looks at, and what to do: a paragraph or two, in Markdown.
    pub explanation: &'static str,
    /// A plan that breaks the rule, and the files that it needs. The offending text stands in `«…»`.
    pub wrong: &'static str,
    /// The same, put right.
    pub right: &'static str,
    /// How it is found in a plan that is sound in itself; `None` for what is found while the plan is loaded.
    pub check: Option<fn(&Design<'_>, &mut Report)>,
}

impl Rule {
    /// A problem of this sort at a place.
    pub(super) fn problem(&self, span: Span, message: impl Into<String>) -> Problem {
        Problem { severity: self.severity, ..Problem::error(self.code, span, message) }
    }
}

/// A problem with the nodes that it is about: each of them can be excused from its rule.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) problem: Problem,
    pub(super) nodes: Vec<Ix>,
}

/// What the rules have found so far.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub(super) findings: Vec<Finding>,
}

impl Report {
    /// Takes in a problem that is about some nodes.
    pub(super) fn add(&mut self, nodes: impl IntoIterator<Item = Ix>, problem: Problem) {
        self.findings.push(Finding { problem, nodes: nodes.into_iter().collect() });
    }
}
