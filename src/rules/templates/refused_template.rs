//! A template that CloudFormation would refuse.

use crate::diag::{Code, Severity};
use crate::rules::design::Design;
use crate::rules::documents::on_boundaries;
use crate::rules::rule::{Report, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(53),
    name: "refused-template",
    severity: Severity::Error,
    summary: "a template has something that CloudFormation refuses before it looks at a single resource",
    explanation: "References to what the template does not declare, circles of resources, wrongly called functions, \
                  unknown sections, more resources, parameters or outputs than a template may have: CloudFormation's \
                  own words stand under the place. Templates with macros are only held to what no macro could mend.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.app]
account  = "master"
template = "topic.yaml"
--- topic.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic", Properties: {DisplayName: !Ref «Name»}}
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
  Topic: {Type: "AWS::SNS::Topic", Properties: {DisplayName: !Ref AWS::StackName}}
"#,
    check: Some(check),
};

fn check(design: &Design<'_>, report: &mut Report) {
    for (template, nodes, document) in design.templates() {
        let text = &design.sources.get(template.file).text;
        for fault in document.faults() {
            let at = on_boundaries(template.file, text, &fault.at);
            let problem = RULE.problem(at, format!("CloudFormation would refuse {}", template.path.display()));
            let problem = problem.label(fault.message).related(template.span.clone(), "the plan names it here");
            let help = "mend the template here: the words under the place are CloudFormation's";
            // One for each stack, so that excusing one of them does not excuse the others.
            for node in nodes {
                report.add([*node], problem.clone().help(help));
            }
        }
    }
}
