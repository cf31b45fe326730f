//! A node that cannot have been what `moved` says.

use crate::diag::Severity;
use crate::plan::codes;
use crate::rules::rule::Rule;

pub(in crate::rules) const RULE: Rule = Rule {
    code: codes::MOVED,
    name: "moved",
    severity: Severity::Error,
    summary: "a node cannot have been what `moved` says",
    explanation: "An entry of `moved` names a node, an instance or a group as it was called before, which the plan has no more, and as it is called now, which the plan must have. Both are of one kind, and a node was one other node at most.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
moved  = [{ from = "stacks.first", to = «"stacks.hob"» }]
[accounts]
master = { id = "111111111111" }
[stacks.hub]
account  = "master"
template = "t.yaml"
--- t.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
"#,
    right: r#"--- plan.toml
name   = "network"
region = "us-east-1"
moved  = [{ from = "stacks.first", to = "stacks.hub" }]
[accounts]
master = { id = "111111111111" }
[stacks.hub]
account  = "master"
template = "t.yaml"
--- t.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
"#,
    check: None,
};
