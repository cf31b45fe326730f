//! Groups of nodes that are rolled out a wave at a time.

use std::collections::HashMap;

use super::Fate;
use crate::graph::Ix;

/// A group of nodes not all of which may start at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollOut {
    /// Its waves: none of one starts before all of the one before have ended. No node is in two waves, nor in those of two
    /// roll-outs, and none of a wave may need one of a later wave.
    pub waves: Vec<Vec<Ix>>,
    /// Whether the first wave is a canary: unless all of it ends well, the rest does not start.
    pub canary: bool,
    /// How many of the group may fail; with one more, what has not started does not start.
    pub tolerate: usize,
}

/// What follows for a roll-out from the end of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The nodes of further waves may start, as far as they have not ended already.
    Open(Vec<Ix>),
    /// Nothing more of this roll-out starts.
    Hold(usize),
}

/// How far each roll-out has come. It knows neither slots nor what nodes need: only who has ended, and how.
#[derive(Debug, Default)]
pub(super) struct Waves {
    roll_outs: Vec<Progress>,
    /// The roll-out and the wave of a node that is in one.
    places: HashMap<Ix, (usize, usize)>,
}

#[derive(Debug)]
struct Progress {
    roll_out: RollOut,
    /// How many nodes of each wave have not ended.
    left: Vec<usize>,
    /// The last wave that may start.
    open: usize,
    /// Those because of which it is held, or will be.
    failed: Vec<Ix>,
    held: bool,
}

impl Waves {
    /// Of each roll-out the first wave may start. Waves without a node are passed over.
    pub(super) fn new(mut roll_outs: Vec<RollOut>) -> Self {
        for roll_out in &mut roll_outs {
            roll_out.canary &= roll_out.waves.first().is_some_and(|wave| !wave.is_empty());
            roll_out.waves.retain(|wave| !wave.is_empty());
        }
        let mut places = HashMap::new();
        for (index, roll_out) in roll_outs.iter().enumerate() {
            for (number, wave) in roll_out.waves.iter().enumerate() {
                places.extend(wave.iter().map(|node| (*node, (index, number))));
            }
        }
        let progress = |roll_out: RollOut| {
            let left = roll_out.waves.iter().map(Vec::len).collect();
            Progress { roll_out, left, open: 0, failed: Vec::new(), held: false }
        };
        Self { roll_outs: roll_outs.into_iter().map(progress).collect(), places }
    }

    /// Whether there is no roll-out at all.
    pub(super) fn is_empty(&self) -> bool {
        self.roll_outs.is_empty()
    }

    /// The nodes that wait for their wave, each once.
    pub(super) fn later(&self) -> impl Iterator<Item = Ix> {
        self.roll_outs.iter().flat_map(|progress| progress.roll_out.waves.iter().skip(1).flatten().copied())
    }

    /// All nodes of a roll-out.
    pub(super) fn nodes(&self, roll_out: usize) -> impl Iterator<Item = Ix> {
        self.roll_outs[roll_out].roll_out.waves.iter().flatten().copied()
    }

    /// Those because of which a roll-out is held, in the order in which they failed.
    pub(super) fn failed(&self, roll_out: usize) -> &[Ix] {
        &self.roll_outs[roll_out].failed
    }

    /// A node has failed, and what it did is taken back before it ends: what may not start for it must not start meanwhile.
    pub(super) fn failing(&mut self, node: Ix) -> Option<Turn> {
        let &(index, wave) = self.places.get(&node)?;
        self.count(node, index, wave)
    }

    /// A node has ended; each is told once.
    ///
    /// A node that was skipped has not failed by itself, so it counts against no tolerance; but a canary that did not run
    /// tells nothing, and so does not let the others start.
    pub(super) fn ended(&mut self, node: Ix, fate: Fate) -> Option<Turn> {
        let &(index, wave) = self.places.get(&node)?;
        let progress = &mut self.roll_outs[index];
        progress.left[wave] -= 1;
        let is_canary = progress.roll_out.canary && wave == 0;
        if (fate == Fate::Failed || (is_canary && fate != Fate::Done))
            && let Some(hold) = self.count(node, index, wave)
        {
            return Some(hold);
        }
        let progress = &mut self.roll_outs[index];
        if progress.held {
            return None;
        }
        let before = progress.open;
        while progress.left[progress.open] == 0 && progress.open + 1 < progress.left.len() {
            progress.open += 1;
        }
        let opened = &progress.roll_out.waves[before + 1..=progress.open];
        (!opened.is_empty()).then(|| Turn::Open(opened.concat()))
    }

    /// Counts a failure, once for each node; and whether that holds the roll-out.
    fn count(&mut self, node: Ix, index: usize, wave: usize) -> Option<Turn> {
        let progress = &mut self.roll_outs[index];
        // There are never more of them than are tolerated, and one.
        if progress.held || progress.failed.contains(&node) {
            return None;
        }
        progress.failed.push(node);
        let is_canary = progress.roll_out.canary && wave == 0;
        progress.held = is_canary || progress.failed.len() > progress.roll_out.tolerate;
        progress.held.then_some(Turn::Hold(index))
    }
}

#[cfg(test)]
#[path = "waves_tests.rs"]
mod tests;
