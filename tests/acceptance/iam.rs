//! `orch iam`, and the commands under the policies that it prints for them. The real binary, in a folder of its own.

use crate::orch::{Orch, QUICK};
use crate::world;

const PLAN: &str = "plans/us-east-1.toml";

fn args<'a>(command: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&[command, PLAN, "--local", "--local-config", "aws.toml"], more].concat()
}

/// The shipped plan, applied by somebody who may do everything.
fn applied() -> Orch {
    let orch = Orch::with_shipped_plans();
    orch.write("aws.toml", QUICK);
    orch.run(&args("apply", &[])).code(0);
    orch
}

/// Lets the roles do what a command needs, and nothing else.
fn enforce(orch: &Orch, purpose: &str) {
    let printed = orch.run(&["iam", PLAN, "--for", purpose, "--format", "json"]).code(0);
    orch.write("iam.json", &printed.stdout);
    orch.write("aws.toml", &format!("policies = \"iam.json\"\n{QUICK}"));
}

/// Runs a command that is refused nothing.
#[track_caller]
fn passes(orch: &Orch, code: i32, args: &[&str]) {
    let ended = orch.run(args).code(code);
    for text in [&ended.stdout, &ended.stderr] {
        assert!(!text.contains("not authorized"), "{args:?}: {text}");
    }
}

#[test]
fn each_command_is_refused_nothing_under_the_policies_that_are_printed_for_it() {
    let orch = applied();
    enforce(&orch, "read-only");
    passes(&orch, 0, &args("preview", &["--read-only"]));
    passes(&orch, 0, &args("status", &[]));
    passes(&orch, 0, &args("outputs", &[]));
    passes(&orch, 0, &["validate", PLAN, "--remote", "--local", "--local-config", "aws.toml"]);
    enforce(&orch, "drift");
    passes(&orch, 0, &args("drift", &[]));
    enforce(&orch, "cancel");
    passes(&orch, 0, &args("cancel", &["--yes"]));
    orch.edit("plans/us-east-1.toml", ", qa = \"10.0.64.0/20\"", ", qa = \"10.0.80.0/20\"");
    enforce(&orch, "preview");
    passes(&orch, 5, &args("preview", &[]));
    enforce(&orch, "simulate");
    let ended = orch.run(&args("preview", &["--simulate", "--only", "account:dev"]));
    assert!(!ended.stderr.contains("not authorized"), "{}", ended.stderr);
    orch.edit("plans/us-east-1.toml", ", qa = \"10.0.80.0/20\"", ", qa = \"10.0.64.0/20\"");
    world::of(&orch).unmark();
    enforce(&orch, "adopt");
    passes(&orch, 0, &args("adopt", &["stacks", "peerings", "--yes"]));
    assert_eq!(world::of(&orch).marked(), 9);
}

#[test]
fn what_is_not_granted_is_refused_with_what_to_allow_and_nothing_is_changed() {
    let orch = applied();
    enforce(&orch, "read-only");
    orch.edit("plans/hub-and-spoke.toml", r#"Purpose = "Infrastructure""#, r#"Purpose = "Network""#);
    let before = world::of(&orch).shape();
    let ended = orch.run(&args("apply", &["--yes"])).code(1);
    ended.prints(&["allow cloudformation:CreateChangeSet to the role that orch uses in account dev"]);
    assert_eq!(world::of(&orch).shape(), before);
}

#[test]
fn a_role_comes_as_a_template_for_one_account_at_a_time() {
    let orch = Orch::with_shipped_plans();
    let many = orch.run(&["iam", PLAN, "--bootstrap"]).code(2);
    many.says(&["choose one with --account NAME", "dev, staging, test, qa"]);
    orch.run(&["iam", PLAN, "--bootstrap", "--account", "master"]).code(2).says(&["no role is assumed in it"]);
    orch.run(&["iam", PLAN, "--account", "dve"]).code(2).says(&["the plan has no account `dve`"]);
    orch.run(&["iam", PLAN, "--for", "aply"]).code(2).says(&["there are apply, preview, read-only"]);
    let role = orch.run(&["iam", PLAN, "--bootstrap", "--account", "dev", "--for-templates"]).code(0);
    let template: serde_json::Value = serde_json::from_str(&role.stdout).unwrap();
    assert_eq!(template["Resources"]["Role"]["Properties"]["RoleName"], "MasterAcctRole");
    let text = orch.run(&["iam", PLAN, "--account", "dev"]).code(0);
    text.prints(&["# dev (222222222222), arn:aws:iam::222222222222:role/MasterAcctRole", "\"Sid\": \"ChangeStacks\""]);
}
