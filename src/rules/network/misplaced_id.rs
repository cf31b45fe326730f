//! An id that is of another account or region than where it is used, or of another sort of thing.

use crate::diag::{Code, Problem, Severity};
use crate::graph::Ix;
use crate::ids::{AccountName, Region};
use crate::plan::{RouteSpec, Side, Spec, Value};
use crate::rules::design::Design;
use crate::rules::rule::{Report, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(66),
    name: "misplaced-id",
    severity: Severity::Error,
    summary: "an id is used in an account or region that it is not of, or where the id of something else belongs",
    explanation: "A VPC or a route table is in the account and the region of the stack that makes it. A side of a \
                  peering names its VPC's, and a route those of its tables: with another account or region EC2 finds \
                  no such thing there, in the middle of a run. The same comes of an output that gives the id of \
                  something else, such as a route table in place of a VPC. Only ids of resources that stacks of the \
                  plan make are looked at, by whatever outputs and parameters they come.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
dev    = { id = "222222222222", role = "Network" }
[stacks.hub]
account  = "master"
template = "vpc.yaml"
[stacks.app]
account  = "dev"
template = "app.yaml"
[peerings.app]
requester = { account = "master", vpc = «"{{ stacks.app.outputs.VPCId }}"» }
accepter  = { account = "master", vpc = "{{ stacks.hub.outputs.VPCId }}" }
--- vpc.yaml
Resources:
  VPC: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: 10.0.0.0/20}}
Outputs:
  VPCId: {Value: !Ref VPC}
--- app.yaml
Resources:
  VPC: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: 10.0.16.0/20}}
Outputs:
  VPCId: {Value: !Ref VPC}
"#,
    right: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
dev    = { id = "222222222222", role = "Network" }
[stacks.hub]
account  = "master"
template = "vpc.yaml"
[stacks.app]
account  = "dev"
template = "app.yaml"
[peerings.app]
requester = { account = "dev", vpc = "{{ stacks.app.outputs.VPCId }}" }
accepter  = { account = "master", vpc = "{{ stacks.hub.outputs.VPCId }}" }
--- vpc.yaml
Resources:
  VPC: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: 10.0.0.0/20}}
Outputs:
  VPCId: {Value: !Ref VPC}
--- app.yaml
Resources:
  VPC: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: 10.0.16.0/20}}
Outputs:
  VPCId: {Value: !Ref VPC}
"#,
    check: Some(check),
};

const VPC: &str = "AWS::EC2::VPC";
const TABLE: &str = "AWS::EC2::RouteTable";

/// Resources of which it is certain that no route leads to them.
const NO_TARGETS: [&str; 3] = [VPC, TABLE, "AWS::EC2::Subnet"];

fn check(design: &Design<'_>, report: &mut Report) {
    for (ix, node) in design.nodes() {
        let mut found = Vec::new();
        match &node.spec {
            Spec::Peering(peering) => {
                for Side { account, region, vpc, .. } in [&peering.requester, &peering.accepter] {
                    let place = (account, region);
                    found.extend(misplaced(design, vpc, ("VPC", VPC), place, "this side"));
                }
            }
            Spec::Route(route) => {
                let place = (&node.account, &node.region);
                for table in &route.route_tables {
                    found.extend(misplaced(design, table, ("route table", TABLE), place, "the route"));
                }
                found.extend(ends(design, route));
            }
            Spec::Stack(_) => {}
        }
        for problem in found {
            report.add([ix], problem);
        }
    }
}

/// What is wrong with a value that should give ids of one sort, in one account and region.
fn misplaced(
    design: &Design<'_>,
    value: &Value,
    (noun, wanted): (&str, &str),
    place: (&AccountName, &Region),
    whose: &str,
) -> Option<Problem> {
    let ids = design.texts(std::slice::from_ref(value))?;
    ids.iter().find_map(|id| {
        let Some((stack, resource)) = design.resource(id) else {
            let of = thing(design, id)?;
            let problem = RULE.problem(value.span().clone(), format!("this is {of}, not that of a {noun}"));
            return Some(problem.help(format!("give it an output that has the id of a {noun}")));
        };
        if resource.type_name != wanted {
            let of = thing(design, id)?;
            let problem = RULE.problem(value.span().clone(), format!("this is {of}, not that of a {noun}"));
            let problem = made_at(design, problem, stack);
            return Some(problem.help(format!("give it the output that has the id of a {noun}")));
        }
        let node = design.node(stack);
        // An account may have two names.
        let number = |name: &AccountName| design.plan.accounts.get(name).map(|account| &account.id);
        let (is, named) = (number(&node.account)?, number(place.0)?);
        if (is, &node.region) == (named, place.1) {
            return None;
        }
        let message = format!(
            "the {noun} of `{}` is in account {}, {}, not in account {}, {}",
            node.id, node.account, node.region, place.0, place.1
        );
        let problem = made_at(design, RULE.problem(value.span().clone(), message), stack);
        let (account, region) = (&node.account, &node.region);
        let wants = match (is == named, region == place.1) {
            (false, true) => format!("account = \"{account}\""),
            (true, _) => format!("region = \"{region}\""),
            (false, false) => format!("account = \"{account}\" and region = \"{region}\""),
        };
        Some(problem.help(format!("give {whose} {wants}, or name the {noun} that is meant")))
    })
}

/// What is wrong with where a route leads, and with what it leads there.
fn ends(design: &Design<'_>, route: &RouteSpec) -> Vec<Problem> {
    let mut found = Vec::new();
    if let Some(id) = design.text(&route.destination)
        && let Some(of) = thing(design, &id)
    {
        let problem = RULE.problem(route.destination.span().clone(), format!("this is {of}, not a range"));
        found.push(problem.help("give it a range, such as the output that has the VPC's CidrBlock"));
    }
    if let Some(id) = design.text(&route.via)
        && let Some((stack, resource)) = design.resource(&id)
        && NO_TARGETS.contains(&resource.type_name.as_str())
        && let Some(of) = thing(design, &id)
    {
        let message = format!("this is {of}, to which no route leads");
        let problem = made_at(design, RULE.problem(route.via.span().clone(), message), stack);
        found.push(problem.help("give it the id of a peering, {{ peerings.NAME.id }}, or of a gateway"));
    }
    found
}

/// What an id of the plan is the id of.
fn thing(design: &Design<'_>, id: &str) -> Option<String> {
    if let Some(peering) = design.peering(id) {
        return Some(format!("the id of `{}`", design.node(peering).id));
    }
    let (stack, resource) = design.resource(id)?;
    Some(format!("the id of {} `{}` of `{}`", resource.type_name, resource.id, design.node(stack).id))
}

fn made_at(design: &Design<'_>, problem: Problem, stack: Ix) -> Problem {
    let node = design.node(stack);
    problem.related(node.span.clone(), format!("made in account {}, {}", node.account, node.region))
}
