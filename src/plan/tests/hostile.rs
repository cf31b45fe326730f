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
