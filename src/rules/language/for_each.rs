//! `for_each` over something that cannot be iterated, or so that keys collide.

use crate::diag::Severity;
use crate::plan::codes;
use crate::rules::rule::Rule;

pub(in crate::rules) const RULE: Rule = Rule {
    code: codes::FOR_EACH,
    name: "for-each",
    severity: Severity::Error,
    summary: "`for_each` over something that cannot be iterated, or so that keys collide",
    explanation: "It goes over a list of texts, a table, or another group. A single node is no group: refer to it directly.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.app]
account  = "master"
template = "t.yaml"
[stacks.more]
for_each = «"stacks.app"»
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
[stacks.app]
for_each = ["one"]
account  = "master"
template = "t.yaml"
[stacks.more]
for_each = "stacks.app"
account  = "{{ each.account }}"
template = "t.yaml"
--- t.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
Outputs:
  Name: {Value: !GetAtt Topic.TopicName}
"#,
    check: None,
};
