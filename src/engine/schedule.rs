//! What to start next, as a pure state machine.

use std::collections::VecDeque;
use std::hash::Hash;
use std::sync::Arc;

use super::ready::Ready;
use super::standing::Standing;
use super::waves::{Turn, Waves};
use super::withdrawals::Withdrawals;
use super::{Fate, Illegal, Limits, Outcome, RollOut, Status, Step, Summary};
use crate::event::StopReason;
use crate::graph::{Graph, Ix};
use crate::safeguard::{self, Safeguard};

/// What the user chose for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many nodes may run at once.
    pub limits: Limits,
    /// Whether the first failure stops the run; otherwise all that does not need the failed node goes on.
    pub fail_fast: bool,
}

/// What happened outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The run begins.
    Begin,
    /// A node that runs gives another what that needs of it, before it has ended itself.
    Released {
        /// The node that runs.
        node: Ix,
        /// The node that needs it.
        to: Ix,
    },
    /// A node that runs says that it will not end well: what it has released does not hold.
    Recalled(Ix),
    /// A node's work has ended.
    Finished(Ix, Outcome),
    /// The work of a node has ended that is to be taken back: it was stopped.
    Halted(Ix),
    /// What a node did was taken back, or could not be.
    Withdrawn(Ix, Outcome),
    /// A node was dropped while it ran, or while it was taken back.
    Aborted(Ix),
    /// Nothing new is to start; what runs may end.
    Drain,
    /// Nothing new is to start and what runs is to be dropped.
    Abort,
}

/// What is to be done outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Start this node's work.
    Start(Ix),
    /// Tell a node that runs that all it stands on has ended well.
    Settle(Ix),
    /// Tell that a node has ended well, whose work was done before what it stood on.
    Complete(Ix),
    /// Tell that what a node did is to be taken back, and stop its work if it runs; that is answered by [`Input::Halted`].
    /// [`Command::TakeBack`] follows.
    Withdraw {
        /// The node.
        node: Ix,
        /// The node that failed; itself, if it failed while it stood on something.
        because: Ix,
        /// Whether others are taken back first.
        later: bool,
    },
    /// Take back what a node did, whose work has ended; answered by [`Input::Withdrawn`].
    TakeBack {
        /// The node.
        node: Ix,
        /// The node that failed; itself, if it failed while it stood on something.
        because: Ix,
    },
    /// Tell that a node is left whose work was done, since something that it stands on was left, or that was to be taken
    /// back. One that had failed by itself has failed all the same.
    Abandon(Ix),
    /// Tell that a node is skipped.
    Skip {
        /// The node.
        node: Ix,
        /// The node that failed.
        because: Ix,
    },
    /// Tell that nothing new starts from here on.
    Stop {
        /// Why.
        reason: StopReason,
        /// How many nodes are left undone by it.
        left: usize,
        /// How many run or are taken back.
        running: usize,
    },
    /// Tell that nothing more of a roll-out starts; those that are left are told by [`Command::Leave`].
    HoldBack {
        /// Which one, by its place in the list that the schedule was made with.
        roll_out: usize,
        /// How many nodes are left undone by it: of the group, and what needs them.
        left: usize,
    },
    /// Tell that a node is not started.
    Leave(Ix),
    /// Drop all that runs; each is answered by [`Input::Aborted`], or by [`Input::Finished`] if it was faster.
    Cancel,
}

/// Which nodes wait, run and have ended.
///
/// Over a whole run it costs O((n + e) log n), whatever the limits are and however the nodes end.
#[derive(Debug)]
pub struct Schedule {
    graph: Arc<Graph>,
    statuses: Vec<Status>,
    /// For each node, how many of the nodes that it needs are neither done yet nor have released what it needs.
    missing: Vec<usize>,
    standing: Standing,
    withdrawals: Withdrawals,
    ready: Ready,
    waves: Waves,
    /// Those that have ended, or have failed and are taken back first (`None`), and that the roll-outs have not heard of.
    ended: VecDeque<(Ix, Option<Fate>)>,
    /// How many nodes have not started.
    unstarted: usize,
    /// The same without those that have no lane.
    left: usize,
    /// How many nodes run, without those that have no lane.
    running: usize,
    /// How many are taken back, without those that have no lane.
    withdrawing: usize,
    stopping: Option<StopReason>,
    fail_fast: bool,
}

