//! How soon the end of stacks is noticed, and by how many calls.

use super::*;
use crate::sim::{Call, Rate, Rates, ResourceFault, Timing};

pub(super) const STACK: &str = "Resources: {Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.0.0.0/24}}}";

/// Numbers that are the same for the same seed.
struct Dice(u64);

impl Dice {
    /// A number from 0 up to 1.
    fn roll(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        f64::from(u32::try_from(self.0 >> 40).unwrap()) / f64::from(1_u32 << 24)
    }

    fn between(&mut self, least: f64, most: f64) -> f64 {
        least + (most - least) * self.roll()
    }
}

/// A stack that takes a while, and what is expected of it.
#[derive(Clone, Debug)]
pub(super) struct Drawn {
    pub(super) account: usize,
    pub(super) name: String,
    pub(super) takes: Duration,
    pub(super) forecast: Forecast,
}

/// Draws stacks for each of so many accounts: how long they usually take is between these seconds, and how long they take now
/// is up to a twentieth more or less. If it is known, it is so by five runs of the same sort.
fn draw(seed: u64, (accounts, each): (usize, usize), seconds: (f64, f64), is_known: bool) -> Vec<Drawn> {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut drawn = Vec::new();
    for account in 0..accounts {
        for number in 0..each {
            // As many short ones as long ones.
            let usual = dice.between(seconds.0.ln(), seconds.1.ln()).exp();
            let mut run = || Duration::from_secs_f64(usual * dice.between(0.95, 1.05));
            let mut past = [run(), run(), run(), run(), run()];
            past.sort();
            let spread = past[2].abs_diff(past[1]).max(past[3].abs_diff(past[2]));
            let forecast = if is_known { Forecast::known(past[2], spread, past.len()) } else { Forecast::UNKNOWN };
            drawn.push(Drawn { account, name: format!("s{account}-{number}"), takes: run(), forecast });
        }
    }
    drawn
}

pub(super) fn named(name: &str) -> StackSpec {
    StackSpec {
        name: name.to_owned(),
        template: crate::aws::Template::Text(STACK.into()),
        parameters: IndexMap::new(),
        kept: Vec::new(),
        tags: IndexMap::new(),
        capabilities: Vec::new(),
        settings: crate::aws::Settings::default(),
    }
}

/// An embedded AWS whose calls take no time, and in which these stacks take theirs.
fn world(drawn: &[Drawn]) -> Sim {
    let stacks = drawn.iter().map(|stack| (stack.name.clone(), stack.takes)).collect();
    Sim::builder().timing(Timing { stacks, ..Timing::instant() }).build()
}

async fn sessions(sim: &Sim, accounts: usize) -> (Sessions, Vec<Regional>) {
    let names: IndexMap<AccountName, AccountSpec> =
        (0..accounts).map(|n| (format!("a{n}").into(), role(&format!("{:012}", 300 + n)))).collect();
    let sessions = Sessions::open(&names, &environment(sim).granting_all()).await.unwrap();
    let regional = names.keys().map(|name| sessions.region(name, &"us-east-1".into()).unwrap()).collect();
    (sessions, regional)
}

/// Begins to create a stack; what is to be waited for then.
pub(super) async fn begin(regional: &Regional, name: &str, forecast: Forecast) -> Operation {
    let Begun { stack, operation: id } = regional.create_stack(&named(name), name).await.unwrap();
    Operation { stack, id, token: Some(name.to_owned()), before: None, forecast: Some(forecast), deletes: false }
}

