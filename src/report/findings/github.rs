//! Annotations of a GitHub workflow, which the site shows beside the lines of a pull request.
//!
//! See <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>.

use std::fmt::Write as _;

use super::Checked;
use super::place::Place;
use crate::diag::{Problem, Severity, Sources};

/// A command a line: `::error file=…,line=…,title=ORCH011::message`.
pub fn github(plans: &[Checked<'_>]) -> String {
    let mut text = String::new();
    for checked in plans {
        for problem in checked.problems {
            line(&mut text, problem, checked.sources);
        }
    }
    text
}

fn line(text: &mut String, problem: &Problem, sources: &Sources) {
    let command = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "notice",
    };
    let place = Place::of(&problem.at.span, sources);
    let mut message = problem.message.clone();
    if !problem.at.text.is_empty() {
        let _ = write!(message, "\n{}", problem.at.text);
    }
    for label in &problem.related {
        let there = Place::of(&label.span, sources);
        let _ = write!(message, "\n{}:{}: {}", there.path, there.line, label.text);
    }
    for help in &problem.help {
        let _ = write!(message, "\nhelp: {help}");
    }
    let _ = writeln!(
        text,
        "::{command} file={},line={},endLine={},col={},endColumn={},title={}::{}",
        property(&place.path),
        place.line,
        place.end_line,
        place.column,
        place.end_column,
        problem.code,
        data(&message)
    );
}

/// A message: what would end the line is spelt out.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property: what would end it, too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample;
    use super::*;

    #[test]
    fn a_problem_is_one_line_whatever_is_in_it() {
        let (sources, problems) = sample();
        let checked = Checked { path: "plans/a.toml", nodes: None, problems: &problems, sources: &sources };
        let text = github(&[checked]);
        assert_eq!(text.lines().count(), problems.len());
        insta::assert_snapshot!(text);
    }
}
