//! A clock on the wall that jumps, as it does when it is set or the machine wakes up.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use orch::event::Event;
use orch::sim::{Service, Sim};

use crate::in_process::{Told, shipped};
use crate::world::{Look, SPOKES};

/// By how many hours the clock is off, one look after the other.
const OFF: [i64; 8] = [0, 5, -3, 1, -9, 12, 0, -1];

/// How often it is looked at before it jumps again.
const LOOKS: usize = 7;

#[derive(Debug)]
struct Jumping {
    right: SharedTimeSource,
    looks: AtomicUsize,
}

impl TimeSource for Jumping {
    fn now(&self) -> SystemTime {
        let look = self.looks.fetch_add(1, Ordering::Relaxed);
        let hours = OFF[look / LOOKS % OFF.len()];
        let by = Duration::from_hours(hours.unsigned_abs());
        if hours < 0 { self.right.now() - by } else { self.right.now() + by }
    }
}

/// How long each node took, by its name.
fn took(told: &Told) -> Vec<(String, u64)> {
    let done = told.iter().filter_map(|(_, event)| match event {
        Event::NodeDone { node, took_ms, .. } => Some((node.to_string(), *took_ms)),
        _ => None,
    });
    let mut took: Vec<_> = done.collect();
    took.sort();
    took
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_by_hours_changes_nothing_about_a_run() {
    let plan = shipped("plans/us-east-1.toml");
    let (steady, jumping) = (Sim::builder().build(), Sim::builder().build());
    let (tally, told) = plan.apply(&steady).await;
    assert!(tally.is_success(), "{told:#?}");
    let clock = Jumping { right: jumping.time_source(), looks: AtomicUsize::new(0) };
    let (tally, told_jumping) = plan.apply_by(&jumping, clock).await;
    assert!(tally.is_success(), "{told_jumping:#?}");
    let look = Look::from(&jumping);
    look.is_a_hub_with_spokes("us-east-1", "10.0.0.0/20", &SPOKES);
    assert_eq!(look.shape(), Look::from(&steady).shape());
    // Sessions are fetched more often, since they seem to have run out, and nothing waits for an hour that did not pass.
    for ((node, steady), (_, jumping)) in took(&told).iter().zip(&took(&told_jumping)) {
        assert!(jumping.abs_diff(*steady) < 10_000, "{node}: {steady} ms, and {jumping} ms with jumps");
    }
    let sessions = |sim: &Sim| sim.calls().iter().filter(|call| call.service == Service::Sts).count();
    let calls = |sim: &Sim| sim.calls().len() - sessions(sim);
    assert!(calls(&jumping) < calls(&steady) + 20, "{} calls, {} with jumps", calls(&steady), calls(&jumping));
    assert!(sessions(&jumping) <= calls(&jumping) + sessions(&steady), "at most one for each call");
}
