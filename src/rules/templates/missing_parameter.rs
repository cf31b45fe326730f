//! A parameter without a default that the plan does not give.

use crate::cfn::Document;
use crate::diag::{Code, Severity, Span};
use crate::rules::design::Design;
use crate::rules::live::Verdict;
use crate::rules::rule::{Report, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(55),
    name: "missing-parameter",
    severity: Severity::Error,
    summary: "a stack is not given a parameter that its template has no default for",
    explanation: "CloudFormation refuses to make such a stack. Parameters with a default need not be given. Templates \
                  with macros of your own are left alone, since a macro may take parameters away.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
«[stacks.hub]»
account  = "master"
template = "hub.yaml"
--- hub.yaml
Parameters:
  CidrBlock: {Type: String}
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
  CidrBlock: {Type: String}
Resources:
  VPC: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: !Ref CidrBlock}}
"#,
    check: Some(check),
};

fn check(design: &Design<'_>, report: &mut Report) {
    for (ix, stack, document) in design.stacks() {
        if !document.is_final("Parameters") || !design.node(ix).whole {
            continue;
        }
        let missing: Vec<_> = document
            .parameters
            .values()
            .filter(|parameter| {
                parameter.default.is_none()
                    && !has_default(document, &parameter.name)
                    && !stack.parameters.contains_key(&*parameter.name)
                    && !stack.kept.contains_key(&*parameter.name)
            })
            .collect();
        let (Some(first), Some(template)) = (missing.first(), stack.file()) else { continue };
        let names: Vec<_> = missing.iter().map(|parameter| format!("`{}`", parameter.name)).collect();
        let message = format!("{} needs {}", template.path.display(), names.join(", "));
        let problem = RULE.problem(design.node(ix).span.clone(), message);
        let problem = missing.iter().fold(problem, |problem, parameter| {
            problem.related(Span::new(template.file, parameter.at.clone()), "it has no default")
        });
        report.add([ix], problem.help(format!("give it: parameters = {{ {} = \"…\" }}", first.name)));
    }
    of_aws(design, report);
}

/// Parameters that AWS names and orch does not see in the template.
fn of_aws(design: &Design<'_>, report: &mut Report) {
    for (ix, stack, template, judged) in design.judged_stacks() {
        let Some(Verdict::Taken { parameters, .. }) = judged.map(|judged| &judged.verdict) else { continue };
        let document = design.stack(ix).map(|(_, document)| document);
        let is_told = |name: &str| document.is_some_and(|document| document.parameters.contains_key(name));
        let is_given = |name: &str| stack.parameters.contains_key(name) || stack.kept.contains_key(name);
        let is_missing = |name: &str| !is_given(name) && !is_told(name);
        let missing: Vec<_> = parameters
            .iter()
            .filter(|(name, has_default)| !has_default && is_missing(name))
            .map(|own| &own.0)
            .collect();
        let Some(first) = missing.first().filter(|_| design.node(ix).whole) else { continue };
        let names: Vec<_> = missing.iter().map(|name| format!("`{name}`")).collect();
        let message = format!("AWS says that {template} needs {}", names.join(", "));
        let problem = RULE.problem(design.node(ix).span.clone(), message).related(template.span().clone(), "");
        report.add([ix], problem.help(format!("give it: parameters = {{ {first} = \"…\" }}")));
    }
}

/// Whether a default is written, though it may be none that CloudFormation takes: that is another problem.
fn has_default(document: &Document, name: &str) -> bool {
    document.root.get("Parameters").and_then(|section| section.get(name)?.get("Default")).is_some()
}
