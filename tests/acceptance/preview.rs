//! `orch preview`, and `apply` that shows the same before it asks.

use crate::orch::{Orch, QUICK};
use crate::world;

const PREVIEW: [&str; 5] = ["preview", "plans/us-east-1.toml", "--local", "--local-config", "quick.toml"];

fn shipped() -> Orch {
    let orch = Orch::with_shipped_plans();
    orch.write("quick.toml", QUICK);
    orch
}

fn apply(orch: &Orch) {
    orch.run(&["apply", "plans/us-east-1.toml", "--local", "--local-config", "quick.toml"]).code(0);
}

#[test]
fn the_exit_code_tells_nothing_to_do_from_changes_and_from_what_would_fail() {
    let orch = shipped();
    let ended = orch.run(&PREVIEW);
    ended.code(5).prints(&["stacks.master", "17 nodes: 17 to create", "order"]);
    apply(&orch);
    orch.run(&PREVIEW).code(0).prints(&["Nothing to do. 17 nodes: 17 unchanged"]);
    // Another plan's stacks are not this one's.
    orch.edit("plans/us-east-1.toml", "\"core-network-us-east-1\"", "\"other\"");
    orch.run(&PREVIEW).code(1).prints(&["! stacks.master  would fail", "would be skipped", "5 to fail"]);
}

#[test]
fn what_changes_is_shown_in_each_form() {
    let orch = shipped();
    apply(&orch);
    orch.edit("plans/us-east-1.toml", "10.0.64.0/20", "10.0.80.0/20");
    orch.run(&PREVIEW).code(5).prints(&["± stacks.spoke[qa]", "10.0.64.0/20 → 10.0.80.0/20", "would be lost"]);
    let json = orch.run(&[&PREVIEW[..], &["--format", "json"]].concat());
    let json = json.code(5);
    let read: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(read["version"], 1);
    let qa = read["nodes"].as_array().unwrap().iter().find(|node| node["node"] == "stacks.spoke[qa]").unwrap();
    assert_eq!((&qa["action"], &qa["resources"][0]["effect"]), (&"replace".into(), &"replace".into()));
    let markdown = orch.run(&[&PREVIEW[..], &["--format", "markdown"]].concat());
    markdown.code(5).prints(&["### `core-network-us-east-1`: changes", "<details>", "| `±` | `stacks.spoke[qa]` |"]);
}

#[test]
fn a_dry_run_is_a_preview_and_changes_nothing() {
    let orch = shipped();
    let dry = ["apply", "plans/us-east-1.toml", "--local", "--local-config", "quick.toml", "--dry-run"];
    orch.run(&dry).code(5).prints(&["17 to create"]);
    orch.run(&PREVIEW).code(5).prints(&["17 to create"]);
}

#[test]
fn apply_shows_what_it_will_do_and_says_nothing_of_what_it_will_not() {
    let orch = shipped();
    let first = orch.run(&["apply", "plans/us-east-1.toml", "--local", "--local-config", "quick.toml"]);
    first.code(0).says(&["17 nodes: 17 to create"]);
    let second = orch.run(&["apply", "plans/us-east-1.toml", "--local", "--local-config", "quick.toml"]);
    let second = second.code(0);
    assert!(!second.stderr.contains("Nothing to do"), "{}", second.stderr);
}

#[test]
fn only_chosen_nodes_are_previewed_and_others_are_read() {
    let orch = shipped();
    apply(&orch);
    orch.edit("plans/us-east-1.toml", "10.0.64.0/20", "10.0.80.0/20");
    orch.run(&[&PREVIEW[..], &["--only", "account:dev"]].concat()).code(0).prints(&["Nothing to do"]);
    orch.run(&[&PREVIEW[..], &["--only", "stacks.spoke[qa]", "--read-only"]].concat())
        .code(5)
        .prints(&["no change set was made", "1 to update"]);
}

