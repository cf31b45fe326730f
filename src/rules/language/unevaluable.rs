//! An expression whose values do not fit.

use crate::diag::Severity;
use crate::plan::codes;
use crate::rules::rule::Rule;

pub(in crate::rules) const RULE: Rule = Rule {
    code: codes::UNEVALUABLE,
    name: "unevaluable",
    severity: Severity::Error,
    summary: "an expression whose values do not fit",
    explanation: "The values are known and the helper cannot take them, or the result is not what stands there.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[vars]
range = "10.0.0.0"
[stacks.app]
account  = "master"
template = "t.yaml"
tags     = { Range = "{{ «subnet» vars.range 24 0 }}" }
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
range = "10.0.0.0/16"
[stacks.app]
account  = "master"
template = "t.yaml"
tags     = { Range = "{{ subnet vars.range 24 0 }}" }
--- t.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
Outputs:
  Name: {Value: !GetAtt Topic.TopicName}
"#,
    check: None,
};
