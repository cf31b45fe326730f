use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use proptest::prelude::*;

use super::super::samples::{Waving, wavings};
use super::*;
use crate::graph::samples::{Shape, graph, shapes};

fn limits(total: usize, per_lane: usize) -> Limits {
    let limit = |limit| NonZeroUsize::new(limit).unwrap();
    Limits { total: limit(total), per_lane: limit(per_lane) }
}

const FREE: Settings = Settings { limits: Limits::UNLIMITED, fail_fast: false };

/// A schedule of a sample graph, all in one lane and of equal weight, after its beginning.
fn begun(nodes: u32, edges: &[(u32, u32)], settings: Settings) -> (Schedule, Vec<Command>) {
    let mut schedule = Schedule::new(Arc::new(graph(nodes, edges)), |_| [()], |_| 1, settings);
    let commands = schedule.step(Input::Begin).unwrap();
    (schedule, commands)
}

fn done(node: u32) -> Input {
    Input::Finished(Ix(node), Outcome::Done)
}

fn failed(node: u32) -> Input {
    Input::Finished(Ix(node), Outcome::Failed)
}

fn start(node: u32) -> Command {
    Command::Start(Ix(node))
}

fn skip(node: u32, because: u32) -> Command {
    Command::Skip { node: Ix(node), because: Ix(because) }
}

#[test]
fn a_node_starts_the_moment_the_last_that_it_needs_is_done() {
    let (mut schedule, commands) = begun(4, &[(0, 2), (1, 2), (0, 3)], FREE);
    assert_eq!(commands, [start(0), start(1)]);
    assert_eq!(schedule.step(done(0)), Ok(vec![start(3)]));
    assert_eq!(schedule.step(done(1)), Ok(vec![start(2)]));
    assert_eq!(schedule.summary(), None);
    assert_eq!(schedule.step(done(3)), Ok(vec![]));
    assert_eq!(schedule.step(done(2)), Ok(vec![]));
    assert!(schedule.summary().unwrap().is_success());
}

#[test]
fn the_longest_remaining_path_goes_first() {
    // 2 → 3 weighs more than 0 and 1 by themselves.
    let settings = Settings { limits: limits(1, 1), fail_fast: false };
    let (_, commands) = begun(4, &[(2, 3)], settings);
    assert_eq!(commands, [start(2)]);
}

#[test]
fn a_lane_has_a_limit_of_its_own() {
    let settings = Settings { limits: limits(3, 1), fail_fast: false };
    let mut schedule = Schedule::new(Arc::new(graph(4, &[])), |node| [node.0 / 2], |_| 1, settings);
    assert_eq!(schedule.step(Input::Begin), Ok(vec![start(0), start(2)]));
    assert_eq!(schedule.step(done(2)), Ok(vec![start(3)]));
}

#[test]
fn a_failure_skips_all_that_needs_it_and_nothing_else() {
    let (mut schedule, _) = begun(6, &[(0, 1), (1, 2), (3, 2), (3, 4), (4, 5)], FREE);
    assert_eq!(schedule.step(failed(0)), Ok(vec![skip(1, 0), skip(2, 0)]));
    assert_eq!(schedule.step(done(3)), Ok(vec![start(4)]));
    assert_eq!(schedule.step(failed(4)), Ok(vec![skip(5, 4)]));
    let summary = schedule.summary().unwrap();
    assert_eq!(summary.fate(Ix(2)), Fate::Skipped { because: Ix(0) });
    assert_eq!(summary.count(|fate| fate == Fate::Failed), 2);
    assert_eq!(summary.count(|fate| fate == Fate::Done), 1);
}

#[test]
fn a_node_behind_two_failures_is_skipped_once_for_the_first() {
    let (mut schedule, _) = begun(3, &[(0, 2), (1, 2)], FREE);
    assert_eq!(schedule.step(failed(1)), Ok(vec![skip(2, 1)]));
    assert_eq!(schedule.step(failed(0)), Ok(vec![]));
    assert_eq!(schedule.summary().unwrap().fate(Ix(2)), Fate::Skipped { because: Ix(1) });
}

