//! Whole plans, loaded from a map of files.

mod certain;
mod example;
mod expansion;
mod hostile;
mod mistakes;
mod permutation;
mod template_bucket;

use std::io;
use std::path::Path;

use serde_json::Value as Json;

use super::samples::Disk;
use super::{Attribute, Files, Given, Loaded, Node, Outputs, Plan, Spec, StackSpec, load};
use crate::ids::NodeId;

/// The start that most small plans share: a name, a region, two accounts.
const HEAD: &str = r#"name = "net"
region = "us-east-1"
[accounts]
a = { id = "111111111111" }
b = { id = "222222222222", role = "Deploy" }
"#;

/// A plan after [`HEAD`], with a template beside it.
fn small(text: &str) -> Disk {
    Disk::default().with("p.toml", format!("{HEAD}{text}")).with("t.yaml", "Resources: {}")
}

/// The plan, which must have no problem at all; the samples may declare variables that they do not use.
fn plan(mut loaded: Loaded) -> Plan {
    loaded.problems.retain(|problem| problem.code != super::codes::UNUSED_VARIABLE);
    assert!(loaded.problems.is_empty(), "{:#?}", described(&loaded));
    loaded.plan.expect("a plan without problems")
}

/// Every problem as its code, the text it points to, and its words.
fn described(loaded: &Loaded) -> Vec<String> {
    loaded
        .problems
        .iter()
        .map(|problem| {
            let at = loaded.sources.slice(&problem.at.span);
            let help = problem.help.iter().map(|help| format!(" ({help})")).collect::<Vec<_>>().concat();
            format!("{} `{at}`: {}{help}", problem.code, problem.message)
        })
        .collect()
}

/// The problems of a small plan, which must not load.
fn mistakes(text: &str) -> Vec<String> {
    let loaded = small(text).load("p.toml");
    assert!(loaded.plan.is_none());
    described(&loaded)
}

/// The only problem of a small plan.
fn mistake(text: &str) -> String {
    let mut mistakes = mistakes(text);
    assert_eq!(mistakes.len(), 1, "{mistakes:#?}");
    mistakes.remove(0)
}

fn ids(plan: &Plan) -> Vec<String> {
    plan.nodes.iter().map(|node| node.id.to_string()).collect()
}

fn node<'a>(plan: &'a Plan, id: &str) -> &'a Node {
    plan.nodes.iter().find(|node| node.id.to_string() == id).unwrap_or_else(|| panic!("no {id} in {:?}", ids(plan)))
}

fn stack<'a>(plan: &'a Plan, id: &str) -> &'a StackSpec {
    match &node(plan, id).spec {
        Spec::Stack(stack) => stack,
        other => panic!("{id} is {other:?}"),
    }
}

fn parameter(plan: &Plan, id: &str, name: &str) -> Json {
    stack(plan, id).parameters[name].value.literal().unwrap_or_else(|| panic!("{name} is not known")).clone()
}

/// What a node needs, as `node expression`.
fn needs(node: &Node) -> Vec<String> {
    node.needs.iter().map(|need| format!("{} {}", need.node, need.expression)).collect()
}

/// Outputs that say where they come from.
struct Echo;

impl Outputs for Echo {
    fn get(&self, node: &NodeId, attribute: &Attribute) -> Option<Json> {
        Some(match attribute {
            Attribute::Output(name) => format!("<{node} {name}>").into(),
            Attribute::Id => format!("<{node}>").into(),
        })
    }
}
