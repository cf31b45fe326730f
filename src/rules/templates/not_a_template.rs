//! A file that is not a CloudFormation template.

use crate::diag::{Code, Severity};
use crate::rules::rule::Rule;

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(50),
    name: "not-a-template",
    severity: Severity::Error,
    summary: "a file is not a CloudFormation template",
    explanation: "A template is a map with a section `Resources`, in YAML or JSON. A template with macros may lack the \
                  section, since a macro may bring it.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.app]
account  = "master"
template = "compose.yaml"
--- compose.yaml
«»services:
  web: {image: nginx}
"#,
    right: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.app]
account  = "master"
template = "topic.yaml"
--- topic.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
"#,
    // Found while the templates are read.
    check: None,
};