#[test]
fn fail_fast_starts_nothing_new_and_lets_the_running_end() {
    let settings = Settings { limits: limits(2, 2), fail_fast: true };
    let (mut schedule, commands) = begun(5, &[(0, 3), (1, 4)], settings);
    assert_eq!(commands, [start(0), start(1)]);
    let stop = Command::Stop { reason: StopReason::FailFast, left: 2, running: 1 };
    assert_eq!(schedule.step(failed(0)), Ok(vec![skip(3, 0), stop, Command::Leave(Ix(2)), Command::Leave(Ix(4))]));
    assert_eq!(schedule.step(done(1)), Ok(vec![]));
    let fates: Vec<_> = schedule.summary().unwrap().fates().map(|(_, fate)| fate).collect();
    assert_eq!(fates, [Fate::Failed, Fate::Done, Fate::NotStarted, Fate::Skipped { because: Ix(0) }, Fate::NotStarted]);
}

#[test]
fn a_drain_is_told_once_and_an_abort_after_it_again() {
    let (mut schedule, _) = begun(3, &[(0, 1), (1, 2)], FREE);
    assert_eq!(
        schedule.step(Input::Drain),
        Ok(vec![
            Command::Stop { reason: StopReason::Interrupted, left: 2, running: 1 },
            Command::Leave(Ix(1)),
            Command::Leave(Ix(2)),
        ])
    );
    assert_eq!(schedule.step(Input::Drain), Ok(vec![]));
    let stop = Command::Stop { reason: StopReason::Aborted, left: 0, running: 1 };
    assert_eq!(schedule.step(Input::Abort), Ok(vec![stop, Command::Cancel]));
    assert_eq!(schedule.step(Input::Aborted(Ix(0))), Ok(vec![]));
    assert_eq!(schedule.summary().unwrap().fate(Ix(0)), Fate::Aborted);
}

#[test]
fn what_ends_faster_than_the_abort_reaches_it_counts_as_it_ended() {
    let (mut schedule, _) = begun(2, &[(0, 1)], FREE);
    schedule.step(Input::Abort).unwrap();
    assert_eq!(schedule.step(done(0)), Ok(vec![]));
    let summary = schedule.summary().unwrap();
    assert_eq!((summary.fate(Ix(0)), summary.fate(Ix(1))), (Fate::Done, Fate::NotStarted));
}

#[test]
fn a_node_that_is_dropped_unasked_stops_the_run_instead_of_hanging_it() {
    let (mut schedule, _) = begun(2, &[(0, 1)], FREE);
    schedule.step(Input::Aborted(Ix(0))).unwrap();
    assert_eq!(schedule.summary().unwrap().fate(Ix(1)), Fate::NotStarted);
}

#[test]
fn an_end_of_a_node_that_does_not_run_is_refused_and_changes_nothing() {
    let (mut schedule, _) = begun(2, &[(0, 1)], FREE);
    let error = schedule.step(done(1)).unwrap_err();
    assert_eq!(error, Illegal { node: Ix(1), status: Status::Waiting, step: Step::Finish(Outcome::Done) });
    assert_eq!(schedule.step(done(0)), Ok(vec![start(1)]));
    assert!(schedule.step(done(0)).is_err());
    assert_eq!(schedule.step(done(1)), Ok(vec![]));
}

#[test]
fn an_empty_run_has_ended_when_it_begins() {
    let (schedule, commands) = begun(0, &[], FREE);
    assert_eq!(commands, []);
    assert!(schedule.summary().unwrap().is_success());
}

