//! Two hundred stacks at once, in a process that may open few files.

use std::fmt::Write as _;

use crate::orch::{Ended, Orch};
use crate::server::Served;

/// Accounts, with a stack in each of two regions.
const ACCOUNTS: usize = 100;

/// Calls that take their time, so that many are under way at once.
const SLOW_CALLS: &str = "[timing]\nlatency_ms = 250\nresource_ms = 0\n";

const TEMPLATE: &str = "Resources:\n  Topic:\n    Type: AWS::SNS::Topic\n";

/// A plan of two stacks in each of a hundred accounts.
fn plan() -> String {
    let mut plan = "name = \"many\"\nregion = \"us-east-1\"\n[accounts]\n".to_owned();
    for account in 0..ACCOUNTS {
        writeln!(plan, "a{account} = {{ id = \"{:012}\", role = \"Deploy\" }}", 200_000_000_000 + account).unwrap();
    }
    for (group, region) in [("east", "us-east-1"), ("west", "us-west-2")] {
        writeln!(
            plan,
            "[stacks.{group}]\nfor_each = \"vars.accounts\"\naccount = \"{{{{ each.value }}}}\"\nregion = \"{region}\"\n\
             name = \"{group}-{{{{ each.key }}}}\"\ntemplate = \"topic.yaml\""
        )
        .unwrap();
    }
    plan.push_str("[vars.accounts]\n");
    for account in 0..ACCOUNTS {
        writeln!(plan, "k{account} = \"a{account}\"").unwrap();
    }
    plan
}

#[test]
fn two_hundred_stacks_at_once_go_into_the_files_that_a_process_may_open() {
    for limit in ["ulimit -Sn 256; ulimit -Hn 256", "ulimit -Sn 256"] {
        let (aws, orch) = (Orch::empty(), Orch::empty());
        orch.write("many.toml", &plan()).write("topic.yaml", TEMPLATE);
        let served = Served::start(&aws, SLOW_CALLS, &["--memory"]);
        let command = served.command(&orch, &["-vv", "apply", "many.toml", "--yes"]);
        let ended = Ended::of(Orch::under(limit, &command)).code(0).prints(&["200 changed"]);
        for sign in ["Too many open files", "os error 24", "EMFILE"] {
            assert!(!ended.stderr.contains(sign), "{limit}: {sign}");
        }
    }
}
