use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use proptest::prelude::*;

use super::super::samples::{Waving, wavings};
use super::super::{Command, Input, Limits, Outcome, Schedule, Settings};
use super::*;
use crate::event::StopReason;
use crate::graph::samples::{Shape, graph, shapes};

const FREE: Settings = Settings { limits: Limits::UNLIMITED, fail_fast: false };

fn at(numbers: &[u32]) -> Vec<Ix> {
    numbers.iter().copied().map(Ix).collect()
}

fn roll_out(waves: &[&[u32]], canary: bool, tolerate: usize) -> RollOut {
    RollOut { waves: waves.iter().map(|wave| at(wave)).collect(), canary, tolerate }
}

/// A schedule of a sample graph, all in one lane, with what its beginning starts.
fn begun(nodes: u32, edges: &[(u32, u32)], settings: Settings, roll_outs: Vec<RollOut>) -> (Schedule, Vec<u32>) {
    let graph = Arc::new(graph(nodes, edges));
    let remaining = graph.remaining(|_| 1);
    let mut schedule = Schedule::rolling_out(graph, |_| [()], remaining, settings, roll_outs);
    let started = started(&schedule.step(Input::Begin).unwrap());
    (schedule, started)
}

fn started(commands: &[Command]) -> Vec<u32> {
    commands.iter().filter_map(|command| if let Command::Start(node) = command { Some(node.0) } else { None }).collect()
}

fn left(commands: &[Command]) -> Vec<u32> {
    commands.iter().filter_map(|command| if let Command::Leave(node) = command { Some(node.0) } else { None }).collect()
}

impl Schedule {
    fn ends(&mut self, node: u32, outcome: Outcome) -> Vec<Command> {
        self.step(Input::Finished(Ix(node), outcome)).unwrap()
    }
}

#[test]
fn all_of_the_canary_goes_before_any_other_and_then_a_batch_at_a_time() {
    let rolled = roll_out(&[&[1, 4], &[0, 2], &[3, 5]], true, 0);
    let (mut schedule, first) = begun(7, &[], FREE, vec![rolled]);
    assert_eq!(first, [1, 4, 6], "6 is in no roll-out");
    assert_eq!(started(&schedule.ends(4, Outcome::Done)), [0; 0]);
    assert_eq!(started(&schedule.ends(1, Outcome::Done)), [0, 2]);
    assert_eq!(started(&schedule.ends(2, Outcome::Done)), [0; 0]);
    assert_eq!(started(&schedule.ends(0, Outcome::Done)), [3, 5]);
    for node in [3, 5, 6] {
        schedule.ends(node, Outcome::Done);
    }
    assert!(schedule.summary().unwrap().is_success());
}

#[test]
fn what_hangs_on_an_instance_belongs_to_no_wave() {
    // 0 and 1 are stacks, 2 and 3 their peerings: the second stack waits for the first and not for its peering.
    let (mut schedule, first) = begun(4, &[(0, 2), (1, 3)], FREE, vec![roll_out(&[&[0], &[1]], false, 0)]);
    assert_eq!(first, [0]);
    assert_eq!(started(&schedule.ends(0, Outcome::Done)), [1, 2]);
}

#[test]
fn a_canary_that_fails_holds_the_rest_and_what_needs_it_whatever_is_tolerated() {
    let (mut schedule, _) = begun(5, &[(1, 3), (0, 4)], FREE, vec![roll_out(&[&[0], &[1, 2]], true, 9)]);
    let commands = schedule.ends(0, Outcome::Failed);
    assert_eq!(commands[0], Command::Skip { node: Ix(4), because: Ix(0) });
    assert_eq!(commands[1], Command::HoldBack { roll_out: 0, left: 3 });
    assert_eq!(left(&commands), [1, 2, 3]);
    assert_eq!(schedule.failed(0), [Ix(0)]);
    let fates: Vec<_> = schedule.summary().unwrap().fates().map(|(_, fate)| fate).collect();
    let (skipped, left) = (Fate::Skipped { because: Ix(0) }, Fate::NotStarted);
    assert_eq!(fates, [Fate::Failed, left, left, left, skipped]);
}

#[test]
fn a_canary_that_cannot_run_holds_the_rest_too() {
    let (mut schedule, first) = begun(3, &[(2, 0)], FREE, vec![roll_out(&[&[0], &[1]], true, 0)]);
    assert_eq!(first, [2]);
    let commands = schedule.ends(2, Outcome::Failed);
    assert_eq!(left(&commands), [1]);
    assert_eq!(schedule.failed(0), [Ix(0)]);
}

