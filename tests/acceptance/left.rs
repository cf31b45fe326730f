//! What left the plan, and the inventory by which it is found. The real binary, in a folder of its own.
#![expect(clippy::disallowed_methods, reason = "the tests look at the inventory's files")]

use std::fs;

use orch::aws::RouteTarget;

use crate::hand;
use crate::orch::{Orch, QUICK};
use crate::world;

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

#[test]
fn prune_deletes_what_left_the_plan_after_the_rest_and_nothing_else() {
    let orch = applied();
    without_qa(&orch);
    let spokes = &world::SPOKES[..3];
    let ended = orch.run(&args("preview", &["--prune"])).code(5);
    ended.prints(&[
        "deleted once all else has ended well",
        "13 nodes and 8 that left the plan: 8 to delete, 13 unchanged",
    ]);
    let ended = orch.run(&args("apply", &["--prune", "-v"])).code(0);
    let ended = ended.says(&["left the plan", "- stacks.spoke[qa]  delete us-east-1-qa", "pruning 8 nodes"]);
    ended.prints(&["8 changed"]);
    world::of(&orch).is_a_hub_with_spokes("us-east-1", "10.0.0.0/20", spokes);
    assert_eq!(world::of(&orch).whole_stacks(), 4);
    orch.run(&args("apply", &["--prune"])).code(0).prints(&["Nothing changed"]);
    // Nothing is left in the account, and it is forgotten.
    assert!(!fs::read_to_string(orch.path(INVENTORY)).unwrap().contains("\"555555555555\": {"));
}

#[test]
fn prune_goes_with_the_whole_plan_only() {
    let orch = applied();
    without_qa(&orch);
    let said = "--prune goes with all of a plan";
    orch.run(&args("apply", &["--prune", "--only", "account:dev"])).code(2).says(&[said]);
    orch.run(&args("preview", &["--prune", "--skip", "routes"])).code(2).says(&[said]);
    assert_eq!(world::of(&orch).whole_stacks(), 5);
}

#[test]
fn what_left_the_plan_stays_when_the_run_does_not_end_well_and_is_named() {
    let orch = applied();
    without_qa(&orch);
    orch.edit("plans/us-east-1.toml", "10.0.48.0/20", "10.0.96.0/20");
    let faulty =
        format!("{QUICK}\n[[resource]]\nstack = \"us-east-1-test\"\nlogical_id = \"VPC\"\nreason = \"No more.\"\n");
    orch.write("quick.toml", &faulty);
    let ended = orch.run(&args("apply", &["--prune"])).code(1);
    ended.says(&["what left the plan was not deleted", "3 more", "apply with --prune again"]);
    assert!(world::of(&orch).shape().contains("us-east-1-qa"));
}

#[test]
fn a_protected_stack_that_left_the_plan_is_refused_in_the_preview() {
    let orch = applied();
    without_qa(&orch);
    world::of(&orch).protect("us-east-1-qa");
    let ended = orch.run(&args("preview", &["--prune"])).code(1);
    ended.prints(&["! stacks.spoke[qa]  would fail us-east-1-qa", "its termination protection is on"]);
    // Who does not prune is not told that something would fail.
    orch.run(&args("preview", &[])).code(0).prints(&["its termination protection is on"]);
    // A destruction that would end there begins with nothing.
    let dry = orch.run(&args("destroy", &["--dry-run"])).code(1);
    dry.prints(&["! stacks.spoke[qa]  would fail us-east-1-qa", "Nothing at all would be deleted"]);
    let before = world::of(&orch).shape();
    let ended = orch.run(&args("destroy", &[])).code(1);
    ended.says(&["stack us-east-1-qa in qa, us-east-1 is protected from deletion", "nothing was changed"]);
    assert_eq!(world::of(&orch).shape(), before);
    let ended = orch.run(&args("apply", &["--prune"])).code(1);
    ended.prints(&["stack us-east-1-qa is protected from deletion", "7 changed"]);
}

#[test]
fn a_destruction_is_previewed_and_reads_what_stands_rather_than_the_plan_alone() {
    let orch = applied();
    without_qa(&orch);
    // The hub's stack is another one now, and the old one bears the plan's name all the same.
    orch.edit(
        "plans/hub-and-spoke.toml",
        "account  = \"master\"\ntemplate",
        "name = \"hub\"\naccount  = \"master\"\ntemplate",
    );
    let said = "1 stack or peering has left the plan: `orch preview` shows what";
    orch.run(&args("status", &[])).code(1).prints(&["1 missing", said]);
    let part = orch.run(&args("status", &["--skip", "routes"])).code(1);
    assert!(!part.stdout.contains("left the plan"), "{}", part.stdout);
    let dry = orch.run(&args("destroy", &["--dry-run"])).code(5);
    dry.prints(&[
        "left the plan, and is deleted too",
        "- stacks.master  delete us-east-1-master",
        "stacks.master is stack hub in master, us-east-1 now",
        "- stacks.spoke[qa]  delete us-east-1-qa",
        "- peerings.spoke[dev]  delete pcx-",
    ]);
    orch.run(&args("preview", &["--destroy"])).code(5).prints(&["is deleted too"]);
    assert_eq!(world::of(&orch).whole_stacks(), 5);
    let ended = orch.run(&args("destroy", &[])).code(0);
    ended.says(&["left the plan, and is deleted too", "- stacks.spoke[dev]  delete us-east-1-dev"]);
    world::of(&orch).is_empty();
    orch.run(&args("preview", &["--destroy"])).code(0).prints(&["Nothing to do"]);
}

