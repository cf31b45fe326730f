//! `depends_on` names something that is not a node.

use crate::diag::Severity;
use crate::plan::codes;
use crate::rules::rule::Rule;

pub(in crate::rules) const RULE: Rule = Rule {
    code: codes::DEPENDS_ON,
    name: "depends-on",
    severity: Severity::Error,
    summary: "`depends_on` names something that is not a node",
    explanation: "Write `stacks.NAME`, or `stacks.NAME[KEY]` for one instance of a group; a group's name stands for all of its instances.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.app]
account  = "master"
template = "t.yaml"
[stacks.more]
account    = "master"
template   = "t.yaml"
depends_on = [«"stacks.ap"»]
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
account    = "master"
template   = "t.yaml"
depends_on = ["stacks.app"]
--- t.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
Outputs:
  Name: {Value: !GetAtt Topic.TopicName}
"#,
    check: None,
};
