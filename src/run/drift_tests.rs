//! What has drifted on the embedded AWS, in every sort of way.

use std::time::Duration;

use super::*;
use crate::ids::Region;
use crate::report::{Palette, drift_json, drift_markdown, drift_text};
use crate::run::samples::{DEV, HUB, PLAN};
use crate::run::survey::tests::World;
use crate::sim::ec2::{Ec2, Target};
use crate::sim::{Effect, Fault, Faults, ResourceFault, Sim, Timing};

/// With a secret in a tag, and a resource that CloudFormation does not compare.
const TEMPLATE: &str = "\
Parameters:
  CidrBlock: {Type: String}
  Secret: {Type: String, NoEcho: true, Default: hunter2}
Resources:
  Vpc:
    Type: AWS::EC2::VPC
    Properties: {CidrBlock: !Ref CidrBlock, EnableDnsHostnames: false, Tags: [{Key: Code, Value: !Ref Secret}]}
  Table: {Type: 'AWS::EC2::RouteTable', Properties: {VpcId: !Ref Vpc, Tags: [{Key: Name, Value: net}]}}
  Subnet: {Type: 'AWS::EC2::Subnet', Properties: {VpcId: !Ref Vpc, CidrBlock: !Select [0, !Cidr [!Ref CidrBlock, 2, 8]]}}
  Handle: {Type: 'AWS::CloudFormation::WaitConditionHandle'}
Outputs:
  VPCId: {Value: !Ref Vpc}
  RouteTableId: {Value: !Ref Table}
";

async fn made(sim: Sim) -> World {
    let plan = PLAN.replace(
        "vpc = \"{{ stacks.hub.outputs.VPCId }}\" }",
        "vpc = \"{{ stacks.hub.outputs.VPCId }}\", dns = true }",
    );
    let world = World::of(&plan, TEMPLATE, sim);
    assert!(world.apply().await);
    world
}

async fn look(world: &World) -> DriftReport {
    let before = world.sim.mutations();
    let report = drift(&world.job(""), &world.sources, &world.environment()).await;
    assert_eq!(world.sim.mutations(), before, "it only looks");
    report
}

/// The report as it is drawn, with names in place of ids.
fn text(report: &DriftReport) -> String {
    named(&drift_text(report, Palette::PLAIN))
}

fn named(text: &str) -> String {
    let is_id = |word: &str| {
        let (kind, rest) = word.split_once('-').unwrap_or_default();
        ["vpc", "pcx", "rtb", "subnet"].contains(&kind) && rest.len() > 8
    };
    let mut known: Vec<String> = Vec::new();
    let mut told = String::new();
    for word in text.split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || c == '-')) {
        let bare = word.trim_end_matches(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        if is_id(bare) {
            if !known.iter().any(|one| one == bare) {
                known.push(bare.to_owned());
            }
            let place = known.iter().position(|one| one == bare).unwrap() + 1;
            told.push_str(&word.replace(bare, &format!("{}-{place}", bare.split('-').next().unwrap())));
        } else {
            told.push_str(word);
        }
    }
    told
}

fn by_hand(world: &World, account: &str, change: impl FnOnce(&mut Ec2)) {
    let region = Region::from("us-east-1");
    let account: crate::ids::AccountId = account.parse().unwrap();
    let change = |aws: &mut crate::sim::World| {
        change(&mut aws.accounts.get_mut(&account).unwrap().regions.get_mut(&region).unwrap().ec2);
    };
    world.sim.change(change).unwrap();
}

