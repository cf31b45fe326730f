//! A peering with a route on only one side.

use std::collections::BTreeMap;

use crate::cfn::Document;
use crate::diag::{Code, Severity};
use crate::graph::Ix;
use crate::plan::{Attribute, Spec, Value};
use crate::rules::design::Design;
use crate::rules::rule::{Report, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(61),
    name: "one-way-peering",
    severity: Severity::Warning,
    summary: "a peering is routed on one side only, so that answers find no way back",
    explanation: "A connection needs a route in both VPCs. This plan leads traffic into the peering on one side and \
                  nothing back on the other. Routes that a template of the plan makes count, and a stack that is \
                  given the peering's id may make some. VPCs that are made elsewhere are left alone, unless `orch \
                  validate --remote` can list their route tables: then the routes that stand count. If the other \
                  side's routes are made outside of the plan, say so with `allow`.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.hub]
account    = "master"
template   = "vpc.yaml"
parameters = { CidrBlock = "10.0.0.0/20" }
[stacks.app]
account    = "master"
template   = "vpc.yaml"
parameters = { CidrBlock = "10.0.16.0/20" }
«[peerings.app]»
requester = { account = "master", vpc = "{{ stacks.app.outputs.VPCId }}" }
accepter  = { account = "master", vpc = "{{ stacks.hub.outputs.VPCId }}" }
[routes.out]
account      = "master"
route_tables = ["{{ stacks.app.outputs.RouteTableId }}"]
destination  = "10.0.0.0/20"
via          = "{{ peerings.app.id }}"
--- vpc.yaml
Parameters:
  CidrBlock: {Type: String}
Resources:
  VPC: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: !Ref CidrBlock}}
  Table: {Type: "AWS::EC2::RouteTable", Properties: {VpcId: !Ref VPC}}
Outputs:
  VPCId: {Value: !Ref VPC}
  RouteTableId: {Value: !Ref Table}
"#,
    right: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.hub]
account    = "master"
template   = "vpc.yaml"
parameters = { CidrBlock = "10.0.0.0/20" }
[stacks.app]
account    = "master"
template   = "vpc.yaml"
parameters = { CidrBlock = "10.0.16.0/20" }
[peerings.app]
requester = { account = "master", vpc = "{{ stacks.app.outputs.VPCId }}" }
accepter  = { account = "master", vpc = "{{ stacks.hub.outputs.VPCId }}" }
[routes.out]
account      = "master"
route_tables = ["{{ stacks.app.outputs.RouteTableId }}"]
destination  = "10.0.0.0/20"
via          = "{{ peerings.app.id }}"
[routes.back]
account      = "master"
route_tables = ["{{ stacks.hub.outputs.RouteTableId }}"]
destination  = "10.0.16.0/20"
via          = "{{ peerings.app.id }}"
--- vpc.yaml
Parameters:
  CidrBlock: {Type: String}
Resources:
  VPC: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: !Ref CidrBlock}}
  Table: {Type: "AWS::EC2::RouteTable", Properties: {VpcId: !Ref VPC}}
Outputs:
  VPCId: {Value: !Ref VPC}
  RouteTableId: {Value: !Ref Table}
"#,
    check: Some(check),
};

/// A peering and its two VPCs.
pub(super) struct Ends {
    /// The node that makes it, if it is one of the plan.
    pub(super) peering: Option<Ix>,
    /// What it is called.
    pub(super) name: String,
    pub(super) vpcs: [String; 2],
}

/// The two ends of the peering that a route leads into, if it is one of the plan, or stands, and both are known.
pub(super) fn ends(design: &Design<'_>, via: &Value) -> Option<Ends> {
    let id = design.text(via)?;
    match design.peering(&id) {
        Some(peering) => ends_of(design, peering),
        None => Some(Ends { peering: None, vpcs: design.live_peering(&id)?, name: id }),
    }
}

fn ends_of(design: &Design<'_>, peering: Ix) -> Option<Ends> {
    let Spec::Peering(spec) = &design.node(peering).spec else { return None };
    let vpcs = [design.vpc(&spec.requester.vpc)?, design.vpc(&spec.accepter.vpc)?];
    // A VPC that is to be peered with itself is another problem.
    let name = design.node(peering).id.to_string();
    (vpcs[0] != vpcs[1]).then_some(Ends { peering: Some(peering), vpcs, name })
}

