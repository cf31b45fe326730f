//! A chain of stacks, each of which is created with what the one before gives early, and what becomes of it if the first fails.

use std::collections::BTreeMap;
use std::time::Duration;

use orch::engine::Control;
use orch::event::{Event, Tally};
use orch::sim::{Effect, Fault, Faults, Place, Sim, Timing};
use tokio::time::sleep;

use crate::early::{failing_topic, live_peerings, when};
use crate::early_inputs::APP;
use crate::early_left::{aborted, asked, drained, stays};
use crate::in_process::{Ready, Told};
use crate::spokes::{NET, beside};

/// A network beside something that takes minutes.
const HUB: &str = "\
Resources:
  Topic: {Type: 'AWS::SNS::Topic'}
  Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.0.0.0/24}}
Outputs:
  VPCId: {Value: !Ref Vpc}
";

/// What stands in the subnet of the app, and takes a minute to be made and a minute to go.
const SVC: &str = "\
Parameters:
  Subnet: {Type: 'AWS::EC2::Subnet::Id'}
Resources:
  Nat: {Type: 'AWS::EC2::NatGateway', Properties: {SubnetId: !Ref Subnet, ConnectivityType: private}}
";

const DESIGN: &str = r#"
name   = "early"
region = "us-east-1"

[accounts]
hub = { id = "111111111111" }
dev = { id = "222222222222", role = "Deploy" }

[defaults.stacks]
early_outputs = true

[stacks.hub]
account  = "hub"
template = "hub.yaml"

[stacks.app]
account      = "hub"
template     = "app.yaml"
parameters   = { Vpc = "{{ stacks.hub.outputs.VPCId }}" }
early_inputs = true

[stacks.svc]
account      = "hub"
template     = "svc.yaml"
parameters   = { Subnet = "{{ stacks.app.outputs.SubnetId }}" }
early_inputs = true

[stacks.spoke]
account    = "dev"
template   = "net.yaml"
parameters = { CidrBlock = "10.1.0.0/24" }

[peerings.spoke]
requester = { account = "dev", vpc = "{{ stacks.spoke.outputs.VPCId }}" }
accepter  = { account = "hub", vpc = "{{ stacks.hub.outputs.VPCId }}" }
"#;

fn design() -> Ready {
    design_but(&[])
}

fn design_but(edits: &[(&str, &str)]) -> Ready {
    let texts = [DESIGN, HUB, APP, SVC, NET];
    assert!(edits.iter().all(|(from, _)| texts.iter().any(|text| text.contains(from))), "{edits:?}");
    let edited = texts.map(|text| edits.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to)));
    let [plan, hub, app, svc, net] = edited.each_ref().map(String::as_str);
    beside(plan, &[("hub.yaml", hub), ("app.yaml", app), ("svc.yaml", svc), ("net.yaml", net)])
}

/// The faults of a text, and those of the hub's topic.
fn faults(more: &str) -> Faults {
    let mut faults = failing_topic();
    faults.resources.extend(toml::from_str::<Faults>(more).unwrap().resources);
    faults
}

/// The hub's network is there after five seconds, its stack after two minutes, when the rest of the chain is complete.
fn timing() -> Timing {
    let seconds = |(kind, seconds): (&str, u64)| (kind.to_owned(), Duration::from_secs(seconds));
    let kinds = [("AWS::EC2::VPC", 5), ("AWS::EC2::Subnet", 5), ("AWS::SNS::Topic", 120)];
    let resource_types = kinds.map(seconds).into();
    Timing { resource_types, gateway: Duration::from_mins(1), ..Timing::default() }
}

fn chain() -> Sim {
    Sim::builder().timing(timing()).faults(failing_topic()).build()
}

