//! Two nodes that would be the same route.

use std::collections::HashMap;

use ipnet::IpNet;

use crate::diag::{Code, Severity};
use crate::plan::Spec;
use crate::rules::design::Design;
use crate::rules::rule::{Report, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(42),
    name: "same-route",
    severity: Severity::Error,
    summary: "two nodes lead the same destination of the same route table",
    explanation: "A route table has one route to a destination. Two nodes for it would undo each other at every run, \
                  or one of them would fail. It happens when two spokes have the same address range.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[routes.one]
account      = "master"
route_tables = ["rtb-1", "rtb-2"]
destination  = "10.0.0.0/20"
via          = "pcx-1"
[routes.two]
account      = "master"
route_tables = ["rtb-2"]
destination  = «"10.0.0.0/20"»
via          = "pcx-2"
"#,
    right: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[routes.one]
account      = "master"
route_tables = ["rtb-1", "rtb-2"]
destination  = "10.0.0.0/20"
via          = "pcx-1"
[routes.two]
account      = "master"
route_tables = ["rtb-2"]
destination  = "10.0.16.0/20"
via          = "pcx-2"
"#,
    check: Some(check),
};

fn check(design: &Design<'_>, report: &mut Report) {
    let mut first = HashMap::new();
    for (ix, node) in design.nodes() {
        let Spec::Route(route) = &node.spec else { continue };
        let Some(destination) = design.text(&route.destination) else { continue };
        // EC2 keeps ranges in their canonical form.
        let destination = destination.parse::<IpNet>().map_or(destination, |range| range.trunc().to_string());
        let Some(tables) = design.texts(&route.route_tables) else { continue };
        for table in tables {
            let before = *first.entry((table.clone(), destination.clone())).or_insert(ix);
            if before == ix {
                continue;
            }
            let earlier = design.node(before);
            let Spec::Route(other) = &earlier.spec else { continue };
            let whose = match design.resource(&table) {
                Some((stack, resource)) => format!("{} of `{}`", resource.id, design.node(stack).id),
                None => table,
            };
            let message = format!("`{}` and `{}` both lead {destination} in {whose}", earlier.id, node.id);
            let problem = RULE.problem(route.destination.span().clone(), message);
            let problem = if other.destination.span() == route.destination.span() {
                problem
            } else {
                problem.related(other.destination.span().clone(), "the other")
            };
            report.add(
                [before, ix],
                problem.help("a table has one route to a destination: take one away, or change one"),
            );
            break;
        }
    }
}
