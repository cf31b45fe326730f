//! One route table named twice by the same node.

use std::collections::HashMap;

use crate::diag::{Code, Severity};
use crate::plan::Spec;
use crate::rules::design::Design;
use crate::rules::rule::{Report, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(65),
    name: "double-table",
    severity: Severity::Warning,
    summary: "a route names the same route table twice",
    explanation: "The second mention does nothing. More often than not it stands where another table was meant, \
                  which then has no route.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[routes.out]
account      = "master"
route_tables = ["rtb-1", «"rtb-1"»]
destination  = "10.0.0.0/20"
via          = "pcx-1"
"#,
    right: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[routes.out]
account      = "master"
route_tables = ["rtb-1", "rtb-2"]
destination  = "10.0.0.0/20"
via          = "pcx-1"
"#,
    check: Some(check),
};

fn check(design: &Design<'_>, report: &mut Report) {
    for (ix, node) in design.nodes() {
        let Spec::Route(route) = &node.spec else { continue };
        let mut first = HashMap::new();
        for value in &route.route_tables {
            // An element that is a list counts as its items.
            let tables = design.texts(std::slice::from_ref(value)).unwrap_or_default();
            // A table that is named by its id and by an output is the same one.
            let mut tables = tables.into_iter().map(|table| design.canonical(table));
            let Some(earlier) = tables.find_map(|table| first.insert(table, value)) else { continue };
            let problem = RULE.problem(value.span().clone(), format!("`{}` names this route table twice", node.id));
            let problem = if earlier.span() == value.span() {
                problem
            } else {
                problem.related(earlier.span().clone(), "for the first time")
            };
            report.add([ix], problem.help("name the table that is meant, or take this one away"));
        }
    }
}
