//! The file is not TOML.

use crate::diag::Severity;
use crate::plan::codes;
use crate::rules::rule::Rule;

pub(in crate::rules) const RULE: Rule = Rule {
    code: codes::SYNTAX,
    name: "syntax",
    severity: Severity::Error,
    summary: "the file is not TOML",
    explanation: "Every such place is shown, not only the first. Most often a quote or a bracket is missing just before the place. See <https://toml.io>.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.app]
account  = «master»
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
