//! A template that is nested by its path and cannot be put in a bucket.

use crate::diag::Severity;
use crate::plan::codes;
use crate::rules::rule::Rule;

pub(in crate::rules) const RULE: Rule = Rule {
    code: codes::NESTED,
    name: "nested-template",
    severity: Severity::Error,
    summary: "a template that is nested by its path, and cannot be put where CloudFormation reads it",
    explanation: "CloudFormation reads nested templates from S3 alone. One that is named by its path, as `TemplateURL: \
                  ./network.yaml`, is put in the `template_bucket` of the plan or of the account, and its URL is sent in the \
                  path's place: so there must be a bucket, the path must stand by itself on one line, and templates must \
                  not nest each other in a circle.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.app]
account  = "master"
template = «"app.yaml"»
--- app.yaml
Resources:
  Net: {Type: "AWS::CloudFormation::Stack", Properties: {TemplateURL: ./net.yaml}}
--- net.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
"#,
    right: r#"--- plan.toml
name            = "network"
region          = "us-east-1"
template_bucket = "acme-templates"
[accounts]
master = { id = "111111111111" }
[stacks.app]
account  = "master"
template = "app.yaml"
--- app.yaml
Resources:
  Net: {Type: "AWS::CloudFormation::Stack", Properties: {TemplateURL: ./net.yaml}}
--- net.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
"#,
    check: None,
};
