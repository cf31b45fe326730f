//! More peerings or routes than AWS's quotas allow.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Code, Severity};
use crate::graph::Ix;
use crate::plan::Spec;
use crate::rules::design::Design;
use crate::rules::rule::{Report, Rule};

/// Active peerings of one VPC: what every account has, and the most that AWS grants
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>).
const PEERINGS: usize = 50;
const PEERINGS_AT_MOST: usize = 125;

/// Routes of one table (same page; 50 before June 2025).
const ROUTES: usize = 500;

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(63),
    name: "quota",
    severity: Severity::Warning,
    summary: "a VPC gets more peerings, or a route table more routes, than AWS's quotas allow",
    explanation: "A VPC has at most 50 active peerings, 125 where AWS has raised the quota, and a route table 500 \
                  routes. Only what this plan makes is counted. More than 125 peerings cannot be had: spread the \
                  spokes over more hubs, or use a transit gateway.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
«[peerings.spoke]»
requester = { account = "master", vpc = "vpc-{{ each.key }}" }
accepter  = { account = "master", vpc = "vpc-1" }
for_each  = [
  "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13", "s14", "s15",
  "s16", "s17", "s18", "s19", "s20", "s21", "s22", "s23", "s24", "s25", "s26", "s27", "s28", "s29",
  "s30", "s31", "s32", "s33", "s34", "s35", "s36", "s37", "s38", "s39", "s40", "s41", "s42", "s43",
  "s44", "s45", "s46", "s47", "s48", "s49", "s50", "s51",
]
"#,
    right: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[peerings.spoke]
requester = { account = "master", vpc = "vpc-{{ each.key }}" }
accepter  = { account = "master", vpc = "vpc-1" }
for_each  = [
  "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13", "s14", "s15",
  "s16", "s17", "s18", "s19", "s20", "s21", "s22", "s23", "s24", "s25", "s26", "s27", "s28", "s29",
  "s30", "s31", "s32", "s33", "s34", "s35", "s36", "s37", "s38", "s39", "s40", "s41", "s42", "s43",
  "s44", "s45", "s46", "s47", "s48", "s49", "s50",
]
"#,
    check: Some(check),
};

fn check(design: &Design<'_>, report: &mut Report) {
    let mut peerings: BTreeMap<String, Vec<Ix>> = BTreeMap::new();
    let mut routes: BTreeMap<String, Vec<Ix>> = BTreeMap::new();
    for (ix, node) in design.nodes() {
        match &node.spec {
            Spec::Peering(peering) => {
                let vpcs = [&peering.requester, &peering.accepter].map(|side| design.text(&side.vpc));
                for vpc in vpcs.into_iter().flatten().collect::<BTreeSet<_>>() {
                    peerings.entry(vpc).or_default().push(ix);
                }
            }
            Spec::Route(route) => {
                let known = route.route_tables.iter().filter_map(|table| design.texts(std::slice::from_ref(table)));
                for table in known.flatten().collect::<BTreeSet<_>>() {
                    routes.entry(table).or_default().push(ix);
                }
            }
            Spec::Stack(_) => {}
        }
    }
    let counted = [(peerings, PEERINGS, "a VPC", "peerings"), (routes, ROUTES, "a route table", "routes")];
    for (owners, limit, what, noun) in counted {
        for (owner, nodes) in owners.into_iter().filter(|(_, nodes)| nodes.len() > limit) {
            let whose = match design.resource(&owner) {
                Some((stack, resource)) => format!("{} of `{}`", resource.id, design.node(stack).id),
                None => owner,
            };
            let message = format!("{whose} gets {} {noun}; {what} has {limit} at most", nodes.len());
            // The first that is too many.
            let problem = RULE.problem(design.node(nodes[limit]).span.clone(), message);
            let help = match (noun, nodes.len() > PEERINGS_AT_MOST) {
                ("peerings", true) => {
                    "125 is the most that AWS grants: spread them over more VPCs, or use a transit gateway"
                }
                ("peerings", false) => {
                    "ask AWS to raise `Active VPC peering connections per VPC` first; it goes up to 125"
                }
                _ => "ask AWS to raise `Routes per route table` first, or use a prefix list or wider ranges",
            };
            report.add(nodes, problem.help(help));
        }
    }
}