#[test]
fn a_hundred_thousand_nodes_take_one_step_each_and_a_linear_number_of_moves() {
    // A fleet: hubs, spokes behind them, a peering for each spoke and its hub, a route for each peering.
    let (hubs, spokes) = (100, 33_300);
    let nodes = hubs + 3 * spokes;
    let edges: Vec<_> = (0..spokes)
        .flat_map(|spoke| {
            let [stack, peering, route] = [0, 1, 2].map(|kind| hubs + kind * spokes + spoke);
            [(spoke % hubs, peering), (stack, peering), (peering, route)]
        })
        .collect();
    let settings = Settings { limits: limits(1_000, 2), fail_fast: false };
    let mut schedule = Schedule::new(Arc::new(graph(nodes, &edges)), |node| [node.0 % 997], |_| 1, settings);
    let mut running = std::collections::VecDeque::new();
    let (mut steps, mut commands) = (0_u32, 0_u32);
    let mut input = Some(Input::Begin);
    while let Some(next) = input {
        for command in schedule.step(next).unwrap() {
            let Command::Start(node) = command else { panic!("unexpected {command:?}") };
            running.push_back(node);
            commands += 1;
        }
        steps += 1;
        input = running.pop_front().map(|node| Input::Finished(node, Outcome::Done));
    }
    assert_eq!((steps, commands), (nodes + 1, nodes));
    assert!(schedule.summary().unwrap().is_success());
    assert!(schedule.ready.moves <= 3 * nodes as usize, "{} moves", schedule.ready.moves);
}

#[test]
fn a_chain_of_a_hundred_thousand_is_skipped_without_recursion() {
    let chain: Vec<_> = (1..100_000).map(|to| (to - 1, to)).collect();
    let (mut schedule, _) = begun(100_000, &chain, FREE);
    assert_eq!(schedule.step(failed(0)).unwrap().len(), 99_999);
    assert!(schedule.summary().is_some());
}

#[test]
fn what_has_nothing_to_do_is_not_counted_when_a_stop_is_told() {
    // 1 and 3 have no lane: 0 → 1 → 2, and 3 behind 0.
    let lanes = |node: Ix| if node.0.is_multiple_of(2) { vec![()] } else { vec![] };
    let settings = Settings { limits: Limits::UNLIMITED, fail_fast: true };
    let schedule = |edges| Schedule::new(Arc::new(graph(5, edges)), lanes, |_| 1, settings);
    let mut run = schedule(&[(0, 1), (1, 2), (0, 3)]);
    run.step(Input::Begin).unwrap();
    let told = run.step(Input::Drain).unwrap();
    assert_eq!(told[0], Command::Stop { reason: StopReason::Interrupted, left: 1, running: 2 });
    // A failure that leaves nothing undone but such nodes stops nothing.
    let mut run = schedule(&[(4, 1), (4, 3)]);
    run.step(Input::Begin).unwrap();
    assert!(!run.step(failed(0)).unwrap().iter().any(|command| matches!(command, Command::Stop { .. })));
}

#[test]
fn what_is_done_after_its_ground_has_failed_while_all_is_left_is_left_too() {
    let (mut schedule, _) = begun(2, &[(0, 1)], FREE);
    assert_eq!(schedule.step(Input::Released { node: Ix(0), to: Ix(1) }), Ok(vec![start(1)]));
    schedule.step(Input::Abort).unwrap();
    // Both are faster than the wish.
    assert_eq!(schedule.step(failed(0)), Ok(vec![]));
    assert_eq!(schedule.step(done(1)), Ok(vec![]));
    let summary = schedule.summary().expect("nothing runs any more");
    assert_eq!((summary.fate(Ix(0)), summary.fate(Ix(1))), (Fate::Failed, Fate::Aborted));
}

#[test]
fn a_stop_waits_for_what_is_taken_back() {
    let (mut schedule, _) = begun(3, &[(0, 1), (1, 2)], FREE);
    schedule.step(Input::Released { node: Ix(0), to: Ix(1) }).unwrap();
    schedule.step(failed(1)).unwrap();
    schedule.step(done(0)).unwrap();
    let stop = |running| Ok(vec![Command::Stop { reason: StopReason::Interrupted, left: 0, running }]);
    assert_eq!(schedule.step(Input::Drain), stop(1));
    schedule.step(Input::Withdrawn(Ix(1), Outcome::Done)).unwrap();
    let told = schedule.step(Input::Abort).unwrap();
    assert_eq!(told[0], Command::Stop { reason: StopReason::Aborted, left: 0, running: 0 });
}

