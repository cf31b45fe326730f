//! What begins before that on which it stands has ended, and what becomes of it if that fails.

use std::time::Duration;

use orch::event::Event;
use orch::sim::ec2::Status;
use orch::sim::{Sim, Timing};
use tokio::time::sleep;

use crate::in_process::{Told, shipped};
use crate::world::{Look, SPOKES};

/// When something was first told of a node, in milliseconds since the run began.
fn when(told: &Told, node: &str, what: impl Fn(&Event) -> bool) -> u128 {
    let is_it = |event: &Event| event.node().is_some_and(|id| id.to_string() == node) && what(event);
    told.iter().find(|(_, event)| is_it(event)).map_or_else(|| panic!("{node}: {told:#?}"), |(at, _)| *at)
}

fn done(told: &Told, node: &str) -> u128 {
    when(told, node, |event| matches!(event, Event::NodeDone { .. }))
}

/// When the last of a node's routes was made.
fn routed(told: &Told, node: &str) -> u128 {
    when(told, node, |event| matches!(event, Event::NodeProgress { status, .. } if status == "done"))
}

/// The peerings that lead somewhere in a route table, by a world that is looked at.
fn routed_peerings(sim: &Sim) -> Vec<String> {
    let targets = |world: &orch::sim::World| {
        let tables = world.places().flat_map(|(_, regional)| regional.ec2.route_tables.values());
        let targets = tables.flat_map(|table| table.routes.values().map(|route| route.target.id.clone()));
        targets.filter(|target| target.starts_with("pcx-")).collect()
    };
    sim.inspect(targets).unwrap()
}

#[tokio::test(start_paused = true)]
async fn routes_of_both_sides_are_made_while_their_peering_is_not_active_and_end_with_it() {
    let timing = Timing { peering_accept: Duration::from_secs(10), ..Timing::default() };
    let sim = Sim::builder().timing(timing).build();
    let (tally, told) = shipped("plans/us-east-1.toml").apply(&sim).await;
    assert!(tally.is_success(), "{told:#?}");
    Look::from(&sim).is_a_hub_with_spokes("us-east-1", "10.0.0.0/20", &SPOKES);
    for spoke in ["dev", "staging", "test", "qa"] {
        let active = done(&told, &format!("peerings.spoke[{spoke}]"));
        for routes in ["routes.spoke-to-hub", "routes.hub-to-spoke"] {
            let node = format!("{routes}[{spoke}]");
            let (made, ended) = (routed(&told, &node), done(&told, &node));
            assert!(made + 8_000 < active, "{node} was made at {made} ms, its peering active at {active} ms");
            assert!((active..active + 50).contains(&ended), "{node} ended at {ended} ms, its peering at {active} ms");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn routes_through_a_peering_that_fails_are_taken_back() {
    let plan = shipped("plans/us-east-1.toml");
    let timing = || Timing { peering_accept: Duration::from_secs(10), ..Timing::default() };
    let whole = Sim::builder().timing(timing()).build();
    plan.apply(&whole).await;
    let sim = Sim::builder().timing(timing()).build();
    let failing = async {
        // Three routes of the one side and three of the other.
        while routed_peerings(&sim).len() < 24 {
            sleep(Duration::from_millis(100)).await;
        }
        let fail = |world: &mut orch::sim::World| {
            let is_devs =
                |peering: &orch::sim::ec2::Peering| peering.requester.place.account.to_string() == "222222222222";
            let peering = world.peerings.values_mut().find(|peering| is_devs(peering)).unwrap();
            assert_eq!(peering.status, Status::Provisioning);
            peering.status = Status::Failed;
            peering.id.clone()
        };
        sim.change(fail).unwrap()
    };
    let ((tally, told), id) = tokio::join!(plan.apply(&sim), failing);
    assert_eq!((tally.done, tally.failed, tally.skipped), (14, 1, 2), "{told:#?}");
    for routes in ["routes.spoke-to-hub[dev]", "routes.hub-to-spoke[dev]"] {
        let at = when(&told, routes, |event| {
            let Event::NodeWithdrawn { because, details, .. } = event else { return false };
            assert_eq!((because.to_string().as_str(), details.len()), ("peerings.spoke[dev]", 3));
            true
        });
        assert!(at < when(&told, "peerings.spoke[dev]", |event| matches!(event, Event::NodeFailed { .. })) + 1_000);
    }
    assert!(!routed_peerings(&sim).contains(&id), "no route leads into it any more");
    let (tally, told) = plan.apply(&sim).await;
    assert!(tally.is_success() && tally.changed == 3, "{told:#?}");
    assert_eq!(Look::from(&sim).shape(), Look::from(&whole).shape());
}
