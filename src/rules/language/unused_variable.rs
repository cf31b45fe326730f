//! A variable that nothing uses.

use crate::diag::Severity;
use crate::plan::codes;
use crate::rules::rule::Rule;

pub(in crate::rules) const RULE: Rule = Rule {
    code: codes::UNUSED_VARIABLE,
    name: "unused-variable",
    severity: Severity::Hint,
    summary: "a variable that nothing uses",
    explanation: "Whoever changes it will wonder why nothing happens: most often a value was written in place where \
                  the variable was meant. A use anywhere counts: in conditions and their branches, in `for_each`, in \
                  accounts and defaults, and in what the plan extends. Variables that the plan only inherits are not \
                  looked at, because another plan of the family may use them; those of a plan that is applied by itself \
                  and extended by others too are told of when it is checked by itself. It is a hint for that reason, and \
                  `orch validate` alone shows it.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[vars]
«owner» = "network"
[accounts]
master = { id = "111111111111" }
[stacks.app]
account  = "master"
template = "t.yaml"
tags     = { Owner = "infrastructure" }
--- t.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
Outputs:
  Name: {Value: !GetAtt Topic.TopicName}
"#,
    right: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[vars]
owner = "network"
[accounts]
master = { id = "111111111111" }
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
