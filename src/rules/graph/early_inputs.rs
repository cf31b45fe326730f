//! A stack that says that it takes outputs early, and is given none so.

use std::collections::HashMap;

use crate::diag::{Code, Severity};
use crate::plan::{Node, Spec};
use crate::rules::design::Design;
use crate::rules::rule::{Report, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(43),
    name: "vain-early-inputs",
    severity: Severity::Warning,
    summary: "a stack takes outputs early, and nothing that it needs gives any so",
    explanation: "With `early_inputs` a stack is created as soon as the outputs that it needs are certain. That takes two: a \
                  stack that it refers to has to give them early (`early_outputs`), and has to be needed for nothing else. \
                  Its id, and an order without a value (`depends_on`), wait until it is complete. As it is written, this \
                  stack waits as all others do.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.hub]
account  = "master"
template = "hub.yaml"
[stacks.app]
account      = "master"
template     = "app.yaml"
parameters   = { Vpc = "{{ stacks.hub.outputs.VPCId }}" }
«early_inputs» = true
--- hub.yaml
Resources:
  VPC: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: 10.0.0.0/16}}
Outputs:
  VPCId: {Value: !Ref VPC}
--- app.yaml
Parameters:
  Vpc: {Type: String}
Resources:
  Group: {Type: "AWS::EC2::SecurityGroup", Properties: {GroupDescription: app, VpcId: !Ref Vpc}}
"#,
    right: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.hub]
account       = "master"
template      = "hub.yaml"
early_outputs = true
[stacks.app]
account      = "master"
template     = "app.yaml"
parameters   = { Vpc = "{{ stacks.hub.outputs.VPCId }}" }
early_inputs = true
--- hub.yaml
Resources:
  VPC: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: 10.0.0.0/16}}
Outputs:
  VPCId: {Value: !Ref VPC}
--- app.yaml
Parameters:
  Vpc: {Type: String}
Resources:
  Group: {Type: "AWS::EC2::SecurityGroup", Properties: {GroupDescription: app, VpcId: !Ref Vpc}}
"#,
    check: Some(check),
};

fn check(design: &Design<'_>, report: &mut Report) {
    let key = |node: &Node| match &node.spec {
        Spec::Stack(stack) if node.whole => stack.guards.early_inputs.clone(),
        _ => None,
    };
    if !design.nodes().any(|(_, node)| key(node).is_some()) {
        return;
    }
    let nodes: HashMap<_, &Node> = design.nodes().map(|(_, node)| (&node.id, node)).collect();
    for (ix, node) in design.nodes() {
        let Some(key) = key(node) else { continue };
        let needed: Vec<&Node> = node.needs.iter().filter_map(|need| nodes.get(&need.node).copied()).collect();
        // What could not be read may give anything.
        if needed.len() < node.needs.len() || needed.iter().any(|giver| !giver.whole || takes(node, giver)) {
            continue;
        }
        let is_early = |giver: &&&Node| matches!(&giver.spec, Spec::Stack(stack) if stack.guards.early_outputs);
        let problem = RULE.problem(key, format!("nothing that `{}` needs is given to it early", node.id));
        let help = match (needed.iter().find(is_early), needed.iter().find(|giver| is_made(giver))) {
            (Some(giver), _) => format!(
                "it waits for all of `{}`: refer to nothing but its outputs, and take it out of `depends_on`",
                giver.id
            ),
            (None, Some(giver)) => format!("write early_outputs = true at `{}`, or take this away", giver.id),
            (None, None) => "take it away: no stack gives it anything".to_owned(),
        };
        report.add([ix], problem.help(help));
    }
}

fn takes(node: &Node, giver: &Node) -> bool {
    node.takes_early(giver).is_some()
}

fn is_made(node: &Node) -> bool {
    matches!(&node.spec, Spec::Stack(stack) if stack.manage)
}
