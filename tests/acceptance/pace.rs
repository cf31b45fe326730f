//! No waves and no barriers: a node runs the moment its own inputs exist.

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::time::Duration;

use orch::engine::{Limits, Settings};
use orch::event::Event;
use orch::inventory::Inventory;
use orch::sim::{Sim, Timing};

use crate::in_process::{Told, shipped};
use crate::spokes::{NET, beside};

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

/// The stacks in the order in which they started.
fn started(told: &Told) -> Vec<String> {
    let starts = told.iter().filter_map(|(_, event)| match event {
        Event::NodeStarted { node, .. } => Some(node.group.to_string()),
        _ => None,
    });
    starts.collect()
}

#[tokio::test(start_paused = true)]
async fn with_a_limit_the_longest_remaining_way_goes_first_by_what_earlier_runs_took() {
    let mut text = "name = \"net\"\nregion = \"us-east-1\"\n[accounts]\nhub = { id = \"111111111111\" }\n".to_owned();
    let mut timing = Timing { resource: Duration::ZERO, ..Timing::default() };
    // What nothing else needs, and a chain of two in the middle.
    for (name, seconds, rest) in
        [("a", 5, ""), ("b", 40, ""), ("c", 15, ""), ("d", 15, "depends_on = [\"stacks.c\"]"), ("e", 20, "")]
    {
        let _ = writeln!(text, "[stacks.{name}]\naccount = \"hub\"\ntemplate = \"net.yaml\"\n{rest}");
        let _ = writeln!(text, "parameters = {{ CidrBlock = \"10.0.0.0/24\" }}");
        timing.stacks.insert(format!("net-{name}"), Duration::from_secs(seconds));
    }
    let one = NonZeroUsize::MIN;
    for limits in [Limits { total: one, ..Limits::UNLIMITED }, Limits { per_lane: one, ..Limits::UNLIMITED }] {
        let plan = beside(&text, &[("net.yaml", NET)]).with(Settings { limits, fail_fast: false });
        let world = || Sim::builder().timing(timing.clone()).build();
        let (tally, told, news) = plan.apply_knowing(&world(), None).await;
        assert!(tally.is_success(), "{told:#?}");
        assert_eq!(
            started(&told),
            ["c", "a", "b", "d", "e"],
            "nothing is known: the chain, then the order of the file"
        );
        let mut past = Inventory::empty("net");
        past.take_in(news);
        let (tally, told, _) = plan.apply_knowing(&world(), Some(&past)).await;
        assert!(tally.is_success(), "{told:#?}");
        assert_eq!(started(&told), ["b", "c", "e", "d", "a"]);
    }
}
