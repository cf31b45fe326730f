//! An account that cannot be used.

use crate::diag::{Code, Problem, Severity};
use crate::rules::design::Design;
use crate::rules::rule::{Report, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(80),
    name: "unusable-account",
    severity: Severity::Error,
    summary: "an account cannot be reached, or its credentials are for another one",
    explanation: "Found by `orch validate --remote` alone, which signs in to every account as the plan says and asks \
                  AWS who it is there. The message has AWS's words. `orch apply` asks the same before it changes \
                  anything. What is wrong with one account hides nothing of the others; what only that account could \
                  tell is not checked.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
dev    = { id = "222222222222", role = «"Nobody"» }
[stacks.app]
account  = "dev"
template = "topic.yaml"
--- topic.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
"#,
    right: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
dev    = { id = "222222222222", role = "MasterAcctRole" }
[stacks.app]
account  = "dev"
template = "topic.yaml"
--- topic.yaml
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
"#,
    check: Some(check),
};

fn check(design: &Design<'_>, report: &mut Report) {
    let accounts = &design.plan.accounts;
    for found in design.live.iter().flat_map(|live| &live.accounts) {
        let Some(account) = accounts.get(&found.account) else { continue };
        let role = account.role_span.as_ref().filter(|_| found.role);
        // A role of the defaults is that of many accounts: the id tells which of them it is.
        let is_own = |span| accounts.values().filter(|other| other.role_span.as_ref() == Some(span)).count() == 1;
        let problem = match role {
            Some(role) if is_own(role) => RULE.problem(role.clone(), &*found.message).label("AWS refuses this role"),
            Some(role) => {
                let problem = RULE.problem(account.id_span.clone(), &*found.message);
                problem.related(role.clone(), "AWS refuses this role")
            }
            None => RULE.problem(account.id_span.clone(), &*found.message),
        };
        let problem = found.help.iter().fold(problem, Problem::help);
        report.add([], problem);
    }
}
