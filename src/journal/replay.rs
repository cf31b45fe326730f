//! What a journal comes to: how each node ended, and how the run did.

use std::io::BufRead;

use indexmap::IndexMap;
use jiff::Timestamp;

use super::entries::{Entries, Entry, Unreadable};
use super::line::Closing;
use crate::event::{Change, Command, Event, Failure, Record, StopReason, Tally};
use crate::ids::{AccountName, NodeId, Region};

/// How a node stands after what was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// It has begun, and nothing tells how it ended.
    Running,
    /// It ended well.
    Done(Change),
    /// It ended well, and only a later orch has a word for what it did.
    DoneOtherwise,
    /// It failed by itself.
    Failed(Failure),
    /// What it had made was taken back, since this one failed.
    Withdrawn(NodeId),
    /// It was left while it ran.
    Aborted,
    /// It did not run, since this one failed.
    Skipped(NodeId),
    /// It did not run, since the run stopped before.
    NotStarted,
}

impl NodeState {
    /// Whether nothing more is to come of it.
    pub const fn is_end(&self) -> bool {
        !matches!(self, Self::Running)
    }
}

/// What is known of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodePast {
    /// How it stands.
    pub state: NodeState,
    /// Where it works; known once it has begun.
    pub place: Option<(AccountName, Region)>,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it came to its end, run or not.
    pub ended: Option<Timestamp>,
    /// How many ends it was told to have: one, unless something is wrong.
    pub ends: usize,
}

/// One job of a run, from its `RunStarted` to its `RunFinished`: what left the plan is deleted by a job of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What was to be done.
    pub command: Command,
    /// With which plan.
    pub plan: String,
    /// With how many nodes.
    pub expected: usize,
    /// When it began.
    pub started: Timestamp,
    /// The nodes of which anything was told, in the order of that.
    pub nodes: IndexMap<NodeId, NodePast>,
    /// How many of them ended how.
    pub tally: Tally,
    /// Those that failed, in the order in which they did.
    pub failed: Vec<NodeId>,
    /// The groups of which no more was started.
    pub held: Vec<Held>,
    /// What stopped it, if anything did: the last word.
    pub stopped: Option<StopReason>,
    /// When it was over, and what it said of itself then; `None` if it did not come so far.
    pub finished: Option<Finished>,
}

/// A group whose roll-out was held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The group, as a plan names it.
    pub group: String,
    /// The instances because of which it is so.
    pub failed: Vec<NodeId>,
}

/// The end of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished {
    /// When.
    pub at: Timestamp,
    /// What was counted.
    pub tally: Tally,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// What a journal comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// The jobs, in their order.
    pub parts: Vec<Part>,
    /// That the process came to its end by itself; `None` while it runs, and if it was killed.
    pub closing: Option<Closing>,
    /// When the last thing happened that was read.
    pub last: Option<Timestamp>,
}

impl Replay {
    /// Reads what is left of a journal.
    ///
    /// # Errors
    /// The file cannot be read, or is of a later version.
    pub fn of(entries: &mut Entries<impl BufRead>) -> Result<Self, Unreadable> {
        let mut replay = Self::default();
        while let Some(entry) = entries.next_entry()? {
            match entry {
                Entry::Record(record) => replay.observe(record),
                Entry::DoneOtherwise { at, node } => {
                    replay.last = Some(at);
                    if let Some(part) = replay.parts.last_mut() {
                        part.tally.done += 1;
                        part.past(node).end(at, NodeState::DoneOtherwise);
                    }
                }
                Entry::Closing(closing) => {
                    replay.last = Some(closing.closed);
                    replay.closing = Some(closing);
                }
            }
        }
        Ok(replay)
    }

    /// The same of records that are at hand.
    pub fn of_records(records: impl IntoIterator<Item = Record>) -> Self {
        let mut replay = Self::default();
        records.into_iter().for_each(|record| replay.observe(record));
        replay
    }