/// Creates all stacks at once and gives how much later than it ended the end of each was noticed, with the calls since.
async fn watched(drawn: &[Drawn], accounts: usize) -> (Vec<Duration>, Vec<Call>) {
    let sim = world(drawn);
    let (_sessions, regional) = sessions(&sim, accounts).await;
    let before = sim.calls().len();
    let waiting: Vec<_> = drawn
        .iter()
        .cloned()
        .map(|stack| {
            let regional = regional[stack.account].clone();
            tokio::spawn(async move {
                let operation = begin(&regional, &stack.name, stack.forecast).await;
                let began = tokio::time::Instant::now();
                let (live, events) = regional.settled(&operation, &|_| {}).await.unwrap();
                assert_eq!(live.unwrap().status.as_str(), "CREATE_COMPLETE");
                if let Some(took) = took(&events) {
                    assert_eq!(took, stack.takes.max(Duration::from_millis(1)), "{stack:?}");
                } else {
                    // It has ended when it was expected to.
                    assert!(stack.takes < Duration::from_secs(15) && stack.forecast != Forecast::UNKNOWN, "{stack:?}");
                }
                began.elapsed().checked_sub(stack.takes).unwrap()
            })
        })
        .collect();
    let mut late = Vec::new();
    for task in waiting {
        late.push(task.await.unwrap());
    }
    (late, sim.calls().split_off(before))
}

/// The looks at stacks in each account, in seconds since the first call.
fn looks(calls: &[Call]) -> Vec<Vec<f64>> {
    let mut looks: BTreeMap<AccountId, Vec<f64>> = BTreeMap::new();
    for call in calls.iter().filter(|call| matches!(&*call.operation, "DescribeStacks" | "ListStacks")) {
        let at = call.at.duration_since(calls[0].at).as_secs_f64();
        looks.entry(call.account.clone().unwrap()).or_default().push(at);
    }
    looks.into_values().collect()
}

#[track_caller]
fn never_more_than_two_a_second(calls: &[Call]) {
    never_more_than_two_a_second_but_for(1, calls);
}

/// So many may come at once, as the pages of one listing do, if that much longer there are none.
#[track_caller]
fn never_more_than_two_a_second_but_for(pages: usize, calls: &[Call]) {
    for looks in looks(calls) {
        for (first, from) in looks.iter().enumerate() {
            for (count, at) in looks[first..].iter().enumerate().skip(pages) {
                let least = f64::from(u32::try_from(count + 1 - pages).unwrap()) / 2.0;
                assert!(at - from > least - 0.001, "{looks:?}");
            }
        }
    }
}

