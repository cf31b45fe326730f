//! A stack that is only read has keys that would change it.

use crate::diag::Severity;
use crate::plan::codes;
use crate::rules::rule::Rule;

pub(in crate::rules) const RULE: Rule = Rule {
    code: codes::READ_ONLY,
    name: "read-only",
    severity: Severity::Error,
    summary: "a stack that is only read has keys that would change it",
    explanation: "With `manage = false` orch reads a stack's outputs and changes nothing, so a template, parameters or tags have no effect.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.app]
account  = "master"
name     = "app"
manage   = false
«template» = "t.yaml"
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
name     = "app"
manage   = false
"#,
    check: None,
};
