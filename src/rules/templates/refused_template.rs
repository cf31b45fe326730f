//! A template that CloudFormation would refuse.

use crate::cfn::{Declared, Document, Remedy};
use crate::diag::{Code, Severity};
use crate::plan::nearest;
use crate::rules::design::Design;
use crate::rules::documents::on_boundaries;
use crate::rules::rule::{Report, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(53),
    name: "refused-template",
    severity: Severity::Error,
    summary: "a template has something that CloudFormation refuses before it looks at a single resource",
    explanation: "References to what the template does not declare, circles of resources, wrongly called functions, \
                  unknown sections, more than 500 resources, 200 parameters or 200 outputs: the problem says it in \
                  CloudFormation's own words. Templates with macros are only held to what no macro could mend.",
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
    for (used, document) in design.templates() {
        let template = used.template;
        let text = &design.sources.get(template.file).text;
        for fault in document.faults() {
            let at = on_boundaries(template.file, text, &fault.place(text));
            // What sort of error it is to CloudFormation tells a reader nothing.
            let words = fault.message.split_once(" error: ").map_or(&*fault.message, |(_, words)| words);
            let message = format!("CloudFormation would refuse {}: {words}", template.path.display());
            let problem = RULE.problem(at, message).related(template.span.clone(), used.named());
            let problem = fault.related.iter().fold(problem, |problem, (place, words)| {
                problem.related(on_boundaries(template.file, text, place), words)
            });
            let problem = problem.help(remedy(document, &fault.remedy));
            let problem = match (&fault.variable, &fault.remedy) {
                // Scripts have variables of their own.
                (Some(variable), Remedy::Declare { .. }) => {
                    problem.help(format!("for the text itself write `${{!{variable}}}`, which gives `${{{variable}}}`"))
                }
                _ => problem,
            };
            // One for each stack, so that excusing one of them does not excuse the others.
            for node in &used.nodes {
                report.add([*node], problem.clone());
            }
        }
    }
}

fn remedy(document: &Document, remedy: &Remedy) -> String {
    let meant = |near: &str| format!("did you mean `{near}`?");
    match remedy {
        Remedy::Do(text) => text.clone(),
        Remedy::Write { name, known } => match nearest(name, known.iter().copied()) {
            Some(near) => meant(near),
            None => format!("take it away; what can stand here: {}", known.join(", ")),
        },
        Remedy::Declare { name, sort } => {
            let parameters = || document.parameters.keys().map(String::as_str);
            let resources = || document.resources.keys().map(String::as_str);
            let (near, section) = match sort {
                Declared::Parameter => (nearest(name, parameters()), "Parameters"),
                Declared::Name => (nearest(name, parameters().chain(resources())), "Parameters or Resources"),
                Declared::Resource => (nearest(name, resources()), "Resources"),
                Declared::Condition => (nearest(name, document.conditions.keys().map(String::as_str)), "Conditions"),
                Declared::Mapping => (nearest(name, document.mappings.keys().map(String::as_str)), "Mappings"),
            };
            near.map_or_else(|| format!("declare `{name}` below {section}, or take the reference away"), meant)
        }
    }
}
