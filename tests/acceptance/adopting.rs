//! What somebody else has made becomes the plan's, or a plan is made of it.
#![expect(clippy::disallowed_methods, reason = "the tests read what the binary writes")]

use crate::orch::{Orch, QUICK};
use crate::world;

const ON: [&str; 4] = ["plans/us-east-1.toml", "--local", "--local-config", "quick.toml"];

fn run(orch: &Orch, command: &str, more: &[&str]) -> crate::orch::Ended {
    orch.run(&[&[command], &ON[..], more].concat())
}

/// The shipped plan's network, as if somebody had made it without orch: without its tags, and without the inventory, which
/// knows of the routes who made them.
fn strange() -> Orch {
    let orch = Orch::with_shipped_plans();
    orch.write("quick.toml", QUICK);
    run(&orch, "apply", &[]).code(0);
    world::of(&orch).unmark();
    std::fs::remove_dir_all(orch.path(".orch/local/inventory")).unwrap();
    orch
}

#[test]
fn what_a_plan_adopts_is_left_as_it_is_and_not_deleted() {
    let orch = strange();
    run(&orch, "preview", &[]).code(1).prints(&["it has no tags of orch", "orch adopt PLAN 'stacks.master'"]);
    let adopting = "\n[defaults.peerings]\nadopt = true\n\n[defaults.stacks]\nadopt = true\n";
    orch.edit("plans/hub-and-spoke.toml", "\n[defaults.stacks]\n", adopting);
    let before = world::of(&orch).shape();
    run(&orch, "preview", &[]).code(0).prints(&["Nothing to do", "stands without orch's tags"]);
    run(&orch, "apply", &[]).code(0);
    run(&orch, "status", &[]).code(0);
    run(&orch, "destroy", &["--yes"]).code(1).prints(&["take it over first: `orch adopt PLAN"]);
    assert_eq!(world::of(&orch).shape(), before);
    assert_eq!(world::of(&orch).marked(), 0);
}

#[test]
fn what_is_taken_over_bears_the_tags_and_is_the_plans_own() {
    let orch = strange();
    let refused = orch.run(&["adopt", "plans/us-east-1.toml", "stacks.master"]);
    refused.code(4).says(&["will adopt 1 stack", "give --yes"]);
    run(&orch, "adopt", &["stacks"]).code(0).says(&["tag orch:plan: core-network-us-east-1", "5 to update"]);
    run(&orch, "adopt", &["peerings", "routes"]).code(0);
    assert_eq!(world::of(&orch).marked(), 9);
    run(&orch, "preview", &[]).code(0).prints(&["Nothing to do"]);
    // Another plan gets it only on purpose.
    orch.edit("plans/us-east-1.toml", "\"core-network-us-east-1\"", "\"other\"");
    let others = run(&orch, "adopt", &["stacks.master"]).code(1);
    others.prints(&["belongs to plan `core-network-us-east-1`", "--from-other"]);
    run(&orch, "adopt", &["stacks.master", "--from-other"]).code(0);
    run(&orch, "preview", &["--only", "stacks.master"]).code(0);
    // Nothing is made by it.
    orch.edit("plans/us-east-1.toml", "\"other\"", "\"core-network-us-east-1\"");
    run(&orch, "adopt", &["stacks.master", "--from-other"]).code(0);
    run(&orch, "destroy", &["--yes"]).code(0);
    run(&orch, "adopt", &["stacks.master"]).code(1).prints(&["does not exist, so it cannot be adopted"]);
    world::of(&orch).is_empty();
}

/// The accounts of the shipped plan, as `orch import` takes them.
const ACCOUNTS: [&str; 10] = [
    "--account",
    "master=111111111111",
    "--account",
    "dev=222222222222:MasterAcctRole",
    "--account",
    "staging=333333333333:MasterAcctRole",
    "--account",
    "test=444444444444:MasterAcctRole",
    "--account",
    "qa=555555555555:MasterAcctRole",
];

