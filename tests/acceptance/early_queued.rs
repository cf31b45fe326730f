//! What waits for its turn at an AWS that throttles, when that on which it stands fails.

use std::collections::BTreeMap;
use std::time::Duration;

use orch::event::Event;
use orch::sim::{Faults, Outcome, Rate, Rates, Sim, Timing};

use crate::early::{failing_topic, live_peerings, routed_peerings, when};
use crate::in_process::Ready;
use crate::spokes::{Accounts, HubAndSpokes, NET, beside};

/// A network that is there soon, beside something that takes longer.
const HUB: &str = "\
Parameters:
  CidrBlock: {Type: String}
Resources:
  Topic: {Type: 'AWS::SNS::Topic'}
  Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: !Ref CidrBlock}}
  Table: {Type: 'AWS::EC2::RouteTable', Properties: {VpcId: !Ref Vpc}}
Outputs:
  VPCId: {Value: !Ref Vpc}
  RouteTableId: {Value: !Ref Table}
";

/// What is created on the hub's VPC before the hub is complete.
const APP: &str = r#"
[stacks.app]
for_each     = "vars.apps"
account      = "hub"
template     = "net.yaml"
parameters   = { CidrBlock = "10.0.0.0/24" }
tags         = { Hub = "{{ stacks.hub.outputs.VPCId }}" }
early_inputs = true

[vars]
"#;

const SPOKES: usize = 12;
const APPS: usize = 24;

/// All routes are in the hub's table, so that they wait at one rate.
fn design() -> Ready {
    let network = HubAndSpokes {
        accounts: Accounts::Two,
        hub: ("hub.yaml", "early_outputs = true"),
        out: false,
        ..HubAndSpokes::of("early", SPOKES)
    };
    let apps: Vec<String> = (0..APPS).map(|n| format!("\"a{n:02}\"")).collect();
    let text = format!("{}{APP}apps = [{}]\n", network.text(), apps.join(", "));
    beside(&text, &[("hub.yaml", HUB), ("net.yaml", NET)])
}

/// How many calls made something, by their operations, within so many milliseconds of a run, and how many tried to after them.
fn made(sim: &Sim, millis: u128) -> [BTreeMap<String, usize>; 2] {
    let calls = sim.calls();
    let mut made: [BTreeMap<String, usize>; 2] = Default::default();
    for call in calls.iter().filter(|call| call.operation.starts_with("Create") && call.operation != "CreateTags") {
        let since = call.at.duration_since(calls[0].at).unsigned_abs();
        let is_late = since.as_millis() > millis;
        if !is_late && call.outcome != Outcome::Succeeded {
            continue;
        }
        *made[usize::from(is_late)].entry(call.operation.to_string()).or_default() += 1;
    }
    made
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_its_turn_is_never_made_once_the_hub_fails() {
    let seconds = |(kind, seconds): (&str, u64)| (kind.to_owned(), Duration::from_secs(seconds));
    let kinds = [("AWS::EC2::VPC", 2), ("AWS::EC2::RouteTable", 1), ("AWS::SNS::Topic", 20)];
    let timing = Timing { resource_types: kinds.map(seconds).into(), ..Timing::default() };
    let rates = Rates {
        cloudformation_write: Some(Rate::new(13, 0.3)),
        ec2_write: Some(Rate::new(2, 0.5)),
        ec2_by_operation: true,
        ..Rates::default()
    };
    let sim = Sim::builder().timing(timing).rates(rates).faults(failing_topic()).build();
    let (tally, told) = design().apply(&sim).await;
    assert_eq!((tally.failed, tally.skipped), (1, APPS + 2 * SPOKES), "{told:#?}");
    let known = when(
        &told,
        "stacks.hub",
        |event| matches!(event, Event::NodeProgress { status, .. } if status.starts_with("ROLLBACK")),
    );
    // One of each may be under way at that moment.
    let [before, after] = made(&sim, known + 500);
    for operation in ["CreateStack", "CreateVpcPeeringConnection", "CreateRoute"] {
        let all = if operation == "CreateStack" { 1 + APPS + SPOKES } else { SPOKES };
        assert!((2..all).contains(&before[operation]), "others were waiting: {before:?}");
    }
    assert_eq!(
        after,
        BTreeMap::new(),
        "nothing is begun once it is known, which was after {known} ms; before that {before:?}"
    );
    assert_eq!((live_peerings(&sim), routed_peerings(&sim).len()), (0, 0));
    sim.set_faults(Faults::default());
    let (tally, told) = design().apply(&sim).await;
    assert!(tally.is_success(), "{told:#?}");
    assert_eq!(live_peerings(&sim), SPOKES);
}
