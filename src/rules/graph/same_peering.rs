//! Two nodes that would be the same peering.

use std::collections::HashMap;

use crate::diag::{Code, Severity};
use crate::plan::Spec;
use crate::rules::design::Design;
use crate::rules::rule::{Report, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(41),
    name: "same-peering",
    severity: Severity::Error,
    summary: "two nodes are a peering between the same two VPCs",
    explanation: "Two VPCs can have one active peering. A second request, the other way round too, cannot be \
                  accepted. One peering carries traffic both ways.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[peerings.there]
requester = { account = "master", vpc = "vpc-1" }
accepter  = { account = "master", vpc = "vpc-2" }
«[peerings.back]»
requester = { account = "master", vpc = "vpc-2" }
accepter  = { account = "master", vpc = "vpc-1" }
"#,
    right: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[peerings.both]
requester = { account = "master", vpc = "vpc-1" }
accepter  = { account = "master", vpc = "vpc-2" }
"#,
    check: Some(check),
};

fn check(design: &Design<'_>, report: &mut Report) {
    let mut first = HashMap::new();
    for (ix, node) in design.nodes() {
        let Spec::Peering(peering) = &node.spec else { continue };
        let (Some(one), Some(other)) = (design.text(&peering.requester.vpc), design.text(&peering.accepter.vpc)) else {
            continue;
        };
        let key = if one <= other { (one, other) } else { (other, one) };
        let before = *first.entry(key).or_insert(ix);
        if before == ix {
            continue;
        }
        let earlier = design.node(before);
        let message = format!("`{}` and `{}` are a peering between the same two VPCs", earlier.id, node.id);
        let problem = RULE.problem(node.span.clone(), message);
        let problem =
            if earlier.span == node.span { problem } else { problem.related(earlier.span.clone(), "the other") };
        report.add([before, ix], problem.help("take one of them away: a peering carries traffic both ways"));
    }
}