/// The stacks of the hub's account that stand, with their statuses.
fn stacks(sim: &Sim) -> BTreeMap<String, String> {
    let stacks = |world: &orch::sim::World| {
        let hub = world.places().filter(|(place, _)| place.account.to_string() == "111111111111");
        let stacks = hub.flat_map(|(_, regional)| regional.cloudformation.stacks.values());
        let stacks = stacks.filter(|stack| stack.deleted.is_none());
        stacks.map(|stack| (stack.name.clone(), stack.status.to_string())).collect()
    };
    sim.inspect(stacks).unwrap()
}

/// How many subnets and NAT gateways there are in the hub's account.
fn built(sim: &Sim) -> (usize, usize) {
    let built = |world: &orch::sim::World| {
        let hub = world.places().filter(|(place, _)| place.account.to_string() == "111111111111");
        let counts = hub.map(|(_, regional)| {
            let gateways = regional.ec2.nat_gateways.values().filter(|gateway| !gateway.is_gone());
            (regional.ec2.subnets.len(), gateways.count())
        });
        counts.fold((0, 0), |(subnets, gateways), (more, others)| (subnets + more, gateways + others))
    };
    sim.inspect(built).unwrap()
}

/// When it was told that a node's stack is being deleted again.
fn deleted_again(told: &Told, node: &str) -> u128 {
    when(told, node, |event| matches!(event, Event::NodeProgress { status, .. } if status == "is deleted again"))
}

/// When a node was taken back, of which this is told.
fn taken_back(told: &Told, node: &str, detail: &str) -> u128 {
    when(told, node, |event| {
        let Event::NodeWithdrawn { because, details, .. } = event else { return false };
        assert!(
            because.to_string() == "stacks.hub" && details.iter().any(|told| told.starts_with(detail)),
            "{event:?}"
        );
        true
    })
}

/// When the hub's failure was seen.
fn failing(told: &Told) -> u128 {
    when(
        told,
        "peerings.spoke",
        |event| matches!(event, Event::NodeProgress { status, .. } if status == "is taken back"),
    )
}

/// Holds that an apply makes all of it, and another one nothing.
async fn repaired(sim: &Sim) {
    sim.set_faults(Faults::default());
    let (tally, told) = design().apply(sim).await;
    assert!(tally.is_success() && tally.done == 5, "{told:#?}");
    let stacks = stacks(sim);
    assert!(stacks.len() == 3 && stacks.values().all(|status| status == "CREATE_COMPLETE"), "{stacks:?}");
    assert_eq!((built(sim), live_peerings(sim)), ((1, 1), 1));
    assert_eq!(design().apply(sim).await.0.changed, 0);
}

#[tokio::test(start_paused = true)]
async fn a_chain_of_stacks_on_a_hub_that_fails_is_deleted_from_its_end_on() {
    let sim = chain();
    let (tally, told) = design().apply(&sim).await;
    assert_eq!((tally.done, tally.failed, tally.skipped), (1, 1, 3), "{told:#?}");
    let known = failing(&told);
    // What nothing stands on goes at once, and a stack when all that stands in it is gone.
    assert!(taken_back(&told, "peerings.spoke", "deleted pcx-") < known + 5_000, "{told:#?}");
    let svc = taken_back(&told, "stacks.svc", "deleted stack early-svc");
    assert!(deleted_again(&told, "stacks.svc") < known + 5_000 && svc > known + 60_000, "{told:#?}");
    assert!((svc..svc + 1_000).contains(&deleted_again(&told, "stacks.app")), "{told:#?}");
    taken_back(&told, "stacks.app", "deleted stack early-app");
    let waits = "is taken back once what stands on it has been";
    when(&told, "stacks.app", |event| matches!(event, Event::NodeProgress { status, .. } if status == waits));
    let is_failed = |event: &Event| matches!(event, Event::NodeProgress { status, .. } if status == "DELETE_FAILED");
    assert!(
        !told
            .iter()
            .any(|(_, event)| is_failed(event) && event.node().is_some_and(|id| id.to_string() != "stacks.hub")),
        "{told:#?}"
    );
    assert_eq!((stacks(&sim).len(), built(&sim), live_peerings(&sim)), (1, (0, 0), 0), "{:?}", stacks(&sim));
    repaired(&sim).await;
}

