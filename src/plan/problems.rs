//! Gathers problems, each once.

use std::collections::HashMap;

use super::codes;
use super::document::Item;
use super::nearest::Search;
use crate::diag::{Code, Problem, Span, in_order};

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
    seen: HashMap<(Code, Span), Here>,
    search: Search,
}

/// What is known of one place.
#[derive(Debug, Default)]
struct Here {
    /// Places in [`Problems::list`].
    kept: Vec<usize>,
    /// Whether there was more to say.
    cut: bool,
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
        if let Some(problem) = self.fresh(code, span, message.into()) {
            self.list.push(complete(problem));
        }
    }

    /// The problem, if it is one to keep; then it is the next of the list.
    fn fresh(&mut self, code: Code, span: &Span, message: String) -> Option<Problem> {
        let here = self.seen.entry((code, span.clone())).or_default();
        if here.kept.iter().any(|index| self.list[*index].message == message) {
            return None;
        }
        if here.kept.len() >= PER_PLACE {
            here.cut = true;
            return None;
        }
        here.kept.push(self.list.len());
        Some(Problem::error(code, span.clone(), message))
    }

    /// Adds an error that is one sentence and at most one remedy.
    pub(super) fn error(&mut self, code: Code, span: &Span, message: impl Into<String>, help: impl Into<String>) {
        self.error_with(code, span, message, |_| help.into());
    }

    /// The same with a remedy that has to be looked for.
    pub(super) fn error_with(
        &mut self,
        code: Code,
        span: &Span,
        message: impl Into<String>,
        help: impl FnOnce(&Search) -> String,
    ) {
        if let Some(problem) = self.fresh(code, span, message.into()) {
            let help = help(&self.search);
            self.list.push(if help.is_empty() { problem } else { problem.help(help) });
        }
    }

    /// Adds that a value is not what its key needs.
    pub(super) fn wrong_type(&mut self, item: &Item, wanted: &str, help: &str) {
        let message = format!("this is {}, but {wanted} is needed", item.sort());
        self.error(codes::WRONG_TYPE, &item.span, message, help);
    }

    /// How many there are, to tell whether there are more after something was read.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether something stops the command.
    pub(super) fn any_errors(&self) -> bool {
        self.list.iter().any(Problem::is_error)
    }

    /// All of them, in the order of the files and their texts.
    pub(super) fn into_sorted(mut self) -> Vec<Problem> {
        for last in self.seen.values().filter(|here| here.cut).filter_map(|here| here.kept.last()) {
            self.list[*last].help.push("there are more of this sort at this place, which are not shown".to_owned());
        }
        in_order(&mut self.list);
        self.list
    }
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