impl Schedule {
    /// A run of all nodes of `graph`. `lanes` says in which lanes a node takes a slot each; a node without any has
    /// nothing to do, only holds the order of others together, and is not counted when a stop is told. `weight` is how
    /// long a node is expected to take, in any unit: of those that may start, the one with the longest path still to
    /// come goes first.
    pub fn new<I>(graph: Arc<Graph>, lanes: impl Fn(Ix) -> I, weight: impl Fn(Ix) -> u64, settings: Settings) -> Self
    where
        I: IntoIterator<Item: Eq + Hash>,
    {
        let remaining = graph.remaining(weight);
        Self::rolling_out(graph, lanes, remaining, settings, Vec::new())
    }

    /// The same, in which some groups are rolled out a wave at a time. `remaining` is how much is still to come when a node
    /// starts, for each of them, also by way of the waves: a canary goes before a longer path that nothing waits for.
    pub fn rolling_out<I>(
        graph: Arc<Graph>,
        lanes: impl Fn(Ix) -> I,
        remaining: Vec<u64>,
        settings: Settings,
        roll_outs: Vec<RollOut>,
    ) -> Self
    where
        I: IntoIterator<Item: Eq + Hash>,
    {
        let mut ready = Ready::new(graph.nodes().map(lanes), remaining, settings.limits);
        let waves = Waves::new(roll_outs);
        let mut missing: Vec<_> = graph.nodes().map(|node| graph.needs(node).count()).collect();
        // To wait for a wave is to wait for one thing more.
        waves.later().for_each(|node| missing[node.index()] += 1);
        let status = |node: Ix| if missing[node.index()] == 0 { Status::Ready } else { Status::Waiting };
        let statuses: Vec<_> = graph.nodes().map(status).collect();
        graph.nodes().filter(|node| statuses[node.index()] == Status::Ready).for_each(|node| ready.add(node));
        Self {
            unstarted: statuses.len(),
            left: graph.nodes().filter(|node| ready.has_lanes(*node)).count(),
            running: 0,
            withdrawing: 0,
            stopping: None,
            fail_fast: settings.fail_fast,
            graph,
            statuses,
            missing,
            standing: Standing::default(),
            withdrawals: Withdrawals::default(),
            ready,
            waves,
            ended: VecDeque::new(),
        }
    }

    /// The same, in which those for which `at_once` holds are taken back as soon as that is known, whatever needs them. Any
    /// other one is when all that need it have been, or could not be.
    #[must_use]
    pub fn taking_back_at_once(mut self, at_once: impl Fn(Ix) -> bool) -> Self {
        self.withdrawals = Withdrawals::at_once(self.graph.nodes().map(at_once).collect());
        self
    }

    /// All positions, in the order of the graph.
    pub(super) fn nodes(&self) -> impl Iterator<Item = Ix> + use<> {
        self.graph.nodes()
    }

    /// Where a node stands.
    ///
    /// # Panics
    /// If the position is not one of this graph's.
    pub fn status(&self, node: Ix) -> Status {
        self.statuses[node.index()]
    }

    /// Whether something that a node stands on has not ended yet.
    pub fn is_standing(&self, node: Ix) -> bool {
        self.standing.stands(node)
    }

    /// Takes in what happened and says what is to be done, in that order.
    ///
    /// # Errors
    /// [`Illegal`] if a node is said to have ended or to have released something that does not run, or something to be
    /// released to a node that waits and does not need it; nothing has changed then.
    pub fn step(&mut self, input: Input) -> Result<Vec<Command>, Illegal> {
        let mut commands = Vec::new();
        match input {
            Input::Begin => {}
            Input::Released { node, to } => self.release(node, to)?,
            Input::Recalled(node) => {
                let runs = self.status(node) == Status::Running;
                self.advance(node, Step::Recall)?;
                if runs {
                    self.lose(node, node, &mut commands)?;
                }
            }
            Input::Finished(node, outcome) => self.finish(node, outcome, &mut commands)?,
            Input::Halted(node) => self.halt(node, &mut commands)?,
            Input::Withdrawn(node, outcome) => self.withdrawn(node, outcome, &mut commands)?,
            Input::Aborted(node) => {
                let held_slot = self.status(node) == Status::Running;
                self.advance(node, Step::Abort)?;
                self.withdrawals.leave(node);
                if held_slot {
                    self.free_slot(node);
                }
                // What needs this node must end too, also if nobody had asked to stop.
                self.stop(StopReason::Aborted, &mut commands)?;
                self.lose(node, node, &mut commands)?;
            }
            Input::Drain => self.stop(StopReason::Interrupted, &mut commands)?,
            Input::Abort => {
                self.stop(StopReason::Aborted, &mut commands)?;
                commands.push(Command::Cancel);
            }
        }
        self.roll_on(&mut commands)?;
        self.start(&mut commands)?;
        Ok(commands)
    }

