//! What left the plan, and the inventory by which it is found. The real binary, in a folder of its own.
#![expect(clippy::disallowed_methods, reason = "the tests look at the inventory's files")]

use std::fs;

use crate::orch::{Orch, QUICK};

const INVENTORY: &str = ".orch/local/inventory/core-network-us-east-1.json";

fn args<'a>(command: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&[command, "plans/us-east-1.toml", "--local", "--local-config", "quick.toml"], more].concat()
}

/// The shipped plan, applied.
fn applied() -> Orch {
    let orch = Orch::with_shipped_plans();
    orch.write("quick.toml", QUICK);
    orch.run(&args("apply", &[])).code(0);
    orch
}

/// Takes the spoke `qa` and its account out of the plan.
fn without_qa(orch: &Orch) {
    orch.edit("plans/us-east-1.toml", ", qa = \"10.0.64.0/20\"", "");
    orch.edit("plans/hub-and-spoke.toml", "qa      = { id = \"555555555555\", role = \"MasterAcctRole\" }\n", "");
}

#[test]
fn what_left_the_plan_is_told_by_preview_also_in_an_account_that_it_names_no_more() {
    let orch = applied();
    let ended = orch.run(&args("preview", &[])).code(0);
    assert!(!ended.stdout.contains("left the plan"), "{}", ended.stdout);
    without_qa(&orch);
    let ended = orch.run(&args("preview", &[])).code(0);
    ended.prints(&[
        "left the plan",
        "- stacks.spoke[qa]  delete us-east-1-qa  in qa, us-east-1",
        "- peerings.spoke[qa]  delete pcx-",
        "- routes.hub-to-spoke[qa]  delete rtb-",
        "- routes.spoke-to-hub[qa]  delete rtb-",
        "Nothing to do. 13 nodes: 13 unchanged; 8 left the plan",
    ]);
    let json = orch.run(&args("preview", &["--format", "json"])).code(0);
    let read: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let left = read["left"].as_array().unwrap();
    assert_eq!((left.len(), &left[7]["node"], &left[7]["action"]), (8, &"stacks.spoke[qa]".into(), &"delete".into()));
    orch.run(&args("preview", &["--format", "markdown"]))
        .code(0)
        .prints(&["left the plan", "| `-` | `stacks.spoke[qa]` |"]);
    // A part of the plan tells nothing of what left it.
    let part = orch.run(&args("preview", &["--only", "stacks"])).code(0);
    assert!(!part.stdout.contains("left the plan"), "{}", part.stdout);
    // Without the inventory nobody knows of the account.
    fs::remove_file(orch.path(INVENTORY)).unwrap();
    let ended = orch.run(&args("preview", &[])).code(0);
    assert!(!ended.stdout.contains("stacks.spoke[qa]"), "{}", ended.stdout);
}

#[test]
fn an_account_of_the_past_that_cannot_be_reached_is_told_and_hides_nothing() {
    let orch = applied();
    without_qa(&orch);
    orch.edit("plans/us-east-1.toml", ", test = \"10.0.48.0/20\"", "");
    let closed = format!("{QUICK}\n[[role]]\naccount = \"555555555555\"\nname = \"MasterAcctRole\"\nexists = false\n");
    orch.write("quick.toml", &closed);
    orch.run(&args("preview", &[])).code(0).prints(&[
        "not looked into for what left the plan",
        "account qa (555555555555) cannot be reached",
        "take it out of the inventory",
        "- stacks.spoke[test]  delete us-east-1-test",
    ]);
}

#[test]
fn a_damaged_inventory_is_told_and_set_aside_and_one_that_cannot_be_written_stops_nothing() {
    let orch = applied();
    orch.write(INVENTORY, "{ half");
    orch.run(&args("preview", &[])).code(0).says(&["the inventory", "cannot be used", INVENTORY]);
    orch.run(&args("apply", &[])).code(0).says(&["was set aside"]);
    assert_eq!(fs::read_to_string(orch.path(&format!("{INVENTORY}.damaged"))).unwrap(), "{ half");
    assert!(fs::read_to_string(orch.path(INVENTORY)).unwrap().contains("\"555555555555\""));
    fs::remove_dir_all(orch.path(".orch/local/inventory")).unwrap();
    orch.write(".orch/local/inventory", "a file where the folder should be");
    let ended = orch.run(&args("apply", &[])).code(0);
    assert_eq!(ended.stderr.matches("cannot be written").count(), 1, "{}", ended.stderr);
}
