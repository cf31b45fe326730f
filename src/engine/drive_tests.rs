use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::super::{Limits, Settings};
use super::*;
use crate::graph::samples::graph;

const FREE: Settings = Settings { limits: Limits::UNLIMITED, fail_fast: false };

/// What a node of a test does.
#[derive(Clone, Copy)]
enum Work {
    Takes(u64),
    Fails,
    Panics,
    Hangs,
    /// Lets another node begin after so many seconds, and ends after so many more, well or badly.
    Releases(u32, u64, u64, Outcome),
    /// Lets another node begin, calls that back after a second, and fails after so many more.
    Recalls(u32, u64),
    /// Lets another node begin, and panics in the end.
    ReleasesAndPanics(u32),
    /// Runs until it is stopped, and takes so many seconds to come to its end.
    Lingers(u64),
    /// Takes so many seconds, and as many once it stands firmly.
    WaitsForGround(u64),
}

/// Does what the test says and notes when, in seconds since the beginning, each node was done.
struct Script {
    work: Vec<Work>,
    begun: Instant,
    done: Mutex<Vec<(u32, u64)>>,
    /// When each node was stopped.
    gone: Mutex<Vec<(u32, u64)>>,
    /// When each node was taken back, and because of which.
    withdrawn: Mutex<Vec<(u32, u32, u64)>>,
}

impl Script {
    fn new(work: Vec<Work>) -> Arc<Self> {
        let (done, gone, withdrawn) = (Mutex::default(), Mutex::default(), Mutex::default());
        Arc::new(Self { work, begun: Instant::now(), done, gone, withdrawn })
    }

    fn done(&self) -> Vec<(u32, u64)> {
        self.done.lock().unwrap().clone()
    }
}

impl Runner for Script {
    async fn run(&self, node: Ix, footing: Footing) -> Outcome {
        let nap = |seconds| sleep(Duration::from_secs(seconds));
        match self.work[node.index()] {
            Work::Takes(seconds) => tokio::select! {
                () = nap(seconds) => {}
                () = footing.gone() => {
                    self.gone.lock().unwrap().push((node.0, self.begun.elapsed().as_secs()));
                    return Outcome::Failed;
                }
            },
            Work::Releases(to, at, then, outcome) => {
                nap(at).await;
                footing.release(Ix(to));
                nap(then).await;
                if outcome == Outcome::Failed {
                    return outcome;
                }
            }
            Work::Recalls(to, then) => {
                footing.release(Ix(to));
                nap(1).await;
                footing.recall();
                nap(then).await;
                return Outcome::Failed;
            }
            Work::ReleasesAndPanics(to) => {
                footing.release(Ix(to));
                nap(1).await;
                panic!("node {node} is out of order")
            }
            Work::Lingers(seconds) => {
                footing.gone().await;
                nap(seconds).await;
                return Outcome::Failed;
            }
            Work::WaitsForGround(seconds) => {
                assert!(!footing.is_firm());
                nap(seconds).await;
                footing.settled().await;
                nap(seconds).await;
            }
            Work::Fails => return Outcome::Failed,
            Work::Panics => panic!("node {node} is out of order"),
            Work::Hangs => std::future::pending().await,
        }
        self.done.lock().unwrap().push((node.0, self.begun.elapsed().as_secs()));
        Outcome::Done
    }

    async fn withdraw(&self, node: Ix, because: Ix) -> Outcome {
        sleep(Duration::from_secs(1)).await;
        self.withdrawn.lock().unwrap().push((node.0, because.0, self.begun.elapsed().as_secs()));
        Outcome::Done
    }
}

/// Runs a sample graph, all in one lane, and gives the summary and all events.
async fn run(
    edges: &[(u32, u32)],
    runner: &Arc<Script>,
    settings: Settings,
    control: mpsc::UnboundedReceiver<Control>,
) -> (Vec<Fate>, Vec<EngineEvent>) {
    let graph = Arc::new(graph(u32::try_from(runner.work.len()).unwrap(), edges));
    let schedule = Schedule::new(graph, |_| [()], |_| 1, settings);
    let mut events = Vec::new();
    let summary = drive(schedule, Arc::clone(runner), control, |event| events.push(event)).await;
    (summary.fates().map(|(_, fate)| fate).collect(), events)
}

/// A control that nobody uses.
fn silence() -> mpsc::UnboundedReceiver<Control> {
    mpsc::unbounded_channel().1
}