    /// How every node ended; `None` while one has not.
    pub fn summary(&self) -> Option<Summary> {
        let fate = |status: &Status| match status {
            Status::Ended(fate) => Some(*fate),
            _ => None,
        };
        self.statuses.iter().map(fate).collect::<Option<Vec<Fate>>>().map(Summary::new)
    }

    fn advance(&mut self, node: Ix, step: Step) -> Result<(), Illegal> {
        let status = &mut self.statuses[node.index()];
        let next = status.next(node, step)?;
        if status.is_unstarted() && !next.is_unstarted() {
            self.unstarted -= 1;
            self.left -= usize::from(self.ready.has_lanes(node));
        }
        let is_withdrawing = |status: Status| matches!(status, Status::Withdrawing { .. });
        match (is_withdrawing(*status), is_withdrawing(next)) {
            (false, true) => self.withdrawing += usize::from(self.ready.has_lanes(node)),
            (true, false) => self.withdrawing -= usize::from(self.ready.has_lanes(node)),
            _ => {}
        }
        *status = next;
        if !self.waves.is_empty() {
            match next {
                Status::Ended(fate) => self.ended.push_back((node, Some(fate))),
                Status::Withdrawing { because } if because == node => self.ended.push_back((node, None)),
                _ => {}
            }
        }
        Ok(())
    }

    fn free_slot(&mut self, node: Ix) {
        self.running -= usize::from(self.ready.has_lanes(node));
        self.ready.release(node);
    }

    /// `node` has given `to` what that needs of it.
    fn release(&mut self, node: Ix, to: Ix) -> Result<(), Illegal> {
        let status = self.status(node);
        let (graph, statuses) = (&self.graph, &self.statuses);
        let needs = || graph.needs(to).filter(|needed| statuses[needed.index()] != Status::Ended(Fate::Done));
        // Of what is stopped nothing is taken any more, and what has been left waits for nothing.
        let is_new = status == Status::Running && self.status(to) == Status::Waiting && {
            let released = self.standing.release(node, to, needs);
            released.ok_or(Illegal { node, status, step: Step::Release })?
        };
        self.advance(node, Step::Release)?;
        if is_new { self.satisfy(to) } else { Ok(()) }
    }

    /// The work of `node` has ended. While it stands on something, it only ends for good with that.
    fn finish(&mut self, node: Ix, outcome: Outcome, commands: &mut Vec<Command>) -> Result<(), Illegal> {
        let leaving = self.stopping == Some(StopReason::Aborted);
        let step = match outcome {
            _ if !self.standing.stands(node) => Step::Finish(outcome),
            Outcome::Done if self.is_adrift(node) => Step::Abort,
            Outcome::Done => Step::Hold,
            Outcome::Failed if leaving => Step::Finish(outcome),
            Outcome::Failed => Step::Withdraw { because: node },
        };
        self.advance(node, step)?;
        self.free_slot(node);
        match self.status(node) {
            Status::Provisional => return Ok(()),
            Status::Ended(Fate::Done) => return self.settle(node, commands),
            _ => self.lose(node, node, commands)?,
        }
        if outcome == Outcome::Failed && self.fail_fast && self.left > 0 {
            self.stop(StopReason::FailFast, commands)?;
        }
        Ok(())
    }

    /// Tells the roll-outs what has ended or failed and does what follows, which may end more.
    fn roll_on(&mut self, commands: &mut Vec<Command>) -> Result<(), Illegal> {
        while let Some((node, fate)) = self.ended.pop_front() {
            let turn = match fate {
                Some(fate) => self.waves.ended(node, fate),
                None => self.waves.failing(node),
            };
            match turn {
                // A stop has left all that had not started.
                _ if self.stopping.is_some() => {}
                None => {}
                Some(Turn::Open(nodes)) => nodes.into_iter().try_for_each(|node| self.satisfy(node))?,
                Some(Turn::Hold(roll_out)) => self.hold_back(roll_out, commands)?,
            }
        }
        Ok(())
    }

