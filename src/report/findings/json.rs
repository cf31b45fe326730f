//! One JSON document for all plans.

use serde::Serialize;

use super::Checked;
use super::place::Place;
use crate::diag::{Label, Problem, Severity, Sources};

/// The version of the form. New fields do not change it.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    plans: Vec<Plan<'a>>,
}

#[derive(Serialize)]
struct Plan<'a> {
    path: &'a str,
    sound: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    nodes: Option<usize>,
    problems: Vec<Found<'a>>,
}

#[derive(Serialize)]
struct Found<'a> {
    code: String,
    severity: &'static str,
    message: &'a str,
    #[serde(flatten)]
    at: Marked<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related: Vec<Marked<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    help: &'a [String],
}

#[derive(Serialize)]
struct Marked<'a> {
    #[serde(flatten)]
    place: Place,
    #[serde(skip_serializing_if = "str::is_empty")]
    label: &'a str,
}

/// `{"version": 1, "plans": [{"path": …, "sound": …, "problems": […]}]}`, ended by a line break.
pub fn json(plans: &[Checked<'_>]) -> String {
    let document = Document { version: VERSION, plans: plans.iter().map(plan).collect() };
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn plan<'a>(checked: &Checked<'a>) -> Plan<'a> {
    Plan {
        path: checked.path,
        sound: !checked.problems.iter().any(Problem::is_error),
        nodes: checked.nodes,
        problems: checked.problems.iter().map(|problem| found(problem, checked.sources)).collect(),
    }
}

fn found<'a>(problem: &'a Problem, sources: &Sources) -> Found<'a> {
    Found {
        code: problem.code.to_string(),
        severity: word(problem.severity),
        message: &problem.message,
        at: marked(&problem.at, sources),
        related: problem.related.iter().map(|label| marked(label, sources)).collect(),
        help: &problem.help,
    }
}

fn marked<'a>(label: &'a Label, sources: &Sources) -> Marked<'a> {
    Marked { place: Place::of(&label.span, sources), label: &label.text }
}

const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "hint",
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample;
    use super::*;

    #[test]
    fn every_place_and_word_of_a_problem_is_there() {
        let (sources, problems) = sample();
        let checked = Checked { path: "plans/a.toml", nodes: None, problems: &problems, sources: &sources };
        insta::assert_snapshot!(json(&[checked]));
    }
}
