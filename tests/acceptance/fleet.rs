//! A fleet: many accounts, two regions, hubs with 50 spokes each.

use orch::sim::{Sim, Timing};

use crate::in_process::read;

#[path = "../../benches/gauge/src/shapes.rs"]
#[expect(dead_code, reason = "the other shapes are measured by the benches")]
mod shapes;

#[tokio::test(start_paused = true)]
async fn a_fleet_is_applied_applied_again_without_a_change_and_destroyed_without_a_trace() {
    let plan = read("fleet.toml", &shapes::fleet(60, &["us-east-1", "us-west-2"]));
    let sim = Sim::builder().timing(Timing::default()).build();
    let (preview, tally) = plan.preview(&sim, true).await;
    // 60 spokes in each region, in two hubs; a peering and four routes for each.
    assert_eq!((tally.changed, tally.done), (724, 724), "{preview:#?}");
    let (preview, tally) = plan.preview(&sim, true).await;
    assert!(preview.is_nothing());
    assert_eq!((tally.changed, tally.done), (0, 724));
    let (tally, _) = plan.destroy(&sim).await;
    assert!(tally.is_success(), "{tally:?}");
    assert!(sim.is_empty().unwrap());
}
