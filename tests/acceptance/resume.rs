//! Dying at the worst moment: right after a call has changed something and before its answer arrived.

use orch::sim::Sim;

use crate::in_process::{shipped, shipped_but};
use crate::world::{Look, SPOKES};

#[tokio::test(start_paused = true)]
async fn dying_after_any_mutating_call_and_applying_again_ends_in_the_same_world() {
    let plan = shipped("plans/us-east-1.toml");
    let whole = Sim::builder().build();
    let (tally, told) = plan.apply(&whole).await;
    assert!(tally.is_success(), "{told:#?}");
    let (wanted, calls) = (Look::from(&whole).shape(), whole.mutations());
    // 5 stacks, 4 requests, 4 accepts and 24 routes at the least: a smaller number would mean that nothing is tried here.
    assert!(calls >= 37, "{calls} mutating calls");
    for call in 1..=calls {
        let sim = Sim::builder().build();
        sim.stop_after(call);
        tokio::select! {
            () = sim.stopped() => {}
            _ = plan.apply(&sim) => panic!("the run ended before call {call} of {calls}"),
        }
        sim.resume();
        let (tally, told) = plan.apply(&sim).await;
        assert!(tally.is_success(), "after dying at call {call}: {told:#?}");
        Look::from(&sim).is_a_hub_with_spokes("us-east-1", "10.0.0.0/20", &SPOKES);
        assert_eq!(Look::from(&sim).shape(), wanted, "after dying at call {call}");
        let (tally, _) = plan.apply(&sim).await;
        assert_eq!(
            (tally.done, tally.changed),
            (17, 0),
            "after dying at call {call}, the third apply changes something"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn dying_after_any_mutating_call_of_an_update_and_applying_again_ends_in_the_same_world() {
    let plan = shipped("plans/us-east-1.toml");
    // Another tag for every stack and every peering.
    let changed = shipped_but("plans/us-east-1.toml", "Purpose = \"Infrastructure\"", "Purpose = \"Network\"");
    let whole = Sim::builder().build();
    plan.apply(&whole).await;
    let before = whole.mutations();
    let (tally, told) = changed.apply(&whole).await;
    assert!(tally.is_success() && tally.changed > 0, "{told:#?}");
    let (wanted, calls) = (Look::from(&whole).shape(), whole.mutations() - before);
    assert!(calls >= 5, "{calls} mutating calls");
    for call in 1..=calls {
        let sim = Sim::builder().build();
        plan.apply(&sim).await;
        sim.stop_after(call);
        tokio::select! {
            () = sim.stopped() => {}
            _ = changed.apply(&sim) => panic!("the run ended before call {call} of {calls}"),
        }
        sim.resume();
        let (tally, told) = changed.apply(&sim).await;
        assert!(tally.is_success(), "after dying at call {call}: {told:#?}");
        assert_eq!(Look::from(&sim).shape(), wanted, "after dying at call {call}");
        assert_eq!(changed.apply(&sim).await.0.changed, 0, "after dying at call {call}");
    }
}

#[tokio::test(start_paused = true)]
async fn dying_after_any_mutating_call_of_a_destruction_and_destroying_again_leaves_nothing() {
    let plan = shipped("plans/us-east-1.toml");
    let whole = Sim::builder().build();
    plan.apply(&whole).await;
    let before = whole.mutations();
    let (tally, told) = plan.destroy(&whole).await;
    assert!(tally.is_success(), "{told:#?}");
    let calls = whole.mutations() - before;
    // 24 routes, 4 peerings, 5 stacks.
    assert!(calls >= 33, "{calls} mutating calls");
    for call in 1..=calls {
        let sim = Sim::builder().build();
        plan.apply(&sim).await;
        sim.stop_after(call);
        tokio::select! {
            () = sim.stopped() => {}
            _ = plan.destroy(&sim) => panic!("the run ended before call {call} of {calls}"),
        }
        sim.resume();
        let (tally, told) = plan.destroy(&sim).await;
        assert!(tally.is_success(), "after dying at call {call}: {told:#?}");
        Look::from(&sim).is_empty();
    }
}