#[test]
fn so_many_may_fail_and_one_more_holds_what_has_not_started() {
    let settings = Settings {
        limits: Limits { total: NonZeroUsize::new(2).unwrap(), per_lane: NonZeroUsize::MAX },
        fail_fast: false,
    };
    let (mut schedule, first) = begun(6, &[], settings, vec![roll_out(&[&[0, 1, 2, 3], &[4, 5]], false, 1)]);
    assert_eq!(first, [0, 1]);
    assert_eq!(started(&schedule.ends(0, Outcome::Failed)), [2]);
    let commands = schedule.ends(1, Outcome::Failed);
    // 3 is of the same wave and waited for a slot; 2 runs and may end.
    assert_eq!(commands[0], Command::HoldBack { roll_out: 0, left: 3 });
    assert_eq!(left(&commands), [3, 4, 5]);
    assert_eq!(schedule.ends(2, Outcome::Done), []);
    assert!(schedule.summary().is_some());
}

#[test]
fn what_is_skipped_counts_as_ended_and_not_as_failed() {
    // 3 is what the first wave needs; nothing of it runs.
    let (mut schedule, _) = begun(4, &[(3, 0), (3, 1)], FREE, vec![roll_out(&[&[0, 1], &[2]], false, 0)]);
    assert_eq!(started(&schedule.ends(3, Outcome::Failed)), [2]);
}

#[test]
fn one_roll_out_that_is_held_may_hold_another() {
    // The other's canary needs what the first one leaves.
    let roll_outs = vec![roll_out(&[&[0], &[1]], true, 0), roll_out(&[&[2], &[3]], true, 0)];
    let (mut schedule, first) = begun(4, &[(1, 2)], FREE, roll_outs);
    assert_eq!(first, [0]);
    let commands = schedule.ends(0, Outcome::Failed);
    assert_eq!(left(&commands), [1, 2, 3]);
    assert_eq!(schedule.failed(1), [Ix(2)]);
}

#[test]
fn a_stop_leaves_everything_and_tells_of_no_roll_out() {
    let settings = Settings { fail_fast: true, ..FREE };
    let (mut schedule, _) = begun(3, &[], settings, vec![roll_out(&[&[0], &[1, 2]], true, 0)]);
    let commands = schedule.ends(0, Outcome::Failed);
    assert!(matches!(commands[0], Command::Stop { reason: StopReason::FailFast, left: 2, .. }));
    assert_eq!(left(&commands), [1, 2]);
    let (mut schedule, _) = begun(3, &[], FREE, vec![roll_out(&[&[0], &[1, 2]], true, 0)]);
    schedule.step(Input::Drain).unwrap();
    assert_eq!(schedule.ends(0, Outcome::Done), []);
    assert!(schedule.summary().is_some());
}

#[test]
fn waves_without_a_node_are_passed_over() {
    let (mut schedule, first) = begun(2, &[], FREE, vec![roll_out(&[&[], &[0], &[], &[1]], true, 0)]);
    assert_eq!(first, [0]);
    assert_eq!(started(&schedule.ends(0, Outcome::Failed)), [0; 0], "nought is tolerated");
    let (mut schedule, _) = begun(2, &[], FREE, vec![roll_out(&[&[], &[0], &[], &[1]], true, 1)]);
    assert_eq!(started(&schedule.ends(0, Outcome::Failed)), [1], "of a canary without a node none is left");
}

#[test]
fn a_failure_counts_before_it_is_taken_back_and_once() {
    let two = NonZeroUsize::new(2).unwrap();
    let settings = Settings { limits: Limits { total: two, per_lane: two }, ..FREE };
    for (tolerate, starts, leaves) in [(0, vec![], vec![2]), (1, vec![2], vec![])] {
        let rolled = vec![roll_out(&[&[1, 2]], false, tolerate)];
        let (mut schedule, first) = begun(3, &[(0, 1), (0, 2)], settings, rolled);
        assert_eq!(first, [0]);
        assert_eq!(started(&schedule.step(Input::Released { node: Ix(0), to: Ix(1) }).unwrap()), [1]);
        assert_eq!(started(&schedule.step(Input::Released { node: Ix(0), to: Ix(2) }).unwrap()), [0; 0], "no slot");
        let commands = schedule.ends(1, Outcome::Failed);
        assert!(commands.contains(&Command::Withdraw { node: Ix(1), because: Ix(1), later: false }), "{commands:?}");
        assert_eq!((started(&commands), left(&commands)), (starts, leaves), "{tolerate} tolerated");
        let commands = schedule.step(Input::Withdrawn(Ix(1), Outcome::Done)).unwrap();
        assert_eq!(commands, [], "it has counted");
        assert_eq!(schedule.failed(0), [Ix(1)]);
    }
}

