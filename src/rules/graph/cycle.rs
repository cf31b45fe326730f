//! Nodes that need each other in a circle.

use crate::diag::Severity;
use crate::rules::rule::Rule;

pub(in crate::rules) const RULE: Rule = Rule {
    code: crate::graph::CYCLE,
    name: "cycle",
    severity: Severity::Error,
    summary: "nodes that need each other in a circle",
    explanation: "None of them could ever start. Every reference that closes the circle is shown; take one of them out.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.one]
account  = "master"
template = "t.yaml"
tags     = { Other = "{{ «stacks.two.outputs.Name» }}" }
[stacks.two]
account  = "master"
template = "t.yaml"
tags     = { Other = "{{ stacks.one.outputs.Name }}" }
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
[stacks.one]
account  = "master"
template = "t.yaml"
[stacks.two]
account  = "master"
template = "t.yaml"
tags     = { Other = "{{ stacks.one.outputs.Name }}" }
--- t.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
Outputs:
  Name: {Value: !GetAtt Topic.TopicName}
"#,
    check: None,
};
