//! Nodes, groups and keys that are called otherwise than before: nothing at AWS is touched. The real binary, in a folder of
//! its own, but for what counts calls.

use std::collections::BTreeSet;

use orch::sim::{Sim, Timing};

use crate::in_process::Ready;
use crate::orch::{Ended, Orch, QUICK};
use crate::spokes::beside;
use crate::world;

const PLAN: &str = r#"name   = "net"
region = "us-east-1"
vars   = { spokes = { dev = "10.1.0.0/16", qa = "10.2.0.0/16" } }

[accounts]
master = { id = "111111111111" }
spokes = { id = "222222222222", role = "Orch" }

[stacks.hub]
account    = "master"
template   = "vpc.yaml"
parameters = { Range = "10.0.0.0/16" }

[stacks.spoke]
for_each   = "vars.spokes"
account    = "spokes"
template   = "vpc.yaml"
parameters = { Range = "{{ each.value }}" }

[peerings.link]
for_each  = "stacks.spoke"
requester = { account = "spokes", vpc = "{{ each.outputs.VpcId }}" }
accepter  = { account = "master", vpc = "{{ stacks.hub.outputs.VpcId }}" }

[routes.out]
for_each     = "peerings.link"
account      = "spokes"
route_tables = ["{{ each.source.outputs.TableId }}"]
destination  = "10.0.0.0/16"
via          = "{{ each.id }}"

[routes.world]
account      = "master"
route_tables = ["{{ stacks.hub.outputs.TableId }}"]
destination  = "0.0.0.0/0"
via          = "{{ stacks.hub.outputs.GatewayId }}"
"#;

const TEMPLATE: &str = "\
Parameters:
  Range: {Type: String}
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !Ref Range}}
  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}
  Gateway: {Type: AWS::EC2::InternetGateway}
  Attachment: {Type: AWS::EC2::VPCGatewayAttachment, Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Gateway}}
Outputs:
  VpcId: {Value: !Ref Vpc}
  TableId: {Value: !Ref Table}
  GatewayId: {Value: !Ref Gateway}
";

/// A node, a group and a route renamed, and a key with all that comes of it.
const MOVED: &str = r#"moved  = [
  { from = "stacks.hub", to = "stacks.core" },
  { from = "stacks.spoke[dev]", to = "stacks.spoke[development]" },
  { from = "peerings.link", to = "peerings.joint" },
  { from = "peerings.link[dev]", to = "peerings.joint[development]" },
  { from = "routes.out[dev]", to = "routes.out[development]" },
  { from = "routes.world", to = "routes.internet" },
]
"#;

const REGION: &str = "region = \"us-east-1\"\n";

/// The tags of what the plan makes, by the old names and by the new ones.
const OLD: [&str; 5] = ["stacks/hub", "stacks/spoke/dev", "stacks/spoke/qa", "peerings/link/dev", "peerings/link/qa"];
const NEW: [&str; 5] =
    ["stacks/core", "stacks/spoke/development", "stacks/spoke/qa", "peerings/joint/development", "peerings/joint/qa"];

