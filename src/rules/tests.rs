//! Every rule's examples do what the rule says, to the letter.

use std::path::Path;

use super::example::{Example, PLAN};
use super::*;
use crate::diag::Severity;
use crate::plan::{Given, load};

/// Everything that is found in an example, each as its code, its file and the text it points at.
fn found(example: &Example) -> Vec<(String, String, String)> {
    let (problems, sources) = problems(example);
    let told = |problem: &Problem| {
        let path = sources.get(problem.at.span.file).path.display().to_string();
        (problem.code.to_string(), path, format!("{:?}", problem.at.span.range))
    };
    problems.iter().map(told).collect()
}

fn problems(example: &Example) -> (Vec<Problem>, Sources) {
    let loaded = load(Path::new(PLAN), example, &Given { vars: &[], env: &|_| None });
    let mut problems = loaded.problems;
    if let Some(plan) = &loaded.plan {
        problems.extend(check(plan, &loaded.sources).problems);
    }
    (problems, loaded.sources)
}

#[test]
fn the_wrong_example_breaks_its_rule_at_the_marked_place_and_no_other_rule() {
    let mut wrong = Vec::new();
    for rule in ALL {
        // Its example would be 51,200 bytes long; it has a test of its own.
        if rule.name == "template-too-large" {
            continue;
        }
        let example = Example::read(rule.wrong);
        let Some((path, range)) = example.marked.clone() else {
            wrong.push(format!("{}: nothing is marked", rule.name));
            continue;
        };
        let expected = (rule.code.to_string(), path.display().to_string(), format!("{range:?}"));
        let found = found(&example);
        if found != [expected.clone()] {
            wrong.push(format!("{} {}:\n  expected {expected:?}\n  found    {found:?}", rule.code, rule.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_right_example_breaks_nothing() {
    for rule in ALL.iter().filter(|rule| !rule.right.is_empty()) {
        let (problems, _) = problems(&Example::read(rule.right));
        assert!(problems.is_empty(), "{}: {problems:#?}", rule.name);
    }
}

#[test]
fn what_is_found_is_as_bad_as_the_rule_says_and_has_a_remedy() {
    for rule in ALL.iter().filter(|rule| !rule.wrong.is_empty()) {
        let (problems, _) = problems(&Example::read(rule.wrong));
        for problem in problems {
            assert_eq!(problem.severity, rule.severity, "{}", rule.name);
            assert!(!problem.help.is_empty(), "{} says nothing about what to do: {problem:?}", rule.name);
        }
    }
}

#[test]
fn every_rule_has_a_number_and_a_name_of_its_own_and_they_are_in_order() {
    let numbers: Vec<u16> = ALL.iter().map(|rule| rule.code.0).collect();
    assert!(numbers.is_sorted_by(|one, other| one < other), "{numbers:?}");
    let mut names: Vec<&str> = ALL.iter().map(|rule| rule.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ALL.len());
    for rule in ALL {
        assert!(!rule.summary.ends_with('.') && !rule.explanation.is_empty(), "{}", rule.name);
        assert!(rule.explanation.ends_with(['.', '>']), "{}: {}", rule.name, rule.explanation);
    }
    assert!(ALL.iter().any(|rule| rule.severity == Severity::Hint));
}

#[test]
fn a_template_that_no_request_holds_is_reported_where_the_plan_names_it() {
    let mut example = Example::read(templates::not_a_template::RULE.right);
    let template = example.files.get_mut(Path::new("topic.yaml")).unwrap();
    template.push_str(&"# filler\n".repeat(51_200 / 9 + 1));
    let (problems, sources) = problems(&example);
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert_eq!(problems[0].code, templates::too_large::RULE.code);
    assert_eq!(sources.slice(&problems[0].at.span), "\"topic.yaml\"");
    assert!(problems[0].message.contains("51200 at most"), "{}", problems[0].message);
}

#[test]
fn an_excuse_needs_a_number_and_a_reason() {
    let allowing = |allow: &str| {
        let text = network::double_table::RULE.wrong.replace("via ", &format!("allow = {{ {allow} }}\nvia "));
        found(&Example::read(&text)).into_iter().map(|found| found.0).collect::<Vec<_>>()
    };
    assert_eq!(allowing("ORCH065 = \"that is how it was\""), [""; 0]);
    assert_eq!(allowing("ORCH065 = \" \""), ["ORCH008"]);
    assert_eq!(allowing("ORCH065 = true"), ["ORCH007"]);
    assert_eq!(allowing("double-table = \"x\""), ["ORCH008"]);
    assert_eq!(allowing("ORCH061 = \"of another rule\""), ["ORCH065", "ORCH030"]);
}

#[test]
fn instances_in_the_same_trouble_are_told_once() {
    let text = templates::unknown_parameter::RULE
        .wrong
        .replace("account    =", "for_each = [\"a\", \"b\", \"c\"]\naccount    =");
    let (problems, _) = problems(&Example::read(&text));
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].help.iter().any(|help| help.contains("`stacks.hub[b]`, `stacks.hub[c]`")), "{problems:#?}");
}
