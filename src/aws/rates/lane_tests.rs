//! Calls that wait, against an AWS of one sort or another, on a paused clock.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use proptest::prelude::*;
use tokio::task::LocalSet;

use super::Class::{CloudFormationRead as Read, CloudFormationWrite as Write, Ec2Read, Ec2Write};
use super::*;
use crate::aws::rates::{Rates, Room};

fn standing(urgency: u64, since: Instant) -> Standing {
    Standing { urgency, since, is_look: false }
}

fn slots(count: usize) -> Slots {
    Slots { all: Room::of(2 * count), patient: Room::of(2 * count), sts: Room::of(2) }.for_one_region()
}

/// What AWS grants: by operation, or all together.
#[derive(Clone, Copy, Debug)]
struct Aws {
    burst: f64,
    per_second: f64,
    together: bool,
    /// Another client at the same bucket.
    rival: Option<Rival>,
}

impl Aws {
    fn new(burst: f64, per_second: f64, together: bool) -> Self {
        Self { burst, per_second, together, rival: None }
    }
}

/// Somebody who calls at random, whatever comes of it.
#[derive(Clone, Copy, Debug)]
struct Rival {
    per_second: f64,
    /// When he stops, in seconds.
    until: f64,
    /// What his calls are drawn by.
    seed: u64,
}

/// AWS's own bucket. Times are seconds.
struct Bucket {
    aws: Aws,
    tokens: f64,
    at: f64,
    /// When the rival calls next.
    rivals: f64,
    seed: u64,
}

impl Bucket {
    fn new(aws: Aws) -> Self {
        let mut bucket =
            Self { aws, tokens: aws.burst, at: 0.0, rivals: 0.0, seed: aws.rival.map_or(0, |rival| rival.seed) };
        bucket.rivals = bucket.pause();
        bucket
    }

    fn lets_through(&mut self, now: f64) -> bool {
        while self.rivals <= now {
            self.take(self.rivals);
            self.rivals += self.pause();
        }
        self.take(now)
    }

    fn take(&mut self, now: f64) -> bool {
        self.tokens = (self.tokens + (now - self.at) * self.aws.per_second).min(self.aws.burst);
        self.at = now;
        let through = self.tokens > 1.0 - 1e-9;
        if through {
            self.tokens -= 1.0;
        }
        through
    }

    /// How long the rival waits for his next call.
    fn pause(&mut self) -> f64 {
        let Some(rival) = self.aws.rival.filter(|rival| self.rivals < rival.until) else { return f64::INFINITY };
        let chance = f64::from(u32::try_from(draw(&mut self.seed)).unwrap()) / f64::from(1_u32 << 31);
        -(1.0 - chance).ln() / rival.per_second
    }
}

