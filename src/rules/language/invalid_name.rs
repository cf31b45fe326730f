//! A name or a key with characters that it cannot have.

use crate::diag::Severity;
use crate::plan::codes;
use crate::rules::rule::Rule;

pub(in crate::rules) const RULE: Rule = Rule {
    code: codes::INVALID_NAME,
    name: "invalid-name",
    severity: Severity::Error,
    summary: "a name or a key with characters that it cannot have",
    explanation: "Names of plans, accounts, groups and instances have letters, digits, and any of `_ . -`: they become parts of tags and of names on the command line. Tags that begin with `aws:` are AWS's, those that begin with `orch:` are orch's.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.«"the app"»]
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
--- t.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
Outputs:
  Name: {Value: !GetAtt Topic.TopicName}
"#,
    check: None,
};
