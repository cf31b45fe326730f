//! One problem.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use super::Span;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is done while one of these stands.
    Error,
    /// Worth a look; does not stop anything.
    Warning,
    /// Something to think about.
    Hint,
}

/// A stable number for one sort of problem. Numbers are never reused; `docs/problems.md` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(pub u16);

/// A text that is not a problem's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotACode;

impl FromStr for Code {
    type Err = NotACode;

    /// Reads `ORCH012`, as it is shown.
    fn from_str(text: &str) -> Result<Self, NotACode> {
        let digits = text.strip_prefix("ORCH").filter(|digits| digits.len() == 3).ok_or(NotACode)?;
        digits.parse().map(Self).map_err(|_| NotACode)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ORCH{:03}", self.0)
    }
}

/// A marked place with a few words of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What stands there, seen from the problem; may be empty.
    pub text: String,
}

/// What is wrong, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The sort of problem.
    pub code: Code,
    /// Whether it stops the command.
    pub severity: Severity,
    /// One sentence, lower case at the start, without a full stop.
    pub message: String,
    /// The offending text.
    pub at: Label,
    /// The texts that it contradicts, or that explain it.
    pub related: Vec<Label>,
    /// What to do, one remedy a line.
    pub help: Vec<String>,
}

/// Puts problems in the order of the files and their texts, as a reader goes through them.
pub fn in_order<P: Borrow<Problem>>(problems: &mut [P]) {
    problems.sort_by_key(|problem| {
        let problem = problem.borrow();
        (problem.at.span.file, problem.at.span.range.start, problem.code)
    });
}

impl Problem {
    /// An error at a place.
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            at: Label { span, text: String::new() },
            related: Vec::new(),
            help: Vec::new(),
        }
    }

    /// A warning at a place.
    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    /// The same problem with words under its own place.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.at.text = text.into();
        self
    }

    /// The same problem with one more place that explains it.
    #[must_use]
    pub fn related(mut self, span: Span, text: impl Into<String>) -> Self {
        self.related.push(Label { span, text: text.into() });
        self
    }

    /// The same problem with one more remedy.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Whether it stops the command.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