#[tokio::test(start_paused = true)]
async fn a_slow_node_holds_up_nothing_but_its_own_chain() {
    // 0 is the hub. 1, 2 and 3 are spokes, 3 the slow one; 4, 5 and 6 are their peerings, 7, 8 and 9 the routes.
    let edges = [(0, 4), (0, 5), (0, 6), (1, 4), (2, 5), (3, 6), (4, 7), (5, 8), (6, 9)];
    let seconds = [4, 4, 4, 12, 2, 2, 2, 1, 1, 1];
    let script = Script::new(seconds.map(Work::Takes).to_vec());
    let (fates, _) = run(&edges, &script, FREE, silence()).await;
    assert!(fates.iter().all(|fate| *fate == Fate::Done));
    let mut done = script.done();
    done.sort_unstable();
    // Each is done after the longest chain that leads to it, to the second.
    assert_eq!(done, [(0, 4), (1, 4), (2, 4), (3, 12), (4, 6), (5, 6), (6, 14), (7, 7), (8, 7), (9, 15)]);
}

#[tokio::test(start_paused = true)]
async fn one_at_a_time_takes_the_sum() {
    let script = Script::new([3, 2, 1].map(Work::Takes).to_vec());
    let limits = Limits { total: NonZeroUsize::MIN, per_lane: NonZeroUsize::MAX };
    run(&[], &script, Settings { limits, fail_fast: false }, silence()).await;
    assert_eq!(script.done(), [(0, 3), (1, 5), (2, 6)]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failed_node_and_not_a_hang() {
    let script = Script::new(vec![Work::Panics, Work::Takes(1), Work::Takes(1)]);
    let (fates, events) = run(&[(0, 1)], &script, FREE, silence()).await;
    assert_eq!(fates, [Fate::Failed, Fate::Skipped { because: Ix(0) }, Fate::Done]);
    let place = events.iter().position(|event| matches!(event, EngineEvent::Panicked(..))).unwrap();
    assert_eq!(events[place], EngineEvent::Panicked(Ix(0), "node #0 is out of order".to_owned()));
    assert_eq!(events[place + 1], EngineEvent::Ended(Ix(0), Fate::Failed));
}

#[tokio::test(start_paused = true)]
async fn nodes_that_begin_after_a_panic_may_panic_too() {
    // 2 and 3 begin when 1 has ended; 4 runs from before the first panic until after the others.
    let script =
        Script::new(vec![Work::Panics, Work::Takes(1), Work::Panics, Work::Takes(1), Work::Takes(9), Work::Panics]);
    let (fates, events) = run(&[(1, 2), (1, 3), (4, 5)], &script, FREE, silence()).await;
    assert_eq!(fates, [Fate::Failed, Fate::Done, Fate::Failed, Fate::Done, Fate::Done, Fate::Failed]);
    let panicked = events.iter().filter_map(|event| match event {
        EngineEvent::Panicked(node, _) => Some(node.0),
        _ => None,
    });
    assert_eq!(panicked.collect::<Vec<_>>(), [0, 2, 5]);
}

#[tokio::test(start_paused = true)]
async fn every_node_ends_once_and_what_ran_was_started_before() {
    let script = Script::new(vec![Work::Takes(1), Work::Fails, Work::Takes(1), Work::Takes(1)]);
    let (_, events) = run(&[(0, 2), (1, 3)], &script, FREE, silence()).await;
    assert_eq!(
        events,
        [
            EngineEvent::Started(Ix(0)),
            EngineEvent::Started(Ix(1)),
            EngineEvent::Ended(Ix(1), Fate::Failed),
            EngineEvent::Ended(Ix(3), Fate::Skipped { because: Ix(1) }),
            EngineEvent::Ended(Ix(0), Fate::Done),
            EngineEvent::Started(Ix(2)),
            EngineEvent::Ended(Ix(2), Fate::Done),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_what_runs_and_starts_nothing_new() {
    let script = Script::new(vec![Work::Takes(10), Work::Takes(1)]);
    let (wish, control) = mpsc::unbounded_channel();
    let ask = async {
        sleep(Duration::from_secs(3)).await;
        wish.send(Control::Drain).unwrap();
    };
    let ((fates, events), ()) = tokio::join!(run(&[(0, 1)], &script, FREE, control), ask);
    assert_eq!(fates, [Fate::Done, Fate::NotStarted]);
    assert_eq!(script.done(), [(0, 10)]);
    assert!(events.contains(&EngineEvent::Stopping { reason: StopReason::Interrupted, left: 1, running: 1 }));
}

#[tokio::test(start_paused = true)]
async fn an_abort_drops_what_runs_at_once() {
    let script = Script::new(vec![Work::Takes(1), Work::Hangs, Work::Takes(1)]);
    let begun = script.begun;
    let (wish, control) = mpsc::unbounded_channel();
    let ask = async {
        sleep(Duration::from_secs(3)).await;
        wish.send(Control::Drain).unwrap();
        sleep(Duration::from_secs(3)).await;
        wish.send(Control::Abort).unwrap();
    };
    let ((fates, _), ()) = tokio::join!(run(&[(1, 2)], &script, FREE, control), ask);
    assert_eq!(fates, [Fate::Done, Fate::Aborted, Fate::NotStarted]);
    assert_eq!(begun.elapsed().as_secs(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_wish_before_the_first_node_has_run_is_heard() {
    let script = Script::new(vec![Work::Takes(1), Work::Takes(1)]);
    let (wish, control) = mpsc::unbounded_channel();
    wish.send(Control::Abort).unwrap();
    let (fates, _) = run(&[(0, 1)], &script, FREE, control).await;
    assert_eq!(fates, [Fate::Aborted, Fate::NotStarted]);
}

#[tokio::test(start_paused = true)]
async fn a_closed_control_and_an_empty_graph_are_fine() {
    let (fates, events) = run(&[], &Script::new(vec![]), FREE, silence()).await;
    assert!(fates.is_empty() && events.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_stands_on_a_release_begins_with_it_and_ends_with_the_one_that_made_it() {
    // 0 releases to 1 after 5 s and takes 60 s; 1 takes 2 s, and 2 needs it to have ended.
    let script = Script::new(vec![Work::Releases(1, 5, 55, Outcome::Done), Work::Takes(2), Work::Takes(1)]);
    let (fates, events) = run(&[(0, 1), (1, 2)], &script, FREE, silence()).await;
    assert_eq!(fates, [Fate::Done; 3]);
    assert_eq!(script.done(), [(1, 7), (0, 60), (2, 61)]);
    assert_eq!(
        events,
        [
            EngineEvent::Started(Ix(0)),
            EngineEvent::Started(Ix(1)),
            EngineEvent::Held(Ix(1)),
            EngineEvent::Ended(Ix(0), Fate::Done),
            EngineEvent::Ended(Ix(1), Fate::Done),
            EngineEvent::Started(Ix(2)),
            EngineEvent::Ended(Ix(2), Fate::Done),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn when_the_ground_fails_what_stands_on_it_is_stopped_and_taken_back() {
    // 1 is done, 2 runs, and 3 waits for 1.
    let work = vec![
        Work::Releases(1, 1, 9, Outcome::Failed),
        Work::Releases(2, 1, 1, Outcome::Done),
        Work::Takes(100),
        Work::Takes(1),
    ];
    let script = Script::new(work);
    let (fates, events) = run(&[(0, 1), (1, 2), (1, 3)], &script, FREE, silence()).await;
    let withdrawn = Fate::Withdrawn { because: Ix(0) };
    assert_eq!(fates, [Fate::Failed, withdrawn, withdrawn, Fate::Skipped { because: Ix(0) }]);
    assert_eq!(*script.gone.lock().unwrap(), [(2, 10)]);
    assert_eq!(*script.withdrawn.lock().unwrap(), [(2, 0, 11), (1, 0, 12)]);
    let failed = events.iter().position(|event| *event == EngineEvent::Ended(Ix(0), Fate::Failed));
    let back = EngineEvent::Withdrawing { node: Ix(1), because: Ix(0), later: true };
    assert!(failed < events.iter().position(|event| *event == back));
}

#[tokio::test(start_paused = true)]
async fn a_panic_takes_back_what_stood_on_it() {
    let script = Script::new(vec![Work::ReleasesAndPanics(1), Work::Takes(100)]);
    let (fates, _) = run(&[(0, 1)], &script, FREE, silence()).await;
    assert_eq!(fates, [Fate::Failed, Fate::Withdrawn { because: Ix(0) }]);
}

#[tokio::test(start_paused = true)]
async fn what_fails_before_its_ground_has_ended_is_taken_back_at_once() {
    let script = Script::new(vec![Work::Releases(1, 1, 9, Outcome::Done), Work::Fails]);
    let (fates, _) = run(&[(0, 1)], &script, FREE, silence()).await;
    assert_eq!(fates, [Fate::Done, Fate::Failed]);
    assert_eq!(*script.withdrawn.lock().unwrap(), [(1, 1, 2)]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_firm_ground_hears_of_it() {
    let script = Script::new(vec![Work::Releases(1, 1, 9, Outcome::Done), Work::WaitsForGround(2)]);
    let (fates, _) = run(&[(0, 1)], &script, FREE, silence()).await;
    assert_eq!(fates, [Fate::Done; 2]);
    assert_eq!(script.done(), [(0, 10), (1, 12)]);
}

#[tokio::test(start_paused = true)]
async fn with_one_slot_a_release_changes_nothing() {
    let script = Script::new(vec![Work::Releases(1, 1, 9, Outcome::Done), Work::Takes(2)]);
    let limits = Limits { total: NonZeroUsize::MIN, per_lane: NonZeroUsize::MIN };
    let (fates, _) = run(&[(0, 1)], &script, Settings { limits, fail_fast: false }, silence()).await;
    assert_eq!(fates, [Fate::Done; 2]);
    assert_eq!(script.done(), [(0, 10), (1, 12)]);
}

#[tokio::test(start_paused = true)]
async fn an_abort_leaves_what_stands_on_what_it_leaves() {
    let script = Script::new(vec![Work::Releases(1, 1, 100, Outcome::Done), Work::Takes(1)]);
    let begun = script.begun;
    let (wish, control) = mpsc::unbounded_channel();
    let ask = async {
        sleep(Duration::from_secs(3)).await;
        wish.send(Control::Abort).unwrap();
    };
    let ((fates, _), ()) = tokio::join!(run(&[(0, 1)], &script, FREE, control), ask);
    assert_eq!(fates, [Fate::Aborted; 2]);
    assert!(script.withdrawn.lock().unwrap().is_empty());
    assert_eq!(begun.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_what_stands_on_what_runs() {
    let script = Script::new(vec![Work::Releases(1, 1, 9, Outcome::Done), Work::Takes(1), Work::Takes(1)]);
    let (wish, control) = mpsc::unbounded_channel();
    let ask = async {
        sleep(Duration::from_secs(3)).await;
        wish.send(Control::Drain).unwrap();
    };
    let ((fates, events), ()) = tokio::join!(run(&[(0, 1), (1, 2)], &script, FREE, control), ask);
    assert_eq!(fates, [Fate::Done, Fate::Done, Fate::NotStarted]);
    assert!(events.contains(&EngineEvent::Stopping { reason: StopReason::Interrupted, left: 1, running: 1 }));
}

#[tokio::test(start_paused = true)]
async fn what_is_called_back_is_taken_back_before_the_one_that_called_has_ended() {
    let script = Script::new(vec![Work::Recalls(1, 60), Work::Takes(100), Work::Takes(1)]);
    let (fates, _) = run(&[(0, 1), (1, 2)], &script, FREE, silence()).await;
    assert_eq!(fates, [Fate::Failed, Fate::Withdrawn { because: Ix(0) }, Fate::Skipped { because: Ix(0) }]);
    assert_eq!(*script.withdrawn.lock().unwrap(), [(1, 0, 2)]);
    assert_eq!(script.begun.elapsed().as_secs(), 61);
}

#[tokio::test(start_paused = true)]
async fn what_is_stopped_comes_to_its_end_before_anything_under_it_is_taken_back() {
    // 2 takes ten seconds more to stop.
    let work =
        vec![Work::Releases(1, 1, 9, Outcome::Failed), Work::Releases(2, 1, 1, Outcome::Done), Work::Lingers(10)];
    let script = Script::new(work);
    let (fates, _) = run(&[(0, 1), (1, 2)], &script, FREE, silence()).await;
    let withdrawn = Fate::Withdrawn { because: Ix(0) };
    assert_eq!(fates, [Fate::Failed, withdrawn, withdrawn]);
    assert_eq!(*script.withdrawn.lock().unwrap(), [(2, 0, 21), (1, 0, 22)]);
}

#[tokio::test(start_paused = true)]
async fn an_abort_at_any_moment_leaves_what_waits_to_be_taken_back() {
    // 2 is stopped from 10 s on and taken back from 20 s on for a second; then 1.
    for (at, taken_back) in [(15, 0), (20, 0), (21, 1), (30, 2)] {
        let work =
            vec![Work::Releases(1, 1, 9, Outcome::Failed), Work::Releases(2, 1, 1, Outcome::Done), Work::Lingers(10)];
        let script = Script::new(work);
        let (wish, control) = mpsc::unbounded_channel();
        let ask = async {
            sleep(Duration::from_secs(at) + Duration::from_millis(500)).await;
            // By 30 s nobody is there any more.
            let _ = wish.send(Control::Abort);
        };
        let ((fates, events), ()) = tokio::join!(run(&[(0, 1), (1, 2)], &script, FREE, control), ask);
        let withdrawn = Fate::Withdrawn { because: Ix(0) };
        let ends =
            [Fate::Failed, [Fate::Aborted, withdrawn][taken_back / 2], [Fate::Aborted, withdrawn][taken_back.min(1)]];
        assert_eq!(fates, ends, "{at}");
        assert_eq!(script.withdrawn.lock().unwrap().len(), taken_back, "{at}");
        let ended = events.iter().filter(|event| matches!(event, EngineEvent::Ended(..)));
        assert_eq!(ended.count(), 3, "each once: {events:?}");
    }
}
