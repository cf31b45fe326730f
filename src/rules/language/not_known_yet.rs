//! A path to something that is only known after calls, where it must be known before.

use crate::diag::Severity;
use crate::plan::codes;
use crate::rules::rule::Rule;

pub(in crate::rules) const RULE: Rule = Rule {
    code: codes::NOT_KNOWN_YET,
    name: "not-known-yet",
    severity: Severity::Error,
    summary: "a path to something that is only known after calls, where it must be known before",
    explanation: "Where a node is (`for_each`, `account`, `region`, a stack's `name` and `template`) must be known before the first call, so that the whole graph, all accounts and all names can be checked. Take such values from variables.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.app]
account  = "master"
template = "t.yaml"
[stacks.more]
account  = "master"
name     = "{{ «stacks.app.outputs.Name» }}"
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
[stacks.more]
account  = "master"
name     = "{{ self.account }}-more"
template = "t.yaml"
--- t.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
Outputs:
  Name: {Value: !GetAtt Topic.TopicName}
"#,
    check: None,
};
