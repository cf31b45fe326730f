//! A capability that the template needs and the plan does not grant.

use crate::cfn::Capability;
use crate::diag::{Code, Severity};
use crate::graph::Ix;
use crate::rules::design::Design;
use crate::rules::live::Verdict;
use crate::rules::rule::{Report, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(57),
    name: "missing-capability",
    severity: Severity::Error,
    summary: "a template makes IAM resources, or has macros, and the plan does not allow it",
    explanation: "CloudFormation wants an explicit yes before it makes IAM resources (`CAPABILITY_IAM`), gives them \
                  names of the template's choice (`CAPABILITY_NAMED_IAM`, which includes the other), or lets macros \
                  change the template (`CAPABILITY_AUTO_EXPAND`). orch never says it by itself: write it into the \
                  plan, where a reviewer sees it. `orch validate --remote` has AWS say what the template needs, too.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.role]
account  = "master"
template = «"role.yaml"»
--- role.yaml
Resources:
  Role: {Type: "AWS::IAM::Role", Properties: {AssumeRolePolicyDocument: {}}}
"#,
    right: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.role]
account      = "master"
template     = "role.yaml"
capabilities = ["CAPABILITY_IAM"]
--- role.yaml
Resources:
  Role: {Type: "AWS::IAM::Role", Properties: {AssumeRolePolicyDocument: {}}}
"#,
    check: Some(check),
};

fn check(design: &Design<'_>, report: &mut Report) {
    for (ix, stack, template, _) in design.judged_stacks() {
        if !design.node(ix).whole {
            continue;
        }
        let mut needed = design.stack(ix).map(|(_, document)| document.capabilities()).unwrap_or_default();
        // Whoever nests a template must be allowed what it does.
        for nested in design.nested(stack) {
            needed = needed.and(nested.capabilities());
        }
        let granted = || stack.capabilities.iter().map(|name| &**name);
        let missing: Vec<_> =
            needed.capabilities.iter().filter(|capability| !capability.is_granted_by(granted())).collect();
        let mut names: Vec<String> = missing.iter().map(ToString::to_string).collect();
        let lacks_iam = missing.iter().any(|capability| **capability != Capability::AutoExpand);
        let types = needed.resource_types.iter().filter(|_| lacks_iam).map(String::as_str);
        let macros = missing.contains(&&Capability::AutoExpand).then_some("macros");
        let found = format!("it has {}", types.chain(macros).collect::<Vec<_>>().join(", "));
        let (asked, said) = of_aws(design, ix, granted);
        let asked: Vec<_> = asked.into_iter().filter(|name| !names.contains(name)).collect();
        let label = if names.is_empty() { format!("AWS says: {said}") } else { found };
        names.extend(asked);
        if names.is_empty() {
            continue;
        }
        let message = format!("{template} needs {}", names.join(" and "));
        let problem = RULE.problem(template.span().clone(), message).label(label);
        let all: Vec<_> = granted().map(str::to_owned).chain(names).map(|name| format!("\"{name}\"")).collect();
        report.add([ix], problem.help(format!("if that is meant, allow it: capabilities = [{}]", all.join(", "))));
    }
}

/// What AWS says that a node's template needs and is not granted, and why it says so.
fn of_aws<'n, N: Iterator<Item = &'n str>>(
    design: &Design<'_>,
    ix: Ix,
    granted: impl Fn() -> N,
) -> (Vec<String>, String) {
    let judged = design.judged(ix);
    let Some(Verdict::Taken { capabilities, reason, .. }) = judged.map(|judged| &judged.verdict) else {
        return (Vec::new(), String::new());
    };
    // Who may name IAM resources may make them.
    let is_granted =
        |name: &str| granted().any(|own| own == name || (name == "CAPABILITY_IAM" && own == "CAPABILITY_NAMED_IAM"));
    (capabilities.iter().filter(|name| !is_granted(name)).cloned().collect(), reason.clone())
}
