//! An `allow` that excuses nothing.

use std::collections::HashSet;

use crate::diag::{Code, Problem, Severity, Span};
use crate::plan::Plan;
use crate::rules::ALL;
use crate::rules::remote::ASK;
use crate::rules::rule::Rule;
use crate::rules::templates::{not_a_template, too_large};

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(30),
    name: "unused-allow",
    severity: Severity::Warning,
    summary: "a node is excused from a rule that it does not break",
    explanation: "Such an excuse would hide the next mistake. Take it away, or see whether it stands at the node that \
                  it was meant for. Of a rule that may be broken by what AWS alone can say it is a hint, until `orch \
                  validate --remote` has asked. Only what is found in a plan that loads can be excused: errors in \
                  its text, its accounts or its references cannot.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[routes.out]
account      = "master"
route_tables = ["rtb-1", "rtb-2"]
destination  = "10.0.0.0/20"
via          = "pcx-1"
allow        = { «ORCH065» = "two tables of the same name" }
"#,
    right: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[routes.out]
account      = "master"
route_tables = ["rtb-1", "rtb-1"]
destination  = "10.0.0.0/20"
via          = "pcx-1"
allow        = { ORCH065 = "shows how an excuse is written" }
"#,
    // Found when all others have been: see `rules::check`.
    check: None,
};

/// The rules that may be broken by what AWS says alone: without having asked, nobody can tell that an excuse from one of
/// them is not needed: it is a hint.
const NEED_AWS: [Code; 8] = [Code(54), Code(55), Code(56), Code(57), Code(60), Code(61), Code(62), Code(63)];

/// The excuses of a plan that were not needed; `used` has the places of those that were, and `asked` says whether AWS
/// was, and told everything.
pub(in crate::rules) fn unused(plan: &Plan, used: &HashSet<Span>, asked: bool) -> Vec<Problem> {
    let mut told = HashSet::new();
    let excuses = plan.nodes.iter().flat_map(|node| node.allow.iter());
    excuses
        .filter(|excuse| asked || !ASK.contains(&excuse.code))
        .filter(|excuse| !used.contains(&excuse.key) && told.insert(&excuse.key))
        .map(|excuse| {
            let code = excuse.code;
            let of = |message: String| RULE.problem(excuse.key.clone(), message);
            let Some(rule) = ALL.iter().find(|rule| rule.code == code) else {
                return of(format!("there is no rule {code}")).help("`orch rules` lists them");
            };
            if !can_be_excused(rule) {
                return of(format!("{code} cannot be excused"))
                    .help("take this away, and put right what the rule finds");
            }
            let message = format!("{code} is allowed here, and nothing breaks it");
            let problem = of(message);
            if asked || !NEED_AWS.contains(&excuse.code) {
                return problem.help("take it away: it would hide the next mistake");
            }
            let problem = Problem { severity: Severity::Hint, ..problem };
            problem.help("take it away, unless `orch validate --remote` finds what it is for")
        })
        .collect()
}

/// Whether what a rule finds is about nodes of a plan that loads.
fn can_be_excused(rule: &Rule) -> bool {
    // These two are found when the templates are read, and each is about its stacks.
    rule.check.is_some() || [not_a_template::RULE.code, too_large::RULE.code].contains(&rule.code)
}
