//! Something that AWS would not tell.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Code, Severity, Span};
use crate::ids::AccountName;
use crate::plan::Spec;
use crate::rules::design::Design;
use crate::rules::live::{Subject, Unread};
use crate::rules::rule::{Report, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(82),
    name: "not-read",
    severity: Severity::Error,
    summary: "AWS would not tell something that the plan was to be held against",
    explanation: "Found by `orch validate --remote` alone: a call was refused, as a rule for want of a permission, or \
                  did not come through. The plan is then checked without what the call would have told, and is not \
                  called sound. docs/accounts.md lists the permissions.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
«[stacks.app]»
account  = "master"
template = "topic.yaml"
--- topic.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
"#,
    right: "",
    check: Some(check),
};

fn check(design: &Design<'_>, report: &mut Report) {
    let mut of_accounts: BTreeMap<&AccountName, Vec<&Unread>> = BTreeMap::new();
    for found in design.live.iter().flat_map(|live| &live.unread) {
        let problem = |span: &Span| RULE.problem(span.clone(), &*found.message).help(help(&[found]));
        match &found.of {
            Subject::Account(name) => of_accounts.entry(name).or_default().push(found),
            Subject::Stack(ix) => report.add([*ix], problem(&design.node(*ix).span)),
            Subject::Template(nodes) => {
                for ix in nodes {
                    let Spec::Stack(stack) = &design.node(*ix).spec else { continue };
                    let Some(template) = &stack.template else { continue };
                    report.add([*ix], problem(template.span()));
                }
            }
        }
    }
    // All that an account would not tell has one place, at which one problem is told.
    for (name, found) in of_accounts {
        let Some(account) = design.plan.accounts.get(name) else { continue };
        let words: Vec<_> = found.iter().map(|one| one.message.as_str()).collect();
        report.add([], RULE.problem(account.id_span.clone(), words.join("; ")).help(help(&found)));
    }
}

fn help(found: &[&Unread]) -> String {
    let permissions: BTreeSet<_> = found.iter().map(|one| one.permission).collect();
    let permissions = permissions.into_iter().collect::<Vec<_>>().join(", ");
    format!("the account's credentials need {permissions}; if the network was out of order, run again")
}