const INTO: [&str; 9] = [
    "import",
    "--name",
    "imported",
    "--region",
    "us-east-1",
    "--out",
    "imported/plan.toml",
    "--local",
    "--local-config=quick.toml",
];

#[test]
fn a_plan_that_was_imported_describes_what_stands_and_changes_nothing() {
    let orch = strange();
    let before = world::of(&orch).shape();
    let ended = orch.run(&[&INTO[..], &ACCOUNTS[..]].concat());
    ended.code(0).prints(&["imported/plan.toml: 5 stacks, 4 peerings, 8 routes; 2 templates"]);
    let plan = std::fs::read_to_string(orch.path("imported/plan.toml")).unwrap();
    for guessed in [
        "accepter = { account = \"master\", vpc = \"{{ stacks.us-east-1-master.outputs.VPCId }}\" }",
        "destination = \"{{ stacks.us-east-1-master.outputs.VPCCIDRBlock }}\"",
        "\"{{ stacks.us-east-1-dev.outputs.RouteTableId }}\"",
    ] {
        assert!(plan.contains(guessed), "{guessed} is not in:\n{plan}");
    }
    orch.run(&["validate", "imported/plan.toml"]).code(0);
    let local = ["imported/plan.toml", "--local", "--local-config", "quick.toml"];
    orch.run(&[&["preview"], &local[..]].concat()).code(0).prints(&["Nothing to do. 17 nodes: 17 unchanged"]);
    orch.run(&[&["apply"], &local[..]].concat()).code(0);
    assert_eq!((world::of(&orch).shape(), world::of(&orch).marked()), (before, 0));
    // What it wrote is not overwritten unasked.
    orch.run(&[&INTO[..], &ACCOUNTS[..]].concat()).code(2).says(&["is there already", "--force"]);
    orch.run(&[&INTO[..], &ACCOUNTS[..], &["--force"]].concat()).code(0);
    assert_eq!(std::fs::read_to_string(orch.path("imported/plan.toml")).unwrap(), plan);
    // Once it is the plan's own, another import leaves it out.
    orch.run(&[&["adopt"], &local[..], &["stacks", "peerings"]].concat()).code(0);
    let again = orch.run(&[&INTO[..], &ACCOUNTS[..], &["--force"]].concat());
    again.code(1).says(&["it belongs to plan `imported` of orch", "nothing was written"]);
}

#[test]
fn an_import_takes_accounts_from_a_file_and_says_why_it_cannot() {
    let orch = strange();
    let accounts =
        "[accounts]\nmaster = { id = \"111111111111\" }\ndev = { id = \"222222222222\", role = \"MasterAcctRole\" }\n";
    orch.write("imported/accounts.toml", accounts);
    let outside = orch.run(&[&INTO[..], &["--accounts", "quick.toml"]].concat());
    outside.code(2).says(&["does not lie in the folder of imported/plan.toml"]);
    let ended = orch.run(&[&INTO[..], &["--accounts", "imported/accounts.toml"]].concat());
    ended.code(0).prints(&["2 stacks, 1 peering, 2 routes"]).says(&["account 333333333333 was not among those"]);
    let local = ["preview", "imported/plan.toml", "--local", "--local-config", "quick.toml"];
    orch.run(&local).code(0).prints(&["Nothing to do"]);
    // What cannot be read is told, and nothing is written of the rest.
    orch.write("broken.toml", "[[role]]\naccount = \"222222222222\"\nname = \"MasterAcctRole\"\nexists = false\n");
    let args = [
        "import",
        "--name",
        "x",
        "--region",
        "us-east-1",
        "--out",
        "x/plan.toml",
        "--local",
        "--local-config=broken.toml",
    ];
    orch.run(&[&args[..], &ACCOUNTS[..4]].concat()).code(3).says(&["dev", "nothing was written"]);
    assert!(!orch.path("x").exists());
}
