//! Problems for programs: JSON, SARIF and workflow annotations.

mod github;
mod json;
mod place;
mod sarif;

pub use github::github;
pub use json::json;
pub use sarif::{Described, sarif};

use crate::diag::{Problem, Sources};

/// What was found in one plan.
#[derive(Clone, Copy, Debug)]
pub struct Checked<'a> {
    /// The plan's path as it was given.
    pub path: &'a str,
    /// How many nodes it has; `None` if it is in error, or only there to be extended.
    pub nodes: Option<usize>,
    /// What was found.
    pub problems: &'a [Problem],
    /// The texts that the problems point into.
    pub sources: &'a Sources,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Code, Severity, Span};

    /// Two problems with everything that a problem can have, in two files.
    pub(super) fn sample() -> (Sources, Vec<Problem>) {
        let mut sources = Sources::default();
        let plan = sources.add("plans/a, b.toml", "é = \"{{ vars.x }}\"\nname = 1\n");
        let template = sources.add("plans/t.yaml", "Outputs:\n  VPCId: 1\n");
        let first = Problem::error(Code(11), Span::new(plan, 9..15), "there is no variable `x`")
            .label("100% unknown\nhere")
            .related(Span::new(template, 11..16), "the nearest one")
            .help("declare it")
            .help("or not");
        let second =
            Problem { severity: Severity::Hint, ..Problem::warning(Code(71), Span::new(plan, 0..2), "data: a, b") };
        (sources, vec![first, second])
    }
}
