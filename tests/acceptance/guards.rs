//! What a plan protects. The real binary, in a folder of its own.

use crate::orch::{Orch, QUICK};
use crate::world;

const AWS: [&str; 4] = ["plans/us-east-1.toml", "--local", "--local-config", "quick.toml"];

const DESIGN: &str = "plans/hub-and-spoke.toml";

fn args<'a>(command: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&[command], &AWS[..], more].concat()
}

#[test]
fn what_is_protected_is_not_replaced_and_nothing_is_destroyed_beside_it() {
    let orch = Orch::with_shipped_plans();
    orch.write("quick.toml", QUICK);
    let protected = "[stacks.master]\nprotect  = [\"delete\", \"replace\"]\n";
    orch.edit(DESIGN, "[stacks.master]\n", protected);
    orch.run(&args("explain", &[]).into_iter().take(2).chain(["stacks.master"]).collect::<Vec<_>>())
        .code(0)
        .prints(&["protected", "its deletion, and the replacement or removal of its resources"]);
    let first = orch.run(&args("apply", &["-v"])).code(0);
    first.says(&["protection from deletion: off → on", "stack policy: none → no replacement, no removal"]);

    let kept = orch.run(&args("destroy", &[])).code(1);
    let kept = kept.prints(&["is protected from deletion", "the plan protects it", "plans/hub-and-spoke.toml:"]);
    kept.says(&["nothing was changed"]);
    world::of(&orch).is_a_hub_with_spokes("us-east-1", "10.0.0.0/20", &world::SPOKES);

    orch.edit("plans/us-east-1.toml", "10.0.0.0/20", "10.0.128.0/20");
    orch.run(&args("preview", &[])).code(1).prints(&[
        "! stacks.master  would fail",
        "is protected from the replacement and removal of its resources",
        "VPC (AWS::EC2::VPC) would be replaced by CidrBlock",
        "take \"replace\" out of `protect`",
    ]);
    orch.edit("plans/us-east-1.toml", "10.0.128.0/20", "10.0.0.0/20");

    // What protects it stands at AWS: that the plan says nothing of it any more changes nothing.
    orch.edit(DESIGN, protected, "[stacks.master]\n");
    orch.run(&args("apply", &[])).code(0).prints(&["Nothing changed"]);
    orch.run(&args("destroy", &[])).code(1).prints(&["its termination protection is on", "`protect = []`"]);
    world::of(&orch).is_a_hub_with_spokes("us-east-1", "10.0.0.0/20", &world::SPOKES);

    orch.edit(DESIGN, "[stacks.master]\n", "[stacks.master]\nprotect  = []\n");
    orch.run(&args("apply", &[])).code(0).prints(&["1 changed"]);
    orch.run(&args("destroy", &[])).code(0);
    world::of(&orch).is_empty();
}

#[test]
fn what_follows_a_stack_in_express_mode_waits_until_ec2_knows_what_it_has_made() {
    let orch = Orch::with_shipped_plans();
    orch.write("quick.toml", &QUICK.replace("[timing]\n", "[timing]\nexpress_visible_ms = 1500\n"));
    orch.edit(DESIGN, "[defaults.stacks]\n", "[defaults.stacks]\ndeployment = \"express\"\n");
    orch.run(&args("apply", &[])).code(0);
    world::of(&orch).is_a_hub_with_spokes("us-east-1", "10.0.0.0/20", &world::SPOKES);
    orch.run(&args("apply", &[])).code(0).prints(&["Nothing changed"]);
}
