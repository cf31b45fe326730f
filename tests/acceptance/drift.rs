//! `orch drift`, and `apply --revert-drift`.

use crate::orch::{Orch, QUICK};
use crate::world;

const HUB: &str = "111111111111";

fn applied() -> Orch {
    let orch = Orch::with_shipped_plans();
    orch.write("quick.toml", &format!("{QUICK}drift_ms = 0\n"));
    run(&orch, &["apply"]).code(0);
    orch
}

fn run(orch: &Orch, words: &[&str]) -> crate::orch::Ended {
    let more = ["plans/us-east-1.toml", "--local", "--local-config", "quick.toml"];
    orch.run(&[&words[..1], &more, &words[1..]].concat())
}

fn switch_names_off(orch: &Orch) {
    world::of(orch).by_hand(HUB, "us-east-1", |ec2| {
        for vpc in ec2.vpcs.values_mut() {
            vpc.dns_hostnames = !vpc.dns_hostnames;
        }
    });
}

#[test]
fn what_was_changed_by_hand_is_found_shown_and_brought_back() {
    let orch = applied();
    run(&orch, &["drift"]).code(0).prints(&["17 nodes: 17 in sync", "`orch preview` compares templates"]);
    switch_names_off(&orch);
    run(&orch, &["drift"]).code(5).prints(&["drifted    stacks.master", "EnableDnsHostnames", "16 in sync, 1 drifted"]);
    run(&orch, &["preview"]).code(0).prints(&["what was changed by hand is not seen"]);
    run(&orch, &["preview", "--revert-drift"]).code(5).prints(&["changed by hand", "1 to update"]);
    run(&orch, &["apply", "--revert-drift"]).code(0).says(&["changed by hand"]);
    assert_eq!(world::of(&orch).change_sets(), 1, "the one that was executed");
    run(&orch, &["drift"]).code(0);
    run(&orch, &["preview", "--revert-drift"]).code(0);
}

#[test]
fn a_saved_preview_takes_back_the_drift_that_it_shows() {
    let orch = applied();
    switch_names_off(&orch);
    run(&orch, &["preview", "--revert-drift", "--save", "changes.json"]).code(5);
    let saved = ["apply", "changes.json", "--local", "--local-config", "quick.toml"];
    orch.run(&[&saved[..], &["--revert-drift"]].concat()).code(2).says(&["has settled what is done: --revert-drift"]);
    orch.run(&saved).code(0).says(&["changed by hand"]);
    run(&orch, &["drift"]).code(0);
}

const TWO: &str = r#"name   = "two"
region = "us-east-1"

[accounts]
master = { id = "111111111111" }

[stacks.first]
account    = "master"
name       = "first"
template   = "vpc.yaml"
parameters = { Range = "10.0.0.0/16", Label = "first" }

[stacks.second]
account    = "master"
name       = "second"
template   = "vpc.yaml"
parameters = { Range = "10.1.0.0/16", Label = "beside {{ stacks.first.outputs.VpcId }}" }
"#;

const VPC: &str = "\
Parameters:
  Range: {Type: String}
  Label: {Type: String}
Resources:
  Vpc:
    Type: AWS::EC2::VPC
    Properties: {CidrBlock: !Ref Range, Tags: [{Key: Name, Value: !Ref Label}]}
  Table:
    Type: AWS::EC2::RouteTable
    Properties: {VpcId: !Ref Vpc, Tags: [{Key: Name, Value: !Ref Range}]}
Outputs:
  VpcId: {Value: !Ref Vpc}
";

#[test]
fn a_saved_preview_leaves_drift_that_it_could_not_show() {
    let orch = Orch::empty();
    orch.write("quick.toml", &format!("{QUICK}drift_ms = 0\n")).write("plan.toml", TWO).write("vpc.yaml", VPC);
    let run = |words: &[&str]| orch.run(&[words, &["--local", "--local-config", "quick.toml"]].concat());
    run(&["apply", "plan.toml"]).code(0);
    // What the first one gives is not known before it has been made anew, so the second is not either.
    orch.edit("plan.toml", "10.0.0.0/16", "10.2.0.0/16");
    let unseen = "which only the run will show; a saved preview leaves that";
    run(&["preview", "plan.toml", "--revert-drift", "--save", "changes.json"]).code(5).prints(&[unseen]);
    world::of(&orch).by_hand(HUB, "us-east-1", |ec2| {
        for name in ec2.route_tables.values_mut().filter_map(|table| table.tags.get_mut("Name")) {
            if name == "10.1.0.0/16" {
                *name = "mine".into();
            }
        }
    });
    run(&["apply", "changes.json"]).code(0);
    run(&["drift", "plan.toml"]).code(5).prints(&["drifted    stacks.second", "10.1.0.0/16 → mine"]);
    // A run that nothing was saved for does what it was asked for.
    run(&["apply", "plan.toml", "--revert-drift"]).code(0).says(&["changed by hand"]);
    run(&["drift", "plan.toml"]).code(0);
}

