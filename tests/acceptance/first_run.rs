//! The README's first command, run as a newcomer would: the real binary, default durations, a folder of its own.

use crate::orch::{Orch, QUICK};
use crate::world;

const APPLY: [&str; 3] = ["apply", "plans/us-east-1.toml", "--local"];

fn quick() -> Orch {
    let orch = Orch::with_shipped_plans();
    orch.write("aws.toml", QUICK);
    orch
}

fn quickly<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [args, &["--local-config", "aws.toml"]].concat()
}

#[test]
fn the_first_command_builds_peers_and_routes_a_hub_and_four_spokes() {
    let orch = Orch::with_shipped_plans();
    let ended = orch.run(&APPLY).code(0);
    let ended = ended.prints(&["17 changed"]);
    // The outputs stand before the summary, which names the nodes once more.
    let (outputs, _) = ended.stdout.split_once("Changed:").expect("there is a summary");
    let node = |name: &str| outputs.lines().filter(|line| line.starts_with(&format!("{name} "))).count();
    assert_eq!(node("stacks.master"), 1, "{outputs}");
    for spoke in ["dev", "staging", "test", "qa"] {
        for group in ["stacks.spoke", "peerings.spoke", "routes.spoke-to-hub", "routes.hub-to-spoke"] {
            assert_eq!(node(&format!("{group}[{spoke}]")), 1, "{group}[{spoke}] in:\n{outputs}");
        }
    }
    // What each line gives, counted over all nodes: five stacks, four active peerings, eight routes.
    let given = |output: &str, value: &str| {
        let words = |line: &str| line.split_whitespace().rev().take(2).map(str::to_owned).collect::<Vec<_>>();
        let fits = |line: &&str| matches!(&*words(line), [last, name] if name == output && last.starts_with(value));
        outputs.lines().filter(fits).count()
    };
    for (output, value, count) in [
        ("VPCId", "vpc-", 5),
        ("VPCCIDRBlock", "10.0.", 5),
        ("RouteTableId", "rtb-", 5),
        ("InternalRouteTableA", "rtb-", 5),
        ("InternalRouteTableB", "rtb-", 5),
        ("id", "pcx-", 4),
        ("status", "active", 4),
        ("destination", "10.0.", 8),
        ("route_tables", "rtb-", 8),
        ("via", "pcx-", 8),
    ] {
        assert_eq!(given(output, value), count, "{output} in:\n{outputs}");
    }
    world::of(&orch).is_a_hub_with_spokes("us-east-1", "10.0.0.0/20", &world::SPOKES);
}

#[test]
fn a_second_apply_changes_nothing_and_says_so() {
    let orch = quick();
    orch.run(&quickly(&APPLY)).code(0);
    let before = world::of(&orch).shape();
    orch.run(&quickly(&APPLY)).code(0).prints(&["Nothing changed"]);
    assert_eq!(world::of(&orch).shape(), before);
}

#[test]
fn destroy_leaves_an_empty_world() {
    let orch = quick();
    orch.run(&quickly(&APPLY)).code(0);
    orch.run(&quickly(&["destroy", "plans/us-east-1.toml", "--local"])).code(0).prints(&["17 changed"]);
    world::of(&orch).is_empty();
    orch.run(&quickly(&["destroy", "plans/us-east-1.toml", "--local"])).code(0).prints(&["Nothing changed"]);
}

#[test]
fn two_regions_live_side_by_side() {
    let orch = quick();
    orch.run(&quickly(&APPLY)).code(0);
    orch.run(&quickly(&["apply", "plans/us-west-2.toml", "--local"])).code(0);
    world::of(&orch).is_a_hub_with_spokes("us-east-1", "10.0.0.0/20", &world::SPOKES);
    let west = [
        ("222222222222", "10.1.16.0/20"),
        ("333333333333", "10.1.32.0/20"),
        ("444444444444", "10.1.48.0/20"),
        ("555555555555", "10.1.64.0/20"),
    ];
    world::of(&orch).is_a_hub_with_spokes("us-west-2", "10.1.0.0/20", &west);
    orch.run(&quickly(&["destroy", "plans/us-west-2.toml", "--local"])).code(0);
    world::of(&orch).is_a_hub_with_spokes("us-east-1", "10.0.0.0/20", &world::SPOKES);
}

#[test]
fn one_account_and_no_peering_as_the_script_had_it() {
    let orch = quick();
    orch.run(&quickly(&[&APPLY[..], &["--skip", "peerings", "--skip", "routes"]].concat()))
        .code(0)
        .prints(&["5 changed"]);
    orch.run(&quickly(&[&APPLY[..], &["--only", "account:dev"]].concat())).code(0);
    world::of(&orch).is_a_hub_with_spokes_routed_one_way("us-east-1", &world::SPOKES[..1]);
    orch.run(&quickly(&APPLY)).code(0);
    world::of(&orch).is_a_hub_with_spokes("us-east-1", "10.0.0.0/20", &world::SPOKES);
}

#[test]
fn what_is_left_out_and_does_not_exist_is_named_with_the_node_that_needs_it() {
    let orch = quick();
    orch.run(&quickly(&[&APPLY[..], &["--only", "peerings.spoke[dev]"]].concat())).code(1).says(&[
        "stacks.master",
        "does not exist",
        "peerings.spoke[dev]",
    ]);
}

#[test]
fn outputs_come_as_a_table_as_json_and_for_the_shell() {
    let orch = quick();
    orch.run(&quickly(&APPLY)).code(0);
    let outputs = |format: &str| {
        orch.run(&quickly(&["outputs", "plans/us-east-1.toml", "--local", "--format", format])).code(0).stdout
    };
    let json: serde_json::Value = serde_json::from_str(&outputs("json")).unwrap();
    let vpc = json["stacks.spoke[dev]"]["outputs"]["VPCId"].as_str().unwrap();
    assert!(vpc.starts_with("vpc-"), "{vpc}");
    assert!(json["peerings.spoke[dev]"]["outputs"]["id"].as_str().unwrap().starts_with("pcx-"));
    assert!(outputs("table").contains(vpc));
    assert!(outputs("env").contains(&format!("STACKS_SPOKE_DEV_VPCID='{vpc}'")), "{}", outputs("env"));
}

#[test]
fn outputs_of_what_does_not_exist_end_with_one() {
    let orch = quick();
    orch.run(&quickly(&["outputs", "plans/us-east-1.toml", "--local"])).code(1).says(&["stacks.master"]);
}
