//! A value of the right type that cannot be meant.

use crate::diag::Severity;
use crate::plan::codes;
use crate::rules::rule::Rule;

pub(in crate::rules) const RULE: Rule = Rule {
    code: codes::INVALID_VALUE,
    name: "invalid-value",
    severity: Severity::Error,
    summary: "a value of the right type that cannot be meant",
    explanation: "A region that has not the form of one, a destination that is no address range, a capability that CloudFormation does not know, an id of the wrong sort.",
    wrong: r#"--- plan.toml
name   = "network"
region = «"us-east"»
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
    check: None,
};
