//! Not a role, a role of another account, or a key that has no effect without a role.

use crate::diag::Severity;
use crate::plan::codes;
use crate::rules::rule::Rule;

pub(in crate::rules) const RULE: Rule = Rule {
    code: codes::ROLE,
    name: "role",
    severity: Severity::Error,
    summary: "not a role, a role of another account, or a key that has no effect without a role",
    explanation: "A role is assumed in the account that it belongs to. Write its name, with its path if it has one, or its whole ARN.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111", role = «"arn:aws:iam::222222222222:role/Orch"» }
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
master = { id = "111111111111", role = "arn:aws:iam::111111111111:role/Orch" }
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
