//! Gathers problems, each once.

use std::collections::HashMap;

use super::codes;
use super::document::Item;
use super::nearest::nearest;
use crate::diag::{Code, Problem, Span};

/// How many problems of one sort are kept for one place.
const PER_PLACE: usize = 5;

/// The problems so far.
///
/// A text that is wrong in a group is wrong in each of its instances: what says the same of the same place is kept
/// once, and what says different things of it a few times, so that ten thousand instances report one mistake. Remedies
/// take a search for the nearest name, so they are only worked out for what is kept.
#[derive(Debug, Default)]
pub(super) struct Problems {
    list: Vec<Problem>,
    /// Places in `list`.
    seen: HashMap<(Code, Span), Vec<usize>>,
}

impl Problems {
    /// Adds a problem; `complete` gives it its remedies and further places.
    pub(super) fn add(
        &mut self,
        code: Code,
        span: &Span,
        message: impl Into<String>,
        complete: impl FnOnce(Problem) -> Problem,
    ) {
        let message = message.into();
        let here = self.seen.entry((code, span.clone())).or_default();
        if here.len() < PER_PLACE && here.iter().all(|index| self.list[*index].message != message) {
            here.push(self.list.len());
            self.list.push(complete(Problem::error(code, span.clone(), message)));
        }
    }

    /// Adds an error that is one sentence and at most one remedy.
    pub(super) fn error(&mut self, code: Code, span: &Span, message: impl Into<String>, help: impl Into<String>) {
        self.error_with(code, span, message, || help.into());
    }

    /// The same with a remedy that has to be looked for.
    pub(super) fn error_with(
        &mut self,
        code: Code,
        span: &Span,
        message: impl Into<String>,
        help: impl FnOnce() -> String,
    ) {
        self.add(code, span, message, |problem| {
            let help = help();
            if help.is_empty() { problem } else { problem.help(help) }
        });
    }

    /// Adds that a value is not what its key needs.
    pub(super) fn wrong_type(&mut self, item: &Item, wanted: &str, help: impl Into<String>) {
        self.error(codes::WRONG_TYPE, &item.span, format!("this is {}, but {wanted} is needed", item.sort()), help);
    }

    /// Whether something stops the command.
    pub(super) fn any_errors(&self) -> bool {
        self.list.iter().any(Problem::is_error)
    }

    /// All of them, in the order of the files and their texts.
    pub(super) fn into_sorted(mut self) -> Vec<Problem> {
        self.list.sort_by_key(|problem| (problem.at.span.file, problem.at.span.range.start, problem.code));
        self.list
    }
}

/// "did you mean `x`?", or nothing.
pub(super) fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, candidates).map_or_else(String::new, |candidate| format!("did you mean `{candidate}`?"))
}

/// Names in a sentence: "`a`, `b` and `c`".
pub(super) fn words(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
