//! How few calls a plan costs, the first time and when it is applied already.

use std::collections::BTreeMap;
use std::time::Duration;

use orch::sim::{Call, Outcome, Sim, Timing};

use crate::in_process::Ready;
use crate::makespan::Scenario;
use crate::spokes::{Accounts, HubAndSpokes};

/// A plan over so many accounts, each of which is reached by its role: a stack in each, the hub's beside the first, each peered
/// with the hub's, DNS on both sides, and a route either way. All routes back are in the hub's one table.
fn plan(accounts: usize) -> Ready {
    HubAndSpokes { accounts: Accounts::Spokes, dns: true, ..HubAndSpokes::of("many", accounts) }.plan()
}

/// A world with the plan applied.
async fn applied(plan: &Ready, timing: Timing) -> Sim {
    let sim = Sim::builder().timing(timing).build();
    let (tally, told) = plan.apply(&sim).await;
    assert!(tally.is_success(), "{told:#?}");
    sim
}

/// How often each operation was called after the first so many calls.
fn counts(sim: &Sim, after: usize) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in sim.calls().into_iter().skip(after) {
        *counts.entry(call.operation.to_string()).or_default() += 1;
    }
    counts
}

fn counted<const N: usize>(pairs: [(&str, usize); N]) -> BTreeMap<String, usize> {
    pairs.map(|(name, count)| (name.to_owned(), count)).into()
}

/// One session for each account, one listing of each sort for each account and region, and each stack's template.
fn fewest(accounts: usize) -> BTreeMap<String, usize> {
    counted([
        ("AssumeRole", accounts),
        ("DescribeStacks", accounts),
        ("DescribeVpcPeeringConnections", accounts),
        ("DescribeRouteTables", accounts),
        ("GetTemplate", accounts + 1),
    ])
}

/// Applies a plan again by what its preview shows, which asks for nothing that the preview did not.
async fn applying_again_costs_the_fewest(plan: &Ready, sim: &Sim, accounts: usize) {
    let before = sim.calls().len();
    let (preview, tally) = plan.preview(sim, true).await;
    assert!(preview.is_nothing(), "{preview:#?}");
    assert_eq!((tally.changed, tally.done), (0, 1 + 4 * accounts));
    assert_eq!(counts(sim, before), fewest(accounts), "{accounts} accounts, applied again");
}

/// The same for a preview alone, and for a run before which nothing was foreseen.
async fn either_alone_costs_the_fewest(plan: &Ready, sim: &Sim, accounts: usize) {
    let before = sim.calls().len();
    assert!(plan.preview(sim, false).await.0.is_nothing());
    assert_eq!(counts(sim, before), fewest(accounts), "{accounts} accounts, previewed");
    let before = sim.calls().len();
    let (tally, _) = plan.apply(sim).await;
    assert_eq!((tally.changed, tally.done), (0, 1 + 4 * accounts));
    assert_eq!(counts(sim, before), fewest(accounts), "{accounts} accounts, applied without a preview");
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_plan_costs_the_fewest_calls_in_1_and_60_accounts() {
    for accounts in [1, 60] {
        let plan = plan(accounts);
        let sim = applied(&plan, Timing::default()).await;
        applying_again_costs_the_fewest(&plan, &sim, accounts).await;
        either_alone_costs_the_fewest(&plan, &sim, accounts).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_plan_costs_the_fewest_calls_in_500_accounts() {
    let plan = plan(500);
    // Most of the test is the SDK's work for the calls of the first run: nothing is waited for there.
    let sim = applied(&plan, Timing::instant()).await;
    applying_again_costs_the_fewest(&plan, &sim, 500).await;
}

#[tokio::test(start_paused = true)]
async fn a_table_that_many_routes_are_made_in_is_not_read_for_each() {
    let plan = plan(60);
    let sim = applied(&plan, Timing::default()).await;
    let hub = Some("200000000000".parse().unwrap());
    let calls: Vec<_> = sim.calls().into_iter().filter(|call| call.account == hub).collect();
    let count = |operation: &str| calls.iter().filter(|call| call.operation == operation).count();
    // Out of the first account's own table, and into the hub's from everywhere.
    assert_eq!(count("CreateRoute"), 61);
    assert_eq!(count("DescribeRouteTables"), 0, "its stack has made it just now");
}

/// Holds what a first run has cost: at most so many calls for each spoke, polling included, and its routes. The hub's own few
/// calls are in those of twenty spokes and more.
///
/// | call | for each spoke |
/// |---|---|
/// | AssumeRole | 1 |
/// | DescribeStacks | 1 listing, 1 to 3 looks at the stack |
/// | CreateStack, DescribeEvents | 1 each; no events where it was over just when that was expected |
/// | DescribeVpcPeeringConnections | none, the hub's looks are shared |
/// | CreateVpcPeeringConnection, AcceptVpcPeeringConnection | 1 each |
pub(crate) fn a_first_run_was_cheap(sim: &Sim, spokes: usize, each: usize) {
    let counts = counts(sim, 0);
    let calls = counts.values().sum::<usize>() - counts["CreateRoute"];
    println!("{spokes} spokes: {calls} calls without routes, {counts:?}");
    let stacks = if spokes < 20 { spokes + 1 } else { spokes };
    assert!(calls <= each * stacks, "{spokes} spokes: {calls} calls, {counts:?}");
}

#[tokio::test(start_paused = true)]
async fn a_previewed_first_run_costs_at_most_10_calls_a_spoke_and_its_routes_polling_included() {
    // Without a preview, and knowing durations: in `makespan`. What a preview has read is not read again.
    for spokes in [4, 20] {
        let scenario = Scenario::short(spokes);
        let sim = Sim::builder().timing(scenario.timing()).build();
        assert!(scenario.plan().preview(&sim, true).await.1.is_success());
        a_first_run_was_cheap(&sim, spokes, 10);
    }
}

#[tokio::test(start_paused = true)]
async fn requests_that_take_seconds_to_arrive_are_not_accepted_time_and_again() {
    let seconds = Duration::from_secs;
    let scenario = Scenario { peering: seconds(3), ..Scenario::short(20) };
    let timing = Timing { peering_visible: seconds(2), peering_request: seconds(1), ..scenario.timing() };
    let sim = Sim::builder().timing(timing).build();
    let (tally, told, _) = scenario.plan().apply_knowing(&sim, None).await;
    assert!(tally.is_success(), "{told:#?}");
    a_first_run_was_cheap(&sim, 20, 12);
    let calls: Vec<Call> =
        sim.calls().into_iter().filter(|call| call.operation.ends_with("VpcPeeringConnection")).collect();
    let accepted = calls.iter().filter(|call| call.operation.starts_with("Accept"));
    let refused: Vec<&Call> = accepted.clone().filter(|call| call.outcome != Outcome::Succeeded).collect();
    assert_eq!(accepted.count() - refused.len(), 20);
    // Those that were asked for before the first was refused have found out with it; no other is accepted in vain.
    let created = calls.iter().filter(|call| call.operation.starts_with("Create"));
    let unknowing = created.filter(|call| call.at <= refused[0].at).count();
    assert!(unknowing < 20 && refused.len() <= unknowing, "{} refused, {unknowing}", refused.len());
}
