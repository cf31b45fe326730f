//! A reference to an output that the stack's template does not declare.

use std::collections::HashSet;

use crate::diag::{Code, Severity, Span};
use crate::plan::{Attribute, nearest};
use crate::rules::design::Design;
use crate::rules::rule::{Report, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(52),
    name: "unknown-output",
    severity: Severity::Error,
    summary: "a value refers to an output that the stack's template does not declare",
    explanation: "Stacks that are only read have no template here, and macros may add outputs: neither can be decided, \
                  and what cannot be decided is silent.",
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
    // Instances of a group share their expressions: an output is looked for once in each template.
    let mut looked = HashSet::new();
    for (ix, node) in design.nodes() {
        for need in &node.needs {
            let Some(Attribute::Output(name)) = &need.attribute else { continue };
            let Some(needed) = design.graph.get(&need.node) else { continue };
            let Some((stack, document)) = design.stack(needed) else { continue };
            let Some(template) = &stack.template else { continue };
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
                None => problem,
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
