//! Runs at an AWS that throttles: as fast as it grants, in the right order, and with few calls refused.

use std::fmt::Write as _;
use std::time::Duration;

use orch::inventory::Inventory;
use orch::sim::{Effect, Fault, Faults, Outcome, Rate, Rates, Sim, Timing};
use tokio::time::Instant;

use crate::bounds::bounds;
use crate::in_process::Ready;
use crate::spokes::{Accounts, HubAndSpokes, NET, beside};

/// A hub and spokes, with each in an account of its own or all beside the hub, and how long its stacks take: the hub eight
/// seconds, the spokes from four to twelve.
fn hub_and_spokes(spokes: usize, apart: bool) -> (Ready, Timing) {
    let accounts = if apart { Accounts::Apart } else { Accounts::One };
    let network = HubAndSpokes { accounts, ..HubAndSpokes::of("net", spokes) };
    let mut timing = Timing { resource: Duration::ZERO, ..Timing::default() };
    timing.stacks.insert(network.hub_stack(), Duration::from_secs(8));
    for n in 0..spokes {
        // Spread over the eight seconds between, and not in the order of the file.
        let millis = 4_000 + (n * 37 % spokes) * 8_000 / spokes.max(2);
        timing.stacks.insert(network.stack(n), Duration::from_millis(millis as u64));
    }
    (network.plan(), timing)
}

/// What was measured elsewhere with other tools: few calls, and of EC2's writes all together.
fn throttling() -> Rates {
    Rates {
        cloudformation_read: Some(Rate::new(20, 10.0)),
        cloudformation_write: Some(Rate::new(5, 2.0)),
        ec2_read: None,
        ec2_write: Some(Rate::new(10, 5.0)),
        ec2_by_operation: false,
    }
}

/// How many calls were throttled, of how many.
fn throttled(sim: &Sim) -> (usize, usize) {
    let calls = sim.calls();
    let is_throttled = |outcome: &Outcome| matches!(outcome, Outcome::Failed(code) if code == "Throttling" || code == "RequestLimitExceeded");
    (calls.iter().filter(|call| is_throttled(&call.outcome)).count(), calls.len())
}

/// Applies a plan to an empty AWS with these rates, without knowing anything and then with the durations of that run, and
/// holds what is promised of both.
async fn is_as_fast_as_aws_grants((plan, timing): (Ready, Timing), rates: Rates) {
    let bound = bounds(plan.plan(), plan.graph(), &timing, &rates);
    let mut past: Option<Inventory> = None;
    for _ in 0..2 {
        let sim = Sim::builder().timing(timing.clone()).rates(rates).build();
        let began = Instant::now();
        let (tally, told, news) = plan.apply_knowing(&sim, past.as_ref()).await;
        let took = began.elapsed().as_secs_f64();
        assert!(tally.is_success(), "{told:#?}");
        let (throttled, calls) = throttled(&sim);
        println!("{took:.1} s, {bound:?}, {throttled} of {calls} calls throttled");
        assert!(took <= 1.10 * bound.larger(), "{took} s, {bound:?}");
        assert!(throttled * 50 <= calls, "{throttled} of {calls} calls throttled");
        let mut inventory = Inventory::empty("net");
        inventory.take_in(news);
        past = Some(inventory);
    }
}

#[tokio::test(start_paused = true)]
async fn four_spokes_are_as_fast_as_aws_grants() {
    is_as_fast_as_aws_grants(hub_and_spokes(4, true), throttling()).await;
}

#[tokio::test(start_paused = true)]
async fn twenty_spokes_are_as_fast_as_aws_grants() {
    is_as_fast_as_aws_grants(hub_and_spokes(20, true), throttling()).await;
}

#[tokio::test(start_paused = true)]
async fn sixty_spokes_are_as_fast_as_aws_grants() {
    is_as_fast_as_aws_grants(hub_and_spokes(60, true), throttling()).await;
}

/// A hundred and fifty; `SPOKES=1000 cargo test --test acceptance a_large_hub` tries a thousand.
#[tokio::test(start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "how many spokes there are is said from outside")]
async fn a_large_hub_is_as_fast_as_aws_grants() {
    let spokes = std::env::var("SPOKES").map_or(150, |text| text.parse().unwrap());
    is_as_fast_as_aws_grants(hub_and_spokes(spokes, true), throttling()).await;
}