#[test]
fn a_part_of_a_plan_is_destroyed_without_what_left_it() {
    let orch = applied();
    without_qa(&orch);
    let part = ["--only", "account:dev"];
    let dry = orch.run(&args("destroy", &[&["--dry-run"], &part[..]].concat())).code(5);
    let dry = dry.prints(&["3 nodes: 3 to delete"]);
    assert!(!dry.stdout.contains("left the plan"), "{}", dry.stdout);
    orch.run(&args("destroy", &part)).code(0);
    assert_eq!(world::of(&orch).whole_stacks(), 4);
}

#[test]
fn the_expected_duration_is_told_where_earlier_runs_are_known_and_never_else() {
    let orch = Orch::with_shipped_plans();
    orch.write("quick.toml", QUICK);
    let first = orch.run(&args("preview", &[])).code(5);
    let first = first.prints(&["longest chain: stacks."]);
    assert!(!first.stdout.contains("by earlier runs"), "{}", first.stdout);
    orch.run(&args("apply", &[])).code(0);
    orch.run(&args("destroy", &[])).code(0);
    orch.run(&args("preview", &[])).code(5).prints(&["longest chain: stacks.", "by earlier runs"]);
}

const TRANSIT: &str = "\
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.0.0/24}}
  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}
  Transit: {Type: AWS::EC2::TransitGateway}
  Link: {Type: AWS::EC2::TransitGatewayAttachment, Properties: {TransitGatewayId: !Ref Transit, VpcId: !Ref Vpc, SubnetIds: [!Ref Subnet]}}
Outputs:
  Table: {Value: !Ref Table}
  Transit: {Value: !Ref Transit}
";

const AWAY: &str = r#"
[routes.away]
account      = "dev"
route_tables = ["{{ stacks.net.outputs.Table }}"]
destination  = "192.168.0.0/16"
via          = "{{ stacks.net.outputs.Transit }}"
"#;

#[tokio::test]
async fn a_route_that_nothing_but_the_inventory_knows_is_deleted_when_its_node_has_left() {
    let plan = "name = \"net\"\nregion = \"us-east-1\"\n\n[accounts]\ndev = { id = \"222222222222\", role = \"Orch\" }\n\n\
                [stacks.net]\naccount = \"dev\"\ntemplate = \"net.yaml\"\n";
    let orch = Orch::empty();
    orch.write("quick.toml", QUICK).write("net.yaml", TRANSIT).write("plan.toml", &format!("{plan}{AWAY}"));
    let run = |command: &str, more: &[&str]| {
        orch.run(&[&[command, "plan.toml", "--local", "--local-config", "quick.toml"], more].concat())
    };
    run("apply", &[]).code(0);
    // Somebody else leads another destination the same way.
    let dev = hand::at(&orch, "222222222222").await;
    let outputs = dev.stack("net-net").await.unwrap().unwrap().outputs;
    dev.create_route(&outputs["Table"], "192.169.0.0/16", RouteTarget::TransitGateway, &outputs["Transit"])
        .await
        .unwrap();
    drop(dev);
    orch.write("plan.toml", plan);
    let ended = run("preview", &[]).code(0).prints(&[
        "- routes.away  delete rtb-",
        ": 192.168.0.0/16 → tgw-",
        "; 1 left the plan",
    ]);
    assert!(!ended.stdout.contains("192.169"), "{}", ended.stdout);
    // Only the inventory tells.
    let inventory = ".orch/local/inventory/net.json";
    let kept = fs::read_to_string(orch.path(inventory)).unwrap();
    fs::remove_file(orch.path(inventory)).unwrap();
    assert!(!run("preview", &[]).code(0).stdout.contains("left the plan"));
    orch.write(inventory, &kept);
    run("apply", &["--prune"]).code(0).prints(&["1 changed"]);
    let shape = world::of(&orch).shape();
    assert!(!shape.contains("192.168.0.0/16") && shape.contains("192.169.0.0/16 by tgw-"), "{shape}");
    assert!(!fs::read_to_string(orch.path(inventory)).unwrap().contains("192.168.0.0/16"));
    run("preview", &["--prune"]).code(0).prints(&["Nothing to do"]);
    run("destroy", &[]).code(0);
    world::of(&orch).is_empty();
}

#[test]
fn an_inventory_in_a_bucket_is_everybodys_and_a_bucket_that_is_not_there_stops_nothing() {
    const WHERE: &str = "s3://acme-orch/orch/inventory/core-network-us-east-1.json";
    let orch = Orch::with_shipped_plans();
    orch.write("quick.toml", QUICK);
    orch.edit(
        "plans/us-east-1.toml",
        "\n[vars]",
        "inventory = { account = \"master\", name = \"acme-orch\" }\n\n[vars]",
    );
    let ended = orch.run(&args("apply", &[])).code(0);
    // Each is told once.
    assert_eq!(ended.stderr.matches("the inventory s3://acme-orch").count(), 2, "{}", ended.stderr);
    ended.says(&[
        &format!("the inventory {WHERE} cannot be read"),
        "bucket acme-orch must exist",
        &format!("the inventory {WHERE} cannot be written"),
    ]);
    hand::make_bucket(&orch, "111111111111", "acme-orch");
    let ended = orch.run(&args("apply", &[])).code(0);
    assert!(!ended.stderr.contains("warning"), "{}", ended.stderr);
    assert!(!orch.path(INVENTORY).exists());
    without_qa(&orch);
    orch.run(&args("preview", &[])).code(0).prints(&["- stacks.spoke[qa]  delete us-east-1-qa  in qa, us-east-1"]);
    orch.run(&args("apply", &["--prune"])).code(0);
    // Nothing of the plan is found in the account any more.
    orch.run(&args("apply", &[])).code(0);
    let kept = hand::object(&orch, WHERE.trim_start_matches("s3://")).unwrap();
    assert!(kept.contains("222222222222") && !kept.contains("555555555555"), "{kept}");
}