#[tokio::test(start_paused = true)]
async fn a_preview_names_all_of_a_chain_whose_failure_would_delete_a_stack() {
    let (preview, _) = design().preview(&chain(), false).await;
    let notes = |name: &str| preview.nodes.iter().find(|node| node.node.to_string() == name).unwrap().notes.clone();
    let goes = "deleted again, with all that is in it, if the creation of";
    assert_eq!(notes("stacks.app"), [format!("{goes} stacks.hub fails")]);
    assert_eq!(notes("stacks.svc"), [format!("{goes} stacks.hub, stacks.app fails")]);
}

#[tokio::test(start_paused = true)]
async fn a_stack_in_which_something_stays_is_not_deleted_and_both_are_named() {
    let sim = chain();
    sim.set_faults(faults("[[resource]]\nstack = \"early-svc\"\naction = \"DELETE\"\nreason = \"it is in use\"\n"));
    let (tally, told) = design().apply(&sim).await;
    assert_eq!((tally.done, tally.failed, tally.skipped), (1, 3, 1), "{told:#?}");
    when(
        &told,
        "stacks.svc",
        |event| matches!(event, Event::NodeFailed { error, .. } if error.cause.contains("it is in use")),
    );
    when(&told, "stacks.app", |event| {
        matches!(event, Event::NodeFailed { error, .. }
            if error.cause.contains("what is left of stacks.svc would keep it from being deleted")
                && error.help[0] == "delete what is left of stacks.svc before it")
    });
    let left = stacks(&sim);
    assert_eq!((left["early-app"].as_str(), left["early-svc"].as_str()), ("CREATE_COMPLETE", "DELETE_FAILED"));
    sim.set_faults(Faults::default());
    for node in ["stacks.svc", "stacks.app"] {
        assert!(design().only(node).destroy(&sim).await.0.is_success(), "{node}");
    }
    repaired(&sim).await;
}

/// Applies and leaves, so many seconds after the run began.
async fn left(sim: &Sim, wishes: &[(u64, Control)]) -> (Tally, Told) {
    let (tally, told) = asked(&design(), sim, wishes).await;
    // What was begun takes its course.
    sleep(Duration::from_hours(1)).await;
    (tally, told)
}

#[tokio::test(start_paused = true)]
async fn ctrl_c_while_a_chain_is_taken_back_waits_for_all_of_it_and_twice_leaves_and_names_the_rest() {
    let sim = chain();
    let (tally, _) = left(&sim, &[drained(140)]).await;
    assert_eq!((tally.done, tally.failed, tally.skipped), (1, 1, 3));
    assert_eq!((stacks(&sim).len(), built(&sim)), (1, (0, 0)));
    repaired(&sim).await;

    let sim = chain();
    let (tally, told) = left(&sim, &[drained(140), aborted(141)]).await;
    assert_eq!((tally.done, tally.failed, tally.skipped, tally.aborted), (1, 1, 1, 2), "{told:#?}");
    for (node, what) in [("stacks.svc", "stack early-svc"), ("stacks.app", "stack early-app")] {
        assert_eq!(stays(&told, node), format!("{what}; apply again, or destroy"));
    }
    assert_eq!(stacks(&sim)["early-app"], "CREATE_COMPLETE", "nothing was begun that must fail");
    // Nobody deletes later on what may have been put to use since.
    refused(&sim, "`orch destroy PLAN --only 'stacks.app'`").await;
    assert!(design().only("stacks.app").destroy(&sim).await.0.is_success());
    repaired(&sim).await;

    // All of the chain stands, and has to go.
    let sim = chain();
    left(&sim, &[aborted(100)]).await;
    assert_eq!(stacks(&sim)["early-svc"], "CREATE_COMPLETE");
    refused(&sim, "`orch destroy PLAN --only 'stacks.app' --only 'stacks.svc'`").await;
    for node in ["stacks.svc", "stacks.app"] {
        assert!(design().only(node).destroy(&sim).await.0.is_success(), "{node}");
    }
    repaired(&sim).await;
}