/// A run of a random graph with roll-outs, and how each node ends if it runs.
#[derive(Clone, Debug)]
struct Story {
    shape: Shape,
    waving: Waving,
    limit: usize,
    /// Which of the running nodes ends next, and how.
    ends: Vec<(prop::sample::Index, bool)>,
}

fn stories() -> impl Strategy<Value = Story> {
    let ends = prop::collection::vec((any::<prop::sample::Index>(), prop::bool::weighted(0.85)), 40);
    (shapes(), wavings(), 1_usize..8, ends).prop_map(|(shape, waving, limit, ends)| Story {
        shape,
        waving,
        limit,
        ends,
    })
}

/// Plays the story and holds every command against the rules, by looking at what has happened so far and nothing else.
fn play(story: &Story) {
    let graph = Arc::new(graph(story.shape.nodes, &story.shape.edges));
    let roll_outs = story.waving.of(&graph);
    let limits = Limits { total: NonZeroUsize::new(story.limit).unwrap(), per_lane: NonZeroUsize::MAX };
    let settings = Settings { limits, fail_fast: false };
    let remaining = graph.remaining(|_| 1);
    let mut schedule = Schedule::rolling_out(Arc::clone(&graph), |_| [()], remaining, settings, roll_outs.clone());
    let mut fates: BTreeMap<Ix, Fate> = BTreeMap::new();
    let mut running: Vec<Ix> = Vec::new();
    let mut held = Vec::new();
    let mut ends = story.ends.iter();
    let mut input = Input::Begin;
    loop {
        for command in schedule.step(input).unwrap() {
            match command {
                Command::Start(node) => {
                    for (index, roll_out) in roll_outs.iter().enumerate() {
                        let Some(wave) = roll_out.wave(node) else { continue };
                        assert!(!held.contains(&index), "{node} started although its roll-out is held");
                        assert!(!roll_out.is_to_be_held(&fates, |_| false), "{node} started although it is to be held");
                        let before = roll_out.waves[..wave].iter().flatten();
                        assert!(before.clone().all(|node| fates.contains_key(node)), "{node} started before its wave");
                    }
                    assert!(graph.needs(node).all(|needed| fates.get(&needed) == Some(&Fate::Done)));
                    running.push(node);
                    assert!(running.len() <= story.limit);
                }
                Command::Skip { node, because } => {
                    assert_eq!(fates.insert(node, Fate::Skipped { because }), None);
                }
                Command::Leave(node) => {
                    let behind = held.iter().flat_map(|held: &usize| roll_outs[*held].waves.iter().flatten().copied());
                    assert!(graph.with_descendants(behind)[node.index()], "{node} is left without a reason");
                    assert!(!running.contains(&node));
                    assert_eq!(fates.insert(node, Fate::NotStarted), None);
                }
                Command::HoldBack { roll_out, .. } => held.push(roll_out),
                _ => panic!("nobody stops the run, and nothing is released"),
            }
        }
        if running.is_empty() {
            break;
        }
        let (pick, well) = ends.next().unwrap();
        let node = running.swap_remove(pick.index(running.len()));
        let outcome = if *well { Outcome::Done } else { Outcome::Failed };
        fates.insert(node, outcome.into());
        input = Input::Finished(node, outcome);
    }
    let told: BTreeMap<_, _> = schedule.summary().expect("nothing runs, so all have ended").fates().collect();
    assert_eq!(told, fates);
    for (index, roll_out) in roll_outs.iter().enumerate() {
        let nodes = || roll_out.waves.iter().flatten();
        let is_held = roll_out.is_to_be_held(&fates, |_| false);
        if held.contains(&index) {
            assert!(is_held, "it was held without a reason");
        } else if is_held {
            assert!(nodes().all(|node| fates[node] != Fate::NotStarted) || !held.is_empty(), "nothing of it was left");
        }
    }
    if held.is_empty() {
        assert!(fates.values().all(|fate| *fate != Fate::NotStarted));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_happens_no_wave_starts_too_early_and_every_run_ends(story in stories()) {
        play(&story);
    }
}
