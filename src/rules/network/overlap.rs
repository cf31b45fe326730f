//! Peered VPCs whose address ranges overlap.

use ipnet::IpNet;

use crate::diag::{Code, Problem, Severity};
use crate::plan::Spec;
use crate::rules::design::Design;
use crate::rules::rule::{Report, Rule};
use crate::rules::standing::Range;

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(60),
    name: "overlapping-ranges",
    severity: Severity::Error,
    summary: "two VPCs are to be peered whose address ranges overlap",
    explanation: "AWS lets such a peering fail, and it stays failed: \
                  <https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html>. The ranges are worked out \
                  from the templates and the parameters that the plan gives, added ones \
                  (`AWS::EC2::VPCCidrBlock`) too. Where they cannot be worked out, the rule is silent. A VPC with \
                  itself is no peering either. `orch validate --remote` adds the ranges that VPCs have in AWS now, and \
                  says so where one of these overlaps.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.hub]
account    = "master"
template   = "vpc.yaml"
parameters = { CidrBlock = "10.0.0.0/16" }
[stacks.app]
account    = "master"
template   = "vpc.yaml"
parameters = { CidrBlock = "10.0.32.0/20" }
[peerings.app]
requester = { account = "master", vpc = «"{{ stacks.app.outputs.VPCId }}"» }
accepter  = { account = "master", vpc = "{{ stacks.hub.outputs.VPCId }}" }
--- vpc.yaml
Parameters:
  CidrBlock: {Type: String}
Resources:
  VPC: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: !Ref CidrBlock}}
Outputs:
  VPCId: {Value: !Ref VPC}
"#,
    right: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.hub]
account    = "master"
template   = "vpc.yaml"
parameters = { CidrBlock = "10.0.0.0/16" }
[stacks.app]
account    = "master"
template   = "vpc.yaml"
parameters = { CidrBlock = "10.1.32.0/20" }
[peerings.app]
requester = { account = "master", vpc = "{{ stacks.app.outputs.VPCId }}" }
accepter  = { account = "master", vpc = "{{ stacks.hub.outputs.VPCId }}" }
--- vpc.yaml
Parameters:
  CidrBlock: {Type: String}
Resources:
  VPC: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: !Ref CidrBlock}}
Outputs:
  VPCId: {Value: !Ref VPC}
"#,
    check: Some(check),
};

fn check(design: &Design<'_>, report: &mut Report) {
    for (ix, node) in design.nodes() {
        let Spec::Peering(peering) = &node.spec else { continue };
        let (Some(one), Some(other)) = (design.vpc(&peering.requester.vpc), design.vpc(&peering.accepter.vpc)) else {
            continue;
        };
        if one == other {
            let message = format!("`{}` joins a VPC with itself", node.id);
            let problem = RULE.problem(peering.requester.vpc.span().clone(), message);
            let problem = problem.related(peering.accepter.vpc.span().clone(), "the same VPC");
            report.add([ix], problem.help("name the VPC that is meant on one of the sides"));
            continue;
        }
        let Some((left, right)) = overlap(&design.ranges(&one).known, &design.ranges(&other).known) else { continue };
        let message = if left.net == right.net {
            format!("both VPCs of `{}` have the range {}", node.id, left.net)
        } else {
            format!("the VPCs of `{}` overlap: {} and {}", node.id, left.net, right.net)
        };
        let problem = RULE.problem(peering.requester.vpc.span().clone(), message).label(label(design, &one, left));
        let problem = problem.related(peering.accepter.vpc.span().clone(), label(design, &other, right));
        let problem = [(&one, left), (&other, right)]
            .into_iter()
            .fold(problem, |problem, (vpc, range)| with_origin(design, problem, vpc, range));
        report.add([ix], problem.help("give one of them another range: a peering between them would fail"));
    }
}

/// What stands beside a side: the range, and whether it is there already.
fn label(design: &Design<'_>, vpc: &str, range: Range) -> String {
    match design.live_id(vpc).filter(|_| range.is_live) {
        Some(id) => format!("{}, live: {id} has it now", range.net),
        None => range.net.to_string(),
    }
}

/// The first two ranges that have an address in common.
fn overlap(one: &[Range], other: &[Range]) -> Option<(Range, Range)> {
    let pairs = one.iter().flat_map(|left| other.iter().map(move |right| (*left, *right)));
    pairs.into_iter().find(|(left, right)| left.net.contains(&right.net) || right.net.contains(&left.net))
}

/// The problem with the parameter that gives a VPC the range, or else with the range in its template.
fn with_origin(design: &Design<'_>, problem: Problem, vpc: &str, range: Range) -> Problem {
    let range = range.net;
    let Some((stack, resource)) = design.resource(vpc) else { return problem };
    let Some((spec, _)) = design.stack(stack) else { return problem };
    let text = format!("{range} of `{}`", design.node(stack).id);
    // Addresses within the range say the same range: 10.0.7.0/16.
    let read = |text: String| text.parse::<IpNet>().ok().map(|range| range.trunc());
    let gives = |value: &crate::plan::Value| design.text(value).and_then(read) == Some(range);
    if let Some(parameter) = spec.parameters.values().find(|parameter| gives(&parameter.value)) {
        return problem.related(parameter.value.span().clone(), text);
    }
    let own = design.range(stack, resource).filter(|own| *own == range);
    let node = own.and_then(|_| resource.properties.as_deref()?.get("CidrBlock"));
    match node.and_then(|node| design.in_template(spec, node.at.clone())) {
        Some(span) => problem.related(span, text),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_overlap_when_one_holds_the_other() {
        let ranges = |texts: &[&str]| {
            texts.iter().map(|text| Range { net: text.parse().unwrap(), is_live: false }).collect::<Vec<_>>()
        };
        let found = |one: &[&str], other: &[&str]| overlap(&ranges(one), &ranges(other)).is_some();
        assert!(found(&["10.0.0.0/16"], &["10.0.255.0/24"]));
        assert!(found(&["10.0.0.0/24"], &["10.0.0.0/24"]));
        assert!(found(&["10.9.0.0/16", "10.0.0.0/24"], &["192.168.0.0/16", "10.0.0.0/8"]));
        assert!(!found(&["10.0.0.0/17"], &["10.0.128.0/17"]));
        assert!(!found(&["10.0.0.0/8"], &["fd00::/8"]));
        assert!(!found(&[], &["10.0.0.0/8"]));
    }
}
