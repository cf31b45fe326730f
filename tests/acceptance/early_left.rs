//! Ctrl-C, once and twice, while a hub is not complete and all else stands on it.

use std::time::Duration;

use orch::engine::Control;
use orch::event::{Event, StopReason, Tally};
use orch::sim::{Effect, Fault, Faults, Sim};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::early::{
    TAKERS, design, design_but, done, failing_topic, hub_status, live_peerings, routed_peerings, slow_hub, standing,
    when, whole,
};
use crate::in_process::{Ready, Told};

/// Applies, and asks for things at seconds since the run began.
pub(crate) async fn asked(plan: &Ready, sim: &Sim, wishes: &[(u64, Control)]) -> (Tally, Told) {
    let (words, control) = mpsc::unbounded_channel();
    let asking = async {
        let mut now = 0;
        for (at, wish) in wishes {
            sleep(Duration::from_secs(at - now)).await;
            now = *at;
            words.send(*wish).unwrap();
        }
        // Whoever could ask is there until the end.
        words.closed().await;
    };
    tokio::join!(plan.apply_asked(sim, control), asking).0
}

pub(crate) const fn drained(at: u64) -> (u64, Control) {
    (at, Control::Drain)
}

pub(crate) const fn aborted(at: u64) -> (u64, Control) {
    (at, Control::Abort)
}

/// What was told of a stop.
fn stopping(told: &Told) -> Vec<(StopReason, usize, usize)> {
    let stops = told.iter().filter_map(|(_, event)| match event {
        Event::Stopping { reason, left, running } => Some((*reason, *left, *running)),
        _ => None,
    });
    stops.collect()
}

/// What a node that is left has made and leaves behind.
pub(crate) fn stays(told: &Told, node: &str) -> String {
    let stays = told.iter().find_map(|(_, event)| match event {
        Event::NodeProgress { node: id, status, reason, .. } if id.to_string() == node && status == "stays" => {
            reason.clone()
        }
        _ => None,
    });
    stays.unwrap_or_else(|| panic!("{node}: {told:#?}"))
}

/// Holds that an apply makes what an undisturbed one does, and another one nothing.
async fn repaired(plan: &Ready, sim: &Sim) {
    sim.set_faults(Faults::default());
    let (tally, told) = plan.apply(sim).await;
    assert!(tally.is_success(), "{told:#?}");
    assert_eq!(standing(sim), whole().await);
    assert_eq!(plan.apply(sim).await.0.changed, 0);
}

#[tokio::test(start_paused = true)]
async fn ctrl_c_waits_for_the_hub_and_what_stands_on_it_ends_with_that() {
    // One side's routes wait for all of the hub, and so are not started.
    let plan = design_but("[routes.back]\n", "[routes.back]\ndepends_on   = [\"stacks.hub\"]\n");
    let sim = Sim::builder().timing(slow_hub()).build();
    let (tally, told) = asked(&plan, &sim, &[drained(20)]).await;
    assert_eq!((tally.done, tally.not_started, tally.failed, tally.aborted), (7, 2, 0, 0), "{told:#?}");
    assert_eq!(stopping(&told), [(StopReason::Interrupted, 2, 1)], "what stands on the hub runs no more");
    let hub = done(&told, "stacks.hub");
    for node in TAKERS.iter().filter(|node| !node.starts_with("routes.back")) {
        assert!(done(&told, node) >= hub, "{node}");
    }
    assert_eq!(live_peerings(&sim), 2);
    repaired(&plan, &sim).await;
}

#[tokio::test(start_paused = true)]
async fn ctrl_c_before_a_hub_fails_takes_back_all_the_same() {
    let sim = Sim::builder().timing(slow_hub()).faults(failing_topic()).build();
    let (tally, told) = asked(&design(), &sim, &[drained(20)]).await;
    assert_eq!((tally.done, tally.failed, tally.skipped), (2, 1, 6), "{told:#?}");
    assert_eq!((live_peerings(&sim), routed_peerings(&sim).len()), (0, 0));
    assert_eq!(hub_status(&sim), "ROLLBACK_COMPLETE");
    repaired(&design(), &sim).await;
}

#[tokio::test(start_paused = true)]
async fn ctrl_c_twice_leaves_what_stands_on_the_hub_and_names_it() {
    for fails in [false, true] {
        let sim = Sim::builder().timing(slow_hub()).build();
        if fails {
            sim.set_faults(failing_topic());
        }
        let (tally, told) = asked(&design(), &sim, &[drained(20), aborted(21)]).await;
        assert_eq!((tally.done, tally.failed, tally.aborted, tally.skipped), (2, 0, 7, 0), "{told:#?}");
        let ended = told.last().unwrap().0;
        assert!(ended < 22_000, "it waits for nothing: {ended} ms");
        let stops = stopping(&told);
        assert_eq!(stops, [(StopReason::Interrupted, 0, 1), (StopReason::Aborted, 0, 1)]);
        for node in TAKERS {
            when(&told, node, |event| matches!(event, Event::NodeAborted { .. }));
            let stays = stays(&told, node);
            let what = if node.starts_with("routes") { "rtb-" } else { "peering pcx-" };
            assert!(stays.starts_with(what) && stays.ends_with("; apply again, or destroy"), "{node}: {stays}");
        }
        assert_eq!(
            (live_peerings(&sim), routed_peerings(&sim).len(), hub_status(&sim).as_str()),
            (2, 4, "CREATE_IN_PROGRESS")
        );
        // Nobody is there to see how the hub ends.
        sleep(Duration::from_hours(1)).await;
        assert_eq!(hub_status(&sim), if fails { "ROLLBACK_FAILED" } else { "CREATE_COMPLETE" });
        repaired(&design(), &sim).await;
    }
}

