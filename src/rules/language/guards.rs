//! Guards of a stack that exclude each other.

use crate::diag::Severity;
use crate::plan::codes;
use crate::rules::rule::Rule;

pub(in crate::rules) const RULE: Rule = Rule {
    code: codes::GUARDS,
    name: "contradicting-guards",
    severity: Severity::Error,
    summary: "guards of a stack that exclude each other",
    explanation: "A stack has one stack policy. `protect = [\"replace\"]` is kept as one, so a file of your own cannot be \
                  had beside it: write into the file what `protect` would deny. And CloudFormation deletes no stack that \
                  fails in express mode, where `early_outputs` cannot be had either: a resource counts as complete there \
                  before it can be used. What is created with `early_inputs` is deleted again if what gave them fails, so a \
                  stack that is protected from deletion cannot have that.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.app]
account      = "master"
template     = "t.yaml"
protect      = ["delete", "replace"]
«stack_policy» = "policy.json"
--- t.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
--- policy.json
{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"}]}
"#,
    right: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.app]
account      = "master"
template     = "t.yaml"
protect      = ["delete"]
stack_policy = "policy.json"
--- t.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
--- policy.json
{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"}]}
"#,
    check: None,
};
