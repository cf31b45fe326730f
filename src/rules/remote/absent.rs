//! Something that the plan takes for granted and that is not there.

use crate::diag::{Code, Severity};
use crate::plan::{Side, Spec, Value};
use crate::rules::design::Design;
use crate::rules::live::Live;
use crate::rules::rule::{Report, Rule};
use crate::rules::symbol::Symbol;

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(83),
    name: "absent",
    severity: Severity::Error,
    summary: "something that the plan takes for granted is not there",
    explanation: "Found by `orch validate --remote` alone: a stack that the plan only reads (`manage = false`) and \
                  refers to does not stand, or a VPC or a route table that it names by its id is not among those of \
                  the account and region. Where AWS would not list them, nothing is said.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
«[stacks.hub]»
account = "master"
name    = "shared-services"
manage  = false
[stacks.app]
account  = "master"
template = "topic.yaml"
tags     = { Hub = "{{ stacks.hub.outputs.VPCId }}" }
--- topic.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
"#,
    right: "",
    check: Some(check),
};

fn check(design: &Design<'_>, report: &mut Report) {
    let Some(live) = design.live else { return };
    for (ix, node) in design.nodes() {
        match &node.spec {
            Spec::Stack(stack) => {
                if stack.manage || !live.read.stacks.contains(&ix) || live.stacks.contains_key(&ix) {
                    continue;
                }
                let message = format!("no stack `{}` stands in account {}, {}", stack.name, node.account, node.region);
                let problem = RULE.problem(node.span.clone(), message).label("it is only read");
                report.add([ix], problem.help("see the name, the account and the region; or have the plan make it"));
            }
            Spec::Peering(peering) => {
                for side in [&peering.requester, &peering.accepter] {
                    let Some(id) = missing_vpc(design, live, side) else { continue };
                    let message = format!("there is no VPC {id} in account {}, {}", side.account, side.region);
                    let problem = RULE.problem(side.vpc.span().clone(), message);
                    report.add([ix], problem.help("see the id, the account and the region of this side"));
                }
            }
            Spec::Route(route) => {
                if !live.read.tables.contains(&(node.account.clone(), node.region.clone())) {
                    continue;
                }
                for table in &route.route_tables {
                    for id in ids(design, table).filter(|id| !live.tables.contains_key(id)) {
                        let message =
                            format!("there is no route table {id} in account {}, {}", node.account, node.region);
                        let problem = RULE.problem(table.span().clone(), message);
                        report.add([ix], problem.help("see the id, and the account and region of the route"));
                    }
                }
            }
        }
    }
}

fn missing_vpc(design: &Design<'_>, live: &Live, side: &Side) -> Option<String> {
    let is_listed = live.read.vpcs.contains(&(side.account.clone(), side.region.clone()));
    ids(design, &side.vpc).find(|id| is_listed && !live.vpcs.contains_key(id))
}

/// The ids that a value gives and that are no resources of the plan.
fn ids(design: &Design<'_>, value: &Value) -> impl Iterator<Item = String> {
    let texts = design.texts(std::slice::from_ref(value)).unwrap_or_default();
    texts.into_iter().filter(|id| Symbol::of(id).is_none())
}
