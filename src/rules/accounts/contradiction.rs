//! An account with keys that exclude each other.

use crate::diag::Severity;
use crate::plan::codes;
use crate::rules::rule::Rule;

pub(in crate::rules) const RULE: Rule = Rule {
    code: codes::CONTRADICTION,
    name: "contradiction",
    severity: Severity::Error,
    summary: "an account with keys that exclude each other",
    explanation: "`through` starts from another account's session, so a `profile` or an `mfa_serial` of its own would have no effect: they belong to the account that the chain begins with.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
dev    = { id = "222222222222", role = "Orch", through = "master", «profile» = "dev" }
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
dev    = { id = "222222222222", role = "Orch", through = "master" }
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
