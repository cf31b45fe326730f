//! A value that the parameter's type or constraints refuse.

use crate::cfn::{Parameter, Refusal};
use crate::diag::{Code, Severity, Span};
use crate::rules::design::Design;
use crate::rules::rule::{Report, Rule};
use crate::rules::symbol::is_symbolic;

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(56),
    name: "refused-value",
    severity: Severity::Error,
    summary: "a parameter is given a value that its template does not take",
    explanation: "The value is held against the parameter's type, AllowedValues, AllowedPattern, lengths and bounds, \
                  as CloudFormation does. Only values that are known before the first call are held, and by `orch \
                  validate --remote` the outputs of stacks that the plan only reads; a pattern that \
                  only Java's regular expressions understand decides nothing, and what is read from Systems Manager \
                  is not known here.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.hub]
account    = "master"
template   = "hub.yaml"
parameters = { Size = «"huge"» }
--- hub.yaml
Parameters:
  Size: {Type: String, AllowedValues: [small, large]}
Resources:
  Topic: {Type: "AWS::SNS::Topic", Properties: {DisplayName: !Ref Size}}
"#,
    right: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.hub]
account    = "master"
template   = "hub.yaml"
parameters = { Size = "large" }
--- hub.yaml
Parameters:
  Size: {Type: String, AllowedValues: [small, large]}
Resources:
  Topic: {Type: "AWS::SNS::Topic", Properties: {DisplayName: !Ref Size}}
"#,
    check: Some(check),
};

fn check(design: &Design<'_>, report: &mut Report) {
    for (ix, stack, document) in design.stacks() {
        let Some(template) = &stack.template else { continue };
        for (name, entry) in &stack.parameters {
            let Some(parameter) = document.parameters.get(&**name) else { continue };
            let declared = Span::new(template.file, parameter.at.clone());
            let Some(text) = design.joined(&entry.value) else { continue };
            if is_symbolic(&text) || text.contains("{{resolve:") {
                continue;
            }
            if let Err(refusal) = parameter.accept(&text) {
                let shown = if parameter.no_echo { "the value".to_owned() } else { format!("`{text}`") };
                let message = format!("{shown} is not a value for parameter `{name}`");
                let problem = RULE.problem(entry.value.span().clone(), message).related(declared, wants(&refusal));
                let problem = if design.is_live(&entry.value) {
                    problem.label("its value is live: AWS has it now")
                } else {
                    problem
                };
                report.add([ix], problem.help(remedy(parameter, &refusal)));
            }
        }
    }
}

/// What the declaration asks for, beside it.
fn wants(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NotANumber { .. } => "it takes a number".to_owned(),
        Refusal::NotAllowed { allowed, .. } => format!("it takes one of {}", allowed.join(", ")),
        Refusal::Pattern { constraint, .. } => format!("it {constraint}"),
        Refusal::Length { at_least: true, bound, .. } => format!("it takes {bound} characters at the least"),
        Refusal::Length { at_least: false, bound, .. } => format!("it takes {bound} characters at the most"),
        Refusal::Range { at_least: true, bound, .. } => format!("it takes {bound} and more"),
        Refusal::Range { at_least: false, bound, .. } => format!("it takes {bound} and less"),
    }
}

fn remedy(parameter: &Parameter, refusal: &Refusal) -> String {
    match refusal {
        Refusal::NotAllowed { allowed, .. } => format!("write one of {}", allowed.join(", ")),
        Refusal::Pattern { .. } => match &parameter.allowed_pattern {
            Some(pattern) => format!("it must match {pattern}"),
            None => "write a value that it takes".to_owned(),
        },
        Refusal::NotANumber { .. } => "write a number".to_owned(),
        Refusal::Length { .. } | Refusal::Range { .. } => "write a value within the bound".to_owned(),
    }
}
