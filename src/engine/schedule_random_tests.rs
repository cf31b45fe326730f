//! Random runs, held against a second account of the rules.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::samples::{Waving, wavings};
use super::tests::limits;
use super::*;
use crate::graph::samples::{Shape, graph, shapes};

/// A run of a random graph with everything that can happen to it.
#[derive(Clone, Debug)]
struct Story {
    shape: Shape,
    settings: Settings,
    lanes: u32,
    /// Each such node is taken back at once.
    at_once: u32,
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
    let lanes = (1_u32..5, 1_u32..6);
    (shapes(), 1_usize..6, 1_usize..4, any::<bool>(), lanes, (ends, releases, recalls), stop, waving).prop_map(
        |(shape, total, per_lane, fail_fast, (lanes, at_once), (ends, releases, recalls), stop, waving)| Story {
            shape,
            settings: Settings { limits: limits(total, per_lane), fail_fast },
            lanes,
            at_once,
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
    /// Those that are to be taken back and have not been, and because of which node.
    withdrawing: Vec<(Ix, Ix)>,
    /// Those of them whose work has not ended.
    halting: Vec<Ix>,
    /// Those of them of which that has begun.
    going: Vec<Ix>,
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

    /// A node is not taken back any more. Says how it ends: one that failed by itself has failed.
    fn leave(&mut self, node: Ix) -> Fate {
        let has_failed = self.withdrawing.contains(&(node, node));
        self.withdrawing.retain(|(own, _)| *own != node);
        for nodes in [&mut self.halting, &mut self.going] {
            nodes.retain(|own| *own != node);
        }
        if has_failed { Fate::Failed } else { Fate::Aborted }
    }

    /// Which others that need a node are to be taken back before it.
    fn before(&self, node: Ix) -> Vec<Ix> {
        let withdrawing = |needing: &Ix| self.withdrawing.iter().any(|(own, _)| own == needing);
        let waits = !node.0.is_multiple_of(self.story.at_once);
        self.graph.needed_by(node).filter(|needing| waits && withdrawing(needing)).collect()
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
            Input::Halted(node) => self.halting.retain(|halting| *halting != node),
            Input::Withdrawn(node, outcome) => {
                self.going.retain(|going| *going != node);
                let at = self.withdrawing.iter().position(|(own, _)| *own == node).unwrap();
                let (_, because) = self.withdrawing.swap_remove(at);
                let well = outcome == Outcome::Done && because != node;
                self.end(node, if well { Fate::Withdrawn { because } } else { Fate::Failed });
            }
            Input::Aborted(node) => {
                self.running.retain(|running| *running != node);
                let fate = self.leave(node);
                self.end(node, fate);
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
            Command::Withdraw { node, because, later: _ } => {
                assert!(!self.cancelled, "{node} is taken back after all was left");
                if node != because {
                    assert!(self.running.contains(&node) || self.provisional.contains(&node));
                    assert!(failed(self, because));
                    assert!(self.graph.with_ancestors([node])[because.index()], "{node} does not need {because}");
                }
                if self.running.contains(&node) {
                    self.halting.push(node);
                }
                self.running.retain(|running| *running != node);
                self.provisional.retain(|provisional| *provisional != node);
                self.withdrawing.push((node, because));
            }
            Command::TakeBack { node, because } => {
                assert!(!self.cancelled, "{node} is taken back after all was left");
                assert!(self.withdrawing.contains(&(node, because)) && !self.going.contains(&node));
                assert!(!self.halting.contains(&node), "{node} is taken back while it works");
                let before = self.before(node);
                assert!(before.is_empty(), "{node} is taken back before {before:?}");
                self.going.push(node);
            }
            Command::Abandon(node) => {
                let waits = self.withdrawing.iter().any(|(own, _)| *own == node) && !self.going.contains(&node);
                assert!(self.stopped && (self.provisional.contains(&node) || waits && !self.halting.contains(&node)));
                self.provisional.retain(|provisional| *provisional != node);
                let fate = self.leave(node);
                self.end(node, fate);
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
        for (node, _) in &self.withdrawing {
            let is_busy = self.halting.contains(node) || self.going.contains(node);
            assert!(is_busy || !self.before(*node).is_empty(), "{node} could be taken back");
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

    /// Those for which something is done.
    fn busy(&self) -> Vec<Ix> {
        [&self.running, &self.halting, &self.going].into_iter().flatten().copied().collect()
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
    let schedule = Schedule::rolling_out(Arc::clone(&graph), lanes, rest, story.settings, rolled);
    let mut schedule = schedule.taking_back_at_once(|node| node.0.is_multiple_of(story.at_once));
    let mut observer = Observer {
        story,
        graph: &graph,
        remaining,
        roll_outs,
        held: BTreeSet::new(),
        running: Vec::new(),
        provisional: Vec::new(),
        withdrawing: Vec::new(),
        halting: Vec::new(),
        going: Vec::new(),
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
        if observer.busy().is_empty() {
            break;
        }
        let (turn, ((pick, well), (release, recall))) =
            turns.next().expect("each node runs once and is taken back once at most");
        match story.stop {
            Some((when, true)) if when == turn => {
                inputs.push(Input::Abort);
                // Each of them may be faster than the wish, in any order.
                let mut busy = observer.busy();
                let first = pick.index(busy.len());
                busy.rotate_left(first);
                let luck = story.ends.iter().cycle().skip(turn + 1);
                inputs.extend(busy.into_iter().zip(luck).map(|(node, (pick, well))| {
                    let outcome = [Some(Outcome::Done), Some(Outcome::Failed), None][pick.index(3)];
                    match outcome {
                        Some(outcome) if observer.running.contains(&node) => Input::Finished(node, outcome),
                        Some(_) if observer.halting.contains(&node) => Input::Halted(node),
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
        let busy = observer.busy();
        let node = busy[pick.index(busy.len())];
        let outcome = if *well { Outcome::Done } else { Outcome::Failed };
        inputs.push(if observer.running.contains(&node) {
            Input::Finished(node, outcome)
        } else if observer.halting.contains(&node) {
            Input::Halted(node)
        } else {
            Input::Withdrawn(node, outcome)
        });
    }
    assert!(observer.provisional.is_empty(), "{:?} wait for ever", observer.provisional);
    assert!(observer.withdrawing.is_empty(), "{:?} are never taken back", observer.withdrawing);
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
