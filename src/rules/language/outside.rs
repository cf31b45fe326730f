//! A plan names a file outside of the folders that it may read.

use crate::diag::Severity;
use crate::plan::codes;
use crate::rules::rule::Rule;

pub(in crate::rules) const RULE: Rule = Rule {
    code: codes::OUTSIDE,
    name: "outside",
    severity: Severity::Error,
    summary: "a plan names a file outside of its own folder",
    explanation: "A plan reads files in the folder of the plan that the command names, or below it; symbolic links count as \
        what they lead to. So a plan of somebody else's cannot send your files to AWS as a template. `--allow-read DIR` \
        allows another folder with all that is below it, and can be given several times.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.app]
account  = "master"
template = «"../shared/t.yaml"»
"#,
    right: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.app]
account  = "master"
template = "shared/t.yaml"
--- shared/t.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
Outputs:
  Name: {Value: !GetAtt Topic.TopicName}
"#,
    check: None,
};