fn whole_millis(drawn: &mut [Drawn]) {
    for stack in drawn {
        stack.takes = Duration::from_millis(u64::try_from(stack.takes.as_millis()).unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_is_known_is_noticed_within_half_a_second_in_95_of_100_cases() {
    for (seed, shape) in [(1, (60, 1)), (2, (20, 3)), (3, (6, 10))] {
        let mut drawn = draw(seed, shape, (2.0, 500.0), true);
        whole_millis(&mut drawn);
        let (late, calls) = watched(&drawn, shape.0).await;
        let noticed = late.iter().filter(|late| **late <= Duration::from_millis(501)).count();
        let mut worst: Vec<_> = late.iter().zip(&drawn).collect();
        worst.sort_by_key(|(late, _)| std::cmp::Reverse(**late));
        assert!(noticed * 100 >= late.len() * 95, "seed {seed}: {noticed} of {}: {:?}", late.len(), &worst[..12]);
        never_more_than_two_a_second(&calls);
    }
}

#[tokio::test(start_paused = true)]
async fn the_events_of_a_creation_are_not_read_where_it_was_over_just_when_that_was_expected() {
    let seconds = Duration::from_secs_f64;
    let known = |end| Forecast::known(seconds(end), Duration::ZERO, 3);
    for (takes, forecast, reads) in [
        (12.0, known(12.0), 0),
        (12.0, known(12.05), 0),
        // It was not looked at before: it may have been over for long.
        (8.0, known(8.0), 1),
        (4.0, known(12.0), 1),
        (13.0, known(12.0), 1),
        (12.0, Forecast::guessed(seconds(12.0)), 1),
        (12.0, Forecast::UNKNOWN, 1),
        // Some were told while it was under way.
        (20.0, known(20.0), 2),
    ] {
        let stack = Drawn { name: "net".to_owned(), account: 0, takes: seconds(takes), forecast };
        let (_, calls) = watched(std::slice::from_ref(&stack), 1).await;
        let read = calls.iter().filter(|call| &*call.operation == "DescribeEvents").count();
        assert_eq!(read, reads, "{takes} s, {forecast:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_second_run_is_not_far_out_where_it_takes_a_seventh_more_or_less_than_the_first() {
    for (seed, shape) in [(1, (40, 1)), (2, (10, 3))] {
        let mut drawn = draw(seed, shape, (2.0, 500.0), true);
        let mut dice = Dice(seed);
        for stack in &mut drawn {
            stack.forecast = Forecast::known(stack.takes, Duration::ZERO, 1);
            stack.takes = stack.takes.mul_f64(dice.between(0.85, 1.15));
        }
        whole_millis(&mut drawn);
        let (late, calls) = watched(&drawn, shape.0).await;
        let worst = late.iter().zip(&drawn).max_by_key(|(late, _)| **late);
        assert!(worst.unwrap().0 <= &Duration::from_secs(5), "seed {seed}: {worst:?}");
        never_more_than_two_a_second(&calls);
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_short_stack_of_which_nothing_is_known_is_noticed_within_two_seconds() {
    for (seed, shape) in [(1, (60, 1)), (2, (20, 3)), (3, (2, 40))] {
        let mut drawn = draw(seed, shape, (0.1, 28.0), false);
        whole_millis(&mut drawn);
        let (late, calls) = watched(&drawn, shape.0).await;
        let worst = late.iter().max().unwrap();
        assert!(*worst <= Duration::from_millis(2_001), "seed {seed}: {worst:?}");
        never_more_than_two_a_second(&calls);
    }
}

#[tokio::test(start_paused = true)]
async fn what_takes_over_a_minute_is_looked_at_once_in_three_seconds_on_the_average() {
    for is_known in [true, false] {
        let mut drawn = draw(7, (20, 1), (64.0, 1200.0), is_known);
        whole_millis(&mut drawn);
        let (late, calls) = watched(&drawn, 20).await;
        for ((looks, stack), late) in looks(&calls).iter().zip(&drawn).zip(late) {
            let whole = (stack.takes + late).as_secs_f64();
            let count = f64::from(u32::try_from(looks.len()).unwrap());
            assert!(count <= whole / 3.0 + 1.0, "{count} looks in {whole} s: {stack:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn sixty_stacks_of_one_account_are_watched_by_as_many_calls_as_one() {
    let mut drawn = draw(5, (1, 60), (6.5, 13.0), false);
    whole_millis(&mut drawn);
    let (_, calls) = watched(&drawn, 1).await;
    let looks = looks(&calls).remove(0).len();
    // At 2, 4, 6, 8, 10, 12 and 14 s.
    assert!(looks <= 7, "{looks}");
    let of = |operation: &str| calls.iter().filter(|call| call.operation == operation).count();
    assert_eq!((of("ListStacks"), of("DescribeEvents"), of("DescribeStackEvents")), (0, 60, 0));
}

#[tokio::test(start_paused = true)]
async fn among_hundreds_of_others_only_what_moves_is_listed() {
    let drawn: Vec<Drawn> = (0..8)
        .map(|n| Drawn {
            account: 0,
            name: format!("s{n}"),
            takes: Duration::from_millis(9_000 + 200 * n),
            forecast: Forecast::UNKNOWN,
        })
        .collect();
    let sim = world(&drawn);
    let (_sessions, regional) = sessions(&sim, 1).await;
    for n in 0..250 {
        regional[0].create_stack(&named(&format!("other{n}")), "other").await.unwrap();
    }
    // How many pages there are it finds out at the first look.
    let (before, mut waiting) = (sim.calls().len(), Vec::new());
    for stack in &drawn {
        let (regional, name) = (regional[0].clone(), stack.name.clone());
        waiting.push(tokio::spawn(async move {
            let operation = begin(&regional, &name, Forecast::UNKNOWN).await;
            regional.settled(&operation, &|_| {}).await.unwrap().0.unwrap().status
        }));
    }
    let began = tokio::time::Instant::now();
    for task in waiting {
        assert_eq!(task.await.unwrap().as_str(), "CREATE_COMPLETE");
    }
    let late = began.elapsed().checked_sub(drawn[7].takes).unwrap();
    assert!(late <= Duration::from_millis(3_600), "{late:?}");
    let counts = counts(&sim);
    never_more_than_two_a_second_but_for(3, &sim.calls()[before..]);
    // The three pages of the first look, and of one more for those that have ended by then; no more than two by themselves.
    assert!((6..=3 + 3 * 3 + 2).contains(&counts["DescribeStacks"]), "{counts:?}");
    assert!((2..=8).contains(&counts["ListStacks"]), "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn where_aws_grants_few_looks_they_show_all_that_is_due_and_leave_some_to_others() {
    let mut drawn = draw(5, (1, 20), (6.5, 30.0), false);
    whole_millis(&mut drawn);
    let stacks = drawn.iter().map(|stack| (stack.name.clone(), stack.takes)).collect();
    let rates = Rates { cloudformation_read: Some(Rate::new(3, 1.0)), ..Rates::default() };
    let sim = Sim::builder().timing(Timing { stacks, ..Timing::instant() }).rates(rates).build();
    let names: IndexMap<AccountName, AccountSpec> = [("a0".into(), role(&format!("{:012}", 300)))].into();
    let sessions = Sessions::open(&names, &environment(&sim)).await.unwrap();
    let regional = sessions.region(&"a0".into(), &"us-east-1".into()).unwrap();
    let other = regional.create_stack(&named("other"), "other").await.unwrap().stack;
    // Looks are as urgent as whoever is most; who reads events or asks for the template is in no hurry.
    let _ = regional.with_urgency(1_000_000);
    let began = tokio::time::Instant::now();
    let waiting: Vec<_> = drawn
        .iter()
        .cloned()
        .map(|stack| {
            let regional = regional.clone();
            tokio::spawn(async move {
                let operation = begin(&regional, &stack.name, stack.forecast).await;
                let (live, _) = regional.settled(&operation, &|_| {}).await.unwrap();
                assert_eq!(live.unwrap().status.as_str(), "CREATE_COMPLETE");
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(8)).await;
    let asked = tokio::time::Instant::now();
    for _ in 0..4 {
        regional.template(&other).await.unwrap();
    }
    assert!(asked.elapsed() < Duration::from_secs(16), "{:?}", asked.elapsed());
    for task in waiting {
        task.await.unwrap();
    }
    // Twenty readings of events, which take a second each, and as many looks.
    assert!(began.elapsed() < Duration::from_secs(75), "{:?}", began.elapsed());
    let by_name = sim.calls().iter().filter(|call| call.operation == "DescribeStacks").count();
    assert!(by_name < 45, "{by_name}");
}

/// A listing of several stacks in which there are none.
pub(super) fn without_any(xml: String) -> String {
    match (xml.find("<Stacks>"), xml.find("</Stacks>")) {
        (Some(begin), Some(end)) if xml.matches("<StackStatus>").count() > 1 => {
            format!("{}{}", &xml[..begin + "<Stacks>".len()], &xml[end..])
        }
        _ => xml,
    }
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_a_listing_passes_over_is_not_taken_for_deleted() {
    // Its deletion fails, and no listing shows it.
    let timing = Timing { resource: Duration::from_secs(3), ..Timing::instant() };
    let sim = Sim::builder().timing(timing).build();
    let http = between(&sim, |asked| (asked.operation == "DescribeStacks").then_some(Said::Changed(without_any)));
    let keys = sim.clone();
    let environment = Environment::given(http, sim.time_source(), move |_| Some(keys.credentials(HUB)));
    let sessions = Sessions::open(&plan([("hub", spec(HUB))]), &environment).await.unwrap();
    let hub = sessions.region(&"hub".into(), &"us-east-1".into()).unwrap();
    let mut operations = Vec::new();
    for name in ["s0", "s1"] {
        let stack = hub.create_stack(&named(name), name).await.unwrap().stack;
        tokio::time::sleep(Duration::from_secs(5)).await;
        let live = hub.stack(name).await.unwrap().unwrap();
        let before = Some((live.status, live.updated));
        let (token, forecast) = (Some("gone".to_owned()), Some(Forecast::UNKNOWN));
        operations.push(Operation { stack, id: None, token, before, forecast, deletes: true });
    }
    let undeletable = ResourceFault {
        action: Some("DELETE".to_owned()),
        reason: "it has dependencies".to_owned(),
        ..ResourceFault::default()
    };
    sim.set_faults(Faults { resources: vec![undeletable], ..Faults::default() });
    let mut ends = Vec::new();
    for operation in operations {
        let hub = hub.clone();
        ends.push(tokio::spawn(async move {
            hub.delete_stack(&operation.stack, "gone").await.unwrap();
            hub.settled(&operation, &|_| {}).await.unwrap().0.map(|stack| stack.status.to_string())
        }));
    }
    for end in ends {
        assert_eq!(end.await.unwrap().as_deref(), Some("DELETE_FAILED"));
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_goes_away_hands_the_turn_on() {
    let takes = Duration::from_secs(30);
    let drawn: Vec<Drawn> = ["one", "two", "three"]
        .map(|name| Drawn { account: 0, name: name.to_owned(), takes, forecast: Forecast::UNKNOWN })
        .into();
    for away_at in [1_000, 6_005, 6_015, 12_000] {
        let stacks = drawn.iter().map(|stack| (stack.name.clone(), stack.takes)).collect();
        let timing = Timing { stacks, latency: Duration::from_millis(20), ..Timing::instant() };
        let sim = Sim::builder().timing(timing).build();
        let (_sessions, regional) = sessions(&sim, 1).await;
        let began = tokio::time::Instant::now();
        let wait = |name: &'static str| {
            let regional = regional[0].clone();
            tokio::spawn(async move {
                let operation = begin(&regional, name, Forecast::UNKNOWN).await;
                regional.settled(&operation, &|_| {}).await.unwrap();
            })
        };
        let (first, second, third) = (wait("one"), wait("two"), wait("three"));
        tokio::time::sleep_until(began + Duration::from_millis(away_at)).await;
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        second.await.unwrap();
        third.await.unwrap();
        let late = began.elapsed().checked_sub(takes).unwrap();
        assert!(late <= Duration::from_millis(2_600), "away at {away_at} ms: {late:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_is_seen_by_its_absence_from_the_listing_and_told_by_its_events() {
    let mut timing = Timing::instant();
    timing.resource = Duration::from_secs(3);
    let sim = Sim::builder().timing(timing).build();
    let (_sessions, regional) = sessions(&sim, 1).await;
    let mut waiting = Vec::new();
    for n in 0..10 {
        let regional = regional[0].clone();
        waiting.push(tokio::spawn(async move {
            let name = format!("s{n}");
            let created = begin(&regional, &name, Forecast::UNKNOWN).await;
            regional.settled(&created, &|_| {}).await.unwrap();
            let stack = regional.stack(&name).await.unwrap().unwrap();
            regional.delete_stack(&stack.id, "gone").await.unwrap();
            let before = Some((stack.status, stack.updated));
            let (token, forecast) = (Some("gone".to_owned()), Some(Forecast::UNKNOWN));
            let operation = Operation { stack: stack.id, id: None, token, before, forecast, deletes: true };
            let (live, events) = regional.settled(&operation, &|_| {}).await.unwrap();
            assert_eq!((live, took(&events)), (None, Some(Duration::from_secs(3))));
        }));
    }
    for task in waiting {
        task.await.unwrap();
    }
    // Two listings, those before the deletions, and perhaps one for the first of each.
    let described = counts(&sim)["DescribeStacks"];
    assert!(described <= 16, "{described}");
}