/// Where a peering is routed from, so far.
#[derive(Default)]
struct Routed {
    /// The sides that have a route, and one such route.
    sides: [Option<Ix>; 2],
    /// A route whose side could not be told, so that nothing can be said.
    unknown: bool,
}

fn check(design: &Design<'_>, report: &mut Report) {
    // The other way may be what could not be read.
    if !design.is_whole {
        return;
    }
    let mut peerings: BTreeMap<Ix, Routed> = BTreeMap::new();
    for (ix, node) in design.nodes() {
        let Spec::Route(route) = &node.spec else { continue };
        let Some(Ends { peering: Some(peering), vpcs, .. }) = ends(design, &route.via) else { continue };
        let routed = peerings.entry(peering).or_default();
        for table in design.texts(&route.route_tables).unwrap_or_else(|| vec![String::new()]) {
            let vpc = design.vpc_of_table(&table);
            match vpc.and_then(|vpc| vpcs.iter().position(|end| *end == vpc)) {
                Some(side) => drop(routed.sides[side].get_or_insert(ix)),
                None => routed.unknown = true,
            }
        }
    }
    for (ix, _, document) in design.stacks() {
        for need in design.node(ix).needs.iter().filter(|need| need.attribute == Some(Attribute::Id)) {
            let Some(peering) = design.graph.get(&need.node) else { continue };
            let Some(ends) = ends_of(design, peering) else { continue };
            in_template(design, ix, document, &ends, peerings.entry(peering).or_default());
        }
    }
    // What CloudFormation alone reads may make routes of any kind.
    for (ix, node) in design.nodes().filter(|(ix, _)| design.is_unseen(*ix)) {
        for need in node.needs.iter().filter(|need| need.attribute == Some(Attribute::Id)) {
            if let Some(peering) = design.graph.get(&need.node).filter(|_| design.graph.id(ix) != &need.node) {
                peerings.entry(peering).or_default().unknown = true;
            }
        }
    }
    for (peering, routed) in peerings {
        let node = design.node(peering);
        let Spec::Peering(spec) = &node.spec else { continue };
        let (route, missing, side, other) = match (routed.unknown, routed.sides) {
            (false, [Some(route), None]) => (route, "accepter", &spec.accepter, &spec.requester),
            (false, [None, Some(route)]) => (route, "requester", &spec.requester, &spec.accepter),
            _ => continue,
        };
        // Whoever made that VPC may have made its routes; with live facts they can be seen.
        let Some(vpc) = design.vpc(&side.vpc) else { continue };
        if design.resource(&vpc).is_none() && design.live_ranges(&vpc, &[]).is_none() {
            continue;
        }
        // Somebody else may have made the way back already, or AWS did not tell.
        if design.is_routed(side, other) != Some(false) {
            continue;
        }
        let message = format!("`{}` is routed on one side only: nothing leads back from the {missing}", node.id);
        let problem = RULE.problem(node.span.clone(), message);
        let problem = problem.related(design.node(route).span.clone(), "the only way into it");
        report.add([peering], problem.help(format!("add a route in the {missing}'s tables, via this peering")));
    }
}

/// Notes the routes that a stack makes which is given a peering's id. What it does with that otherwise, nobody knows.
fn in_template(design: &Design<'_>, stack: Ix, document: &Document, ends: &Ends, routed: &mut Routed) {
    let mut found = false;
    for route in document.resources.values().filter(|resource| resource.type_name == "AWS::EC2::Route") {
        let text = |name: &str| design.property(stack, route, name)?.as_str().map(str::to_owned);
        let leads = text("VpcPeeringConnectionId").and_then(|id| design.peering(&id)) == ends.peering;
        if !leads || design.exists(stack, route) != Some(true) {
            continue;
        }
        let vpc = text("RouteTableId").and_then(|table| design.vpc_of_table(&table));
        if let Some(side) = vpc.and_then(|vpc| ends.vpcs.iter().position(|end| *end == vpc)) {
            found = true;
            routed.sides[side].get_or_insert(stack);
        }
    }
    routed.unknown |= !found;
}
