//! A path to something that the plan does not have.

use crate::diag::Severity;
use crate::plan::codes;
use crate::rules::rule::Rule;

pub(in crate::rules) const RULE: Rule = Rule {
    code: codes::UNKNOWN_REFERENCE,
    name: "unknown-reference",
    severity: Severity::Error,
    summary: "a path to something that the plan does not have",
    explanation: "Every path is checked, those in conditions and in branches that are not taken too. The nearest name is offered.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[vars]
owner = "ops"
[stacks.app]
account  = "master"
template = "t.yaml"
tags     = { Owner = "{{ «vars.ownr» }}" }
--- t.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
Outputs:
  Name: {Value: !GetAtt Topic.TopicName}
"#,
    right: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[vars]
owner = "ops"
[stacks.app]
account  = "master"
template = "t.yaml"
tags     = { Owner = "{{ vars.owner }}" }
--- t.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
Outputs:
  Name: {Value: !GetAtt Topic.TopicName}
"#,
    check: None,
};
