//! A plan names a file outside of its folder.

use crate::diag::Severity;
use crate::plan::codes;
use crate::rules::rule::Rule;

pub(in crate::rules) const RULE: Rule = Rule {
    code: codes::OUTSIDE,
    name: "outside",
    severity: Severity::Error,
    summary: "a plan names a file outside of its folder",
    explanation: "A plan may come from somebody else, in a pull request for instance, and whatever it reads may end up \
                  in a stack or in a message. So it reads only what lies in the folder of the plan that the command \
                  names, or below; symbolic links are followed first. `--allow-read FOLDER`, which can be given \
                  several times, allows what lies in another folder or below.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.hub]
account  = "master"
template = «"../common/hub.yaml"»
--- ../common/hub.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
"#,
    right: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.hub]
account  = "master"
template = "common/hub.yaml"
--- common/hub.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
"#,
    check: None,
};