    /// Leaves what has not started of a roll-out, and all that needs it.
    fn hold_back(&mut self, roll_out: usize, commands: &mut Vec<Command>) -> Result<(), Illegal> {
        let graph = Arc::clone(&self.graph);
        let mut open: VecDeque<Ix> = self.waves.nodes(roll_out).collect();
        let mut left = Vec::new();
        while let Some(node) = open.pop_front() {
            if self.status(node).is_unstarted() {
                self.advance(node, Step::Leave)?;
                left.push(node);
                open.extend(graph.needed_by(node));
            }
        }
        if !left.is_empty() {
            let counted = left.iter().filter(|node| self.ready.has_lanes(**node)).count();
            commands.push(Command::HoldBack { roll_out, left: counted });
            commands.extend(left.into_iter().map(Command::Leave));
        }
        Ok(())
    }

    /// Those because of which a roll-out is held back, in the order in which they failed.
    ///
    /// # Panics
    /// If there is no such roll-out.
    pub fn failed(&self, roll_out: usize) -> &[Ix] {
        self.waves.failed(roll_out)
    }

    /// Whether something that `node` stands on has ended and not well, which where all is left takes nothing back.
    fn is_adrift(&self, node: Ix) -> bool {
        let is_lost = |needed| matches!(self.status(needed), Status::Ended(fate) if fate != Fate::Done);
        self.graph.needs(node).any(is_lost)
    }

    /// One of the nodes that `node` needs is done, or has released what it needs. The last one makes it ready.
    fn satisfy(&mut self, node: Ix) -> Result<(), Illegal> {
        self.missing[node.index()] -= 1;
        let is_next = self.missing[node.index()] == 0 || !safeguard::holds(Safeguard::WaitingForNeeds);
        if is_next && self.status(node) == Status::Waiting {
            self.advance(node, Step::Unblock)?;
            self.ready.add(node);
        }
        Ok(())
    }

    /// `node` has ended well: those that only waited for it become ready, and those whose work is done and that only stood
    /// on it have ended too, and so on.
    fn settle(&mut self, node: Ix, commands: &mut Vec<Command>) -> Result<(), Illegal> {
        let graph = Arc::clone(&self.graph);
        let (mut open, mut ended) = (VecDeque::new(), Some(node));
        while let Some(done) = ended {
            for next in graph.needed_by(done) {
                if !self.standing.settle(done, next) {
                    self.satisfy(next)?;
                } else if !self.standing.stands(next) {
                    match self.status(next) {
                        Status::Provisional => {
                            self.advance(next, Step::Settle)?;
                            commands.push(Command::Complete(next));
                            open.push_back(next);
                        }
                        Status::Running => commands.push(Command::Settle(next)),
                        _ => {}
                    }
                }
            }
            ended = open.pop_front();
        }
        Ok(())
    }

    /// `node` has not ended well, or will not, because of `because`. All that needs it, directly or not, is skipped, or is to
    /// be taken back if it has run on what was released, and so is the node itself if it was. What an earlier failure or a
    /// stop has ended is passed over together with all behind it, so every node is visited once in a run. Where all is left,
    /// nothing is taken back.
    fn lose(&mut self, node: Ix, because: Ix, commands: &mut Vec<Command>) -> Result<(), Illegal> {
        let graph = Arc::clone(&self.graph);
        let leaving = self.stopping == Some(StopReason::Aborted);
        // Each with where it stood. If it is the node itself, its work has just ended.
        let own = matches!(self.status(node), Status::Withdrawing { .. });
        let mut lost: Vec<(Ix, Status)> = own.then_some((node, Status::Provisional)).into_iter().collect();
        let mut open = VecDeque::from([node]);
        while let Some(ended) = open.pop_front() {
            for next in graph.needed_by(ended) {
                let status = self.status(next);
                let step = match status {
                    Status::Waiting | Status::Ready => Step::Skip { because },
                    Status::Provisional if leaving => Step::Abort,
                    Status::Running | Status::Provisional if !leaving => {
                        if status == Status::Running {
                            self.free_slot(next);
                        }
                        Step::Withdraw { because }
                    }
                    // Those that run are left one by one.
                    _ => continue,
                };
                self.advance(next, step)?;
                lost.push((next, status));
                open.push_back(next);
            }
        }
        let mut begun = Vec::new();
        for (node, before) in lost {
            commands.push(match self.status(node) {
                Status::Withdrawing { because } => {
                    let first = self.first(node);
                    if self.withdrawals.add(node, because, before == Status::Running, first) {
                        begun.push(Command::TakeBack { node, because });
                    }
                    Command::Withdraw { node, because, later: first > 0 }
                }
                Status::Ended(Fate::Aborted) => Command::Abandon(node),
                _ => Command::Skip { node, because },
            });
        }
        commands.extend(begun);
        Ok(())
    }

