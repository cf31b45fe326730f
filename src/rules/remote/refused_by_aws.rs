//! A template that CloudFormation refuses.

use crate::diag::{Code, Severity};
use crate::plan::Spec;
use crate::rules::design::Design;
use crate::rules::live::Verdict;
use crate::rules::rule::{Report, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(81),
    name: "refused-by-aws",
    severity: Severity::Error,
    summary: "CloudFormation was asked about a template and refuses it",
    explanation: "Found by `orch validate --remote` alone, which has CloudFormation look over every distinct template \
                  (ValidateTemplate) once in each region that it is used in, in the account of the first node there. \
                  The words under the place are CloudFormation's.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.app]
account  = "master"
template = «"topic.yaml"»
--- topic.yaml
Resources:
  Topic: {Type: "AWS::SNS::Tropic"}
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
  Topic: {Type: "AWS::SNS::Topic"}
"#,
    check: Some(check),
};

fn check(design: &Design<'_>, report: &mut Report) {
    for judged in design.live.iter().flat_map(|live| &live.templates) {
        let Verdict::Refused(words) = &judged.verdict else { continue };
        for ix in &judged.nodes {
            let Spec::Stack(stack) = &design.node(*ix).spec else { continue };
            let Some(template) = &stack.template else { continue };
            let message = format!("CloudFormation refuses {template} in {}", judged.place);
            let problem = RULE.problem(template.span().clone(), message).label(words.as_str());
            // One for each stack, so that excusing one of them does not excuse the others.
            report.add([*ix], problem.help(format!("mend {template}: the words under the place are CloudFormation's")));
        }
    }
}
