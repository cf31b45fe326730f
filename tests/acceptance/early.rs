//! What begins before that on which it stands has ended, and what becomes of it if that fails.

use std::num::NonZeroUsize;
use std::time::Duration;

use orch::engine::{Limits, Settings};
use orch::event::Event;
use orch::ids::Kind;
use orch::sim::ec2::Status;
use orch::sim::{Call, Effect, Fault, Faults, Sim, Timing};
use tokio::time::sleep;

use crate::in_process::{Ready, Told, shipped};
use crate::spokes::{NET, beside};
use crate::world::{Look, SPOKES};

/// When something was first told of a node, in milliseconds since the run began.
pub(crate) fn when(told: &Told, node: &str, what: impl Fn(&Event) -> bool) -> u128 {
    let is_it = |event: &Event| event.node().is_some_and(|id| id.to_string() == node) && what(event);
    told.iter().find(|(_, event)| is_it(event)).map_or_else(|| panic!("{node}: {told:#?}"), |(at, _)| *at)
}

pub(crate) fn done(told: &Told, node: &str) -> u128 {
    when(told, node, |event| matches!(event, Event::NodeDone { .. }))
}

/// When the last of a node's routes was made.
fn routed(told: &Told, node: &str) -> u128 {
    when(told, node, |event| matches!(event, Event::NodeProgress { status, .. } if status == "done"))
}

/// The peerings that lead somewhere in a route table, by a world that is looked at.
pub(crate) fn routed_peerings(sim: &Sim) -> Vec<String> {
    let targets = |world: &orch::sim::World| {
        let tables = world.places().flat_map(|(_, regional)| regional.ec2.route_tables.values());
        let targets = tables.flat_map(|table| table.routes.values().map(|route| route.target.id.clone()));
        targets.filter(|target| target.starts_with("pcx-")).collect()
    };
    sim.inspect(targets).unwrap()
}

