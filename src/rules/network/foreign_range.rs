//! A route into a peering for a range that the peer VPC does not have.

use ipnet::IpNet;

use super::one_way::{Ends, ends};
use crate::diag::{Code, Severity};
use crate::plan::Spec;
use crate::rules::design::Design;
use crate::rules::rule::{Report, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(62),
    name: "foreign-range",
    severity: Severity::Warning,
    summary: "a route leads into a peering for addresses that the VPC on its other side does not have",
    explanation: "Peering is not transitive: what is sent into a peering must be for the VPC at its other end, or it \
                  is dropped. A spoke cannot reach another spoke, the internet or an office through the hub's \
                  peerings (<https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html>). A wider route \
                  that holds the peer's range, such as 10.0.0.0/8, is left alone. It is a warning, since a range may have \
                  been added to the VPC outside of this plan.",
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
[peerings.app]
requester = { account = "master", vpc = "{{ stacks.app.outputs.VPCId }}" }
accepter  = { account = "master", vpc = "{{ stacks.hub.outputs.VPCId }}" }
[routes.out]
account      = "master"
route_tables = ["{{ stacks.app.outputs.RouteTableId }}"]
destination  = «"10.0.32.0/20"»
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

fn check(design: &Design<'_>, report: &mut Report) {
    for (ix, node) in design.nodes() {
        let Spec::Route(route) = &node.spec else { continue };
        let Some(Ends { name, vpcs, .. }) = ends(design, &route.via) else { continue };
        let Some(destination) = design.text(&route.destination).and_then(|text| text.parse::<IpNet>().ok()) else {
            continue;
        };
        let Some(tables) = design.texts(&route.route_tables) else { continue };
        // The far end, seen from the tables; where they are of neither VPC, or of both, nothing can be said.
        let near: Vec<Option<String>> = tables.iter().map(|table| design.vpc_of_table(table)).collect();
        let far = match vpcs {
            [one, other] if near.iter().all(|vpc| vpc.as_ref() == Some(&one)) => other,
            [one, other] if near.iter().all(|vpc| vpc.as_ref() == Some(&other)) => one,
            _ => continue,
        };
        let ranges = design.ranges(&far);
        if !ranges.complete {
            continue;
        }
        let ranges = ranges.known;
        if ranges.iter().any(|range| range.net.contains(&destination) || destination.contains(&range.net)) {
            continue;
        }
        let has = ranges.iter().map(|range| range.net.to_string()).collect::<Vec<_>>().join(", ");
        let owner = match design.resource(&far) {
            Some((stack, _)) => format!(" of `{}`", design.node(stack).id),
            None => format!(" {far}, as it is live,"),
        };
        let message = format!("{destination} is not behind `{name}`: the VPC{owner} has {has}");
        let problem = RULE.problem(route.destination.span().clone(), message);
        let problem = problem.related(route.via.span().clone(), format!("leads to {has}"));
        report.add(
            [ix],
            problem.help("a peering carries traffic for the VPC at its other end only: it is not transitive"),
        );
    }
}
