//! Something that the plan takes for granted and that is not there.

use std::collections::{HashMap, HashSet};

use crate::diag::{Code, Severity};
use crate::plan::{Spec, Value};
use crate::rules::design::Design;
use crate::rules::live::Place;
use crate::rules::rule::{Report, Rule};
use crate::rules::symbol::Symbol;

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(83),
    name: "absent",
    severity: Severity::Error,
    summary: "something that the plan takes for granted is not there",
    explanation: "Found by `orch validate --remote` alone: a stack that the plan only reads (`manage = false`) and \
                  refers to does not stand, or a VPC or a route table that it names by its id is not among those of \
                  the account and region: it may be one of another account's or region's. Where AWS would not list \
                  them, nothing is said.",
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
                    let place = (side.account.clone(), side.region.clone());
                    for id in missing(design, &side.vpc, &place, &live.read.vpcs) {
                        let message = format!("there is no VPC {id} in account {}, {}", place.0, place.1);
                        let problem = RULE.problem(side.vpc.span().clone(), message);
                        let otherwise = "see the id, the account and the region of this side";
                        report.add([ix], problem.help(help(&id, &live.read.vpcs, otherwise)));
                    }
                }
            }
            Spec::Route(route) => {
                let place = (node.account.clone(), node.region.clone());
                for table in &route.route_tables {
                    for id in missing(design, table, &place, &live.read.tables) {
                        let message = format!("there is no route table {id} in account {}, {}", place.0, place.1);
                        let problem = RULE.problem(table.span().clone(), message);
                        let otherwise = "see the id, and the account and region of the route";
                        report.add([ix], problem.help(help(&id, &live.read.tables, otherwise)));
                    }
                }
            }
        }
    }
}

/// The ids of each place where all were listed.
type Listed = HashMap<Place, HashSet<String>>;

/// The ids of a value that are not among those of a place, if these were listed.
fn missing(design: &Design<'_>, value: &Value, place: &Place, listed: &Listed) -> Vec<String> {
    let Some(here) = listed.get(place) else { return Vec::new() };
    ids(design, value).filter(|id| !here.contains(id)).collect()
}

/// What to do about an id that is not where it should be: the place that has it, or else a general remedy.
fn help(id: &str, listed: &Listed, otherwise: &str) -> String {
    // The first by name, so that it is the same each time.
    match listed.iter().filter(|(_, ids)| ids.contains(id)).map(|(place, _)| place).min() {
        Some((account, region)) => format!("it is in account {account}, {region}: {otherwise}"),
        None => otherwise.to_owned(),
    }
}

/// The ids that a value gives and that are no resources of the plan.
fn ids(design: &Design<'_>, value: &Value) -> impl Iterator<Item = String> {
    let texts = design.texts(std::slice::from_ref(value)).unwrap_or_default();
    texts.into_iter().filter(|id| Symbol::of(id).is_none())
}
