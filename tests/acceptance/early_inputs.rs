//! Stacks that are created with outputs of others before those are complete, and what becomes of them if these fail.

use std::collections::BTreeMap;
use std::time::Duration;

use orch::event::{Change, Event};
use orch::ids::Kind;
use orch::preview::Action;
use orch::sim::{Effect, Fault, Faults, Sim, Timing};
use tokio::time::sleep;

use crate::early::{done, failing_topic, live_peerings, when};
use crate::in_process::{Ready, Told};
use crate::spokes::{NET, beside};

/// A network beside something that takes a minute.
const HUB: &str = "\
Parameters:
  CidrBlock: {Type: String}
  TopicName: {Type: String, Default: slow}
Resources:
  Topic: {Type: 'AWS::SNS::Topic', Properties: {TopicName: !Ref TopicName}}
  Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: !Ref CidrBlock}}
Outputs:
  VPCId: {Value: !Ref Vpc}
  VPCCIDRBlock: {Value: !GetAtt Vpc.CidrBlock}
";

/// What stands in the hub's network.
pub(crate) const APP: &str = "\
Parameters:
  Vpc: {Type: 'AWS::EC2::VPC::Id'}
Resources:
  Subnet: {Type: 'AWS::EC2::Subnet', Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.0.0/26}}
Outputs:
  SubnetId: {Value: !Ref Subnet}
";

/// A network that knows of the hub's.
const SPOKE: &str = "  Hub: {Type: String}\nResources:\n  Note: {Type: 'AWS::EC2::InternetGateway', Properties: {Tags: [{Key: Hub, Value: !Ref Hub}]}}\n";

const DESIGN: &str = r#"
name   = "early"
region = "us-east-1"

[vars]
topic = "slow"

[accounts]
hub = { id = "111111111111" }
dev = { id = "222222222222", role = "Deploy" }

[stacks.hub]
account       = "hub"
template      = "hub.yaml"
parameters    = { CidrBlock = "10.0.0.0/24", TopicName = "{{ vars.topic }}" }
early_outputs = true

[stacks.app]
account      = "hub"
template     = "app.yaml"
parameters   = { Vpc = "{{ stacks.hub.outputs.VPCId }}" }
tags         = { Of = "app" }
early_inputs = true

[stacks.late]
account    = "dev"
template   = "spoke.yaml"
parameters = { CidrBlock = "10.2.0.0/24", Hub = "{{ stacks.app.outputs.SubnetId }}" }

[stacks.spoke]
account       = "dev"
template      = "spoke.yaml"
parameters    = { CidrBlock = "10.1.0.0/24", Hub = "{{ stacks.hub.outputs.VPCCIDRBlock }}" }
early_inputs  = true
early_outputs = true

[peerings.spoke]
requester = { account = "dev", vpc = "{{ stacks.spoke.outputs.VPCId }}" }
accepter  = { account = "hub", vpc = "{{ stacks.hub.outputs.VPCId }}" }
"#;

fn written(text: &str) -> Ready {
    let spoke = NET.replace("Resources:\n", SPOKE);
    beside(text, &[("hub.yaml", HUB), ("app.yaml", APP), ("spoke.yaml", &spoke)])
}

fn design() -> Ready {
    written(DESIGN)
}

