//! A role or a region of another partition.

use crate::diag::Severity;
use crate::plan::codes;
use crate::rules::rule::Rule;

pub(in crate::rules) const RULE: Rule = Rule {
    code: codes::PARTITION,
    name: "partition",
    severity: Severity::Error,
    summary: "a role or a region of another partition",
    explanation: "AWS's partitions (`aws`, `aws-us-gov`, `aws-cn`, `aws-eusc` and those of secret regions) share no accounts and no credentials: a plan stays within one.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111", role = «"arn:aws-us-gov:iam::111111111111:role/Orch"» }
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
