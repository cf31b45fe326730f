//! Plans extend each other in a circle.

use crate::diag::Severity;
use crate::plan::codes;
use crate::rules::rule::Rule;

pub(in crate::rules) const RULE: Rule = Rule {
    code: codes::EXTENDS_CYCLE,
    name: "extends-cycle",
    severity: Severity::Error,
    summary: "plans extend each other in a circle",
    explanation: "A plan extends one plan, which may extend another, and so on to one that extends none.",
    wrong: r#"--- plan.toml
extends = "base.toml"
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.app]
account  = "master"
template = "t.yaml"
--- t.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
Outputs:
  Name: {Value: !GetAtt Topic.TopicName}
--- base.toml
extends = «"plan.toml"»
"#,
    right: r#"--- plan.toml
extends = "base.toml"
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.app]
account  = "master"
template = "t.yaml"
--- t.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
Outputs:
  Name: {Value: !GetAtt Topic.TopicName}
--- base.toml
abstract = true
"#,
    check: None,
};
