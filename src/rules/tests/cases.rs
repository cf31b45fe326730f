//! Every rule finds what the cases of its file say, at the very place, and nothing else.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::*;
use super::case::{Case, Place};
use crate::plan::{Given, Variable, load};

/// Makes one test of each rule, named like it.
macro_rules! cases {
    ($($rule:ident)*) => {
        const TESTED: &[&str] = &[$(stringify!($rule)),*];
        $(#[test]
        fn $rule() {
            hold(&stringify!($rule).replace('_', "-"));
        })*
    };
}

cases! {
    syntax unreadable extends_cycle abstract_plan unknown_key missing_key wrong_type invalid_value invalid_name
    expression unknown_reference not_known_yet unevaluable variable account_id role through duration unknown_account
    empty for_each stack_name unreadable_template read_only depends_on same_stack contradiction partition
    contradicting_guards moved
    unused_variable unused_allow outside cycle same_peering same_route vain_early_inputs not_a_template template_too_large template_url nested_template unknown_output
    refused_template unknown_parameter missing_parameter refused_value missing_capability absent_output
    overlapping_ranges one_way_peering foreign_range quota double_table misplaced_id open_secret unprotected_data
    refused_policy
}

/// Where the cases of a rule stand.
fn path(rule: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules").join(format!("{rule}.txt"))
}

/// Holds a rule to all its cases, and tells all that differ at once.
fn hold(rule: &str) {
    #[expect(clippy::disallowed_methods, reason = "the cases are files")]
    let text = fs::read_to_string(path(rule)).unwrap_or_else(|error| panic!("{}: {error}", path(rule).display()));
    let rule = find(rule).expect("the file is named like its rule");
    let cases = Case::read_all(&text);
    assert!(cases.iter().any(|case| !case.messages.is_empty()), "no case breaks the rule");
    assert!(cases.iter().any(|case| case.messages.is_empty()), "no case keeps the rule");
    let different: String = cases.iter().filter_map(|case| difference(rule, case)).collect();
    assert!(different.is_empty(), "\n{different}");
}

/// One problem as a case tells it.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    at: Place,
    code: String,
    message: String,
}

/// In what a case differs from what is found.
fn difference(rule: &Rule, case: &Case) -> Option<String> {
    let env = |name: &str| {
        let is_forbidden = case.forbidden.iter().any(|forbidden| forbidden == name);
        if is_forbidden { Some(Variable::Forbidden) } else { case.env.get(name).cloned().map(Variable::Value) }
    };
    let loaded = load(Path::new("plan.toml"), &case.files, &Given { vars: &case.vars, env: &env });
    let mut problems = loaded.problems.clone();
    if let Some(plan) = loaded.readable() {
        problems.extend(check(plan, &loaded.sources).problems);
    }
    let sources = &loaded.sources;
    let place = |span: &Span| (sources.get(span.file).path.clone(), span.range.clone());
    let order = |place: &Place| (place.0 != Path::new("plan.toml"), place.0.clone(), place.1.start, place.1.end);
    let mut found: Vec<Told> = problems
        .iter()
        .map(|problem| Told {
            at: place(&problem.at.span),
            code: problem.code.to_string(),
            message: problem.message.clone(),
        })
        .collect();
    found.sort_by_key(|told| (order(&told.at), told.code.clone()));
    let mut related: Vec<Place> =
        problems.iter().flat_map(|problem| &problem.related).map(|label| place(&label.span)).collect();
    related.sort_by_key(order);
    related.dedup();
    let places = case.offending.iter().map(Some).chain(std::iter::repeat(None));
    let expected = case.messages.iter().zip(places).map(|((code, message), at)| {
        let code = code.clone().unwrap_or_else(|| rule.code.to_string());
        (at.cloned(), code, message.clone())
    });
    let same = case.messages.len() == case.offending.len()
        && expected.eq(found.iter().map(|told| (Some(told.at.clone()), told.code.clone(), told.message.clone())))
        && related == case.related;
    let mut text = String::new();
    if !same {
        let _ = writeln!(text, "`{}` of {}: found", case.title, rule.name);
        for told in &found {
            let _ = writeln!(text, "  ! {} {}\n    at {}", told.code, told.message, shown(case, &told.at));
        }
        for place in &related {
            let _ = writeln!(text, "  related {}", shown(case, place));
        }
        let _ = writeln!(text, "where the case says");
        for (code, message) in &case.messages {
            let _ = writeln!(text, "  ! {} {message}", code.as_deref().unwrap_or(&rule.code.to_string()));
        }
        for place in &case.offending {
            let _ = writeln!(text, "    at {}", shown(case, place));
        }
        for place in &case.related {
            let _ = writeln!(text, "  related {}", shown(case, place));
        }
    }
    for problem in problems.iter().filter(|problem| problem.help.is_empty()) {
        let _ = writeln!(text, "`{}` of {}: no remedy: {}", case.title, rule.name, problem.message);
    }
    (!text.is_empty()).then_some(text)
}

/// A place with its text: `plan.toml:5..9 «text»`.
fn shown(case: &Case, (path, range): &Place) -> String {
    let text = case.files.0.get(path).and_then(|text| text.get(range.clone())).unwrap_or("(not in the file)");
    format!("{}:{range:?} «{text}»", path.display())
}

#[test]
fn every_rule_has_its_cases() {
    let tested: Vec<String> = TESTED.iter().map(|rule| rule.replace('_', "-")).collect();
    // What only AWS can say is held in `remote::tests`.
    let without_aws = ALL.iter().filter(|rule| !remote::ASK.contains(&rule.code));
    let untested: Vec<&str> =
        without_aws.map(|rule| rule.name).filter(|rule| !tested.iter().any(|one| one == rule)).collect();
    assert_eq!(untested, [""; 0]);
}