/// A run of a random graph with everything that can happen to it.
#[derive(Clone, Debug)]
struct Story {
    shape: Shape,
    settings: Settings,
    lanes: u32,
    /// Which of the nodes that run or are taken back ends next, and how.
    ends: Vec<(prop::sample::Index, bool)>,
    /// Before each end, which of the running nodes releases something, and to which of those that need it, if at all.
    releases: Vec<Option<(prop::sample::Index, prop::sample::Index)>>,
    /// Before which ends the node that releases something calls it all back instead.
    recalls: Vec<bool>,
    /// After how many ends the user asks to stop, if ever, and whether at once.
    stop: Option<(usize, bool)>,
    waving: Option<Waving>,
}

fn stories() -> impl Strategy<Value = Story> {
    // Each node is run and taken back at most.
    let ends = prop::collection::vec((any::<prop::sample::Index>(), prop::bool::weighted(0.85)), 80);
    let release = any::<(prop::sample::Index, prop::sample::Index)>();
    let releases = prop::collection::vec(prop::option::weighted(0.6, release), 80);
    let recalls = prop::collection::vec(prop::bool::weighted(0.1), 80);
    let stop = prop::option::weighted(0.3, (0_usize..20, any::<bool>()));
    let waving = prop::option::of(wavings());
    (shapes(), 1_usize..6, 1_usize..4, any::<bool>(), 1_u32..5, (ends, releases, recalls), stop, waving).prop_map(
        |(shape, total, per_lane, fail_fast, lanes, (ends, releases, recalls), stop, waving)| Story {
            shape,
            settings: Settings { limits: limits(total, per_lane), fail_fast },
            lanes,
            ends,
            releases,
            recalls,
            stop,
            waving,
        },
    )
}

/// The lanes of a node: none for some, one for most, two for others.
fn lanes(story: &Story, node: Ix) -> Vec<u32> {
    match node.0 % 4 {
        0 => vec![],
        1 => vec![node.0 % story.lanes, (node.0 / 2) % story.lanes],
        _ => vec![node.0 % story.lanes],
    }
}

/// A second, slow and simple account of a run, which checks every command as it comes.
struct Observer<'a> {
    story: &'a Story,
    graph: &'a Graph,
    remaining: Vec<u64>,
    running: Vec<Ix>,
    /// Those whose work is done and that stand on something.
    provisional: Vec<Ix>,
    /// Those that are taken back, and because of which node.
    withdrawing: Vec<(Ix, Ix)>,
    released: BTreeSet<(Ix, Ix)>,
    /// Those that run on and will not end well.
    recalled: BTreeSet<Ix>,
    fates: BTreeMap<Ix, Fate>,
    roll_outs: Vec<RollOut>,
    held: BTreeSet<usize>,
    stopped: bool,
    cancelled: bool,
}

