//! Waiting for stacks while AWS refuses looks, throttles them, or does not answer at all.

use std::sync::Mutex;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::watching::{Drawn, begin, named, without_any};
use super::*;
use crate::sim::{ApiError, Timing};

/// A look at stacks.
#[derive(Clone, Debug)]
struct Look {
    /// When it was sent, since the stacks were begun.
    at: Duration,
    operation: String,
    /// The stack that it is at; `None` for a listing.
    stack: Option<String>,
}

/// What was looked at so far.
type Looks = Arc<Mutex<Vec<Look>>>;

/// An account whose looks at stacks go by way of a script, which may say something in AWS's place.
struct World {
    sim: Sim,
    looks: Looks,
    /// When its stacks are begun.
    began: Arc<Mutex<Instant>>,
    regional: Regional,
    _sessions: Sessions,
}

impl World {
    /// The script is told how long ago the stacks were begun.
    async fn new(
        timing: Timing,
        script: impl Fn(&Asked<'_>, Duration) -> Option<Said> + Send + Sync + 'static,
    ) -> Self {
        Self::among(timing, script, |environment| environment).await
    }

    /// The same, in an environment that is changed first.
    async fn among(
        timing: Timing,
        script: impl Fn(&Asked<'_>, Duration) -> Option<Said> + Send + Sync + 'static,
        change: impl FnOnce(Environment) -> Environment,
    ) -> Self {
        let sim = Sim::builder().timing(timing).build();
        let (looks, began) = (Looks::default(), Arc::new(Mutex::new(Instant::now())));
        let (noted, since) = (Arc::clone(&looks), Arc::clone(&began));
        let http = between(&sim, move |asked| {
            let at = since.lock().unwrap().elapsed();
            if matches!(asked.operation, "DescribeStacks" | "ListStacks") {
                let (operation, stack) = (asked.operation.to_owned(), asked.stack.map(str::to_owned));
                noted.lock().unwrap().push(Look { at, operation, stack });
            }
            script(asked, at)
        });
        let keys = sim.clone();
        let environment = change(Environment::given(http, sim.time_source(), move |_| Some(keys.credentials(HUB))));
        let sessions = Sessions::open(&plan([("hub", spec(HUB))]), &environment).await.unwrap();
        let regional = sessions.region(&"hub".into(), &"us-east-1".into()).unwrap();
        Self { sim, looks, began, regional, _sessions: sessions }
    }

    /// Creates stacks, one after the other, in a task of its own; how much later than it ended the end of the last was noticed.
    fn waits(&self, stacks: &[Drawn]) -> JoinHandle<Duration> {
        let (regional, stacks) = (self.regional.clone(), stacks.to_vec());
        tokio::spawn(async move {
            let mut late = Duration::ZERO;
            for stack in stacks {
                let began = Instant::now();
                let operation = begin(&regional, &stack.name, stack.forecast).await;
                let (live, _) = regional.settled(&operation, &|_| {}).await.unwrap();
                assert_eq!(live.unwrap().status.as_str(), "CREATE_COMPLETE");
                late = began.elapsed().checked_sub(stack.takes).unwrap();
            }
            late
        })
    }

    /// Begins all these at once.
    fn begins(&self, stacks: &[Drawn]) -> Vec<JoinHandle<Duration>> {
        *self.began.lock().unwrap() = Instant::now();
        self.looks.lock().unwrap().clear();
        stacks.chunks(1).map(|one| self.waits(one)).collect()
    }

    fn looks(&self) -> Vec<Look> {
        self.looks.lock().unwrap().clone()
    }

    #[track_caller]
    fn never_more_than_two_a_second(&self) {
        let looks = self.looks();
        for pair in looks.windows(2) {
            assert!(pair[1].at.checked_sub(pair[0].at).unwrap() >= Duration::from_millis(499), "{looks:#?}");
        }
    }

    /// How many listings there were of all stacks, and of those that move.
    fn listings(&self) -> (usize, usize) {
        let looks = self.looks();
        let of =
            |operation: &str| looks.iter().filter(|look| look.stack.is_none() && look.operation == operation).count();
        (of("DescribeStacks"), of("ListStacks"))
    }
}

/// Stacks that take so many seconds each, of which nothing is known.
fn stacks(seconds: impl IntoIterator<Item = f64>) -> Vec<Drawn> {
    let of = |(n, takes): (usize, f64)| Drawn {
        account: 0,
        name: format!("s{n}"),
        takes: Duration::from_secs_f64(takes),
        forecast: Forecast::UNKNOWN,
    };
    seconds.into_iter().enumerate().map(of).collect()
}

fn timing(stacks: &[Drawn]) -> Timing {
    let stacks = stacks.iter().map(|stack| (stack.name.clone(), stack.takes)).collect();
    Timing { stacks, ..Timing::instant() }
}

fn is_listing(asked: &Asked<'_>) -> bool {
    matches!(asked.operation, "DescribeStacks" | "ListStacks") && asked.stack.is_none()
}

fn denied() -> Said {
    Said::Error(ApiError::new("AccessDenied", "you may not").with_status(403))
}

const SIX: [f64; 6] = [8.0, 9.0, 9.5, 10.0, 11.0, 12.0];

#[tokio::test(start_paused = true)]
async fn where_stacks_may_not_be_listed_each_is_asked_for_by_itself() {
    let stacks = stacks(SIX);
    let world = World::new(timing(&stacks), |asked, _| is_listing(asked).then(denied)).await;
    let waiting = world.begins(&stacks);
    for task in waiting {
        // Each look shows one stack.
        let late = task.await.unwrap();
        assert!(late <= Duration::from_secs(2 + 3), "{late:?}");
    }
    world.never_more_than_two_a_second();
    assert_eq!(world.listings(), (1, 1), "a refusal is remembered");
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_fails_is_given_up_for_longer_each_time_and_holds_nobody_up() {
    let stacks = stacks(SIX.map(|seconds| seconds + 60.0));
    let out_of_order = || Said::Error(ApiError::new("InternalFailure", "no").with_status(500));
    let world = World::new(timing(&stacks), move |asked, _| is_listing(asked).then(out_of_order)).await;
    let waiting = world.begins(&stacks);
    for task in waiting {
        let late = task.await.unwrap();
        assert!(late <= Duration::from_secs(5 + 3), "{late:?}");
    }
    world.never_more_than_two_a_second();
    // After 2, 4, 8, 16 and 32 s.
    let (all, moving) = world.listings();
    assert!((2..=6).contains(&all) && (2..=6).contains(&moving), "{all}, {moving}");
}

#[tokio::test(start_paused = true)]
async fn one_stack_that_aws_does_not_answer_about_is_no_others_trouble() {
    let stacks = stacks(SIX);
    let world = World::new(timing(&stacks), |asked, _| {
        let is_deaf = asked.operation == "DescribeStacks" && asked.stack.is_some_and(|stack| stack.contains("/s3/"));
        if is_deaf { Some(Said::Nothing) } else { is_listing(asked).then(denied) }
    })
    .await;
    let mut waiting = world.begins(&stacks);
    let deaf = waiting.remove(3);
    for task in waiting {
        let late = task.await.unwrap();
        assert!(late <= Duration::from_secs(20 + 3), "{late:?}");
    }
    // Whoever waits for that one goes on by himself, within the same rate.
    world.never_more_than_two_a_second();
    let asked = world.looks().iter().filter(|look| look.stack.as_ref().is_some_and(|arn| arn.contains("/s3/"))).count();
    assert_eq!(asked, 2);
    assert!(!deaf.is_finished());
    deaf.abort();
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_once_fails_nobody() {
    for effect in [Effect::ServerError, Effect::LostBefore, Effect::Throttle] {
        let stacks = stacks(SIX);
        let world = World::new(timing(&stacks), |_, _| None).await;
        let waiting = world.begins(&stacks);
        world.sim.set_faults(Faults::of([Fault::new(effect).on("DescribeStacks").first(1)]));
        for task in waiting {
            let late = task.await.unwrap();
            assert!(late <= Duration::from_secs(2 + 3), "{effect:?}: {late:?}");
        }
        world.never_more_than_two_a_second();
    }
}

#[tokio::test(start_paused = true)]
async fn while_aws_throttles_one_look_is_held_back_for_all() {
    let stacks = stacks([30.0; 60]);
    let seconds = Duration::from_secs;
    let world = World::new(timing(&stacks), move |asked, at| {
        let is_throttled = asked.operation.starts_with("Describe") || asked.operation == "ListStacks";
        (is_throttled && (seconds(5)..seconds(65)).contains(&at)).then(|| Said::error("Throttling", "Rate exceeded"))
    })
    .await;
    let waiting = world.begins(&stacks);
    for task in waiting {
        // Calls are held back for 20 s at the most.
        let late = task.await.unwrap();
        assert!(late <= seconds(65 + 20 - 30), "{late:?}");
    }
    world.never_more_than_two_a_second();
    let throttled = world.looks().iter().filter(|look| (seconds(5)..seconds(65)).contains(&look.at)).count();
    assert!((2..=8).contains(&throttled), "{throttled}");
}

#[tokio::test(start_paused = true)]
async fn pages_that_take_too_long_are_not_asked_for_again_and_again() {
    let stacks = stacks([45.0, 46.0, 47.0]);
    let world = World::new(timing(&stacks), |_, _| None).await;
    for n in 0..320 {
        world.regional.create_stack(&named(&format!("other{n}")), "other").await.unwrap();
    }
    let by = Duration::from_secs(7);
    world.sim.set_faults(Faults::of([Fault::slow(by).on("DescribeStacks")]));
    let waiting = world.begins(&stacks);
    for task in waiting {
        // By then each is asked for by itself, which takes seven seconds.
        let late = task.await.unwrap();
        assert!(late <= Duration::from_secs(5 + 3 * 7 + 1), "{late:?}");
    }
    let (all, moving) = world.listings();
    assert_eq!(all, 3, "three pages of four");
    assert!((2..=12).contains(&moving), "{moving}");
}

#[tokio::test(start_paused = true)]
async fn many_that_a_listing_does_not_show_yet_are_listed_again() {
    let stacks = stacks([10.0; 60]);
    // The events of all sixty are read in the end, which is more than are believed to be granted in the two seconds.
    let script = |asked: &Asked<'_>, at| {
        (is_listing(asked) && at < Duration::from_secs(3)).then_some(Said::Changed(without_any as fn(_) -> _))
    };
    let world = World::among(timing(&stacks), script, Environment::granting_all).await;
    for task in world.begins(&stacks) {
        let late = task.await.unwrap();
        assert!(late <= Duration::from_secs(2), "{late:?}");
    }
    world.never_more_than_two_a_second();
    assert!(world.looks().iter().all(|look| look.stack.is_none()));
}

/// Events without those that tell that something is deleted.
fn without_deletions(xml: String) -> String {
    let Some((head, events)) = xml.split_once("<member>") else { return xml };
    let mut left = head.to_owned();
    for event in events.split("<member>") {
        match event.split_once("</member>") {
            Some((told, tail)) if told.contains("DELETE_COMPLETE") => left.push_str(tail),
            _ => left.extend(["<member>", event]),
        }
    }
    left
}

#[tokio::test(start_paused = true)]
async fn many_deletions_whose_events_lag_behind_are_listed_again() {
    let timing = Timing { resource: Duration::from_secs(3), ..Timing::instant() };
    let world = World::new(timing, |asked, at| {
        let lags = asked.operation == "DescribeStackEvents" && at < Duration::from_secs(5);
        lags.then_some(Said::Changed(without_deletions))
    })
    .await;
    let mut operations = Vec::new();
    for n in 0..40 {
        operations.push(begin(&world.regional, &format!("s{n}"), Forecast::UNKNOWN).await);
    }
    tokio::time::sleep(Duration::from_secs(4)).await;
    world.begins(&[]);
    let mut waiting = Vec::new();
    for operation in operations {
        let regional = world.regional.clone();
        let before = Some((StackStatus::new("CREATE_COMPLETE"), None));
        let operation = Operation { id: None, token: Some("gone".to_owned()), before, deletes: true, ..operation };
        waiting.push(tokio::spawn(async move {
            regional.delete_stack(&operation.stack, "gone").await.unwrap();
            let began = Instant::now();
            assert_eq!(regional.settled(&operation, &|_| {}).await.unwrap().0, None);
            began.elapsed()
        }));
    }
    for task in waiting {
        let took = task.await.unwrap();
        assert!(took <= Duration::from_secs(5 + 2), "{took:?}");
    }
    world.never_more_than_two_a_second();
    assert!(world.looks().iter().all(|look| look.stack.is_none()));
}

#[tokio::test(start_paused = true)]
async fn what_takes_long_has_its_turn_among_many_short_ones() {
    // Twenty at a time, each due every two seconds: five times as many looks as there may be.
    let seconds = Duration::from_secs;
    let long = Drawn {
        account: 0,
        name: "long".to_owned(),
        takes: seconds(100),
        forecast: Forecast::known(seconds(100), Duration::ZERO, 5),
    };
    let mut all = stacks([20.0; 20 * 8]);
    all.push(long.clone());
    let world = World::new(timing(&all), |asked, _| is_listing(asked).then(denied)).await;
    let end = world.begins(&[long]).remove(0);
    let shorts: Vec<_> = all[..20 * 8].chunks(8).map(|some| world.waits(some)).collect();
    let late = end.await.unwrap();
    // One round of all that wait takes half a second for each of them.
    assert!(late <= seconds(11), "{late:?}");
    assert!(shorts.iter().all(|task| !task.is_finished()), "they go on for longer");
    for task in shorts {
        task.await.unwrap();
    }
    world.never_more_than_two_a_second();
}
