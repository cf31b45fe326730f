//! A text that is not an expression of the language.

use crate::diag::Severity;
use crate::plan::codes;
use crate::rules::rule::Rule;

pub(in crate::rules) const RULE: Rule = Rule {
    code: codes::EXPRESSION,
    name: "expression",
    severity: Severity::Error,
    summary: "a text that is not an expression of the language",
    explanation: "Allowed are paths, helpers, `{{#if}}` and `{{#unless}}`. Loops, `with`, partials and dynamic lookups are refused because they would hide what a node refers to: every path must be seen before the first call.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[vars]
owners = ["ops"]
[stacks.app]
account  = "master"
template = "t.yaml"
tags     = { Owner = "{{#«each» vars.owners}}{{this}}{{/each}}" }
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
[vars]
owners = ["ops"]
[stacks.app]
account  = "master"
template = "t.yaml"
tags     = { Owner = "{{ join vars.owners }}" }
--- t.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
Outputs:
  Name: {Value: !GetAtt Topic.TopicName}
"#,
    check: None,
};