fn names(names: [&str; 5]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

/// The plan by its new names, without what says so.
fn renamed() -> String {
    let names = [
        ("stacks.hub", "stacks.core"),
        ("dev = \"10.1", "development = \"10.1"),
        ("peerings.link", "peerings.joint"),
        ("routes.world", "routes.internet"),
    ];
    names.iter().fold(PLAN.to_owned(), |plan, (from, to)| plan.replace(from, to))
}

/// The same with what says so.
fn moved() -> String {
    renamed().replace(REGION, &format!("{REGION}{MOVED}"))
}

fn run(orch: &Orch, command: &str, more: &[&str]) -> Ended {
    orch.run(&[&[command, "plan.toml", "--local", "--local-config", "quick.toml"], more].concat())
}

/// The plan applied by its old names.
fn applied() -> Orch {
    let orch = Orch::empty();
    orch.write("quick.toml", QUICK).write("plan.toml", PLAN).write("vpc.yaml", TEMPLATE);
    run(&orch, "apply", &[]).code(0);
    orch
}

#[test]
fn what_is_renamed_needs_nothing_and_is_the_plans_own_in_every_command() {
    let orch = applied();
    let (before, marked) = (world::of(&orch).shape(), world::of(&orch).marked());
    orch.write("plan.toml", &moved());
    let ended = run(&orch, "preview", &[]).code(0);
    let ended = ended.prints(&[
        "stacks.core",
        "moved from stacks.hub, whose name its tags go on to bear",
        "moved from stacks.spoke[dev], whose",
        "moved from peerings.link[dev], whose",
        "moved from peerings.link[qa], whose",
        "moved from routes.out[dev]",
        "moved from routes.world",
        "Nothing to do. 8 nodes: 8 unchanged",
    ]);
    assert!(!ended.stdout.contains("left the plan"), "{}", ended.stdout);
    run(&orch, "status", &[]).code(0).prints(&["8 fine", "fine       stacks.core"]);
    run(&orch, "outputs", &[]).code(0).prints(&["stacks.core", "peerings.joint[qa]"]);
    orch.run(&["explain", "plan.toml", "stacks.spoke[development]"])
        .code(0)
        .prints(&["moved from", "stacks.spoke[dev]"]);
    run(&orch, "validate", &["--remote"]).code(0);
    run(&orch, "apply", &["--prune"]).code(0).prints(&["Nothing changed"]);
    assert_eq!((world::of(&orch).shape(), world::of(&orch).marked()), (before, marked));
    run(&orch, "destroy", &["--dry-run"]).code(5).prints(&["- stacks.core  delete net-hub", "8 nodes: 8 to delete"]);
    run(&orch, "destroy", &[]).code(0);
    world::of(&orch).is_empty();
}

#[test]
fn a_renamed_node_that_changes_keeps_its_tags_and_one_that_is_made_anew_bears_the_new_name() {
    let orch = applied();
    orch.write("plan.toml", &moved());
    orch.edit("vpc.yaml", "CidrBlock: !Ref Range", "CidrBlock: !Ref Range, Tags: [{Key: Purpose, Value: network}]");
    orch.edit("plan.toml", "[peerings.joint]\n", "[peerings.joint]\ntags      = { Purpose = \"network\" }\n");
    let ended = run(&orch, "preview", &[]).code(5);
    assert!(!ended.stdout.contains("orch:node"), "{}", ended.stdout);
    run(&orch, "apply", &[]).code(0);
    assert_eq!(world::of(&orch).names(), names(OLD));
    run(&orch, "preview", &["--prune"]).code(0).prints(&["Nothing to do"]);
    run(&orch, "destroy", &[]).code(0);
    world::of(&orch).is_empty();
    run(&orch, "apply", &[]).code(0);
    assert_eq!(world::of(&orch).names(), names(NEW));
    assert!(world::of(&orch).shape().contains("net-spoke-dev "), "a stack's name follows from the former one");
}

#[test]
fn a_group_that_is_renamed_without_saying_so_is_another_one() {
    let orch = applied();
    orch.write("plan.toml", &renamed());
    let ended = run(&orch, "preview", &[]).code(1);
    ended.prints(&["+ stacks.core  create net-core", "left the plan", "- stacks.hub  delete net-hub"]);
    let ended = run(&orch, "apply", &["--only", "peerings.joint[qa]"]).code(1);
    ended.prints(&["stacks.core"]);
    orch.write("plan.toml", &moved());
    run(&orch, "preview", &[]).code(0).prints(&["Nothing to do"]);
}

#[test]
fn a_renamed_stack_that_the_plan_names_otherwise_is_refused_with_the_name_to_write() {
    let orch = applied();
    let before = world::of(&orch).shape();
    orch.write("plan.toml", &moved());
    orch.edit("plan.toml", "[stacks.core]\n", "[stacks.core]\nname       = \"net-core\"\n");
    for command in ["preview", "apply"] {
        let ended = run(&orch, command, &[]).code(1);
        let told = format!("{}{}", ended.stdout, ended.stderr);
        for text in ["stack net-hub is that of stacks.hub", "let `name` of stacks.core be \"net-hub\""] {
            assert!(told.contains(text), "{command}: `{text}` is not in:\n{told}");
        }
    }
    assert_eq!(world::of(&orch).shape(), before);
    orch.edit("plan.toml", "\"net-core\"", "\"net-hub\"");
    run(&orch, "preview", &[]).code(0).prints(&["Nothing to do"]);
}

#[test]
fn a_renamed_node_that_is_adopted_bears_the_new_name_and_needs_no_entry_any_more() {
    let orch = applied();
    orch.write("plan.toml", &moved());
    run(&orch, "adopt", &["stacks", "peerings"]).code(0).says(&["tag orch:node: stacks/hub → stacks/core"]);
    run(&orch, "apply", &[]).code(0).prints(&["Nothing changed"]);
    assert_eq!(world::of(&orch).names(), names(NEW));
    // What names the stacks is the plan's business from now on.
    orch.write("plan.toml", &renamed());
    let spoke = "{{#if (eq each.key \"development\")}}net-spoke-dev{{else}}net-spoke-qa{{/if}}";
    orch.edit("plan.toml", "[stacks.core]\n", "[stacks.core]\nname       = \"net-hub\"\n");
    orch.edit("plan.toml", "[stacks.spoke]\n", &format!("[stacks.spoke]\nname       = '{spoke}'\n"));
    run(&orch, "preview", &["--prune"]).code(0).prints(&["Nothing to do"]);
    run(&orch, "destroy", &[]).code(0);
    world::of(&orch).is_empty();
}

#[test]
fn a_saved_preview_holds_for_the_names_that_it_was_made_with() {
    let orch = applied();
    let tagged = |purpose: &str| {
        orch.edit(
            "plan.toml",
            "{ Range = \"10.0.0.0/16\" }",
            &format!("{{ Range = \"10.0.0.0/16\" }}\ntags = {{ Purpose = \"{purpose}\" }}"),
        );
    };
    tagged("network");
    run(&orch, "preview", &["--save", "old.json"]).code(5);
    orch.write("plan.toml", &moved());
    tagged("network");
    let apply = |file: &str| orch.run(&["apply", file, "--local", "--local-config", "quick.toml"]);
    apply("old.json").code(6).says(&["stacks.hub"]);
    run(&orch, "preview", &["--save", "new.json"]).code(5);
    apply("new.json").code(0);
    run(&orch, "preview", &["--prune"]).code(0).prints(&["Nothing to do"]);
    // What was shown was shown of nodes that were called otherwise.
    orch.write("plan.toml", &moved());
    tagged("nothing");
    run(&orch, "preview", &["--save", "new.json"]).code(5);
    orch.edit("plan.toml", MOVED, "");
    apply("new.json").code(6).says(&["stacks.core"]);
}

fn read(plan: &str) -> Ready {
    beside(plan, &[("vpc.yaml", TEMPLATE)])
}

#[tokio::test(start_paused = true)]
async fn applying_what_is_renamed_calls_nothing_that_changes_anything() {
    let sim = Sim::builder().timing(Timing::default()).build();
    let (tally, told) = read(PLAN).apply(&sim).await;
    assert!(tally.is_success(), "{told:#?}");
    let before = sim.calls().len();
    let (preview, tally) = read(&moved()).preview(&sim, true).await;
    assert!(preview.is_nothing(), "{preview:#?}");
    assert_eq!((tally.changed, tally.done), (0, 8));
    let called: BTreeSet<String> =
        sim.calls().into_iter().skip(before).map(|call| call.operation.to_string()).collect();
    let reading = [
        "AssumeRole",
        "DescribeRouteTables",
        "DescribeStacks",
        "DescribeVpcPeeringConnections",
        "GetCallerIdentity",
        "GetTemplate",
    ];
    assert_eq!(called, reading.map(str::to_owned).into());
}