impl Observer<'_> {
    /// Whether each lane of the node has a slot beside what runs, `without` aside.
    fn has_room(&self, node: Ix, without: Option<Ix>) -> bool {
        let running = || self.running.iter().filter(|running| Some(**running) != without);
        let in_lane = |lane| running().filter(|running| lanes(self.story, **running).contains(&lane)).count();
        let limits = self.story.settings.limits;
        running().count() < limits.total.get()
            && lanes(self.story, node).into_iter().all(|lane| in_lane(lane) < limits.per_lane.get())
    }

    fn is_to_be_held(&self, roll_out: &RollOut) -> bool {
        // What fails and is taken back counts at once.
        roll_out.is_to_be_held(&self.fates, |node| self.withdrawing.contains(&(node, node)))
    }

    /// Whether a node is one of a roll-out that is held, or needs one.
    fn is_behind_a_hold(&self, node: Ix) -> bool {
        let held = self.held.iter().flat_map(|held| self.roll_outs[*held].waves.iter().flatten().copied());
        self.graph.with_descendants(held)[node.index()]
    }

    /// Whether the waves let a node start.
    fn may_roll(&self, node: Ix) -> bool {
        self.roll_outs.iter().all(|roll_out| {
            let Some(wave) = roll_out.wave(node) else { return true };
            let mut before = roll_out.waves[..wave].iter().flatten();
            !self.is_to_be_held(roll_out) && before.all(|node| self.fates.contains_key(node))
        })
    }

    fn is_done(&self, node: Ix) -> bool {
        self.fates.get(&node) == Some(&Fate::Done)
    }

    /// Whether something that it stands on has not ended well.
    fn stands(&self, node: Ix) -> bool {
        self.graph.needs(node).any(|needed| !self.is_done(needed))
    }

    fn has_begun(&self, node: Ix) -> bool {
        self.running.contains(&node)
            || self.provisional.contains(&node)
            || self.withdrawing.iter().any(|(own, _)| *own == node)
            || self.fates.contains_key(&node)
    }

    fn end(&mut self, node: Ix, fate: Fate) {
        assert_eq!(self.fates.insert(node, fate), None, "{node} ended twice");
        if fate == Fate::Done {
            assert!(!self.stands(node), "{node} is done before what it stands on");
        }
    }

    /// Takes in what happens to a node before the schedule hears of it.
    fn happens(&mut self, input: Input) {
        match input {
            Input::Released { node, to } => {
                self.released.insert((node, to));
            }
            Input::Recalled(node) => {
                self.recalled.insert(node);
            }
            Input::Finished(node, outcome) => {
                self.running.retain(|running| *running != node);
                // Nothing good can come of it any more, and nobody would tell it so.
                let is_lost = |needed| self.fates.get(&needed).is_some_and(|fate| *fate != Fate::Done);
                let adrift = self.graph.needs(node).any(is_lost);
                match outcome {
                    Outcome::Done if adrift => self.end(node, Fate::Aborted),
                    Outcome::Done if self.stands(node) => self.provisional.push(node),
                    // It is taken back first.
                    Outcome::Failed if self.stands(node) && !self.cancelled => {}
                    outcome => self.end(node, outcome.into()),
                }
            }
            Input::Withdrawn(node, outcome) => {
                let at = self.withdrawing.iter().position(|(own, _)| *own == node).unwrap();
                let (_, because) = self.withdrawing.swap_remove(at);
                let well = outcome == Outcome::Done && because != node;
                self.end(node, if well { Fate::Withdrawn { because } } else { Fate::Failed });
            }
            Input::Aborted(node) => {
                self.running.retain(|running| *running != node);
                self.withdrawing.retain(|(own, _)| *own != node);
                self.end(node, Fate::Aborted);
            }
            Input::Begin | Input::Drain | Input::Abort => {}
        }
    }

    fn take(&mut self, command: Command) {
        let failed = |observer: &Self, node: Ix| {
            observer.recalled.contains(&node)
                || observer.fates.get(&node) == Some(&Fate::Failed)
                || observer.withdrawing.contains(&(node, node))
        };
        match command {
            Command::Start(node) => {
                assert!(!self.stopped, "{node} started after the stop");
                assert!(!self.has_begun(node), "{node} started twice");
                for needed in self.graph.needs(node) {
                    let is_there = self.is_done(needed) || self.released.contains(&(needed, node));
                    assert!(is_there, "{node} started before {needed} was done or had released what it needs");
                    let is_sound =
                        self.is_done(needed) || self.running.contains(&needed) || self.provisional.contains(&needed);
                    assert!(is_sound, "{node} started on {needed}, which will not end well");
                }
                assert!(self.has_room(node, None), "{node} started over a limit");
                assert!(self.may_roll(node), "{node} started before its wave, or though its roll-out is held");
                self.running.push(node);
            }
            Command::Settle(node) => assert!(self.running.contains(&node) && !self.stands(node)),
            Command::Complete(node) => {
                assert!(self.provisional.contains(&node));
                self.provisional.retain(|provisional| *provisional != node);
                self.end(node, Fate::Done);
            }
            Command::Withdraw { node, because } => {
                assert!(!self.cancelled, "{node} is taken back after all was left");
                if node != because {
                    assert!(self.running.contains(&node) || self.provisional.contains(&node));
                    assert!(failed(self, because));
                    assert!(self.graph.with_ancestors([node])[because.index()], "{node} does not need {because}");
                }
                self.running.retain(|running| *running != node);
                self.provisional.retain(|provisional| *provisional != node);
                self.withdrawing.push((node, because));
            }
            Command::Abandon(node) => {
                assert!(self.stopped && self.provisional.contains(&node));
                self.provisional.retain(|provisional| *provisional != node);
                self.end(node, Fate::Aborted);
            }
            Command::Skip { node, because } => {
                assert!(failed(self, because));
                assert!(self.graph.with_ancestors([node])[because.index()], "{node} does not need {because}");
                self.end(node, Fate::Skipped { because });
            }
            Command::Leave(node) => {
                assert!(self.stopped || self.is_behind_a_hold(node), "{node} is left without a reason");
                assert!(!self.has_begun(node), "{node} has begun");
                self.end(node, Fate::NotStarted);
            }
            Command::Stop { .. } => self.stopped = true,
            Command::HoldBack { roll_out, .. } => {
                assert!(self.is_to_be_held(&self.roll_outs[roll_out]), "{roll_out} is held without a reason");
                assert!(self.held.insert(roll_out), "{roll_out} is held twice");
            }
            Command::Cancel => {
                assert!(self.stopped);
                self.cancelled = true;
            }
        }
    }

    /// No node waits that could start, and none has been passed over for one with less to come; none stands on what has
    /// failed without being taken back, and none waits for what has ended.
    fn check(&self, started: &[Ix]) {
        for node in self.running.iter().chain(&self.provisional) {
            for needed in self.graph.needs(*node) {
                let fate = self.fates.get(&needed);
                // Where all is left, what runs is left one by one.
                let is_left = self.cancelled && self.running.contains(node);
                let is_sound = is_left || matches!(fate, None | Some(Fate::Done | Fate::Aborted));
                assert!(is_sound, "{node} stands on {needed}, which ended as {fate:?}");
                let is_taken_back = self.withdrawing.iter().any(|(own, _)| *own == needed);
                let is_recalled = self.recalled.contains(&needed) && self.running.contains(&needed);
                assert!(
                    !(is_taken_back || is_recalled) || self.cancelled,
                    "{node} stands on {needed}, which will fail"
                );
            }
        }
        for node in &self.provisional {
            assert!(self.stands(*node), "{node} waits for nothing");
        }
        if self.stopped {
            return;
        }
        let waits = |node: &Ix| {
            !self.has_begun(*node)
                && self.may_roll(*node)
                && self
                    .graph
                    .needs(*node)
                    .all(|needed| self.is_done(needed) || self.released.contains(&(needed, *node)))
        };
        let rank = |node: Ix| (self.remaining[node.index()], std::cmp::Reverse(node));
        for node in self.graph.nodes().filter(waits) {
            assert!(!self.has_room(node, None), "{node} waits although there is a slot for it");
            for other in started {
                let rivals = self.has_room(node, Some(*other));
                assert!(!rivals || rank(*other) > rank(node), "{other} was preferred to {node}");
            }
        }
    }

    /// What one of the running nodes releases to one that waits for it, or that it calls back what it has released.
    fn release(&self, (from, to): (prop::sample::Index, prop::sample::Index), recall: bool) -> Option<Input> {
        let node = *self.running.get(from.index(self.running.len().max(1)))?;
        if recall {
            return Some(Input::Recalled(node));
        }
        let waiting: Vec<Ix> = self.graph.needed_by(node).collect();
        let to = *waiting.get(to.index(waiting.len().max(1)))?;
        Some(Input::Released { node, to })
    }
}