    /// How many nodes of all parts ended how.
    pub fn tally(&self) -> Tally {
        self.parts.iter().fold(Tally::default(), |sum, part| sum.plus(part.tally))
    }

    /// Whether all that was to be done was told to be over. `prune` says whether what left the plan was to be deleted after
    /// the rest, which comes only where that ended well, and only where there is something: of that the journal says nothing
    /// before it begins, so one that has a single good part is taken for one that was to go on.
    pub fn is_finished(&self, prune: bool) -> bool {
        let Some(first) = self.parts.first() else { return false };
        let parts = if prune && first.tally.is_success() { 2 } else { 1 };
        (self.closing.is_some() || self.parts.len() >= parts) && self.parts.iter().all(|part| part.finished.is_some())
    }

    /// How many nodes have begun and not ended.
    pub fn running(&self) -> usize {
        let nodes = self.parts.iter().flat_map(|part| part.nodes.values());
        nodes.filter(|past| past.state == NodeState::Running).count()
    }

    /// Every failure, in the order in which they happened.
    pub fn failures(&self) -> impl Iterator<Item = (&NodeId, &Failure)> {
        self.parts.iter().flat_map(Part::failures)
    }

    fn observe(&mut self, record: Record) {
        let Record { at, event, .. } = record;
        self.last = Some(at);
        if let Event::RunStarted { plan, command, nodes } = event {
            self.parts.push(Part {
                command,
                plan,
                expected: nodes,
                started: at,
                nodes: IndexMap::new(),
                tally: Tally::default(),
                failed: Vec::new(),
                held: Vec::new(),
                stopped: None,
                finished: None,
            });
        } else if let Some(part) = self.parts.last_mut() {
            part.observe(at, event);
        }
    }
}

impl Part {
    /// Every failure, in the order in which they happened.
    pub fn failures(&self) -> impl Iterator<Item = (&NodeId, &Failure)> {
        self.failed.iter().filter_map(|node| match &self.nodes.get(node)?.state {
            NodeState::Failed(failure) => Some((node, failure)),
            _ => None,
        })
    }

    fn observe(&mut self, at: Timestamp, event: Event) {
        self.tally.count(&event);
        match event {
            Event::NodeStarted { node, account, region } => {
                let past = self.past(node);
                past.place = Some((account, region));
                past.started = Some(at);
            }
            Event::NodeDone { node, change, .. } => self.past(node).end(at, NodeState::Done(change)),
            Event::NodeFailed { node, error, .. } => {
                self.failed.push(node.clone());
                self.past(node).end(at, NodeState::Failed(error));
            }
            Event::NodeWithdrawn { node, because, .. } => self.past(node).end(at, NodeState::Withdrawn(because)),
            Event::NodeAborted { node, .. } => self.past(node).end(at, NodeState::Aborted),
            Event::NodeSkipped { node, because } => self.past(node).end(at, NodeState::Skipped(because)),
            Event::NodeNotStarted { node } => self.past(node).end(at, NodeState::NotStarted),
            Event::Stopping { reason, .. } => self.stopped = Some(reason),
            Event::RunFinished { tally, took_ms, .. } => self.finished = Some(Finished { at, tally, took_ms }),
            Event::RollOutHeld { group, failed, .. } => self.held.push(Held { group, failed }),
            Event::RunStarted { .. }
            | Event::NodePlanned { .. }
            | Event::NodeProgress { .. }
            | Event::CallsMade { .. } => {}
        }
    }

    fn past(&mut self, node: NodeId) -> &mut NodePast {
        let unknown = || NodePast { state: NodeState::Running, place: None, started: None, ended: None, ends: 0 };
        self.nodes.entry(node).or_insert_with(unknown)
    }
}

impl NodePast {
    fn end(&mut self, at: Timestamp, state: NodeState) {
        self.state = state;
        self.ended = Some(at);
        self.ends += 1;
    }
}
