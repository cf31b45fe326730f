//! A parameter that the template does not declare.

use crate::diag::{Code, Severity, Span};
use crate::plan::nearest;
use crate::rules::design::Design;
use crate::rules::documents::in_section;
use crate::rules::live::Verdict;
use crate::rules::rule::{Report, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(54),
    name: "unknown-parameter",
    severity: Severity::Error,
    summary: "a stack is given a parameter that its template does not declare",
    explanation: "CloudFormation refuses a request with a parameter that the template does not have, after the \
                  stacks before it were made. Templates with macros of your own are left alone, since a macro may add parameters.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.hub]
account    = "master"
template   = "hub.yaml"
parameters = { «CidrBlok» = "10.0.0.0/16" }
--- hub.yaml
Parameters:
  CidrBlock: {Type: String, Default: 10.0.0.0/16}
Resources:
  VPC: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: !Ref CidrBlock}}
"#,
    right: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.hub]
account    = "master"
template   = "hub.yaml"
parameters = { CidrBlock = "10.0.0.0/16" }
--- hub.yaml
Parameters:
  CidrBlock: {Type: String, Default: 10.0.0.0/16}
Resources:
  VPC: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: !Ref CidrBlock}}
"#,
    check: Some(check),
};

fn check(design: &Design<'_>, report: &mut Report) {
    for (ix, stack, document) in design.stacks().filter(|(.., document)| document.is_final("Parameters")) {
        let given = stack.parameters.iter().map(|(name, parameter)| (name, &parameter.key));
        for (name, key) in given.chain(&stack.kept) {
            if document.parameters.contains_key(&**name) {
                continue;
            }
            let Some(template) = stack.file() else { continue };
            let message = format!("{} declares no parameter `{name}`", template.path.display());
            let problem = RULE.problem(key.clone(), message);
            let near = nearest(name, document.parameters.keys().map(String::as_str));
            let problem = match near.and_then(|near| document.parameters.get(near)) {
                Some(near) => problem
                    .related(Span::new(template.file, near.at.clone()), "the nearest one")
                    .help(format!("did you mean `{}`?", near.name)),
                None if document.parameters.is_empty() => problem.help("take it away: the template declares none"),
                None => {
                    let problem = in_section(problem, template, document, "Parameters");
                    let all: Vec<_> = document.parameters.keys().map(|name| format!("`{name}`")).collect();
                    problem.help(format!("it declares {}", all.join(", ")))
                }
            };
            report.add([ix], problem);
        }
    }
    of_aws(design, report);
}

/// Parameters that the template seems to declare, or that only AWS can tell of, and AWS does not know.
fn of_aws(design: &Design<'_>, report: &mut Report) {
    for (ix, stack, template, judged) in design.judged_stacks() {
        let Some(Verdict::Taken { parameters, .. }) = judged.map(|judged| &judged.verdict) else { continue };
        let document = design.stack(ix).map(|(_, document)| document);
        let given = stack.parameters.iter().map(|(name, parameter)| (name, &parameter.key));
        for (name, key) in given.chain(&stack.kept) {
            let is_told = document.is_some_and(|document| !document.parameters.contains_key(&**name));
            if is_told || parameters.iter().any(|(known, _)| *known == **name) {
                continue;
            }
            let message = format!("AWS says that {template} has no parameter `{name}`");
            report.add([ix], RULE.problem(key.clone(), message).help("see what the template's `Parameters` say"));
        }
    }
}