#[tokio::test(start_paused = true)]
async fn nothing_has_drifted_after_a_run_and_all_stacks_are_waited_for_together() {
    let sim = Sim::builder().timing(Timing { drift: Duration::from_mins(3), ..Timing::default() }).build();
    let world = made(sim).await;
    let (at, before) = (tokio::time::Instant::now(), world.sim.calls().len());
    let report = look(&world).await;
    assert!(at.elapsed() < Duration::from_mins(4), "{:?}", at.elapsed());
    insta::assert_snapshot!(text(&report), @"
    = not compared by CloudFormation: 2 AWS::CloudFormation::WaitConditionHandle

    5 nodes: 5 in sync
    Live resources are compared with what CloudFormation last deployed, peerings and routes with the plan; `orch preview` compares templates.
    ");
    let calls = world.sim.calls();
    let count = |operation: &str| calls[before..].iter().filter(|call| call.operation == operation).count();
    let once_for_each_stack = ["DetectStackDrift", "DescribeStackResourceDrifts", "ListStackResources"];
    assert_eq!(once_for_each_stack.map(count), [2, 2, 2]);
    // Nothing has drifted, so no template is needed to tell what is secret.
    assert_eq!(["DescribeStacks", "GetTemplate"].map(count), [2, 0], "a listing for each account");
    let polls = world.sim.calls().iter().filter(|call| call.operation == "DescribeStackDriftDetectionStatus").count();
    assert!((10..60).contains(&polls), "{polls} questions about two stacks in three minutes");
}

#[tokio::test(start_paused = true)]
async fn what_was_done_by_hand_is_told_and_no_secret_is() {
    let world = made(Sim::builder().build()).await;
    by_hand(&world, HUB, |ec2| {
        for vpc in ec2.vpcs.values_mut() {
            vpc.dns_hostnames = true;
            vpc.tags.insert("Code".to_owned(), "swordfish".to_owned());
        }
        for table in ec2.route_tables.values_mut().filter(|table| !table.tags.is_empty()) {
            table.tags.insert("Name".to_owned(), "mine".to_owned());
            table.tags.insert("Owner".to_owned(), "me".to_owned());
        }
    });
    by_hand(&world, DEV, |ec2| ec2.subnets.clear());
    let report = look(&world).await;
    insta::assert_snapshot!(text(&report), @r#"
    drifted    stacks.hub  CREATE_COMPLETE: 2 changed, 1 in sync  in master, us-east-1
        ~ Table (AWS::EC2::RouteTable rtb-1) changed
            Tags/0/Value (Name): net → mine
            Tags/1: {"Key":"Owner","Value":"me"} was added
        ~ Vpc (AWS::EC2::VPC vpc-2) changed
            EnableDnsHostnames: false → true
            Tags/0/Value: differs (hidden)
    drifted    stacks.spoke  CREATE_COMPLETE: 1 deleted, 2 in sync  in dev, us-east-1
        - Subnet (AWS::EC2::Subnet subnet-3) deleted
    = not compared by CloudFormation: 2 AWS::CloudFormation::WaitConditionHandle

    5 nodes: 3 in sync, 2 drifted
    Live resources are compared with what CloudFormation last deployed, peerings and routes with the plan; `orch preview` compares templates.
    "#);
    for told in [
        text(&report),
        drift_json("net", jiff::Timestamp::UNIX_EPOCH, &report),
        drift_markdown("net", &report),
        format!("{report:?}"),
    ] {
        assert!(!told.contains("hunter2") && !told.contains("swordfish"), "{told}");
    }
    insta::assert_snapshot!(named(&drift_markdown("net", &report)), @r#"
    ### `net`: drifted

    5 nodes: 3 in sync, 2 drifted

    | node | | where |
    |---|---|---|
    | `stacks.hub` | drifted `CREATE_COMPLETE: 2 changed, 1 in sync` | master, us-east-1 |
    | `stacks.spoke` | drifted `CREATE_COMPLETE: 1 deleted, 2 in sync` | dev, us-east-1 |

    <details><summary><code>stacks.hub</code></summary>

    ````text
    ~ Table (AWS::EC2::RouteTable rtb-1) changed
        Tags/0/Value (Name): net → mine
        Tags/1: {"Key":"Owner","Value":"me"} was added
    ~ Vpc (AWS::EC2::VPC vpc-2) changed
        EnableDnsHostnames: false → true
        Tags/0/Value: differs (hidden)
    ````

    </details>

    <details><summary><code>stacks.spoke</code></summary>

    ````text
    - Subnet (AWS::EC2::Subnet subnet-3) deleted
    ````

    </details>

    _Live resources are compared with what CloudFormation last deployed, peerings and routes with the plan; `orch preview` compares templates._
    "#);
    let json: serde_json::Value =
        serde_json::from_str(&drift_json("net", jiff::Timestamp::UNIX_EPOCH, &report)).unwrap();
    assert_eq!((&json["version"], &json["counts"]["drifted"]), (&1.into(), &2.into()));
    assert_eq!(json["nodes"][1]["resources"][0]["fate"], "deleted");
}

#[tokio::test(start_paused = true)]
async fn routes_and_peerings_are_compared_with_the_plan() {
    let world = made(Sim::builder().build()).await;
    by_hand(&world, HUB, |ec2| {
        for table in ec2.route_tables.values_mut() {
            for route in table.routes.values_mut().filter(|route| route.target.id.starts_with("pcx-")) {
                route.target = Target { id: "pcx-0000000000000dead".to_owned(), ..route.target.clone() };
            }
        }
    });
    by_hand(&world, DEV, |ec2| {
        for table in ec2.route_tables.values_mut() {
            table.routes.retain(|_, route| !route.target.id.starts_with("pcx-"));
        }
    });
    let off = |aws: &mut crate::sim::World| {
        let id = aws.peerings.keys().next().unwrap().clone();
        aws.peerings.get_mut(&id).unwrap().accepter.dns = false;
    };
    world.sim.change(off).unwrap();
    insta::assert_snapshot!(text(&look(&world).await), @"
    drifted    peerings.spoke  active  in dev, us-east-1
        DNS resolution of vpc-1 from the other side is off; the plan wants it on
    missing    routes.out  not there  in dev, us-east-1
        rtb-2: no route to 10.0.0.0/20
    drifted    routes.back  not active in 1 table  in master, us-east-1
        rtb-3: 10.0.16.0/20 → pcx-4 is a blackhole, and not to pcx-5
    = not compared by CloudFormation: 2 AWS::CloudFormation::WaitConditionHandle

    5 nodes: 2 in sync, 2 drifted, 1 missing
    Live resources are compared with what CloudFormation last deployed, peerings and routes with the plan; `orch preview` compares templates.
    ");
    // The plan brings that back by itself: it asks AWS, and not what was deployed.
    by_hand(&world, HUB, |ec2| {
        for table in ec2.route_tables.values_mut() {
            table.routes.retain(|_, route| !route.target.id.starts_with("pcx-"));
        }
    });
    assert!(world.apply().await);
    assert!(!look(&world).await.has_drifted());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_or_in_no_state_to_be_compared_is_told() {
    let world = World::new(Sim::builder().build());
    insta::assert_snapshot!(text(&look(&world).await), @"
    missing    stacks.hub  not there  in master, us-east-1
    missing    stacks.spoke  not there  in dev, us-east-1
    missing    peerings.spoke  not there  in dev, us-east-1
        waits for stacks.spoke, stacks.hub
    missing    routes.out  not there  in dev, us-east-1
        waits for stacks.spoke, peerings.spoke
    missing    routes.back  not there  in master, us-east-1
        waits for stacks.hub, peerings.spoke

    5 nodes: 5 missing
    Live resources are compared with what CloudFormation last deployed, peerings and routes with the plan; `orch preview` compares templates.
    ");
    let running = async { assert!(world.apply().await) };
    let looking = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let report = look(&world).await;
        insta::assert_snapshot!(text(&report), @"
        unchecked  stacks.hub  CREATE_IN_PROGRESS  in master, us-east-1
            something is being done to it: look again once that has ended
        unchecked  stacks.spoke  CREATE_IN_PROGRESS  in dev, us-east-1
            something is being done to it: look again once that has ended
        missing    peerings.spoke  not there  in dev, us-east-1
            waits for stacks.spoke, stacks.hub
        missing    routes.out  not there  in dev, us-east-1
            waits for stacks.spoke, peerings.spoke
        missing    routes.back  not there  in master, us-east-1
            waits for stacks.hub, peerings.spoke

        5 nodes: 3 missing, 2 unchecked
        Live resources are compared with what CloudFormation last deployed, peerings and routes with the plan; `orch preview` compares templates.
        ");
        assert!(report.is_partial());
    };
    tokio::join!(running, looking);
}

#[tokio::test(start_paused = true)]
async fn what_is_somebody_elses_is_told_and_not_looked_at() {
    let world = made(Sim::builder().build()).await;
    let other = World::of(&PLAN.replace("name   = \"net\"", "name   = \"other\""), TEMPLATE, world.sim.clone());
    let before = world.sim.calls().len();
    let report = look(&other).await;
    insta::assert_snapshot!(text(&report), @"
    unchecked  stacks.hub  CREATE_COMPLETE  in master, us-east-1
        it is not this node's, so it is not looked at
        its tags say that it belongs to plan `net`, node `stacks/hub`
    unchecked  stacks.spoke  CREATE_COMPLETE  in dev, us-east-1
        it is not this node's, so it is not looked at
        its tags say that it belongs to plan `net`, node `stacks/spoke`
    missing    peerings.spoke  not there  in dev, us-east-1
        waits for stacks.spoke, stacks.hub
    missing    routes.out  not there  in dev, us-east-1
        waits for stacks.spoke, peerings.spoke
    missing    routes.back  not there  in master, us-east-1
        waits for stacks.hub, peerings.spoke

    5 nodes: 3 missing, 2 unchecked
    Live resources are compared with what CloudFormation last deployed, peerings and routes with the plan; `orch preview` compares templates.
    ");
    assert!(report.is_partial());
    assert!(!world.sim.calls()[before..].iter().any(|call| call.operation.contains("Drift")));
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_the_plan_only_reads_is_left_out() {
    let own = "template   = \"net.yaml\"\nparameters = { CidrBlock = \"10.0.0.0/20\" }\n";
    let plan = PLAN.replacen(own, "manage = false\n", 1);
    let world = made(Sim::builder().build()).await;
    let reader = World::of(&plan, TEMPLATE, world.sim.clone());
    let before = world.sim.calls().len();
    let report = look(&reader).await;
    assert_eq!(report.nodes.iter().filter(|node| node.node.to_string() == "stacks.hub").count(), 0);
    let calls = world.sim.calls();
    let looks: Vec<&crate::sim::Call> =
        calls[before..].iter().filter(|call| call.operation == "DetectStackDrift").collect();
    assert_eq!(looks.len(), 1, "of the spoke alone");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_told_and_hides_nothing_of_the_rest() {
    let world = made(Sim::builder().build()).await;
    by_hand(&world, HUB, |ec2| {
        for vpc in ec2.vpcs.values_mut() {
            vpc.dns_hostnames = true;
        }
    });
    let fault = ResourceFault {
        account: Some(HUB.to_owned()),
        logical_id: Some("Table".to_owned()),
        action: Some("READ".to_owned()),
        reason: "You are not authorized.".to_owned(),
        ..ResourceFault::default()
    };
    world.sim.change(|aws| aws.rules.faults.resources.push(fault)).unwrap();
    let report = look(&world).await;
    insta::assert_snapshot!(text(&report), @"
    drifted    stacks.hub  CREATE_COMPLETE: 1 changed, 1 not read, 1 in sync  in master, us-east-1
        Failed to detect drift on resources [Table]
        ? Table (AWS::EC2::RouteTable rtb-1) not read: You are not authorized.
        ~ Vpc (AWS::EC2::VPC vpc-2) changed
            EnableDnsHostnames: false → true
    = not compared by CloudFormation: 2 AWS::CloudFormation::WaitConditionHandle

    5 nodes: 4 in sync, 1 drifted
    Live resources are compared with what CloudFormation last deployed, peerings and routes with the plan; `orch preview` compares templates.
    ");
    assert!(report.is_partial() && report.has_drifted());
    world.sim.set_faults(Faults::of([Fault::new(Effect::AccessDenied).on("DetectStackDrift").by(DEV)]));
    insta::assert_snapshot!(text(&look(&world).await), @"
    drifted    stacks.hub  CREATE_COMPLETE: 1 changed, 2 in sync  in master, us-east-1
        ~ Vpc (AWS::EC2::VPC vpc-1) changed
            EnableDnsHostnames: false → true
    not read   stacks.spoke  CREATE_COMPLETE  in dev, us-east-1
        DetectStackDrift in account dev, us-east-1, was refused
    = not compared by CloudFormation: 1 AWS::CloudFormation::WaitConditionHandle
    not read: DetectStackDrift in account dev, us-east-1, was refused: User: arn:aws:sts::222222222222:assumed-role/Deploy/orch is not authorized to perform: cloudformation:DetectStackDrift (AccessDenied)
        help: allow cloudformation:DetectStackDrift to the role that orch uses in account dev

    5 nodes: 3 in sync, 1 drifted, 1 not read
    Live resources are compared with what CloudFormation last deployed, peerings and routes with the plan; `orch preview` compares templates.
    ");
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_look_is_waited_for_and_a_lost_answer_is_asked_for_again() {
    let world = made(Sim::builder().build()).await;
    by_hand(&world, HUB, |ec2| {
        for vpc in ec2.vpcs.values_mut() {
            vpc.dns_hostnames = true;
        }
    });
    // The first look takes effect and nobody hears of it: the next one finds it under way.
    world.sim.set_faults(Faults::of([Fault::new(Effect::LostAfter).on("DetectStackDrift").by(HUB).first(6)]));
    let report = look(&world).await;
    assert!(report.has_drifted() && !report.is_partial(), "{}", text(&report));
}
