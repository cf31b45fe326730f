//! A secret written into the plan.

use serde_json::Value as Json;

use crate::cfn::Parameter;
use crate::diag::{Code, Severity};
use crate::rules::design::Design;
use crate::rules::rule::{Report, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(70),
    name: "open-secret",
    severity: Severity::Warning,
    summary: "the value of a NoEcho parameter stands in the plan's text",
    explanation: "CloudFormation hides the parameter's value; the plan, which lies in a repository, does not. Take \
                  it from where it is kept: Secrets Manager (`{ secret = \"NAME\" }`), Systems Manager (`{ ssm = \"/path\" }`) or \
                  the environment (`{ env = \"NAME\" }`); or have CloudFormation look it up: \
                  `{{resolve:secretsmanager:…}}`, `{{resolve:ssm-secure:…}}`.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.db]
account    = "master"
template   = "db.yaml"
parameters = { Password = «"correct horse"» }
--- db.yaml
Parameters:
  Password: {Type: String, NoEcho: true}
Resources:
  Topic: {Type: "AWS::SNS::Topic", Properties: {DisplayName: !Ref Password}}
"#,
    right: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.db]
account    = "master"
template   = "db.yaml"
parameters = { Password = "{{resolve:secretsmanager:db:SecretString:password}}" }
--- db.yaml
Parameters:
  Password: {Type: String, NoEcho: true}
Resources:
  Topic: {Type: "AWS::SNS::Topic", Properties: {DisplayName: !Ref Password}}
"#,
    check: Some(check),
};

fn check(design: &Design<'_>, report: &mut Report) {
    for (ix, stack, document) in design.stacks() {
        for (name, entry) in &stack.parameters {
            let Some(parameter) = document.parameters.get(&**name).filter(|parameter| parameter.no_echo) else {
                continue;
            };
            let literal = entry.value.literal().and_then(secret);
            // What an expression gives comes from elsewhere, unless it is a variable of the plan's own.
            let span = entry.value.span();
            let from_elsewhere = design.sources.slice(span).contains("{{") && entry.variable.is_none();
            if from_elsewhere || literal.is_none_or(|literal| is_told(parameter, &literal)) {
                continue;
            }
            let Some(declared) = design.in_template(stack, parameter.at.clone()) else { continue };
            let at = entry.variable.as_ref().unwrap_or(span);
            let problem = RULE.problem(at.clone(), format!("the secret `{name}` stands in the plan"));
            let problem = match entry.variable {
                Some(_) => problem.related(span.clone(), "the parameter takes it from there"),
                None => problem,
            };
            let problem = problem.related(declared, "NoEcho: CloudFormation hides it");
            let help = match entry.variable {
                Some(_) => "take it from the environment: write { env = \"…\" } in its place".to_owned(),
                None => format!(
                    "take it from where it is kept: {name} = {{ secret = \"…\" }}, {{ ssm = \"…\" }} or {{ env = \"…\" }}"
                ),
            };
            report.add([ix], problem.help(help));
        }
    }
}

/// A literal that may be a secret, as text. A truth value is none.
fn secret(literal: &Json) -> Option<String> {
    match literal {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Array(items) => Some(items.iter().filter_map(secret).collect::<Vec<_>>().join(",")),
        Json::Null | Json::Bool(_) | Json::Object(_) => None,
    }
}

/// Whether a value tells nobody anything: none at all, one of the template's own, or the name of what holds the secret.
fn is_told(parameter: &Parameter, value: &str) -> bool {
    value.is_empty()
        || parameter.is_ssm()
        || value.starts_with("arn:")
        || value.contains("{{resolve:")
        || parameter.default.as_deref() == Some(value)
        || parameter.allowed_values.iter().any(|one| one == value)
}