#[test]
fn a_simulation_gives_shape_to_what_is_not_known_and_makes_nothing() {
    let orch = shipped();
    let simulate = [&PREVIEW[..], &["--simulate"]].concat();
    orch.run(&simulate).code(5).prints(&[
        "+ peerings.spoke[dev]  create",
        "    simulated: + create pcx-0000000000000",
        "17 nodes: 17 to create",
        "Simulated: 12 nodes took shape",
        "no promise",
    ]);
    let json = orch.run(&[&simulate[..], &["--format", "json"]].concat());
    let read: serde_json::Value = serde_json::from_str(&json.code(5).stdout).unwrap();
    let nodes = read["nodes"].as_array().unwrap();
    assert_eq!(nodes.iter().filter(|node| node.get("simulated").is_some()).count(), 12);
    let peering = nodes.iter().find(|node| node["node"] == "peerings.spoke[qa]").unwrap();
    assert!(peering["simulated"]["name"].as_str().unwrap().starts_with("pcx-0000000000000"));
    let markdown = orch.run(&[&simulate[..], &["--format", "markdown"]].concat());
    markdown.code(5).prints(&["; *simulated:* create pcx", "simulated: + create pcx-0000000000000"]);
    world::of(&orch).is_empty();
    apply(&orch);
    orch.run(&simulate).code(0).prints(&["Nothing to do", "Simulated: everything is known without"]);
    orch.edit("plans/us-east-1.toml", "10.0.64.0/20", "10.0.80.0/20");
    let before = world::of(&orch).shape();
    // A change set tells no failure: the new VPC gets the internet gateway before the old one has let it go.
    orch.run(&simulate).code(1).prints(&[
        "± stacks.spoke[qa]",
        "    simulated: ! would fail in the simulation",
        "is already attached to network",
        "    simulated: / would be skipped, since stacks.spoke[qa] would fail",
    ]);
    orch.run(&[&simulate[..], &["--read-only"]].concat())
        .code(1)
        .prints(&["no change set was made", "    simulated: ! would fail in the simulation"]);
    assert_eq!(world::of(&orch).shape(), before);
}

#[test]
fn a_simulation_is_of_an_apply_and_is_not_saved() {
    let orch = shipped();
    for other in [&["--destroy"][..], &["--prune"], &["--save", "changes.json"]] {
        let refused = orch.run(&[&PREVIEW[..], &["--simulate"], other].concat());
        refused.code(2).says(&["the argument '--simulate' cannot be used with"]);
    }
}

#[test]
fn a_preview_stands_where_there_can_be_no_simulation() {
    let orch = shipped();
    let denied = "[[call]]\noperation = \"DescribeVpcs\"\naccount = \"222222222222\"\neffect = \"access-denied\"\n";
    orch.write("quick.toml", &format!("{QUICK}{denied}"));
    let simulate = [&PREVIEW[..], &["--simulate"]].concat();
    orch.run(&simulate).code(1).prints(&[
        "17 nodes: 17 to create",
        "There was no simulation: DescribeVpcs in account dev, us-east-1, was refused",
    ]);
    let json = orch.run(&[&simulate[..], &["--format", "json"]].concat());
    let read: serde_json::Value = serde_json::from_str(&json.code(1).stdout).unwrap();
    assert!(read["simulation"]["failure"]["summary"].as_str().unwrap().contains("DescribeVpcs"), "{read}");
    orch.run(&PREVIEW).code(5);
}

#[test]
fn what_fails_in_a_simulation_ends_with_one() {
    let orch = shipped();
    orch.write("one.yaml", "Resources: {G: {Type: AWS::EC2::InternetGateway}}\nOutputs: {Id: {Value: !Ref G}}\n");
    orch.write(
        "two.yaml",
        "Parameters: {Of: {Type: String, AllowedPattern: 'net-.*'}}\nResources: {G: {Type: AWS::EC2::InternetGateway}}\n",
    );
    orch.write(
        "plan.toml",
        "name = \"two\"\nregion = \"us-east-1\"\naccounts = { a = { id = \"111111111111\" } }\n\
         [stacks.one]\naccount = \"a\"\ntemplate = \"one.yaml\"\n\
         [stacks.two]\naccount = \"a\"\ntemplate = \"two.yaml\"\n\
         parameters = { Of = \"{{ stacks.one.outputs.Id }}\" }\n",
    );
    let preview = ["preview", "plan.toml", "--local", "--local-config", "quick.toml"];
    orch.run(&preview).code(5);
    let simulated = orch.run(&[&preview[..], &["--simulate"]].concat());
    simulated.code(1).prints(&[
        "    simulated: ! would fail in the simulation",
        "net-.*",
        "Simulated: 0 nodes took shape, 1 would fail",
    ]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_during_a_preview_leaves_no_change_set_behind() {
    let orch = shipped();
    apply(&orch);
    orch.edit("plans/us-east-1.toml", "10.0.64.0/20", "10.0.80.0/20");
    orch.write("slow.toml", "[timing]\nlatency_ms = 0\nresource_ms = 2000\n");
    let slow = ["preview", "plans/us-east-1.toml", "--local", "--local-config", "slow.toml", "-vv"];
    let mut running = orch.start(&slow);
    running.says("CreateChangeSet").signal("INT").says("interrupted; nothing was changed");
    running.ends().code(130).says(&["DeleteChangeSet"]);
    assert_eq!(world::of(&orch).change_sets(), 0);
}
