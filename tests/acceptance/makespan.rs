//! How long a run takes beside what AWS itself needs for it, on a paused clock.

use std::time::Duration;

use orch::event::Event;
use orch::inventory::Inventory;
use orch::sim::{Sim, Timing};

use crate::calls::a_first_run_was_cheap;
use crate::in_process::{Ready, Told};
use crate::spokes::HubAndSpokes;

/// A hub and so many spokes, each in an account of its own.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// How many spokes there are.
    pub spokes: usize,
    /// How long the hub's stack takes.
    pub hub: Duration,
    /// How long spokes' stacks take: the quickest and the slowest, and the others spread between them.
    pub spoke: (Duration, Duration),
    /// How long a peering takes from its acceptance until it is active.
    pub peering: Duration,
}

impl Scenario {
    /// The scenario that all are measured by: a hub of 8 s, spokes of 4 to 12 s, peerings that are active a second after
    /// they are accepted.
    pub fn short(spokes: usize) -> Self {
        let seconds = Duration::from_secs;
        Self { spokes, hub: seconds(8), spoke: (seconds(4), seconds(12)), peering: seconds(1) }
    }

    /// The same with stacks that take minutes.
    pub fn long(spokes: usize) -> Self {
        let seconds = Duration::from_secs;
        Self { hub: seconds(100), spoke: (seconds(60), seconds(180)), ..Self::short(spokes) }
    }

    /// How long the stack of a spoke takes: the last one is the slowest.
    fn takes(&self, spoke: usize) -> Duration {
        let (least, most) = self.spoke;
        let steps = u32::try_from(self.spokes.max(2) - 1).unwrap();
        least + most.saturating_sub(least) * u32::try_from(spoke).unwrap() / steps
    }

    /// Spokes that do not wait for the hub, each peered with it, and a route either way.
    fn network(&self) -> HubAndSpokes {
        HubAndSpokes::of("spread", self.spokes)
    }

    /// The plan.
    pub fn plan(&self) -> Ready {
        self.network().plan()
    }

    /// How long things take in the embedded AWS.
    pub fn timing(&self) -> Timing {
        let network = self.network();
        let spokes = (0..self.spokes).map(|n| (network.stack(n), self.takes(n)));
        let stacks = spokes.chain([(network.hub_stack(), self.hub)]).collect();
        Timing { stacks, resource: Duration::ZERO, peering_accept: self.peering, ..Timing::default() }
    }

    /// The least that a run may take: its longest chain of AWS's own work. A peering waits for both of its stacks; it can be
    /// accepted when its request has arrived and the accepter can see it.
    pub fn bound(&self) -> Duration {
        let timing = self.timing();
        let slowest = (0..self.spokes).map(|n| self.takes(n)).max().unwrap().max(self.hub);
        slowest + timing.peering_request.max(timing.peering_visible) + self.peering
    }
}

/// What a run took, and what it cost.
#[derive(Debug)]
pub struct Ran {
    /// From the first session to the last node.
    pub took: Duration,
    /// What is remembered of it.
    pub inventory: Inventory,
    /// The world that it has made.
    pub sim: Sim,
}

/// Applies a scenario to an empty world, knowing what an earlier run is remembered by, if anything.
pub async fn first_run(scenario: &Scenario, past: Option<&Inventory>) -> Ran {
    let sim = Sim::builder().timing(scenario.timing()).build();
    let plan = scenario.plan();
    let (tally, told, news) = plan.apply_knowing(&sim, past).await;
    assert!(tally.is_success(), "{:#?}", failures(&told));
    assert_eq!(tally.changed, 1 + 4 * scenario.spokes);
    let took = u64::try_from(told.last().unwrap().0).unwrap();
    let mut inventory = Inventory::empty("spread");
    inventory.take_in(news);
    Ran { took: Duration::from_millis(took), inventory, sim }
}

fn failures(told: &Told) -> Vec<&Event> {
    told.iter().map(|(_, event)| event).filter(|event| matches!(event, Event::NodeFailed { .. })).collect()
}

/// What all calls of the longest chain take there and back, and what orch's own first looks do: sessions, the listing, the
/// request of the stack, its events, the peering's request and acceptance, routes.
const CALLS: Duration = Duration::from_millis(400);

#[tokio::test(start_paused = true)]
async fn a_run_takes_no_longer_than_aws_and_half_a_second_for_each_wait_if_durations_are_known_else_two() {
    for spokes in [4, 20, 60] {
        let scenario = Scenario::short(spokes);
        let bound = scenario.bound() + CALLS;
        let unknown = first_run(&scenario, None).await;
        // There are two waits on the longest chain: the slowest stack, and its peering.
        assert!(unknown.took <= bound + 2 * Duration::from_secs(2), "{spokes}: {:?}, {bound:?}", unknown.took);
        let known = first_run(&scenario, Some(&unknown.inventory)).await;
        assert!(known.took <= bound + 2 * Duration::from_millis(500), "{spokes}: {:?}, {bound:?}", known.took);
        a_first_run_was_cheap(&unknown.sim, spokes, 10);
        a_first_run_was_cheap(&known.sim, spokes, 8);
    }
}

#[tokio::test(start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "how many spokes there are is said from outside")]
async fn with_stacks_that_take_minutes_a_run_takes_a_twentieth_more_than_aws_at_the_most() {
    let spokes = std::env::var("SPOKES").map_or(60, |text| text.parse().unwrap());
    let scenario = Scenario::long(spokes);
    let unknown = first_run(&scenario, None).await;
    let known = first_run(&scenario, Some(&unknown.inventory)).await;
    for ran in [unknown, known] {
        println!("{spokes} spokes: {:?}, bound {:?}", ran.took, scenario.bound());
        assert!(ran.took <= scenario.bound().mul_f64(1.05), "{:?}, {:?}", ran.took, scenario.bound());
    }
}

#[tokio::test(start_paused = true)]
async fn what_aws_itself_took_is_remembered_to_the_millisecond() {
    let scenario = Scenario::short(4);
    let ran = first_run(&scenario, None).await;
    for (node, takes) in [("stacks.hub", 8_000), ("stacks.spoke[s0000]", 4_000), ("stacks.spoke[s0003]", 12_000)] {
        let expected = ran.inventory.operations.expected(&node.parse().unwrap(), orch::event::Change::Created);
        assert_eq!(expected, Some(takes), "{node}");
    }
}
