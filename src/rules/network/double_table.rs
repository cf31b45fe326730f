//! One route table named twice by the same node.

use std::collections::BTreeSet;

use crate::diag::{Code, Severity};
use crate::plan::{Spec, Value};
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
    // A table that is named by its id and by an output is the same one.
    let table_of = |value: &Value| design.text(value).map(|table| design.canonical(table));
    for (ix, node) in design.nodes() {
        let Spec::Route(route) = &node.spec else { continue };
        let mut seen = BTreeSet::new();
        for value in &route.route_tables {
            let Some(table) = table_of(value) else { continue };
            if seen.insert(table) {
                continue;
            }
            let problem = RULE.problem(value.span().clone(), format!("`{}` names this route table twice", node.id));
            let first = route.route_tables.iter().find(|first| table_of(first) == table_of(value));
            let problem = match first {
                Some(first) => problem.related(first.span().clone(), "for the first time"),
                None => problem,
            };
            report.add([ix], problem.help("name the table that is meant, or take this one away"));
        }
    }
}
