//! A stack policy that CloudFormation would refuse.

use crate::cfn::StackPolicy;
use crate::diag::{Code, Severity};
use crate::graph::Ix;
use crate::plan::{Spec, Template};
use crate::rules::design::Design;
use crate::rules::rule::{Report, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(72),
    name: "refused-policy",
    severity: Severity::Error,
    summary: "a stack policy that CloudFormation would refuse",
    explanation: "A stack policy is JSON with statements of `Effect`, `Principal` (always `*`), `Action` or `NotAction` \
                  (Update:Modify, Update:Replace, Update:Delete, Update:*), and `Resource` or `NotResource` \
                  (LogicalResourceId/NAME or `*`), and perhaps a `Condition` on ResourceType. What no statement allows \
                  is denied. CloudFormation refuses a policy that names a resource which the template does not have.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.app]
account      = "master"
template     = "t.yaml"
stack_policy = «"policy.json"»
--- t.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
--- policy.json
{"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "Update:*", "Resource": "LogicalResourceId/Topik"}]}
"#,
    right: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.app]
account      = "master"
template     = "t.yaml"
stack_policy = "policy.json"
--- t.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
--- policy.json
{"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "Update:*", "Resource": "LogicalResourceId/Topic"}]}
"#,
    check: Some(check),
};

fn check(design: &Design<'_>, report: &mut Report) {
    for ix in design.graph.nodes() {
        let Spec::Stack(stack) = &design.node(ix).spec else { continue };
        let Some(policy) = &stack.guards.stack_policy else { continue };
        match StackPolicy::read(&design.sources.get(policy.file).text) {
            Err(error) => refuse(report, ix, policy, format!("this is no stack policy: {error}")),
            Ok(read) => {
                let Some((_, document)) = design.stack(ix).filter(|(_, document)| document.is_final("Resources"))
                else {
                    continue;
                };
                for (_, id) in read.named().filter(|(_, id)| !document.resources.contains_key(*id)) {
                    let message = format!("the stack policy names {id}, which the template does not have");
                    refuse(report, ix, policy, message);
                }
            }
        }
    }
}

fn refuse(report: &mut Report, ix: Ix, policy: &Template, message: String) {
    let problem = RULE.problem(policy.span.clone(), message);
    report.add([ix], problem.help(format!("correct {}", policy.path.display())));
}
