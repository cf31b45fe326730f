//! Whatever the text, loading ends in a plan or in problems that can be drawn.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::report::diagnostic::{Style, render};

const PLAN: &str = r#"name = "net"
region = "us-east-1"
[vars]
spokes = { a = "10.0.16.0/20", b = "10.0.64.0/20" }
port = { env = "PORT", default = 1 }
[accounts]
a = { id = "111111111111", profile = "main" }
b = { id = "222222222222", role = "Deploy", session_tags = { x = "y" }, through = "a", duration = "1h" }
[defaults.stacks]
tags = { Purpose = "{{ plan.name }} é {{resolve:ssm:x}}" }
[stacks.hub]
account = "a"
template = "t.yaml"
[stacks.spoke]
for_each = "vars.spokes"
account = "{{ each.key }}"
region = ["us-east-1", "us-west-2"]
template = "t.yaml"
parameters = { C = "{{ each.value }}", D = "{{#if vars.port}}{{ stacks.hub.outputs.X }}{{/if}}" }
[peerings.p]
for_each = "stacks.spoke"
requester = { account = "{{ each.account }}", vpc = "{{ each.outputs.V }}" }
accepter = { account = "a", vpc = "{{ stacks.hub.outputs.V }}" }
[routes.r]
for_each = "peerings.p"
account = "{{ each.accepter.account }}"
route_tables = ["{{ split each.source.outputs.T }}"]
destination = "{{ each.source.source.value }}"
via = "{{ each.id }}"
depends_on = ["stacks.hub", "each"]
"#;

/// The text with some of its pieces moved, doubled or lost.
fn shuffled() -> impl Strategy<Value = String> {
    let edit = (any::<Index>(), any::<Index>(), any::<Index>(), 0..3_u8);
    proptest::collection::vec(edit, 1..6).prop_map(|edits| {
        let mut chars: Vec<char> = PLAN.chars().collect();
        for (from, length, to, sort) in edits {
            if chars.is_empty() {
                break;
            }
            let from = from.index(chars.len());
            let end = (from + 1 + length.index(24)).min(chars.len());
            let piece: Vec<char> = if sort == 0 { chars[from..end].to_vec() } else { chars.drain(from..end).collect() };
            if sort < 2 {
                let to = to.index(chars.len() + 1);
                chars.splice(to..to, piece);
            }
        }
        chars.into_iter().collect()
    })
}

proptest! {
    #[test]
    fn a_damaged_plan_is_a_plan_or_has_problems(text in shuffled()) {
        let loaded = Disk::default().with("p.toml", text).with("t.yaml", "").load("p.toml");
        prop_assert_eq!(loaded.plan.is_none(), loaded.problems.iter().any(crate::diag::Problem::is_error));
        render(&loaded.problems, &loaded.sources, Style { color: false, width: 80, folds: true });
    }
}

#[test]
fn the_undamaged_plan_loads() {
    assert_eq!(plan(Disk::default().with("p.toml", PLAN).with("t.yaml", "").load("p.toml")).nodes.len(), 13);
}

/// Runs a test on a stack a quarter of what the system gives to a thread.
fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(512 * 1024).spawn(test).unwrap().join().unwrap();
}

#[test]
fn what_is_nested_without_end_is_told() {
    on_a_small_stack(|| {
        for (before, inner, after) in [("[", "1", "]"), ("{ a = ", "1", " }"), ("[", "", ""), ("{ a.a.a = ", "", "")] {
            let text = format!("[vars]\nx = {}{inner}{}", before.repeat(100_000), after.repeat(100_000));
            assert!(mistakes(&text)[0].starts_with("ORCH001"), "{before}");
        }
        assert!(mistakes(&format!("[{}a]\n", "a.".repeat(100_000)))[0].starts_with("ORCH001"));
        for name in ["{{ (split ", "{{#if vars.a}}", "{{#if vars.a}}{{else if vars.a}}"] {
            let text =
                format!("[stacks.s]\naccount = \"a\"\ntemplate = \"t.yaml\"\nname = \"{}\"\n", name.repeat(10_000));
            assert!(mistakes(&text)[0].starts_with("ORCH010"), "{name}");
        }
    });
}

#[test]
fn a_text_that_multiplies_itself_is_told_at_its_place() {
    let items = vec!["\"x\""; 2_000].join(", ");
    let stack = |tags: &str| {
        let long = "-".repeat(2_000);
        format!(
            "[vars]\nmany = [{items}]\nlong = \"{long}\"\n[stacks.s]\naccount = \"a\"\ntemplate = \"t.yaml\"\n{tags}\n"
        )
    };
    let joined = mistake(&stack("tags = { T = \"{{ join vars.many vars.long }}\" }"));
    assert!(joined.contains("would give a text of more than 1048576 bytes"), "{joined}");
    let written = mistake(&stack(&format!("tags = {{ T = \"{}\" }}", "{{ vars.long }}".repeat(600))));
    assert!(written.contains("grows beyond 1048576 bytes here"), "{written}");
}

#[test]
fn nodes_that_multiply_are_told_before_they_are_made() {
    let items = (0..600).map(|item| format!("\"i{item}\"")).collect::<Vec<_>>().join(", ");
    let regions = (0..600).map(|number| format!("\"us-east-{number}\"")).collect::<Vec<_>>().join(", ");
    let text =
        format!("[stacks.s]\nfor_each = [{items}]\nregion = [{regions}]\naccount = \"a\"\ntemplate = \"t.yaml\"\n");
    assert!(mistakes(&text)[0].contains("more than 250000 nodes"));
}

#[test]
fn numbers_without_end_are_told() {
    let nines = "9".repeat(10_000);
    let tag = |value: &str| {
        mistake(&format!("[stacks.s]\naccount = \"a\"\ntemplate = \"t.yaml\"\ntags = {{ T = '{{{{ {value} }}}}' }}\n"))
    };
    for value in [format!("subnet \"10.0.0.0/8\" {nines} 1"), "subnet \"::/0\" 128 18446744073709551616".to_owned()] {
        assert!(tag(&value).starts_with("ORCH0"), "{value}");
    }
    assert!(tag("subnet \"10.0.0.0/8\" 32 18446744073709551615").contains("16777216 networks"));
    assert!(mistakes(&format!("[vars]\nx = {nines}\n"))[0].contains("this number is too large"));
}

#[test]
fn templates_that_nest_each_other_too_often_are_told_and_not_counted_out() {
    let nests = |path: &str| {
        let one =
            |n: usize| format!("  N{n}: {{Type: 'AWS::CloudFormation::Stack', Properties: {{TemplateURL: {path}}}}}\n");
        format!("Resources:\n{}", (0..30).map(one).collect::<String>())
    };
    let mut disk = Disk::default().with("f9.yaml", "Resources: {T: {Type: 'AWS::SNS::Topic'}}");
    for level in 1..9 {
        let (path, next) = (format!("f{level}.yaml"), nests(&format!("f{}.yaml", level + 1)));
        disk = disk.with(&path, &next);
    }
    let plan = "name = \"net\"\nregion = \"us-east-1\"\ntemplate_bucket = \"acme\"\n[accounts]\na = { id = \"111111111111\" }\n[stacks.s]\naccount = \"a\"\ntemplate = \"f1.yaml\"\n";
    let loaded = disk.with("plan.toml", plan).load("plan.toml");
    let told: Vec<&str> = loaded.problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(told.iter().filter(|message| message.ends_with("those counted that they nest")).count(), 4, "{told:?}");
    assert!(loaded.plan.is_none());
}
