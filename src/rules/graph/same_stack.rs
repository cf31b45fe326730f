//! Two nodes are the same stack.

use crate::diag::Severity;
use crate::plan::codes;
use crate::rules::rule::Rule;

pub(in crate::rules) const RULE: Rule = Rule {
    code: codes::SAME_STACK,
    name: "same-stack",
    severity: Severity::Error,
    summary: "two nodes are the same stack",
    explanation: "Account, region and name make a stack. Two nodes for it would undo each other. A stack that is made by this plan needs no second node to be read: refer to it directly.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.app]
account  = "master"
template = "t.yaml"
name     = "app"
«[stacks.more]»
account  = "master"
template = "t.yaml"
name     = "app"
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
[stacks.app]
account  = "master"
template = "t.yaml"
name     = "app"
[stacks.more]
account  = "master"
template = "t.yaml"
name     = "more"
--- t.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
Outputs:
  Name: {Value: !GetAtt Topic.TopicName}
"#,
    check: None,
};
