//! A variable that is given but not declared, declared but not given, or of another type.

use crate::diag::Severity;
use crate::plan::codes;
use crate::rules::rule::Rule;

pub(in crate::rules) const RULE: Rule = Rule {
    code: codes::VARIABLE,
    name: "variable",
    severity: Severity::Error,
    summary: "a variable that is given but not declared, declared but not given, or of another type",
    explanation: "`--var` gives values to variables that the plan declares, of the type that the plan's own value has. A variable from the environment needs the environment to have it, or a default.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[vars]
owner = { env = «"ORCH_EXAMPLE_OWNER"» }
[stacks.app]
account  = "master"
template = "t.yaml"
tags     = { Owner = "{{ vars.owner }}" }
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
owner = { env = "ORCH_EXAMPLE_OWNER", default = "ops" }
[stacks.app]
account  = "master"
template = "t.yaml"
tags     = { Owner = "{{ vars.owner }}" }
--- t.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
Outputs:
  Name: {Value: !GetAtt Topic.TopicName}
"#,
    check: None,
};