/// A number below two to the power of 31.
fn draw(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

/// What came of calls.
#[derive(Clone, Debug, Default)]
struct Outcome {
    /// When the last was let through, in seconds.
    last: f64,
    sent: usize,
    throttled: usize,
    /// In which order they were let through, by their numbers.
    order: Vec<usize>,
}

/// A call: when it is to be made, in seconds, of which operation, and how urgent it is.
type Wish = (f64, &'static str, u64);

/// Makes calls through one lane, each until it is let through, with an answer after some milliseconds.
fn make(class: Class, wishes: &[Wish], aws: Aws, latency_ms: u64) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let outcome: Rc<RefCell<Outcome>> = Rc::default();
    let buckets: Rc<RefCell<HashMap<&str, Bucket>>> = Rc::default();
    let local = LocalSet::new();
    runtime.block_on(local.run_until(async {
        let lane = Rates::default().lane(&"111111111111".parse().unwrap(), &"us-east-1".into(), class).unwrap();
        let began = Instant::now();
        let half = Duration::from_micros(latency_ms * 500);
        let tasks: Vec<_> = wishes
            .iter()
            .enumerate()
            .map(|(number, (at, operation, urgency))| {
                let (at, operation, urgency) = (*at, *operation, *urgency);
                let (lane, outcome, buckets) = (lane.clone(), outcome.clone(), buckets.clone());
                tokio::task::spawn_local(async move {
                    tokio::time::sleep_until(began + Duration::from_secs_f64(at)).await;
                    let since = Instant::now();
                    loop {
                        let mut permit = lane.pass(operation, standing(urgency, since)).await;
                        permit.begin();
                        tokio::time::sleep(half).await;
                        let now = began.elapsed().as_secs_f64();
                        let key = if aws.together { "all" } else { operation };
                        let through =
                            buckets.borrow_mut().entry(key).or_insert_with(|| Bucket::new(aws)).lets_through(now);
                        tokio::time::sleep(half).await;
                        let mut outcome = outcome.borrow_mut();
                        outcome.sent += 1;
                        if through {
                            permit.granted();
                            outcome.last = began.elapsed().as_secs_f64();
                            outcome.order.push(number);
                            break;
                        }
                        outcome.throttled += 1;
                        permit.throttled();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    }));
    outcome.take()
}

/// So many calls of an operation, all at once.
fn at_once(count: usize, operation: &'static str) -> Vec<Wish> {
    vec![(0.0, operation, 0); count]
}

/// A hub's accepts and routes: peerings that come evenly over eight seconds.
fn hub(spokes: usize) -> Vec<Wish> {
    let spread = |first: f64, operation| {
        #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
        let at = move |n: usize| first + 8.0 * n as f64 / spokes as f64;
        (0..spokes).map(move |n| (at(n), operation, 0))
    };
    spread(4.0, "AcceptVpcPeeringConnection").chain(spread(5.0, "CreateRoute")).collect()
}

/// The same of a hub that is there after eight seconds.
fn late_hub(spokes: usize) -> Vec<Wish> {
    hub(spokes).into_iter().map(|(at, operation, urgency)| (at.max(8.0), operation, urgency)).collect()
}

/// The soonest that AWS can have let all through.
fn bound(wishes: &[Wish], aws: Aws) -> f64 {
    let mut counts: HashMap<&str, (f64, f64)> = HashMap::new();
    for (at, operation, _) in wishes {
        let key = if aws.together { "all" } else { operation };
        let (first, count) = counts.entry(key).or_insert((*at, 0.0));
        (*first, *count) = (first.min(*at), *count + 1.0);
    }
    let rated = counts.values().map(|(first, count)| first + (count - aws.burst) / aws.per_second);
    rated.chain(wishes.iter().map(|(at, ..)| *at)).fold(0.0, f64::max)
}

#[test]
fn whatever_aws_grants_is_found_and_used() {
    let aws = Aws::new;
    for (class, wishes, aws, most_throttled) in [
        // CloudFormation, whose rates nobody knows.
        (Write, at_once(60, "CreateStack"), aws(5.0, 2.0, true), 3),
        (Write, at_once(240, "CreateStack"), aws(5.0, 2.0, true), 5),
        (Write, at_once(60, "CreateStack"), aws(5.0, 1.0, true), 8),
        (Write, at_once(60, "CreateStack"), aws(10.0, 4.0, true), 12),
        (Read, at_once(300, "DescribeStacks"), aws(20.0, 10.0, true), 18),
        (Read, at_once(300, "DescribeStacks"), aws(20.0, 3.0, true), 10),
        // EC2 as it is documented.
        (Ec2Write, at_once(50, "CreateRoute"), aws(50.0, 5.0, false), 0),
        (Ec2Write, at_once(1000, "CreateRoute"), aws(50.0, 5.0, false), 12),
        (Ec2Read, at_once(1000, "DescribeVpcs"), aws(100.0, 20.0, false), 13),
        (Ec2Write, hub(60), aws(50.0, 5.0, false), 0),
        (Ec2Write, hub(240), aws(50.0, 5.0, false), 12),
        // Not so: smaller buckets, one for all, and a rate far below what is believed.
        (Ec2Write, hub(60), aws(10.0, 5.0, false), 2),
        (Ec2Write, hub(60), aws(10.0, 5.0, true), 4),
        (Ec2Write, late_hub(4), aws(10.0, 5.0, true), 0),
        (Ec2Write, late_hub(20), aws(10.0, 5.0, true), 6),
        (Ec2Write, late_hub(60), aws(10.0, 5.0, true), 8),
        (Ec2Write, hub(240), aws(10.0, 5.0, true), 12),
        (Ec2Write, at_once(300, "CreateRoute"), aws(2.0, 0.2, false), 27),
    ] {
        for latency_ms in [20, 150] {
            let (outcome, bound) = (make(class, &wishes, aws, latency_ms), bound(&wishes, aws));
            let told = format!("{class:?} {} of {aws:?} at {latency_ms} ms: {outcome:?}", wishes.len());
            let Outcome { last, throttled, .. } = outcome;
            assert!(last <= 1.02 * bound + 2.5, "{last} s, bound {bound} s: {told}");
            assert!(throttled <= most_throttled, "{throttled} throttled: {told}");
        }
    }
}

#[test]
fn a_bucket_of_one_call_that_is_refilled_slowly_is_learnt_within_few_calls() {
    for (rate, calls) in [(0.2, 31), (1.0, 23)] {
        let aws = Aws::new(1.0, rate, true);
        let wishes = at_once(calls, "CreateStack");
        let (outcome, bound) = (make(Class::CloudFormationWrite, &wishes, aws, 20), bound(&wishes, aws));
        assert!(outcome.last <= 1.2 * bound && outcome.throttled <= 10, "bound {bound} s: {outcome:?}");
    }
}

const READS: Aws = Aws { burst: 20.0, per_second: 5.0, together: true, rival: None };
const WRITES: Aws = Aws { burst: 5.0, per_second: 2.0, together: true, rival: None };

/// The same with somebody else who makes so many times as many calls as it grants, drawn in twenty ways.
fn beside(aws: Aws, times: f64, until: f64) -> impl Iterator<Item = Aws> {
    let rival = move |seed| Some(Rival { per_second: times * aws.per_second, until, seed });
    (1..=20).map(move |seed| Aws { rival: rival(seed), ..aws })
}

#[test]
fn beside_another_client_there_is_a_share_to_be_had() {
    let mut ratios = Vec::new();
    for (class, operation, aws, calls) in [(Read, "DescribeStacks", READS, 200), (Write, "CreateStack", WRITES, 60)] {
        for times in [0.5, 1.0, 1.5, 2.0, 4.0] {
            for (aws, latency_ms) in beside(aws, times, f64::INFINITY).zip([100, 300, 600, 1_000].into_iter().cycle()) {
                let outcome = make(class, &at_once(calls, operation), aws, latency_ms);
                // What one gets who asks as often as is granted to one alone.
                let fair = f64::from(u32::try_from(calls).unwrap()) / (aws.per_second / (1.0 + times));
                ratios.push(outcome.last / fair);
                assert!(outcome.throttled <= calls * 5, "{} throttled of {aws:?}", outcome.throttled);
            }
        }
    }
    // What one in many hears is by chance, where calls take a second and four of five are refused above all.
    ratios.sort_by(f64::total_cmp);
    let (most, worst) = (ratios[ratios.len() * 95 / 100], ratios[ratios.len() - 1]);
    assert!(most <= 3.0 && worst <= 5.0, "95 in 100 within {most} of a fair share, all within {worst}");
}

#[test]
fn once_another_client_is_gone_all_is_to_be_had_again() {
    for (class, operation, aws, calls) in [(Read, "DescribeStacks", READS, 400), (Write, "CreateStack", WRITES, 120)] {
        let alone = bound(&at_once(calls, operation), aws);
        let mut last: Vec<f64> =
            beside(aws, 4.0, 60.0).map(|aws| make(class, &at_once(calls, operation), aws, 300).last).collect();
        last.sort_by(f64::total_cmp);
        // One in twenty has learnt too well how little there was.
        assert!(last[18] <= 60.0 + 1.2 * alone, "{last:?}, {alone} s alone");
        assert!(last[19] <= 5.0 * 60.0, "{last:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn where_nothing_at_all_is_granted_few_calls_are_tried() {
    for waiting in [1, 50, 300] {
        let lane = Arc::new(Lane::new(Class::CloudFormationWrite, slots(9)));
        let tried = Arc::<AtomicU32>::default();
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..waiting {
            let (lane, tried) = (Arc::clone(&lane), Arc::clone(&tried));
            calls.spawn(async move {
                let since = Instant::now();
                loop {
                    let mut permit = lane.pass("CreateStack", standing(0, since)).await;
                    permit.begin();
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    permit.throttled();
                    tried.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        tokio::time::sleep(Duration::from_hours(1)).await;
        let tried = tried.load(Ordering::Relaxed);
        assert!((180..3_600).contains(&tried), "{tried} of {waiting} that wait");
    }
}

#[test]
fn where_nothing_is_throttled_nothing_is_waited_for_long() {
    let boundless = Aws::new(1e9, 1e9, false);
    for (class, wishes, most) in [
        (Class::CloudFormationWrite, at_once(60, "CreateStack"), 7.0),
        (Class::CloudFormationRead, at_once(500, "GetTemplate"), 6.0),
        (Class::Ec2Write, hub(1000), 16.0),
    ] {
        let outcome = make(class, &wishes, boundless, 20);
        assert!(outcome.last < most && outcome.throttled == 0, "{class:?}: {} s", outcome.last);
    }
}

#[test]
fn the_longest_way_goes_first_and_ties_by_arrival() {
    let aws = Aws::new(1.0, 1.0, true);
    // Three are under way at once before anything is known; the others wait meanwhile.
    let mut wishes = vec![(0.0, "CreateStack", 90_000); 3];
    let later = [(0.01, 5_000), (0.02, 9_000), (0.03, 5_000), (0.04, 1_000), (0.05, 9_000)];
    wishes.extend(later.map(|(at, urgency)| (at, "CreateStack", urgency)));
    let outcome = make(Class::CloudFormationWrite, &wishes, aws, 1);
    let later: Vec<usize> = outcome.order.into_iter().filter(|number| *number >= 3).collect();
    assert_eq!(later, [4, 7, 3, 5, 6]);
}

#[test]
fn an_operation_that_is_short_of_tokens_holds_up_no_other() {
    let documented = Aws::new(50.0, 5.0, false);
    let mut wishes = at_once(100, "CreateRoute");
    wishes.extend(vec![(1.0, "AcceptVpcPeeringConnection", 0); 10]);
    let outcome = make(Class::Ec2Write, &wishes, documented, 20);
    let position = outcome.order.iter().rposition(|number| *number >= 100).unwrap();
    assert!(position < 80, "the last accept is the {position}th");
}

#[test]
fn whoever_waits_is_not_overtaken_for_ever() {
    let aws = Aws::new(1.0, 1.0, true);
    // One that is in no hurry, and without end others that are: two a second where one is let through.
    let mut wishes = vec![(0.0, "CreateStack", 9_000); 8];
    wishes.push((0.0, "CreateStack", 0));
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    wishes.extend((0..400_usize).map(|n| (n as f64 / 2.0, "CreateStack", 9_000)));
    let outcome = make(Class::CloudFormationWrite, &wishes, aws, 20);
    let position = outcome.order.iter().position(|number| *number == 8).unwrap();
    assert!((20..250).contains(&position), "it was let through as the {position}th");
}

#[tokio::test(start_paused = true)]
async fn whoever_gives_up_leaves_the_place_and_the_token_to_the_next() {
    let lane = Arc::new(Lane::new(Class::CloudFormationWrite, slots(9)));
    let pass = |urgency| {
        let lane = lane.clone();
        async move { lane.pass("CreateStack", standing(urgency, Instant::now())).await }
    };
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(pass(0).await);
    }
    // Three are under way, so these wait: the most urgent looks at the clock for all.
    let (urgent, next) = (tokio::spawn(pass(9)), tokio::spawn(pass(1)));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!urgent.is_finished() && !next.is_finished());
    urgent.abort();
    assert!(urgent.await.unwrap_err().is_cancelled());
    drop(held.pop());
    let permit = tokio::time::timeout(Duration::from_secs(1), next).await.unwrap().unwrap();
    // One that has its ticket, and is dropped before it hears of it, gives it back.
    let last = tokio::spawn(pass(0));
    tokio::task::yield_now().await;
    permit.granted();
    last.abort();
    let _ = last.await;
    let permit = tokio::time::timeout(Duration::from_secs(1), pass(0)).await.unwrap();
    permit.granted();
    held.into_iter().for_each(Permit::granted);
    let state = lane.lock();
    assert!(state.waiting.values().all(BTreeMap::is_empty));
}

#[tokio::test(start_paused = true)]
async fn only_so_many_calls_of_all_lanes_are_under_way() {
    let slots = slots(2);
    let lanes: Vec<_> = (0..4).map(|_| Arc::new(Lane::new(Class::Ec2Read, slots.clone()))).collect();
    let mut held = Vec::new();
    for lane in &lanes[..2] {
        held.push(lane.pass("DescribeVpcs", standing(0, Instant::now())).await);
    }
    let waits = lanes[2].pass("DescribeVpcs", standing(0, Instant::now()));
    assert!(tokio::time::timeout(Duration::from_secs(9), waits).await.is_err());
    held.remove(0).granted();
    lanes[3].pass("DescribeVpcs", standing(0, Instant::now())).await.granted();
}

#[tokio::test(start_paused = true)]
async fn what_changes_something_and_looks_do_not_wait_behind_a_fleets_first_reads() {
    let rates = Rates::default();
    let lane = |n: usize, class| rates.lane(&format!("{n:012}").parse().unwrap(), &"us-east-1".into(), class).unwrap();
    let now = Instant::now();
    let mut reads = tokio::task::JoinSet::new();
    for n in 0..999 {
        let lane = lane(n, Class::Ec2Read);
        reads.spawn(async move {
            let _permit = lane.pass("DescribeVpcs", standing(0, now)).await;
            std::future::pending::<()>().await;
        });
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let second = Duration::from_secs(1);
    for n in 0..20 {
        let (reads, writes) = (lane(n, Class::CloudFormationRead), lane(n, Class::CloudFormationWrite));
        let look = Standing { is_look: true, ..standing(0, now) };
        std::mem::forget(tokio::time::timeout(second, reads.pass("DescribeStacks", look)).await.unwrap());
        if n < 10 {
            let deletion = writes.pass("DeleteStack", standing(0, now));
            std::mem::forget(tokio::time::timeout(second, deletion).await.unwrap());
        }
    }
    let another = lane(999, Class::CloudFormationRead);
    assert!(tokio::time::timeout(second, another.pass("DescribeStacks", standing(0, now))).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn reads_that_wait_behind_a_fleet_hold_up_no_look_of_their_own_account() {
    // Room for one patient call and three others.
    let slots = Slots { all: Room::of(8), patient: Room::of(2), sts: Room::of(2) }.for_one_region();
    let (other, own) = (Lane::new(Class::Ec2Read, slots.clone()), Lane::new(Class::CloudFormationRead, slots));
    let (other, own, now) = (Arc::new(other), Arc::new(own), Instant::now());
    let fleet = other.pass("DescribeVpcs", standing(0, now)).await;
    let mut reads = tokio::task::JoinSet::new();
    for _ in 0..9 {
        let own = Arc::clone(&own);
        reads.spawn(async move { own.pass("GetTemplate", standing(0, now)).await.granted() });
    }
    let second = Duration::from_secs(1);
    assert!(tokio::time::timeout(second, reads.join_next()).await.is_err());
    for _ in 0..9 {
        let look = Standing { is_look: true, ..standing(0, now) };
        tokio::time::timeout(second, own.pass("DescribeStacks", look)).await.unwrap().granted();
    }
    drop(fleet);
    assert_eq!(tokio::time::timeout(second, reads.join_all()).await.map(|done| done.len()), Ok(9));
}

/// Whoever has a ticket and no slot, and whoever has a slot and no ticket, must not hand them on to each other for ever. While they
/// do the paused clock stands still, and no call ends: what tells is how often they are polled.
#[tokio::test(start_paused = true)]
async fn crowds_of_patient_reads_do_not_hand_slots_and_tickets_on_without_end() {
    // Hubs with a hundred reads each, and spokes with three, in two regions, as a fleet's destruction begins.
    let crowds = [100; 5].into_iter().chain([3; 300]);
    let reads: usize = 2 * crowds.clone().sum::<usize>();
    let all = Slots { all: Room::of(64), patient: Room::of(48), sts: Room::of(2) };
    let (mut tasks, now, polls) = (tokio::task::JoinSet::new(), Instant::now(), Arc::new(AtomicUsize::new(0)));
    for slots in [all.for_one_region(), all.for_one_region()] {
        for crowd in crowds.clone() {
            let lane = |class| Arc::new(Lane::new(class, slots.clone()));
            let (read, write) = (lane(Class::Ec2Read), lane(Class::Ec2Write));
            for _ in 0..crowd {
                let (read, write, polls) = (Arc::clone(&read), Arc::clone(&write), Arc::clone(&polls));
                tasks.spawn(async move {
                    let mut pass = pin!(read.pass("DescribeRouteTables", standing(0, now)));
                    let counted = poll_fn(|context| {
                        let polled = polls.fetch_add(1, Ordering::Relaxed);
                        assert!(polled < 50 * reads, "slots and tickets go round and round");
                        pass.as_mut().poll(context)
                    });
                    let permit = counted.await;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    permit.granted();
                    let permit = write.pass("DeleteRoute", standing(0, Instant::now())).await;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    permit.granted();
                });
            }
        }
    }
    assert_eq!(tasks.join_all().await.len(), reads);
    println!("{reads} reads were polled {} times", polls.load(Ordering::Relaxed));
}

#[tokio::test(start_paused = true)]
async fn a_region_that_does_not_answer_leaves_room_to_the_others() {
    let rates = Rates::default();
    let lane_of = |n: usize, region: &str| {
        rates.lane(&format!("{n:012}").parse().unwrap(), &region.into(), Class::Ec2Read).unwrap()
    };
    let mut held = Vec::new();
    let second = Duration::from_secs(1);
    for n in 0..999 {
        let lane = lane_of(n, "us-west-2");
        let pass = lane.pass("DescribeVpcs", standing(0, Instant::now()));
        match tokio::time::timeout(second, pass).await {
            Ok(permit) => held.push(permit),
            Err(_) => break,
        }
    }
    assert!((50..999).contains(&held.len()), "{}", held.len());
    for n in 0..held.len() {
        let lane = lane_of(n, "us-east-1");
        let pass = lane.pass("DescribeVpcs", standing(0, Instant::now()));
        held.push(tokio::time::timeout(second, pass).await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn looks_leave_every_second_call_to_others_however_urgent_they_are() {
    // One call a second, which is learnt, and a look wanted half a second after the last.
    let lane = Arc::new(Lane::new(Class::CloudFormationRead, slots(9)));
    lane.lock().allowance = Allowance::slow(Class::CloudFormationRead);
    let looks = tokio::spawn({
        let lane = Arc::clone(&lane);
        async move {
            loop {
                let standing = Standing { urgency: 1_000_000, since: Instant::now(), is_look: true };
                let mut permit = lane.pass("DescribeStacks", standing).await;
                permit.begin();
                permit.granted();
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    });
    tokio::time::sleep(Duration::from_secs(9)).await;
    let began = Instant::now();
    for _ in 0..10 {
        let mut permit = lane.pass("GetTemplate", standing(0, Instant::now())).await;
        permit.begin();
        permit.granted();
    }
    let took = began.elapsed();
    assert!((Duration::from_secs(15)..Duration::from_secs(23)).contains(&took), "{took:?}");
    looks.abort();
}

#[tokio::test(start_paused = true)]
async fn what_is_never_sent_costs_nothing() {
    let lane = Arc::new(Lane::new(Class::CloudFormationWrite, slots(9)));
    for _ in 0..99 {
        let pass = lane.pass("CreateStack", standing(0, Instant::now()));
        drop(tokio::time::timeout(Duration::from_millis(1), pass).await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn that_aws_throttles_is_told_now_and_then() {
    let lane = Arc::new(Lane::new(Class::CloudFormationWrite, slots(9)));
    assert!(!lane.tells_of_throttles());
    let mut permit = lane.pass("CreateStack", standing(0, Instant::now())).await;
    permit.begin();
    permit.throttled();
    assert!(lane.tells_of_throttles() && !lane.tells_of_throttles());
    tokio::time::sleep(TOLD_EVERY).await;
    assert!(lane.tells_of_throttles());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever AWS grants, all calls get through, in not much more than the time that it takes there, and few of them
    /// are throttled: a dozen and one in ten as a rule, more where one in a hundred cases is taken for a rival.
    #[test]
    fn any_rate_is_learnt(
        burst in 5_u32..60,
        per_second in 1.0_f64..30.0,
        together: bool,
        latency_ms in 5_u64..300,
        calls in 40_usize..200,
        seed: u64,
    ) {
        let aws = Aws::new(burst.into(), per_second, together);
        let operations = ["CreateRoute", "AcceptVpcPeeringConnection", "CreateVpcPeeringConnection"];
        // Calls that come at random over ten seconds.
        let mut state = seed | 1;
        let mut draw = || draw(&mut state);
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let wishes: Vec<Wish> = (0..calls)
            .map(|_| ((draw() % 10_000) as f64 / 1000.0, operations[(draw() % 3) as usize], draw() % 60_000))
            .collect();
        let (outcome, bound) = (make(Class::Ec2Write, &wishes, aws, latency_ms), bound(&wishes, aws));
        prop_assert_eq!(outcome.order.len(), calls);
        prop_assert!(outcome.last <= 1.5 * bound + 5.0, "{} s, bound {bound} s: {outcome:?}", outcome.last);
        prop_assert!(outcome.throttled <= 20 + calls / 2, "{} throttled of {}", outcome.throttled, outcome.sent);
    }
}
