//! A reference to an output that the stack's template does not declare.

use std::collections::HashSet;

use crate::diag::{Code, Severity, Span};
use crate::graph::Ix;
use crate::plan::{Attribute, Need, Spec, nearest};
use crate::rules::design::Design;
use crate::rules::documents::in_section;
use crate::rules::rule::{Finding, Report, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(52),
    name: "unknown-output",
    severity: Severity::Error,
    summary: "a value refers to an output that the stack's template does not declare, or `sensitive_outputs` names one",
    explanation: "Stacks that are only read have no template here, and macros may add outputs: neither can be decided, \
                  and what cannot be decided is silent. `orch validate --remote` asks AWS what a stack that is only \
                  read gives.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.hub]
account  = "master"
template = "hub.yaml"
[stacks.app]
account  = "master"
template = "hub.yaml"
tags     = { Hub = "{{ «stacks.hub.outputs.VpcID» }}" }
--- hub.yaml
Resources:
  VPC: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: 10.0.0.0/16}}
Outputs:
  VPCId: {Value: !Ref VPC}
"#,
    right: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.hub]
account  = "master"
template = "hub.yaml"
[stacks.app]
account  = "master"
template = "hub.yaml"
tags     = { Hub = "{{ stacks.hub.outputs.VPCId }}" }
--- hub.yaml
Resources:
  VPC: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: 10.0.0.0/16}}
Outputs:
  VPCId: {Value: !Ref VPC}
"#,
    check: Some(check),
};

fn check(design: &Design<'_>, report: &mut Report) {
    secrets(design, report);
    // Instances of a group share their expressions: an output is looked for once in each template.
    let mut looked = HashSet::new();
    for (ix, node) in design.nodes() {
        for need in &node.needs {
            let Some(Attribute::Output(name)) = &need.attribute else { continue };
            let Some(needed) = design.graph.get(&need.node) else { continue };
            let Some((stack, document)) = design.stack(needed) else {
                report.findings.extend(of_live(design, (ix, need), needed, name));
                continue;
            };
            let Some(template) = stack.file() else { continue };
            if !document.is_final("Outputs") || document.outputs.contains_key(name) {
                continue;
            }
            if !looked.insert((need.span.file, need.span.range.start, template.file, name)) {
                continue;
            }
            let path = template.path.display();
            let message = format!("`{}` has no output `{name}`: {path} does not declare it", need.node);
            let problem = RULE.problem(need.span.clone(), message).label("no such output");
            let near = nearest(name, document.outputs.keys().map(String::as_str));
            let problem = match near.and_then(|near| document.outputs.get(near)) {
                Some(output) => problem
                    .related(Span::new(template.file, output.at.clone()), "the nearest one")
                    .help(format!("did you mean `{}`?", output.name)),
                None => in_section(problem, template, document, "Outputs"),
            };
            let all: Vec<_> = document.outputs.keys().map(|name| format!("`{name}`")).collect();
            let problem = if all.is_empty() {
                problem.help(format!("{path} declares no outputs at all"))
            } else {
                problem.help(format!("it declares {}", all.join(", ")))
            };
            report.add([ix], problem);
        }
    }
}

/// The outputs that a stack says to be secrets. One that is misspelt would be shown.
fn secrets(design: &Design<'_>, report: &mut Report) {
    let mut looked = HashSet::new();
    for (ix, stack, document) in design.stacks() {
        let Some(template) = stack.file().filter(|_| document.is_final("Outputs")) else { continue };
        let unknown = stack.sensitive_outputs.iter().filter(|(name, _)| !document.outputs.contains_key(&**name));
        for (name, span) in unknown {
            if !looked.insert((span.file, span.range.start, template.file)) {
                continue;
            }
            let path = template.path.display();
            let message = format!("`{}` has no output `{name}`: {path} does not declare it", design.node(ix).id);
            let problem = RULE.problem(span.clone(), message).label("no such output, so no secret");
            let problem = match nearest(name, document.outputs.keys().map(String::as_str)) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => in_section(problem, template, document, "Outputs").help("take it away, or correct its name"),
            };
            report.add([ix], problem);
        }
    }
}

/// The same of a stack that is only read, of which AWS alone can say what it gives.
fn of_live(design: &Design<'_>, (ix, need): (Ix, &Need), needed: Ix, name: &str) -> Option<Finding> {
    let Spec::Stack(stack) = &design.node(needed).spec else { return None };
    // What a template gives that is not here, nobody knows before it is used.
    let live = design.live.filter(|_| !stack.manage)?.stacks.get(&needed)?;
    if live.outputs.contains_key(name) {
        return None;
    }
    let message = format!("`{}` has no output `{name}`: the stack, as it is live, does not give it", need.node);
    let problem = RULE.problem(need.span.clone(), message).label("no such output");
    let problem = match nearest(name, live.outputs.keys().map(String::as_str)) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem,
    };
    let all: Vec<_> = live.outputs.keys().map(|name| format!("`{name}`")).collect();
    let help = if all.is_empty() { "it gives none at all".to_owned() } else { format!("it gives {}", all.join(", ")) };
    Some(Finding { problem: problem.help(help), nodes: vec![ix] })
}