fn play(story: &Story) {
    let graph = Arc::new(graph(story.shape.nodes, &story.shape.edges));
    let weight = |node: Ix| u64::from(node.0 % 5);
    let remaining = graph.remaining(weight);
    let roll_outs = story.waving.as_ref().map(|waving| waving.of(&graph)).unwrap_or_default();
    let lanes = |node| lanes(story, node);
    let (rest, rolled) = (remaining.clone(), roll_outs.clone());
    let mut schedule = Schedule::rolling_out(Arc::clone(&graph), lanes, rest, story.settings, rolled);
    let mut observer = Observer {
        story,
        graph: &graph,
        remaining,
        roll_outs,
        held: BTreeSet::new(),
        running: Vec::new(),
        provisional: Vec::new(),
        withdrawing: Vec::new(),
        released: BTreeSet::new(),
        recalled: BTreeSet::new(),
        fates: BTreeMap::new(),
        stopped: false,
        cancelled: false,
    };
    let mut turns = story.ends.iter().zip(story.releases.iter().zip(&story.recalls)).enumerate();
    let mut inputs = vec![Input::Begin];
    loop {
        for input in inputs.drain(..) {
            observer.happens(input);
            let mut started = Vec::new();
            for command in schedule.step(input).unwrap() {
                if let Command::Start(node) = command {
                    started.push(node);
                }
                observer.take(command);
            }
            observer.check(&started);
        }
        if observer.running.is_empty() && observer.withdrawing.is_empty() {
            break;
        }
        let (turn, ((pick, well), (release, recall))) =
            turns.next().expect("each node runs once and is taken back once at most");
        let busy = |observer: &Observer<'_>| -> Vec<Ix> {
            observer.running.iter().copied().chain(observer.withdrawing.iter().map(|(node, _)| *node)).collect()
        };
        match story.stop {
            Some((when, true)) if when == turn => {
                inputs.push(Input::Abort);
                // Each of them may be faster than the wish, in any order.
                let mut busy = busy(&observer);
                let first = pick.index(busy.len());
                busy.rotate_left(first);
                let luck = story.ends.iter().cycle().skip(turn + 1);
                inputs.extend(busy.into_iter().zip(luck).map(|(node, (pick, well))| {
                    let outcome = [Some(Outcome::Done), Some(Outcome::Failed), None][pick.index(3)];
                    match outcome {
                        Some(outcome) if observer.running.contains(&node) => Input::Finished(node, outcome),
                        Some(outcome) if *well => Input::Withdrawn(node, outcome),
                        _ => Input::Aborted(node),
                    }
                }));
                continue;
            }
            Some((when, false)) if when == turn => inputs.push(Input::Drain),
            _ => {}
        }
        if let Some(release) = release.and_then(|release| observer.release(release, *recall)) {
            observer.happens(release);
            let mut started = Vec::new();
            for command in schedule.step(release).unwrap() {
                if let Command::Start(node) = command {
                    started.push(node);
                }
                observer.take(command);
            }
            observer.check(&started);
        }
        let busy = busy(&observer);
        let node = busy[pick.index(busy.len())];
        let outcome = if *well { Outcome::Done } else { Outcome::Failed };
        inputs.push(if observer.running.contains(&node) {
            Input::Finished(node, outcome)
        } else {
            Input::Withdrawn(node, outcome)
        });
    }
    assert!(observer.provisional.is_empty(), "{:?} wait for ever", observer.provisional);
    let summary = schedule.summary().expect("nothing runs, so every node has ended");
    let told: BTreeMap<_, _> = summary.fates().collect();
    assert_eq!(told, observer.fates);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn whatever_happens_the_rules_hold(story in stories()) {
        play(&story);
    }
}