/// Holds that an apply leaves the failed hub alone and says what to do.
async fn refused(sim: &Sim, what: &str) {
    sim.set_faults(Faults::default());
    assert_eq!(stacks(sim)["early-hub"], "ROLLBACK_FAILED");
    let (tally, told) = design().apply(sim).await;
    assert_eq!(tally.failed, 1, "{told:#?}");
    let says = |event: &Event| matches!(event, Event::NodeFailed { error, .. } if error.help.iter().any(|help| help.contains(what)));
    when(&told, "stacks.hub", says);
}

#[tokio::test(start_paused = true)]
async fn a_failure_in_the_middle_of_a_chain_is_told_at_once_and_not_lost_where_the_user_leaves() {
    // It has come to its end, with its subnet, before what stands on it is deleted.
    let gateway = "  Gateway: {Type: 'AWS::EC2::InternetGateway'}\nOutputs:\n  SubnetId";
    let plan = design_but(&[("Outputs:\n  SubnetId", gateway)]);
    let fails = "[[resource]]\nstack = \"early-app\"\nlogical_id = \"Gateway\"\nreason = \"no more gateways\"\n";
    let stays_there = "[[resource]]\nstack = \"early-app\"\naction = \"DELETE\"\nreason = \"it is in use\"\n";
    for leaves in [false, true] {
        let mut timing = timing();
        timing.resource_types.insert("AWS::EC2::InternetGateway".to_owned(), Duration::from_secs(80));
        let sim = Sim::builder().timing(timing).build();
        sim.set_faults(toml::from_str(&format!("{fails}{stays_there}")).unwrap());
        let wishes: &[_] = if leaves { &[aborted(140)] } else { &[] };
        let (tally, told) = asked(&plan, &sim, wishes).await;
        let says = |event: &Event, what: &str| {
            matches!(event, Event::NodeProgress { status, reason: Some(reason), .. }
                if status.starts_with("is taken back") && reason.contains(what))
        };
        assert!(when(&told, "stacks.app", |event| says(event, "no more gateways")) < 110_000, "{told:#?}");
        let failed = when(
            &told,
            "stacks.app",
            |event| matches!(event, Event::NodeFailed { error, .. } if error.cause.contains("no more gateways")),
        );
        assert_eq!((tally.done, tally.failed), (3, 1), "{told:#?}");
        if leaves {
            assert!((140_000..141_000).contains(&failed) && tally.aborted == 1, "{told:#?}");
            for (node, what) in [("stacks.svc", "stack early-svc"), ("stacks.app", "stack early-app")] {
                assert_eq!(stays(&told, node), format!("{what}; apply again, or destroy"));
            }
        } else {
            assert!(failed > 145_000 && tally.skipped == 1, "{told:#?}");
            assert_eq!(stacks(&sim)["early-app"], "ROLLBACK_FAILED");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_stack_leaves_behind_keeps_the_one_under_it_and_both_are_named() {
    let retained = "{Type: 'AWS::EC2::NatGateway', DeletionPolicy: Retain,";
    let sim = chain();
    let (tally, told) = design_but(&[("{Type: 'AWS::EC2::NatGateway',", retained)]).apply(&sim).await;
    assert_eq!((tally.done, tally.failed, tally.skipped), (1, 2, 2), "{told:#?}");
    taken_back(&told, "stacks.svc", "deleted stack early-svc");
    let left_behind = |event: &Event| {
        matches!(event, Event::NodeWithdrawn { details, .. }
            if details.iter().any(|told| told.starts_with("left behind in the account: Nat (AWS::EC2::NatGateway) nat-")))
    };
    when(&told, "stacks.svc", left_behind);
    when(&told, "stacks.app", |event| {
        matches!(event, Event::NodeFailed { error, .. }
            if error.cause.contains("what is left of stacks.svc would keep it from being deleted"))
    });
    assert_eq!((stacks(&sim)["early-app"].as_str(), built(&sim)), ("CREATE_COMPLETE", (1, 1)));

    let place = Place { account: "111111111111".parse().unwrap(), region: "us-east-1".into() };
    let by_hand = |world: &mut orch::sim::World| {
        let gateways = &mut world.ec2_mut(&place).nat_gateways;
        let id = gateways.values().next().unwrap().id.clone();
        gateways.remove(&id);
    };
    sim.change(by_hand).unwrap();
    sim.set_faults(Faults::default());
    assert!(design().only("stacks.app").destroy(&sim).await.0.is_success());
    repaired(&sim).await;
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_failed_and_is_gone_by_then_does_not_keep_the_one_under_it() {
    // Its second resource fails, and its first one cannot be deleted.
    let nat = "Nat: {Type: 'AWS::EC2::NatGateway', Properties: {SubnetId: !Ref Subnet, ConnectivityType: private}}";
    let gates =
        "One: {Type: 'AWS::EC2::InternetGateway'}\n  Other: {Type: 'AWS::EC2::InternetGateway', DependsOn: One}";
    let fails = "[[resource]]\nstack = \"early-svc\"\nlogical_id = \"Other\"\nreason = \"no more gateways\"\n";
    let stays_there = "[[resource]]\nstack = \"early-svc\"\naction = \"DELETE\"\nreason = \"it is in use\"\n";
    for is_deleted in [false, true] {
        let sim = chain();
        sim.set_faults(faults(&format!("{fails}{stays_there}")));
        let plan = design_but(&[(nat, gates)]);
        let by_hand = async {
            sleep(Duration::from_secs(100)).await;
            assert_eq!(stacks(&sim)["early-svc"], "ROLLBACK_FAILED");
            sim.set_faults(failing_topic());
            if is_deleted {
                assert!(design().only("stacks.svc").destroy(&sim).await.0.is_success());
            }
        };
        let ((tally, told), ()) = tokio::join!(plan.apply(&sim), by_hand);
        assert_eq!(tally.done, 1, "{told:#?}");
        if is_deleted {
            taken_back(&told, "stacks.app", "deleted stack early-app");
        } else {
            when(
                &told,
                "stacks.app",
                |event| matches!(event, Event::NodeFailed { error, .. } if error.cause.contains("what is left of stacks.svc")),
            );
        }
        assert_eq!(stacks(&sim).contains_key("early-app"), !is_deleted, "{told:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_the_peerings_of_a_chain_that_stands_those_are_named_that_hold_it() {
    let own =
        "  Own: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.9.0.0/24}}\nOutputs:\n  OwnId: {Value: !Ref Own}\n";
    let nat = "  Nat: {Type: 'AWS::EC2::NatGateway', Properties: {SubnetId: !Ref Subnet, ConnectivityType: private}}\n";
    let with = |node: &str, account: &str, vpc: &str, more: &str| {
        let accepter = r#"accepter = { account = "hub", vpc = "{{ stacks.svc.outputs.OwnId }}" }"#;
        let requester =
            format!(r#"requester = {{ account = "{account}", vpc = "{{{{ stacks.{vpc}.outputs.VPCId }}}}" }}"#);
        format!("[peerings.{node}]\n{requester}\n{accepter}\n{more}\n")
    };
    // One waits for the hub, and so does one that may be somebody else's.
    let late = "depends_on = [\"stacks.hub\"]\n";
    let more = with("near", "dev", "spoke", "") + &with("late", "hub", "hub", late) + "[peerings.spoke]\n";
    let more = with("adopted", "dev", "other", &format!("{late}adopt = true\n")) + &more;
    let other = "[stacks.spoke]\n";
    let others =
        "[stacks.other]\naccount = \"dev\"\ntemplate = \"net.yaml\"\nparameters = { CidrBlock = \"10.2.0.0/24\" }\n\n";
    let edits = [(nat, &*format!("{nat}{own}")), (other, &*format!("{others}{other}")), ("[peerings.spoke]\n", &more)];
    let plan = design_but(&edits);
    let sim = chain();
    asked(&plan, &sim, &[aborted(100)]).await;
    sleep(Duration::from_hours(1)).await;
    sim.set_faults(Faults::default());
    assert_eq!(
        (stacks(&sim)["early-hub"].as_str(), stacks(&sim)["early-svc"].as_str()),
        ("ROLLBACK_FAILED", "CREATE_COMPLETE")
    );
    let (tally, told) = plan.apply(&sim).await;
    assert_eq!(tally.failed, 1, "{told:#?}");
    let command = "`orch destroy PLAN --only 'stacks.app' --only 'stacks.svc' --only 'peerings.near'`";
    when(
        &told,
        "stacks.hub",
        |event| matches!(event, Event::NodeFailed { error, .. } if error.help.iter().any(|help| help.contains(command))),
    );
    for node in ["peerings.near", "stacks.svc", "stacks.app"] {
        assert!(plan.clone().only(node).destroy(&sim).await.0.is_success(), "{node}");
    }
    assert!(plan.apply(&sim).await.0.is_success());
}

/// Holds that a stack was left because of something that stands in it.
fn is_kept_by(told: &Told, node: &str, what: &str) {
    let cause = format!("what is left of {what} would keep it from being deleted");
    when(told, node, |event| matches!(event, Event::NodeFailed { error, .. } if error.cause.contains(&cause)));
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_somebody_has_worked_on_meanwhile_keeps_the_one_under_it() {
    let sim = chain();
    let tagged =
        design_but(&[("template     = \"svc.yaml\"\n", "template     = \"svc.yaml\"\ntags = { Of = \"us\" }\n")]);
    let plan = design();
    let working = async {
        sleep(Duration::from_secs(100)).await;
        assert!(tagged.only("stacks.svc").apply(&sim).await.0.is_success());
        assert_eq!(stacks(&sim)["early-svc"], "UPDATE_COMPLETE");
    };
    let ((tally, told), ()) = tokio::join!(plan.apply(&sim), working);
    assert_eq!((tally.done, tally.failed, tally.skipped), (1, 2, 2), "{told:#?}");
    taken_back(&told, "stacks.svc", "stack early-svc is left in UPDATE_COMPLETE, since somebody has worked on it");
    is_kept_by(&told, "stacks.app", "stacks.svc");
    assert_eq!(stacks(&sim)["early-app"], "CREATE_COMPLETE");
}

#[tokio::test(start_paused = true)]
async fn a_peering_that_cannot_be_deleted_keeps_the_stack_whose_vpc_it_holds_and_nothing_else() {
    let own = "  Own: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.9.0.0/24}}\nOutputs:\n  OwnId: {Value: !Ref Own}\n  SubnetId";
    let near = r#"[peerings.near]
requester = { account = "dev", vpc = "{{ stacks.spoke.outputs.VPCId }}" }
accepter  = { account = "hub", vpc = "{{ stacks.app.outputs.OwnId }}" }

[peerings.spoke]"#;
    let plan = design_but(&[("Outputs:\n  SubnetId", own), ("[peerings.spoke]", near)]);
    let sim = chain();
    let denied = Faults::of([Fault::new(Effect::AccessDenied).on("DeleteVpcPeeringConnection")]);
    sim.set_faults(Faults { resources: failing_topic().resources, ..denied });
    let (tally, told) = plan.apply(&sim).await;
    assert_eq!((tally.done, tally.failed, tally.skipped), (1, 4, 1), "{told:#?}");
    taken_back(&told, "stacks.svc", "deleted stack early-svc");
    is_kept_by(&told, "stacks.app", "peerings.near");
    assert_eq!((stacks(&sim)["early-app"].as_str(), live_peerings(&sim)), ("CREATE_COMPLETE", 2));
}