#[tokio::test(start_paused = true)]
async fn routes_of_both_sides_are_made_while_their_peering_is_not_active_and_end_with_it() {
    let timing = Timing { peering_accept: Duration::from_secs(10), ..Timing::default() };
    let sim = Sim::builder().timing(timing).build();
    let (tally, told) = shipped("plans/us-east-1.toml").apply(&sim).await;
    assert!(tally.is_success(), "{told:#?}");
    Look::from(&sim).is_a_hub_with_spokes("us-east-1", "10.0.0.0/20", &SPOKES);
    for spoke in ["dev", "staging", "test", "qa"] {
        let active = done(&told, &format!("peerings.spoke[{spoke}]"));
        for routes in ["routes.spoke-to-hub", "routes.hub-to-spoke"] {
            let node = format!("{routes}[{spoke}]");
            let (made, ended) = (routed(&told, &node), done(&told, &node));
            assert!(made + 8_000 < active, "{node} was made at {made} ms, its peering active at {active} ms");
            assert!((active..active + 50).contains(&ended), "{node} ended at {ended} ms, its peering at {active} ms");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn routes_through_a_peering_that_fails_are_taken_back() {
    let plan = shipped("plans/us-east-1.toml");
    let timing = || Timing { peering_accept: Duration::from_secs(10), ..Timing::default() };
    let whole = Sim::builder().timing(timing()).build();
    plan.apply(&whole).await;
    let sim = Sim::builder().timing(timing()).build();
    let failing = async {
        // Three routes of the one side and three of the other.
        while routed_peerings(&sim).len() < 24 {
            sleep(Duration::from_millis(100)).await;
        }
        let fail = |world: &mut orch::sim::World| {
            let is_devs =
                |peering: &orch::sim::ec2::Peering| peering.requester.place.account.to_string() == "222222222222";
            let peering = world.peerings.values_mut().find(|peering| is_devs(peering)).unwrap();
            assert_eq!(peering.status, Status::Provisioning);
            peering.status = Status::Failed;
            peering.id.clone()
        };
        sim.change(fail).unwrap()
    };
    let ((tally, told), id) = tokio::join!(plan.apply(&sim), failing);
    assert_eq!((tally.done, tally.failed, tally.skipped), (14, 1, 2), "{told:#?}");
    for routes in ["routes.spoke-to-hub[dev]", "routes.hub-to-spoke[dev]"] {
        let at = when(&told, routes, |event| {
            let Event::NodeWithdrawn { because, details, .. } = event else { return false };
            assert_eq!((because.to_string().as_str(), details.len()), ("peerings.spoke[dev]", 3));
            true
        });
        assert!(at < when(&told, "peerings.spoke[dev]", |event| matches!(event, Event::NodeFailed { .. })) + 1_000);
    }
    assert!(!routed_peerings(&sim).contains(&id), "no route leads into it any more");
    let (tally, told) = plan.apply(&sim).await;
    assert!(tally.is_success() && tally.changed == 3, "{told:#?}");
    assert_eq!(Look::from(&sim).shape(), Look::from(&whole).shape());
}

/// A network beside something that takes a minute.
const HUB: &str = "\
Parameters:
  CidrBlock: {Type: String}
  TopicName: {Type: String, Default: slow}
Resources:
  Topic: {Type: 'AWS::SNS::Topic', Properties: {TopicName: !Ref TopicName}}
  Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: !Ref CidrBlock}}
  Table: {Type: 'AWS::EC2::RouteTable', Properties: {VpcId: !Ref Vpc}}
Outputs:
  VPCId: {Value: !Ref Vpc}
  RouteTableIds: {Value: !Join [',', [!Ref Table]]}
  VPCCIDRBlock: {Value: !GetAtt Vpc.CidrBlock}
  TopicArn: {Value: !Ref Topic}
";

const DESIGN: &str = r#"
name   = "early"
region = "us-east-1"

[vars]
topic  = "slow"
spokes = { dev = "10.1.0.0/24", qa = "10.2.0.0/24" }

[accounts]
hub = { id = "111111111111" }
dev = { id = "222222222222", role = "Deploy" }
qa  = { id = "333333333333", role = "Deploy" }

[defaults.stacks]
early_outputs = true

[stacks.hub]
account    = "hub"
template   = "hub.yaml"
parameters = { CidrBlock = "10.0.0.0/24", TopicName = "{{ vars.topic }}" }

[stacks.spoke]
for_each   = "vars.spokes"
account    = "{{ each.key }}"
template   = "spoke.yaml"
parameters = { CidrBlock = "{{ each.value }}" }

[peerings.spoke]
for_each  = "stacks.spoke"
requester = { account = "{{ each.account }}", vpc = "{{ each.outputs.VPCId }}" }
accepter  = { account = "hub", vpc = "{{ stacks.hub.outputs.VPCId }}", dns = true }

[routes.out]
for_each     = "peerings.spoke"
account      = "{{ each.requester.account }}"
route_tables = ["{{ each.source.outputs.RouteTableId }}"]
destination  = "{{ stacks.hub.outputs.VPCCIDRBlock }}"
via          = "{{ each.id }}"

[routes.back]
for_each     = "peerings.spoke"
account      = "hub"
route_tables = ["{{ split stacks.hub.outputs.RouteTableIds }}"]
destination  = "{{ each.source.outputs.VPCCIDRBlock }}"
via          = "{{ each.id }}"
"#;

fn written(text: &str, hub: &str) -> Ready {
    beside(text, &[("hub.yaml", hub), ("spoke.yaml", NET)])
}

pub(crate) fn design() -> Ready {
    written(DESIGN, HUB)
}

pub(crate) fn design_but(from: &str, to: &str) -> Ready {
    assert!(DESIGN.contains(from));
    written(&DESIGN.replace(from, to), HUB)
}

/// A VPC takes five seconds, a table one, and the hub's stack a minute in all.
pub(crate) fn slow_hub() -> Timing {
    let seconds = |(kind, seconds): (&str, u64)| (kind.to_owned(), Duration::from_secs(seconds));
    let kinds = [("AWS::EC2::VPC", 5), ("AWS::EC2::RouteTable", 1), ("AWS::SNS::Topic", 60)];
    Timing { resource_types: kinds.map(seconds).into(), ..Timing::default() }
}

/// The resources of the longest chain: a VPC, and a peering from its request until it is active. The table of a route is made
/// beside that, and a route takes no time.
const CHAIN: u128 = 5_000 + 200 + 1_000;

pub(crate) const TAKERS: [&str; 6] = [
    "peerings.spoke[dev]",
    "peerings.spoke[qa]",
    "routes.out[dev]",
    "routes.out[qa]",
    "routes.back[dev]",
    "routes.back[qa]",
];

pub(crate) fn live_peerings(sim: &Sim) -> usize {
    sim.inspect(|world| world.peerings.values().filter(|peering| !peering.is_dead()).count()).unwrap()
}

/// The status of the hub's stack, if it is there.
pub(crate) fn hub_status(sim: &Sim) -> String {
    let status = |world: &orch::sim::World| {
        let stacks = world.places().flat_map(|(_, regional)| regional.cloudformation.stacks.values());
        let hubs = stacks.filter(|stack| stack.name == "early-hub").map(|stack| stack.status.to_string());
        hubs.last().unwrap_or_default()
    };
    sim.inspect(status).unwrap()
}

/// The hub's topic fails once it has taken its time.
pub(crate) fn failing_topic() -> Faults {
    let fault = "[[resource]]\nstack = \"early-hub\"\nlogical_id = \"Topic\"\nreason = \"no more topics\"\n";
    toml::from_str(fault).unwrap()
}

/// What stands, without the stacks that are gone and still listed.
pub(crate) fn standing(sim: &Sim) -> String {
    let shape = Look::from(sim).shape();
    shape.lines().filter(|line| !line.contains("DELETE_COMPLETE")).collect::<Vec<_>>().join("\n")
}

/// What stands after an apply that nothing disturbs.
pub(crate) async fn whole() -> String {
    let sim = Sim::builder().timing(slow_hub()).build();
    let (tally, told) = design().apply(&sim).await;
    assert!(tally.is_success(), "{told:#?}");
    Look::from(&sim).shape()
}

#[tokio::test(start_paused = true)]
async fn peerings_and_routes_are_there_long_before_a_slow_hub_and_end_with_it() {
    let sim = Sim::builder().timing(slow_hub()).build();
    let (tally, told) = design().apply(&sim).await;
    assert!(tally.is_success() && tally.changed == 9, "{told:#?}");
    let hub = done(&told, "stacks.hub");
    assert!((60_000..66_000).contains(&hub), "the hub takes a minute: {hub} ms");
    for node in TAKERS {
        let worked = routed(&told, node);
        assert!(worked <= CHAIN + 5_000, "the work of {node} was done at {worked} ms, the chain takes {CHAIN} ms");
        let ended = done(&told, node);
        assert!((hub..hub + 100).contains(&ended), "{node} ended at {ended} ms, the hub at {hub} ms");
    }
    let worked = TAKERS.map(|node| routed(&told, node)).into_iter().max().unwrap();
    let Some((took, Event::RunFinished { saved_ms: Some(saved), .. })) = told.last() else { panic!("{told:#?}") };
    println!("the work was done after {worked} ms of {took} ms, the chain takes {CHAIN} ms, and {saved} ms were saved");
    assert!(*took < 67_000 && (1_000..5_000).contains(saved), "{saved} ms were saved of {took} ms");
    // A second apply has nothing to do, and nothing to save.
    let (tally, told) = design().apply(&sim).await;
    assert_eq!((tally.done, tally.changed), (9, 0), "{told:#?}");
    assert!(matches!(told.last(), Some((_, Event::RunFinished { saved_ms: None, .. }))));
}

#[tokio::test(start_paused = true)]
async fn what_is_certain_is_told_as_soon_by_the_stack_as_by_its_operation_and_a_failure_too() {
    let count = |sim: &Sim, operation: &str| sim.calls().iter().filter(|call| call.operation == operation).count();
    for faults in [Faults::default(), failing_topic()] {
        let mut runs = Vec::new();
        for is_refused in [false, true] {
            let refused = Fault::new(Effect::AccessDenied).on("DescribeEvents");
            let calls = if is_refused { vec![refused] } else { Vec::new() };
            let sim = Sim::builder().timing(slow_hub()).faults(Faults { calls, ..faults.clone() }).build();
            let (tally, told) = design().apply(&sim).await;
            let worked = TAKERS.map(|node| routed(&told, node));
            let back = told.iter().filter(|(_, event)| matches!(event, Event::NodeWithdrawn { .. })).count();
            runs.push((tally.done, tally.failed, back, standing(&sim)));
            assert!(worked.iter().all(|worked| *worked <= CHAIN + 5_000), "refused: {is_refused}, {worked:?}");
            let asked = (count(&sim, "DescribeEvents"), count(&sim, "DescribeStackEvents"));
            match (is_refused, tally.failed) {
                // Once in each of three accounts.
                (true, _) => assert!(asked.0 == 3 && asked.1 >= 10, "{asked:?}"),
                (false, 0) => assert!(asked.0 >= 10 && asked.1 == 0, "{asked:?}"),
                // What takes the hub back is another operation.
                (false, _) => assert!(asked.0 >= 10 && (1..10).contains(&asked.1), "{asked:?}"),
            }
        }
        assert_eq!(runs[0], runs[1]);
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_key_everything_waits_until_the_hub_is_complete() {
    let sim = Sim::builder().timing(slow_hub()).build();
    let (tally, told) = design_but("early_outputs = true", "").apply(&sim).await;
    assert!(tally.is_success(), "{told:#?}");
    for node in TAKERS {
        let started = when(&told, node, |event| matches!(event, Event::NodeStarted { .. }));
        assert!(started >= 60_000, "{node} started at {started} ms");
    }
    let worked = TAKERS.map(|node| done(&told, node)).into_iter().max().unwrap();
    println!("without the key the work was done after {worked} ms");
    assert_eq!(standing(&sim), whole().await);
}

#[tokio::test(start_paused = true)]
async fn certain_are_ranges_and_the_attributes_that_give_ids_too() {
    let resources = "  Subnet: {Type: 'AWS::EC2::Subnet', Properties: {VpcId: !Ref Vpc, CidrBlock: !Select [1, !Cidr [!Ref CidrBlock, 2, 6]]}}\n\
         \x20 Gateway: {Type: 'AWS::EC2::EgressOnlyInternetGateway', Properties: {VpcId: !Ref Vpc}}\n\
         Outputs:\n  GatewayId: {Value: !GetAtt Gateway.Id}\n";
    let hub = HUB.replace("Outputs:\n", resources).replace("!GetAtt Vpc.CidrBlock", "!GetAtt Subnet.CidrBlock");
    let out = "\n[routes.out6]\naccount      = \"hub\"\nroute_tables = [\"{{ split stacks.hub.outputs.RouteTableIds }}\"]\n\
         destination  = \"::/0\"\nvia          = \"{{ stacks.hub.outputs.GatewayId }}\"\n";
    let sim = Sim::builder().timing(slow_hub()).build();
    let (tally, told) = written(&format!("{DESIGN}{out}"), &hub).apply(&sim).await;
    assert!(tally.is_success() && tally.changed == 10, "{told:#?}");
    for node in ["routes.out[dev]", "routes.out[qa]", "routes.out6"] {
        assert!(routed(&told, node) < 20_000, "{node} was made early");
    }
    let leads = |world: &orch::sim::World| {
        let tables = world.places().flat_map(|(_, regional)| regional.ec2.route_tables.values());
        let routes: Vec<String> = tables.flat_map(|table| table.routes.keys().map(ToString::to_string)).collect();
        routes
    };
    let leads = sim.inspect(leads).unwrap();
    assert_eq!(leads.iter().filter(|to| *to == "10.0.0.64/26").count(), 2, "to the hub's subnet: {leads:?}");
}

/// When the events of stacks were read in the hub's account, in milliseconds since the first call.
fn reads_of_events(sim: &Sim) -> Vec<u128> {
    let calls = sim.calls();
    let since = |call: &Call| call.at.duration_since(calls[0].at).unsigned_abs().as_millis();
    let is_one = |call: &&Call| {
        let hub = call.account.as_ref().is_some_and(|account| account.as_str() == "111111111111");
        hub && matches!(call.operation.as_str(), "DescribeStackEvents" | "DescribeEvents")
    };
    calls.iter().filter(is_one).map(since).collect()
}

#[tokio::test(start_paused = true)]
async fn events_are_read_each_second_while_outputs_are_waited_for_and_each_five_after_that() {
    let early = Sim::builder().timing(slow_hub()).build();
    let (tally, told) = design().apply(&early).await;
    assert!(tally.is_success(), "{told:#?}");
    let late = Sim::builder().timing(slow_hub()).build();
    let (tally, _) = design_but("early_outputs = true", "").apply(&late).await;
    assert!(tally.is_success());
    let (early, late) = (reads_of_events(&early), reads_of_events(&late));
    println!("the hub's events were read {} times, without the key {} times", early.len(), late.len());
    // The last output is certain once the table is there, and a read or two come with the end.
    let began = when(&told, "stacks.hub", |event| matches!(event, Event::NodeStarted { .. }));
    let released = TAKERS.iter().map(|node| when(&told, node, |event| matches!(event, Event::NodeStarted { .. })));
    let (released, ended) = (released.max().unwrap(), done(&told, "stacks.hub"));
    let most = (released - began) / 1_000 + (ended - released) / 5_000 + 3;
    assert!((10..=most).contains(&(early.len() as u128)), "{most} at the most: {early:?}");
    assert!(late.len() <= 6, "one in 15 seconds: {late:?}");
}

#[tokio::test(start_paused = true)]
async fn events_in_one_place_are_read_twice_a_second_at_the_most_however_many_stacks_give_early() {
    // The spokes are hubs in the hub's account.
    let edits = [
        ("account    = \"{{ each.key }}\"", "account    = \"hub\""),
        ("template   = \"spoke.yaml\"", "template   = \"hub.yaml\""),
        ("\"{{ each.value }}\" }", "\"{{ each.value }}\", TopicName = \"{{ each.key }}\" }"),
        ("source.outputs.RouteTableId }}\"", "source.outputs.RouteTableIds }}\""),
    ];
    let text = edits.iter().fold(DESIGN.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    let sim = Sim::builder().timing(slow_hub()).build();
    let (tally, told) = written(&text, HUB).apply(&sim).await;
    assert!(tally.is_success(), "{told:#?}");
    for node in TAKERS {
        assert!(routed(&told, node) < 20_000, "{node} was made early");
    }
    // At its end each stack's events are read, whoever follows them.
    let ends = ["stacks.hub", "stacks.spoke[dev]", "stacks.spoke[qa]"].map(|node| done(&told, node));
    let first = ends.into_iter().min().unwrap();
    let reads: Vec<u128> = reads_of_events(&sim).into_iter().filter(|at| at + 2_000 < first).collect();
    println!("the events of three were read {} times in {first} ms", reads.len());
    assert!(reads.len() > 30, "three are followed: {reads:?}");
    for three in reads.windows(3) {
        assert!(three[2] - three[0] >= 1_000, "three in less than a second: {three:?} of {reads:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn when_the_hub_fails_all_that_stands_on_it_is_taken_back_before_its_rollback_needs_it() {
    let sim = Sim::builder().timing(slow_hub()).faults(failing_topic()).build();
    let (tally, told) = design().apply(&sim).await;
    assert_eq!((tally.done, tally.failed, tally.skipped), (2, 1, 6), "{told:#?}");
    let failed = when(&told, "stacks.hub", |event| matches!(event, Event::NodeFailed { .. }));
    for node in TAKERS {
        assert!(routed(&told, node) < 20_000, "{node} was made first");
        let back = when(&told, node, |event| {
            let Event::NodeWithdrawn { because, details, .. } = event else { return false };
            assert_eq!(because.to_string(), "stacks.hub");
            // A route of the hub's own table may have gone with that.
            assert!(!details.is_empty() || node.starts_with("routes.back"), "{node}");
            true
        });
        assert!(back < failed, "{node} was taken back at {back} ms, the hub had rolled back at {failed} ms");
    }
    assert_eq!((live_peerings(&sim), routed_peerings(&sim).len()), (0, 0));
    assert_eq!(hub_status(&sim), "ROLLBACK_COMPLETE", "nothing was in the way of the rollback");
    sim.set_faults(Faults::default());
    let (tally, told) = design().apply(&sim).await;
    assert!(tally.is_success() && tally.changed == 7, "{told:#?}");
    assert_eq!(standing(&sim), whole().await);
}

#[tokio::test(start_paused = true)]
async fn what_stood_before_is_not_taken_back_when_an_update_fails() {
    let sim = Sim::builder().timing(slow_hub()).build();
    let one = design_but(", qa = \"10.2.0.0/24\"", "");
    one.apply(&sim).await;
    let (before, peering) = (Look::from(&sim).shape(), live_peerings(&sim));
    assert_eq!(peering, 1);
    // Another topic, and another spoke.
    let changed = design_but("topic  = \"slow\"", "topic  = \"slower\"");
    let fault = "[[resource]]\nstack = \"early-hub\"\nlogical_id = \"Topic\"\naction = \"UPDATE\"\nreason = \"no\"\n";
    let replaced = fault.replace("UPDATE", "CREATE");
    sim.set_faults(toml::from_str(&format!("{fault}{replaced}")).unwrap());
    let (tally, told) = changed.apply(&sim).await;
    assert_eq!(tally.failed, 1, "{told:#?}");
    let shape = Look::from(&sim).shape();
    let hub = |shape: &str| shape.lines().filter(|line| line.contains("10.1.0.0/24")).count();
    assert_eq!(hub(&shape), hub(&before), "dev's peering and routes stand:\n{shape}");
    assert_eq!(live_peerings(&sim), 1, "qa's went:\n{shape}");
    sim.set_faults(Faults::default());
    let (tally, told) = changed.apply(&sim).await;
    assert!(tally.is_success(), "{told:#?}");
    assert_eq!(live_peerings(&sim), 2);
}

#[tokio::test(start_paused = true)]
async fn what_an_update_leaves_alone_is_given_at_once() {
    let sim = Sim::builder().timing(slow_hub()).build();
    design_but(", qa = \"10.2.0.0/24\"", "").apply(&sim).await;
    let changed = design_but("topic  = \"slow\"", "topic  = \"slower\"");
    let (tally, told) = changed.apply(&sim).await;
    assert!(tally.is_success(), "{told:#?}");
    let hub = done(&told, "stacks.hub");
    assert!(hub >= 60_000, "the topic is made anew: {hub} ms");
    for node in ["peerings.spoke[qa]", "routes.out[qa]", "routes.back[qa]"] {
        let worked = routed(&told, node);
        assert!(worked <= CHAIN + 5_000, "the work of {node} was done at {worked} ms, the chain takes {CHAIN} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn dying_while_all_stands_on_a_hub_that_is_not_complete_loses_nothing() {
    let plan = design();
    let wanted = whole().await;
    for fails in [false, true] {
        let sim = Sim::builder().timing(slow_hub()).build();
        if fails {
            sim.set_faults(failing_topic());
        }
        tokio::select! {
            () = sleep(Duration::from_secs(30)) => {}
            _ = plan.apply(&sim) => panic!("the hub takes a minute"),
        }
        assert_eq!(live_peerings(&sim), 2);
        if fails {
            // The peerings keep the VPC from being rolled back, and nobody is there to see it.
            sleep(Duration::from_hours(1)).await;
            assert_eq!(hub_status(&sim), "ROLLBACK_FAILED");
            sim.set_faults(Faults::default());
        }
        let (tally, told) = plan.apply(&sim).await;
        assert!(tally.is_success(), "{fails}: {told:#?}");
        assert_eq!(standing(&sim), wanted);
        assert_eq!(plan.apply(&sim).await.0.changed, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_peering_whose_answer_was_lost_goes_as_well_when_the_hub_fails() {
    let mut faults = failing_topic();
    let lost = Fault {
        operation: Some("CreateVpcPeeringConnection".to_owned()),
        first: Some(4),
        ..Fault::new(Effect::LostAfter)
    };
    faults.calls.push(lost);
    let sim = Sim::builder().timing(slow_hub()).faults(faults).build();
    let (tally, told) = design().apply(&sim).await;
    assert_eq!((tally.done, tally.failed, tally.skipped), (2, 1, 6), "{told:#?}");
    assert_eq!(live_peerings(&sim), 0);
    assert_eq!(hub_status(&sim), "ROLLBACK_COMPLETE");
}

#[tokio::test(start_paused = true)]
async fn one_node_at_a_time_comes_to_the_same() {
    let limits = Limits { total: NonZeroUsize::MIN, per_lane: NonZeroUsize::MIN };
    let sim = Sim::builder().timing(slow_hub()).build();
    let plan = design().with(Settings { limits, fail_fast: true });
    let (tally, told) = plan.apply(&sim).await;
    assert!(tally.is_success(), "{told:#?}");
    assert_eq!(standing(&sim), whole().await);
    let sim = Sim::builder().timing(slow_hub()).faults(failing_topic()).build();
    plan.apply(&sim).await;
    assert_eq!(live_peerings(&sim), 0);
    sim.set_faults(Faults::default());
    assert!(plan.apply(&sim).await.0.is_success());
    assert_eq!(standing(&sim), whole().await);
}

#[tokio::test(start_paused = true)]
async fn a_preview_says_what_is_given_early_and_the_run_does_what_it_shows() {
    let sim = Sim::builder().timing(slow_hub()).build();
    let (preview, tally) = design().preview(&sim, true).await;
    assert!(tally.is_success());
    for node in &preview.nodes {
        let early = node.until.iter().filter(|until| until.node.kind == Kind::Stack);
        assert!(early.clone().all(|until| until.early), "{node:#?}");
        assert_eq!(early.count() > 0, node.node.kind != Kind::Stack, "{node:#?}");
    }
    assert_eq!(standing(&sim), whole().await);
}
