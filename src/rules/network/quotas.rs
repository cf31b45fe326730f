//! More peerings or routes than AWS's quotas allow.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use ipnet::IpNet;

use crate::diag::{Code, Severity};
use crate::graph::Ix;
use crate::plan::Spec;
use crate::rules::design::Design;
use crate::rules::rule::{Report, Rule};
use crate::rules::standing::pair;

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
                  routes. Only what this plan makes is counted; `orch validate --remote` \
                  counts what stands beside it too, where AWS tells all of it. More than 125 peerings cannot be had: spread the \
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

/// What is to be counted of one owner.
#[derive(Default)]
struct Count {
    /// The nodes of the plan that add to it, each as often as it does.
    nodes: Vec<Ix>,
    /// What the owner has in AWS that none of them makes.
    others: usize,
    /// The most that it may have.
    limit: usize,
    /// Whether AWS did not tell all that it has, so that neither its others nor a quota that was raised are known.
    is_partial: bool,
}

fn check(design: &Design<'_>, report: &mut Report) {
    for (vpc, count) in peerings(design) {
        let help = if count.nodes.len() + count.others > PEERINGS_AT_MOST {
            "125 is the most that AWS grants: spread them over more VPCs, or use a transit gateway"
        } else {
            "ask AWS to raise `Active VPC peering connections per VPC` first; it goes up to 125"
        };
        told(design, report, &vpc, &count, ("a VPC", "peering", help));
    }
    for (table, count) in routes(design) {
        let help = "ask AWS to raise `Routes per route table` first, or use a prefix list or wider ranges";
        told(design, report, &table, &count, ("a route table", "route", help));
    }
}

fn peerings(design: &Design<'_>) -> BTreeMap<String, Count> {
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    let mut planned = BTreeSet::new();
    for (ix, node) in design.nodes() {
        let Spec::Peering(peering) = &node.spec else { continue };
        let sides = [&peering.requester, &peering.accepter];
        let ends = sides.map(|side| design.vpc(&side.vpc));
        for vpc in ends.iter().flatten().collect::<BTreeSet<_>>() {
            counts.entry(vpc.clone()).or_default().nodes.push(ix);
        }
        for (side, vpc) in sides.into_iter().zip(&ends) {
            let Some((vpc, count)) = vpc.as_ref().and_then(|vpc| Some((vpc, counts.get_mut(vpc)?))) else { continue };
            count.is_partial |= !design.has_every_peering(vpc, &(side.account.clone(), side.region.clone()));
        }
        if let [Some(one), Some(other)] = ends {
            planned.insert(pair([one, other]));
        }
    }
    for (vpc, count) in &mut counts {
        // More than AWS ever grants is too many, whatever it did not tell.
        if count.is_partial {
            count.limit = PEERINGS_AT_MOST;
            continue;
        }
        count.others = design.other_peerings(vpc, &planned);
        // Where more stand already, AWS has raised the quota.
        count.limit = if design.peerings_now(vpc) > PEERINGS { PEERINGS_AT_MOST } else { PEERINGS };
    }
    counts
}

fn routes(design: &Design<'_>) -> BTreeMap<String, Count> {
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    let mut planned: BTreeMap<String, Vec<Option<String>>> = BTreeMap::new();
    for (ix, node) in design.nodes() {
        let Spec::Route(route) = &node.spec else { continue };
        let destination = design.text(&route.destination).map(|text| canonical(&text));
        // One that is unknown hides none of the others, and one that is named twice gets one route.
        let known = route.route_tables.iter().filter_map(|table| design.texts(std::slice::from_ref(table)));
        for table in known.flatten().map(|table| design.canonical(table)).collect::<BTreeSet<_>>() {
            let count = counts.entry(table.clone()).or_default();
            count.nodes.push(ix);
            count.is_partial |= !design.has_every_route(&table, &(node.account.clone(), node.region.clone()));
            planned.entry(table).or_default().push(destination.clone());
        }
    }
    for (table, count) in &mut counts {
        count.limit = if count.is_partial { usize::MAX } else { ROUTES };
        if count.is_partial {
            continue;
        }
        let (Some(live), Some(planned)) = (design.live_table(table), planned.get(table)) else { continue };
        let known: HashSet<&str> = planned.iter().flatten().map(String::as_str).collect();
        let others = live.routes.iter().filter(|route| !known.contains(&*canonical(&route.destination))).count();
        // A route whose destination is not known may be one of those.
        count.others = others.saturating_sub(planned.iter().filter(|destination| destination.is_none()).count());
        if live.routes.len() > ROUTES {
            count.limit = usize::MAX;
        }
    }
    counts
}

/// A destination as AWS gives it back.
fn canonical(destination: &str) -> String {
    destination.parse::<IpNet>().map_or_else(|_| destination.to_owned(), |range| range.trunc().to_string())
}

/// Reports an owner that gets more than it may have; `words` are what it is, what it gets (one of them), and the remedy.
fn told(design: &Design<'_>, report: &mut Report, owner: &str, count: &Count, words: (&str, &str, &str)) {
    let Count { nodes, others, limit, .. } = count;
    let (what, noun, help) = words;
    if nodes.len() + others <= *limit {
        return;
    }
    let whose = match design.resource(owner) {
        Some((stack, resource)) => format!("{} of `{}`", resource.id, design.node(stack).id),
        None => owner.to_owned(),
    };
    let live = match others {
        0 => String::new(),
        1 => " and has 1 other live, not of this plan".to_owned(),
        others => format!(" and has {others} others live, not of this plan"),
    };
    let noun = if nodes.len() == 1 { noun.to_owned() } else { format!("{noun}s") };
    let message = format!("{whose} gets {} {noun}{live}; {what} has {limit} at most", nodes.len());
    // The first that is too many.
    let Some(first) = nodes.get(limit.saturating_sub(*others).min(nodes.len() - 1)) else { return };
    report.add(nodes.iter().copied(), RULE.problem(design.node(*first).span.clone(), message).help(help));
}