fn design_but(edits: &[(&str, &str)]) -> Ready {
    let text = edits.iter().fold(DESIGN.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    written(&text)
}

/// A VPC takes five seconds, a subnet as long as is said, and the hub's stack a minute in all.
fn slow_hub(subnet: u64) -> Timing {
    let seconds = |(kind, seconds): (&str, u64)| (kind.to_owned(), Duration::from_secs(seconds));
    let kinds = [("AWS::EC2::VPC", 5), ("AWS::EC2::Subnet", subnet), ("AWS::SNS::Topic", 60)];
    Timing { resource_types: kinds.map(seconds).into(), ..Timing::default() }
}

fn started(told: &Told, node: &str) -> u128 {
    when(told, node, |event| matches!(event, Event::NodeStarted { .. }))
}

/// What was taken back of a node because of the hub.
fn taken_back(told: &Told, node: &str) -> Vec<String> {
    let taken = told.iter().find_map(|(_, event)| match event {
        Event::NodeWithdrawn { node: id, because, details, .. } if id.to_string() == node => {
            assert_eq!(because.to_string(), "stacks.hub");
            Some(details.clone())
        }
        _ => None,
    });
    taken.unwrap_or_else(|| panic!("{node}: {told:#?}"))
}

/// The stacks that stand, with their statuses.
fn stacks(sim: &Sim) -> BTreeMap<String, String> {
    let stacks = |world: &orch::sim::World| {
        let stacks = world.places().flat_map(|(_, regional)| regional.cloudformation.stacks.values());
        let stacks = stacks.filter(|stack| stack.deleted.is_none());
        stacks.map(|stack| (stack.name.clone(), stack.status.to_string())).collect()
    };
    sim.inspect(stacks).unwrap()
}

/// Holds that an apply makes all of it, and another one nothing.
async fn repaired(plan: &Ready, sim: &Sim) {
    let (tally, told) = plan.apply(sim).await;
    assert!(tally.is_success() && tally.done == 5, "{told:#?}");
    let stacks = stacks(sim);
    assert!(stacks.len() == 4 && stacks.values().all(|status| status.ends_with("E_COMPLETE")), "{stacks:?}");
    assert_eq!(live_peerings(sim), 1);
    assert_eq!(plan.apply(sim).await.0.changed, 0);
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_takes_outputs_early_is_created_while_its_hub_goes_on_and_ends_with_it() {
    let sim = Sim::builder().timing(slow_hub(10)).build();
    let (tally, told) = design().apply(&sim).await;
    assert!(tally.is_success() && tally.changed == 5, "{told:#?}");
    let hub = done(&told, "stacks.hub");
    assert!((60_000..66_000).contains(&hub), "{hub}");
    for node in ["stacks.app", "stacks.spoke", "peerings.spoke"] {
        let (began, ended) = (started(&told, node), done(&told, node));
        assert!(began < 20_000 && (hub..hub + 100).contains(&ended), "{node} {began} {ended} {hub}");
    }
    // What does not say so waits until all that it needs has ended.
    assert!(started(&told, "stacks.late") >= hub);
    repaired(&design(), &sim).await;
}

#[tokio::test(start_paused = true)]
async fn without_the_key_a_stack_waits_although_its_hub_gives_outputs_early() {
    let sim = Sim::builder().timing(slow_hub(10)).build();
    let (tally, told) = design_but(&[("early_inputs = true", ""), ("early_inputs  = true", "")]).apply(&sim).await;
    assert!(tally.is_success(), "{told:#?}");
    assert!(started(&told, "stacks.app") >= 60_000 && started(&told, "stacks.spoke") >= 60_000);
}

#[tokio::test(start_paused = true)]
async fn what_was_created_on_a_hub_that_fails_is_deleted_and_made_by_a_second_apply() {
    // It is complete when the hub fails, or still being created.
    for subnet in [10, 120] {
        let sim = Sim::builder().timing(slow_hub(subnet)).faults(failing_topic()).build();
        let (tally, told) = design().apply(&sim).await;
        assert_eq!((tally.done, tally.failed, tally.skipped), (0, 1, 4), "{told:#?}");
        assert_eq!(taken_back(&told, "stacks.app"), ["deleted stack early-app"], "{told:#?}");
        assert_eq!(taken_back(&told, "stacks.spoke"), ["deleted stack early-spoke"], "{told:#?}");
        assert!(taken_back(&told, "peerings.spoke")[0].starts_with("deleted pcx-"), "{told:#?}");
        assert_eq!(live_peerings(&sim), 0);
        assert_eq!(stacks(&sim).into_keys().collect::<Vec<_>>(), ["early-hub"], "{told:#?}");
        sim.set_faults(Faults::default());
        repaired(&design(), &sim).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_was_created_early_stays_where_nothing_goes_away_under_it() {
    let guards = [
        (
            "early_outputs = true\n\n[stacks.app]",
            "early_outputs = true\nprotect = [\"replace\"]\n\n[stacks.app]",
            "stacks.hub",
        ),
        ("early_inputs = true", "early_inputs = true\nprotect = [\"replace\"]", "stacks.app"),
    ];
    for (from, to, fails) in guards {
        let plan = design_but(&[(from, to)]);
        let sim = Sim::builder().timing(slow_hub(10)).build();
        sim.set_faults(Faults::of([Fault::new(Effect::AccessDenied).on("SetStackPolicy")]));
        let (tally, told) = plan.apply(&sim).await;
        assert!(tally.failed == 1, "{told:#?}");
        when(&told, fails, |event| matches!(event, Event::NodeFailed { .. }));
        let stacks = stacks(&sim);
        assert_eq!(stacks["early-app"], "CREATE_COMPLETE", "{told:#?}");
        if fails == "stacks.hub" {
            let left = taken_back(&told, "stacks.app");
            assert_eq!(left, ["stack early-app stays, if it was created: stacks.hub has failed and is not undone"]);
            assert_eq!(stacks["early-spoke"], "CREATE_COMPLETE");
        }
        sim.set_faults(Faults::default());
        repaired(&plan, &sim).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stack_on_one_that_stood_before_stays_if_the_hub_fails_and_is_no_matter_of_the_preview() {
    let late = &DESIGN[DESIGN.find("[stacks.late]").unwrap()..DESIGN.find("[stacks.spoke]").unwrap()];
    let app = &DESIGN[DESIGN.find("[stacks.app]").unwrap()..DESIGN.find("[stacks.late]").unwrap()];
    let peering = &DESIGN[DESIGN.find("[peerings.spoke]").unwrap()..];
    let sim = Sim::builder().timing(slow_hub(10)).build();
    let before = design_but(&[(late, ""), (app, ""), (peering, "")]);
    assert!(before.apply(&sim).await.0.is_success());
    // The hub is made anew, with the range that the spoke knows, and something new stands on the spoke.
    assert!(before.only("stacks.hub").destroy(&sim).await.0.is_success());
    assert_eq!(stacks(&sim).into_keys().collect::<Vec<_>>(), ["early-spoke"]);
    let on_spoke = late.replace("stacks.app.outputs.SubnetId", "stacks.spoke.outputs.VPCId");
    let on_spoke = on_spoke.replace("template ", "early_inputs = true\ntemplate ");
    let plan = design_but(&[(late, &on_spoke), (app, ""), (peering, "")]);
    let (preview, _) = plan.preview(&sim, false).await;
    let late = preview.nodes.iter().find(|node| node.node.to_string() == "stacks.late").unwrap();
    assert!(late.until.iter().any(|until| until.early) && late.notes.is_empty(), "{late:#?}");
    sim.set_faults(failing_topic());
    let (tally, told) = plan.apply(&sim).await;
    assert_eq!((tally.done, tally.failed, tally.skipped), (0, 1, 2), "{told:#?}");
    let left = taken_back(&told, "stacks.late");
    assert_eq!(left, ["stack early-late stays, if it was created: so does what it stands on, stacks.spoke"]);
    let standing = stacks(&sim);
    assert_eq!(
        (&*standing["early-late"], &*standing["early-spoke"]),
        ("CREATE_COMPLETE", "CREATE_COMPLETE"),
        "{told:#?}"
    );
    sim.set_faults(Faults::default());
    assert!(plan.apply(&sim).await.0.is_success());
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_stands_is_updated_once_its_hub_is_complete_and_left_alone_if_that_fails() {
    let sim = Sim::builder().timing(slow_hub(10)).build();
    design().apply(&sim).await;
    let changed = design_but(&[("topic = \"slow\"", "topic = \"slower\""), ("Of = \"app\"", "Of = \"us\"")]);
    let fault = "[[resource]]\nstack = \"early-hub\"\nlogical_id = \"Topic\"\naction = \"UPDATE\"\nreason = \"no\"\n";
    sim.set_faults(toml::from_str(fault).unwrap());
    let before = stacks(&sim);
    let (tally, told) = changed.apply(&sim).await;
    assert_eq!(tally.failed, 1, "{told:#?}");
    assert_eq!(taken_back(&told, "stacks.app"), [""; 0]);
    let after = stacks(&sim);
    assert_eq!((&after["early-app"], &after["early-spoke"]), (&before["early-app"], &before["early-spoke"]));
    assert_eq!((after["early-hub"].as_str(), live_peerings(&sim)), ("UPDATE_ROLLBACK_COMPLETE", 1));

    sim.set_faults(Faults::default());
    let (tally, told) = changed.apply(&sim).await;
    assert!(tally.is_success(), "{told:#?}");
    let app = done(&told, "stacks.app");
    assert!(started(&told, "stacks.app") < 20_000 && app >= done(&told, "stacks.hub"), "{told:#?}");
    let updated = |event: &Event| matches!(event, Event::NodeDone { change: Change::Updated, .. });
    assert_eq!(when(&told, "stacks.app", updated), app);
}

#[tokio::test(start_paused = true)]
async fn dying_while_a_stack_is_created_early_loses_nothing_and_what_it_holds_is_named() {
    let plan = design();
    for fails in [false, true] {
        let sim = Sim::builder().timing(slow_hub(10)).build();
        if fails {
            sim.set_faults(failing_topic());
        }
        tokio::select! {
            () = sleep(Duration::from_secs(30)) => {}
            _ = plan.apply(&sim) => panic!("the hub takes a minute"),
        }
        if fails {
            // Its subnet keeps the VPC from being rolled back, and nobody is there to see it.
            sleep(Duration::from_hours(1)).await;
            assert_eq!(stacks(&sim)["early-hub"], "ROLLBACK_FAILED");
            sim.set_faults(Faults::default());
            let (tally, told) = plan.apply(&sim).await;
            assert_eq!(tally.failed, 1, "{told:#?}");
            let helps = |event: &Event| {
                matches!(event, Event::NodeFailed { error, .. }
                    if error.help.last().unwrap().contains("orch destroy PLAN --only 'stacks.app'`"))
            };
            when(&told, "stacks.hub", helps);
            // So it is where the hub alone is chosen, or the stack does not say any more that it takes something early.
            let (tally, told) = plan.clone().only("stacks.hub").apply(&sim).await;
            assert_eq!(tally.failed, 1, "{told:#?}");
            when(&told, "stacks.hub", helps);
            let without = design_but(&[("tags         = { Of = \"app\" }\nearly_inputs = true\n", "")]);
            let (tally, told) = without.apply(&sim).await;
            assert_eq!(tally.failed, 1, "{told:#?}");
            when(&told, "stacks.hub", helps);
            assert_eq!(stacks(&sim)["early-hub"], "ROLLBACK_FAILED", "nothing is begun that must fail");
            assert_eq!(stacks(&sim)["early-app"], "CREATE_COMPLETE", "nobody has said that it may go");
            let (tally, told) = plan.clone().only("stacks.app").destroy(&sim).await;
            assert!(tally.is_success() && tally.changed == 1, "{told:#?}");
        }
        repaired(&plan, &sim).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_preview_marks_a_stack_that_is_created_early_and_not_one_that_stands() {
    let sim = Sim::builder().timing(slow_hub(10)).build();
    let early = async |plan: &Ready, apply: bool| {
        let (preview, tally) = plan.preview(&sim, apply).await;
        assert!(tally.is_success());
        let stacks = preview.nodes.into_iter().filter(|node| node.node.kind == Kind::Stack);
        let marked = stacks.filter(|node| node.until.iter().any(|until| until.early));
        marked.map(|node| (node.node.to_string(), node.action)).collect::<Vec<_>>()
    };
    let both = ["stacks.app", "stacks.spoke"].map(|node| (node.to_owned(), Action::Create));
    let (preview, _) = design().preview(&sim, false).await;
    let app = preview.nodes.iter().find(|node| node.node.to_string() == "stacks.app").unwrap();
    assert_eq!(app.notes, ["deleted again, with all that is in it, if the creation of stacks.hub fails"]);
    assert_eq!(early(&design(), true).await, both);
    assert_eq!(stacks(&sim).len(), 4);
    // The hub's VPC is made anew, and what stands waits for all of it.
    let moved = design_but(&[("CidrBlock = \"10.0.0.0/24\"", "CidrBlock = \"10.0.0.0/23\"")]);
    assert_eq!(early(&moved, false).await, []);
}