    /// How many of those that need a node are taken back before it.
    fn first(&self, node: Ix) -> usize {
        let is_withdrawing = |needing: &Ix| matches!(self.status(*needing), Status::Withdrawing { .. });
        if self.withdrawals.follows(node) { self.graph.needed_by(node).filter(is_withdrawing).count() } else { 0 }
    }

    /// The work of a node has ended that is to be taken back.
    fn halt(&mut self, node: Ix, commands: &mut Vec<Command>) -> Result<(), Illegal> {
        if !self.withdrawals.works(node) {
            return Err(Illegal { node, status: self.status(node), step: Step::Halt });
        }
        self.advance(node, Step::Halt)?;
        if self.stopping == Some(StopReason::Aborted) {
            self.withdrawals.leave(node);
            self.abandon(node, commands)?;
        } else if let Some(because) = self.withdrawals.halted(node) {
            commands.push(Command::TakeBack { node, because });
        }
        Ok(())
    }

    /// What a node did was taken back, or could not be: what it needs may be now.
    fn withdrawn(&mut self, node: Ix, outcome: Outcome, commands: &mut Vec<Command>) -> Result<(), Illegal> {
        let step = Step::Withdrawn(outcome);
        if self.withdrawals.waits(node) {
            return Err(Illegal { node, status: self.status(node), step });
        }
        self.advance(node, step)?;
        for needed in self.graph.needs(node) {
            if let Some(because) = self.withdrawals.follow(needed) {
                commands.push(Command::TakeBack { node: needed, because });
            }
        }
        Ok(())
    }

    /// Leaves a node whose work has ended.
    fn abandon(&mut self, node: Ix, commands: &mut Vec<Command>) -> Result<(), Illegal> {
        self.advance(node, Step::Abort)?;
        commands.push(Command::Abandon(node));
        Ok(())
    }

    /// Ends all that has not started. A stop is told again only when it becomes more urgent.
    fn stop(&mut self, reason: StopReason, commands: &mut Vec<Command>) -> Result<(), Illegal> {
        if self.stopping.is_some_and(|before| urgency(before) >= urgency(reason)) {
            return Ok(());
        }
        self.stopping = Some(reason);
        commands.push(Command::Stop { reason, left: self.left, running: self.running + self.withdrawing });
        if reason == StopReason::Aborted {
            self.withdrawals.leave_all().into_iter().try_for_each(|node| self.abandon(node, commands))?;
        }
        if self.unstarted > 0 {
            let graph = Arc::clone(&self.graph);
            for node in graph.nodes().filter(|node| self.statuses[node.index()].is_unstarted()).collect::<Vec<_>>() {
                self.advance(node, Step::Leave)?;
                commands.push(Command::Leave(node));
            }
        }
        Ok(())
    }

    /// Fills the free slots.
    fn start(&mut self, commands: &mut Vec<Command>) -> Result<(), Illegal> {
        while self.stopping.is_none()
            && let Some(node) = self.ready.take()
        {
            // It was skipped, or left with its roll-out, while it waited for its slot.
            if self.status(node) != Status::Ready {
                self.ready.release(node);
                continue;
            }
            self.advance(node, Step::Start)?;
            self.running += usize::from(self.ready.has_lanes(node));
            commands.push(Command::Start(node));
        }
        Ok(())
    }
}

const fn urgency(reason: StopReason) -> u8 {
    match reason {
        StopReason::FailFast => 0,
        StopReason::Interrupted => 1,
        StopReason::Aborted => 2,
    }
}

#[cfg(test)]
#[path = "schedule_random_tests.rs"]
mod random_tests;
#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
