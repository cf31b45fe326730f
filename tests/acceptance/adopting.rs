//! What somebody else has made becomes the plan's.

use crate::orch::{Orch, QUICK};
use crate::world;

const ON: [&str; 4] = ["plans/us-east-1.toml", "--local", "--local-config", "quick.toml"];

fn run(orch: &Orch, command: &str, more: &[&str]) -> crate::orch::Ended {
    orch.run(&[&[command], &ON[..], more].concat())
}

/// The shipped plan's network, as if somebody had made it without orch.
fn strange() -> Orch {
    let orch = Orch::with_shipped_plans();
    orch.write("quick.toml", QUICK);
    run(&orch, "apply", &[]).code(0);
    world::of(&orch).unmark();
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
