//! No waves and no barriers: a node runs the moment its own inputs exist.

use std::time::Duration;

use orch::event::Event;
use orch::sim::{Sim, Timing};

use crate::in_process::{Told, shipped};

/// When a node was done, in milliseconds since the run began.
fn done(told: &Told, node: &str) -> u128 {
    told.iter()
        .find_map(|(at, event)| match event {
            Event::NodeDone { node: id, .. } if id.to_string() == node => Some(*at),
            _ => None,
        })
        .unwrap_or_else(|| panic!("{node} was not done"))
}

#[tokio::test(start_paused = true)]
async fn fast_spokes_are_peered_and_routed_before_a_slow_stack_is_done() {
    // Each stack takes about four seconds by its resources, which are three deep; qa's takes ten more.
    let mut timing = Timing { resource: Duration::from_millis(1_300), ..Timing::default() };
    timing.stacks.insert("us-east-1-qa".to_owned(), Duration::from_secs(10));
    let sim = Sim::builder().timing(timing).build();
    let (tally, told) = shipped("plans/us-east-1.toml").apply(&sim).await;
    assert!(tally.is_success(), "{told:#?}");
    let slow = done(&told, "stacks.spoke[qa]");
    let fast = done(&told, "stacks.spoke[dev]");
    assert!(slow > fast + 7_000, "the slow stack is slow: {slow} ms, the others {fast} ms");
    for spoke in ["dev", "staging", "test"] {
        for node in ["peerings.spoke", "routes.spoke-to-hub", "routes.hub-to-spoke"] {
            let node = format!("{node}[{spoke}]");
            let at = done(&told, &node);
            assert!(at + 2_000 < slow, "{node} was done at {at} ms, the slow stack at {slow} ms");
        }
    }
    assert!(done(&told, "routes.hub-to-spoke[qa]") > slow);
}
