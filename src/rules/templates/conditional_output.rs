//! A reference to an output that a condition takes away.

use crate::diag::{Code, Severity, Span};
use crate::graph::Ix;
use crate::plan::{Attribute, Need};
use crate::rules::design::Design;
use crate::rules::rule::{Report, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(58),
    name: "absent-output",
    severity: Severity::Error,
    summary: "a value refers to an output that its stack will not have, since the output's condition does not hold",
    explanation: "An output with a `Condition` exists only where that holds. The condition is worked out with the \
                  parameters that the plan gives; where it cannot be worked out before the first call, this rule is \
                  silent.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.hub]
account    = "master"
template   = "hub.yaml"
parameters = { Public = "no" }
[stacks.app]
account    = "master"
template   = "app.yaml"
parameters = { Gateway = "{{ «stacks.hub.outputs.GatewayId» }}" }
--- hub.yaml
Parameters:
  Public: {Type: String}
Conditions:
  IsPublic: !Equals [!Ref Public, "yes"]
Resources:
  Gateway: {Type: "AWS::EC2::InternetGateway", Condition: IsPublic}
  Topic: {Type: "AWS::SNS::Topic"}
Outputs:
  GatewayId: {Value: !Ref Gateway, Condition: IsPublic}
--- app.yaml
Parameters:
  Gateway: {Type: String}
Resources:
  Topic: {Type: "AWS::SNS::Topic", Properties: {DisplayName: !Ref Gateway}}
"#,
    right: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.hub]
account    = "master"
template   = "hub.yaml"
parameters = { Public = "yes" }
[stacks.app]
account    = "master"
template   = "app.yaml"
parameters = { Gateway = "{{ stacks.hub.outputs.GatewayId }}" }
--- hub.yaml
Parameters:
  Public: {Type: String}
Conditions:
  IsPublic: !Equals [!Ref Public, "yes"]
Resources:
  Gateway: {Type: "AWS::EC2::InternetGateway", Condition: IsPublic}
  Topic: {Type: "AWS::SNS::Topic"}
Outputs:
  GatewayId: {Value: !Ref Gateway, Condition: IsPublic}
--- app.yaml
Parameters:
  Gateway: {Type: String}
Resources:
  Topic: {Type: "AWS::SNS::Topic", Properties: {DisplayName: !Ref Gateway}}
"#,
    check: Some(check),
};

fn check(design: &Design<'_>, report: &mut Report) {
    for (ix, node) in design.nodes() {
        for need in &node.needs {
            check_need(design, ix, need, report);
        }
    }
}

fn check_need(design: &Design<'_>, ix: Ix, need: &Need, report: &mut Report) {
    let Some(Attribute::Output(name)) = &need.attribute else { return };
    let Some(needed) = design.graph.get(&need.node) else { return };
    let Some((stack, document)) = design.stack(needed) else { return };
    let (Some(template), Some(output)) = (stack.file(), document.outputs.get(name)) else { return };
    let Some(condition) = &output.condition else { return };
    let is_final = ["Outputs", "Conditions", "Mappings"].into_iter().all(|section| document.is_final(section));
    if !is_final || design.condition(needed, condition) != Some(false) {
        return;
    }
    let message = format!("`{}` will have no output `{name}`: its condition `{condition}` does not hold", need.node);
    let problem = RULE.problem(need.span.clone(), message);
    let problem = problem.related(Span::new(template.file, output.at.clone()), format!("only if {condition}"));
    let problem = match document.conditions.get(condition) {
        Some(node) => problem.related(Span::new(template.file, node.at.clone()), "false with this plan's parameters"),
        None => problem,
    };
    report.add([ix], problem.help("give the stack other parameters, or take the reference away"));
}
