//! A plan, or one that it extends, cannot be read.

use crate::diag::Severity;
use crate::plan::codes;
use crate::rules::rule::Rule;

pub(in crate::rules) const RULE: Rule = Rule {
    code: codes::UNREADABLE,
    name: "unreadable",
    severity: Severity::Error,
    summary: "a plan, or one that it extends, cannot be read",
    explanation: "A path in `extends` is relative to the file that it stands in.",
    wrong: r#"--- plan.toml
extends = «"base.toml"»
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