#[tokio::test(start_paused = true)]
async fn many_stacks_in_one_account_are_as_fast_as_aws_grants() {
    is_as_fast_as_aws_grants(hub_and_spokes(120, false), throttling()).await;
}

#[tokio::test(start_paused = true)]
async fn ec2_as_it_is_documented_is_kept_to() {
    is_as_fast_as_aws_grants(hub_and_spokes(120, false), Rates::documented()).await;
}

#[tokio::test(start_paused = true)]
async fn a_rate_far_below_what_is_believed_is_learnt() {
    let rates = Rates { cloudformation_write: Some(Rate::new(1, 0.2)), ..Rates::default() };
    let (plan, timing) = hub_and_spokes(30, false);
    let sim = Sim::builder().timing(timing.clone()).rates(rates).build();
    let bound = bounds(plan.plan(), plan.graph(), &timing, &rates);
    let began = Instant::now();
    assert!(plan.apply(&sim).await.0.is_success());
    let took = began.elapsed().as_secs_f64();
    // A bucket that holds one call saves nothing up while its rate is being found.
    assert!(took <= 1.20 * bound.larger(), "{took} s, {bound:?}");
    let (throttled, calls) = throttled(&sim);
    assert!(throttled <= 12, "{throttled} of {calls} calls throttled");
}

#[tokio::test(start_paused = true)]
async fn throttling_for_hours_fails_nothing() {
    let throttle = |operation: &str, times| Fault::new(Effect::Throttle).on(operation).first(times);
    let faults = [
        throttle("CreateStack", 500),
        throttle("DescribeStacks", 200),
        throttle("CreateVpcPeeringConnection", 200),
        throttle("AcceptVpcPeeringConnection", 20),
        throttle("CreateRoute", 200),
        throttle("AssumeRole", 200),
    ];
    let (plan, timing) = hub_and_spokes(2, true);
    let sim = Sim::builder().timing(timing).faults(Faults::of(faults)).build();
    let (tally, told) = plan.apply(&sim).await;
    assert!(tally.is_success(), "{told:#?}");
    let (throttled, calls) = throttled(&sim);
    assert!(throttled > 1_000, "{throttled} of {calls} calls throttled");
}

/// Stacks in one account: short ones that nothing needs, and at the end of the file a chain of three.
fn chain_behind_others() -> (Ready, Timing) {
    let mut text = "name = \"net\"\nregion = \"us-east-1\"\n[accounts]\nhub = { id = \"111111111111\" }\n".to_owned();
    let mut timing = Timing { resource: Duration::ZERO, ..Timing::default() };
    let mut stack = |name: &str, seconds: u64, rest: &str| {
        let _ = writeln!(text, "[stacks.{name}]\naccount = \"hub\"\ntemplate = \"net.yaml\"\n{rest}");
        let _ = writeln!(text, "parameters = {{ CidrBlock = \"10.0.0.0/24\" }}");
        timing.stacks.insert(format!("net-{name}"), Duration::from_secs(seconds));
    };
    for n in 0..20 {
        stack(&format!("a{n:02}"), 3, "");
    }
    for (name, rest) in [("z1", ""), ("z2", "depends_on = [\"stacks.z1\"]"), ("z3", "depends_on = [\"stacks.z2\"]")] {
        stack(name, 10, rest);
    }
    (beside(&text, &[("net.yaml", NET)]), timing)
}

#[tokio::test(start_paused = true)]
async fn whoever_is_on_the_longest_way_goes_first() {
    let rates = Rates { cloudformation_write: Some(Rate::new(1, 1.0)), ..Rates::default() };
    let (plan, timing) = chain_behind_others();
    let sim = Sim::builder().timing(timing.clone()).rates(rates).build();
    let bound = bounds(plan.plan(), plan.graph(), &timing, &rates);
    assert!((30.0..31.0).contains(&bound.larger()), "{bound:?}");
    let began = Instant::now();
    let (tally, told) = plan.apply(&sim).await;
    assert!(tally.is_success(), "{told:#?}");
    let took = began.elapsed().as_secs_f64();
    // In the order of the file the chain would begin after twenty seconds and end after fifty.
    assert!(took < 40.0, "{took} s");
}