#[tokio::test(start_paused = true)]
async fn ctrl_c_twice_while_things_are_taken_back_leaves_the_rest_to_the_next_apply() {
    let sim = Sim::builder().timing(slow_hub()).build();
    let mut faults = failing_topic();
    faults.calls.push(Fault {
        operation: Some("DeleteVpcPeeringConnection".to_owned()),
        ..Fault::slow(Duration::from_mins(2))
    });
    sim.set_faults(faults);
    // The topic fails after a minute, and the hub goes back for some seconds more.
    let (tally, told) = asked(&design(), &sim, &[drained(63), aborted(64)]).await;
    assert_eq!((tally.done, tally.not_started), (2, 0), "{told:#?}");
    assert_eq!((tally.aborted, tally.failed + tally.skipped), (3, 4), "the hub and the peerings are left: {told:#?}");
    let stops = stopping(&told);
    assert_eq!(
        stops,
        [(StopReason::Interrupted, 0, 3), (StopReason::Aborted, 0, 3)],
        "what is taken back is waited for"
    );
    for node in ["peerings.spoke[dev]", "peerings.spoke[qa]"] {
        assert!(stays(&told, node).starts_with("peering pcx-"), "{told:#?}");
    }
    sleep(Duration::from_hours(1)).await;
    repaired(&design(), &sim).await;
}

#[tokio::test(start_paused = true)]
async fn ctrl_c_twice_while_a_peering_is_asked_for_says_that_it_may_be_there() {
    let slow =
        Fault { operation: Some("CreateVpcPeeringConnection".to_owned()), ..Fault::slow(Duration::from_secs(15)) };
    let sim = Sim::builder().timing(slow_hub()).faults(Faults::of([slow])).build();
    let (tally, told) = asked(&design(), &sim, &[aborted(10)]).await;
    assert_eq!((tally.done, tally.aborted, tally.not_started), (2, 3, 4), "{told:#?}");
    for node in ["peerings.spoke[dev]", "peerings.spoke[qa]"] {
        assert!(stays(&told, node).starts_with("perhaps a peering of vpc-"), "{told:#?}");
    }
    repaired(&design(), &sim).await;
}

#[tokio::test(start_paused = true)]
async fn a_route_that_nobody_knows_of_into_a_peering_that_does_not_come_to_life_is_named() {
    // All attempts of the SDK at the first routes of either side.
    let lost = Fault { operation: Some("CreateRoute".to_owned()), first: Some(20), ..Fault::new(Effect::LostAfter) };
    let sim = Sim::builder().timing(slow_hub()).faults(Faults::of([lost])).build();
    let (_, told) = asked(&design(), &sim, &[aborted(20)]).await;
    for node in TAKERS.iter().filter(|node| node.starts_with("routes")) {
        let stays = stays(&told, node);
        assert!(stays.contains("rtb-") && stays.contains(" → pcx-"), "{node}: {stays}");
    }
    repaired(&design(), &sim).await;
}

#[tokio::test(start_paused = true)]
async fn a_route_that_fails_by_itself_says_so_before_what_is_skipped_because_of_it() {
    let plan = design_but(
        "[routes.back]\n",
        "[stacks.app]\naccount = \"dev\"\ntemplate = \"spoke.yaml\"\nparameters = { CidrBlock = \"10.9.0.0/24\" }\n\
         depends_on = [\"routes.back[dev]\"]\n\n[routes.back]\n",
    );
    let denied = Fault::new(Effect::AccessDenied).by("111111111111").on("CreateRoute");
    let sim = Sim::builder().timing(slow_hub()).faults(Faults::of([denied])).build();
    let (tally, told) = plan.apply(&sim).await;
    assert_eq!((tally.done, tally.failed, tally.skipped), (7, 2, 1), "{told:#?}");
    let place = |node: &str, is_it: &dyn Fn(&Event) -> bool| {
        let found =
            told.iter().position(|(_, event)| event.node().is_some_and(|id| id.to_string() == node) && is_it(event));
        found.unwrap_or_else(|| panic!("{node}: {told:#?}"))
    };
    let why = place("routes.back[dev]", &|event| {
        matches!(event, Event::NodeProgress { status, reason: Some(reason), .. }
            if status == "is taken back" && reason.contains("CreateRoute"))
    });
    let skipped = place("stacks.app", &|event| matches!(event, Event::NodeSkipped { .. }));
    let failed = place("routes.back[dev]", &|event| matches!(event, Event::NodeFailed { .. }));
    assert!(why < skipped && why < failed, "{why} {skipped} {failed}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_taken_back_is_a_failure_that_is_named_once() {
    let mut faults = failing_topic();
    faults.calls.push(Fault::new(Effect::AccessDenied).by("222222222222").on("DeleteRoute"));
    let sim = Sim::builder().timing(slow_hub()).faults(faults).build();
    let (tally, told) = design().apply(&sim).await;
    assert_eq!((tally.done, tally.failed, tally.skipped), (2, 2, 5), "{told:#?}");
    let failures = told.iter().filter_map(|(_, event)| match event {
        Event::NodeFailed { node, error, .. } if node.to_string() == "routes.out[dev]" => Some(error),
        _ => None,
    });
    let [failure] = failures.collect::<Vec<_>>()[..] else { panic!("{told:#?}") };
    assert_eq!(failure.summary, "what routes.out[dev] has made could not be taken back");
    assert!(failure.cause.contains("rtb-") && failure.cause.contains("10.0.0.0/24 → pcx-"), "{failure:?}");
    assert!(failure.help.iter().any(|help| help.contains("stacks.hub, which has failed")), "{failure:?}");
    repaired(&design(), &sim).await;
}