#[test]
fn drift_comes_as_json_and_as_markdown_and_what_is_missing_is_drift() {
    let orch = applied();
    switch_names_off(&orch);
    world::of(&orch).by_hand("222222222222", "us-east-1", |ec2| {
        for table in ec2.route_tables.values_mut() {
            table.routes.retain(|_, route| !route.target.id.starts_with("pcx-"));
        }
    });
    let json = run(&orch, &["drift", "--format", "json"]).code(5);
    let read: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&read["version"], &read["counts"]["drifted"]), (&1.into(), &1.into()));
    assert!(read["counts"]["missing"].as_u64().unwrap() > 0, "{read}");
    let markdown = run(&orch, &["drift", "--format", "markdown"]).code(5);
    markdown.prints(&["### `core-network-us-east-1`: drifted", "| `stacks.master` | drifted", "<details>"]);
    // Only what is chosen is looked at.
    run(&orch, &["drift", "--only", "account:qa"]).code(0);
}

#[test]
fn what_cannot_be_compared_ends_with_three_whatever_has_drifted() {
    let orch = applied();
    switch_names_off(&orch);
    orch.write(
        "quick.toml",
        &format!("{QUICK}drift_ms = 0\n[[call]]\noperation = \"DetectStackDrift\"\naccount = \"222222222222\"\neffect = \"access-denied\"\n"),
    );
    run(&orch, &["drift"]).code(3).prints(&["1 drifted, 1 not read", "allow cloudformation:DetectStackDrift"]);
}

#[test]
fn nothing_of_another_plan_is_looked_at() {
    let orch = applied();
    orch.edit("plans/us-east-1.toml", "core-network-us-east-1", "another-network");
    run(&orch, &["drift", "--only", "stacks"])
        .code(3)
        .prints(&["not this node's", "belongs to plan `core-network-us-east-1`"]);
}

#[test]
fn what_only_a_change_set_can_tell_goes_with_no_preview_that_makes_none() {
    let orch = applied();
    for other in ["--read-only", "--simulate", "--destroy"] {
        let refused = run(&orch, &["preview", "--revert-drift", other]).code(2);
        refused.says(&["cannot be used with", "--revert-drift", other]);
    }
}

#[test]
fn what_is_protected_is_brought_back_where_it_stands_and_not_replaced() {
    let orch = Orch::with_shipped_plans();
    orch.write("quick.toml", &format!("{QUICK}drift_ms = 0\n"));
    orch.edit(
        "plans/hub-and-spoke.toml",
        "[stacks.master]\n",
        "[stacks.master]\nprotect  = [\"delete\", \"replace\"]\n",
    );
    run(&orch, &["apply"]).code(0);
    switch_names_off(&orch);
    orch.edit("plans/us-east-1.toml", "10.0.0.0/20", "10.0.128.0/20");
    let refused = ["would be replaced by CidrBlock", "take \"replace\" out of `protect`"];
    run(&orch, &["preview", "--revert-drift", "--only", "stacks.master"]).code(1).prints(&refused);
    run(&orch, &["apply", "--revert-drift", "--only", "stacks.master"]).code(1).prints(&refused);
    run(&orch, &["drift", "--only", "stacks.master"]).code(5);
    assert_eq!(world::of(&orch).change_sets(), 0);
    orch.edit("plans/us-east-1.toml", "10.0.128.0/20", "10.0.0.0/20");
    run(&orch, &["apply", "--revert-drift"]).code(0).says(&["changed by hand"]);
    run(&orch, &["drift"]).code(0);
}

#[test]
fn what_left_the_plan_goes_in_the_run_that_takes_drift_back() {
    let orch = applied();
    switch_names_off(&orch);
    orch.edit("plans/us-east-1.toml", ", qa = \"10.0.64.0/20\"", "");
    let gone = run(&orch, &["apply", "--revert-drift", "--prune"]).code(0);
    gone.says(&["changed by hand", "left the plan"]);
    run(&orch, &["drift"]).code(0);
    run(&orch, &["preview", "--prune"]).code(0);
}
