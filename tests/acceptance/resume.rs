//! Dying at the worst moment: right after a call has changed something and before its answer arrived.

use orch::sim::Sim;

use crate::in_process::shipped;
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
