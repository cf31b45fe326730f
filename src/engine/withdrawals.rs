//! In which order what was done is taken back.

use std::collections::HashMap;

use crate::graph::Ix;

/// The nodes that are to be taken back and of which that has not begun: their work is still coming to its end, or others
/// are taken back first. What a node did may be held by what another did that needs it, and could not be undone before.
#[derive(Debug, Default)]
pub(super) struct Withdrawals {
    /// For each node, whether it is taken back whatever stands on it; empty if none is.
    at_once: Vec<bool>,
    waiting: HashMap<Ix, Waiting>,
}

#[derive(Debug)]
struct Waiting {
    /// The node that failed.
    because: Ix,
    /// Whether its work has not ended.
    works: bool,
    /// How many of those that need it are taken back first.
    first: usize,
}

impl Waiting {
    const fn is_over(&self) -> bool {
        !self.works && self.first == 0
    }
}

impl Withdrawals {
    /// Those for which `at_once` holds wait for nobody.
    pub(super) fn at_once(at_once: Vec<bool>) -> Self {
        Self { at_once, waiting: HashMap::new() }
    }

    /// Whether a node waits for those that need it.
    pub(super) fn follows(&self, node: Ix) -> bool {
        !self.at_once.get(node.index()).copied().unwrap_or_default()
    }

    /// Adds a node that is to be taken back after so many others. Says whether that begins.
    pub(super) fn add(&mut self, node: Ix, because: Ix, works: bool, first: usize) -> bool {
        let waiting = Waiting { because, works, first };
        let begins = waiting.is_over();
        if !begins {
            self.waiting.insert(node, waiting);
        }
        begins
    }

    /// Whether a node is to be taken back and that has not begun.
    pub(super) fn waits(&self, node: Ix) -> bool {
        self.waiting.contains_key(&node)
    }

    /// Whether a node is to be taken back and its work has not ended.
    pub(super) fn works(&self, node: Ix) -> bool {
        self.waiting.get(&node).is_some_and(|waiting| waiting.works)
    }

    /// The work of a node has ended. Gives because of which it is taken back, if that begins.
    pub(super) fn halted(&mut self, node: Ix) -> Option<Ix> {
        self.waiting.get_mut(&node)?.works = false;
        self.begin(node)
    }

    /// One of those that need a node is taken back no more. Gives because of which it is taken back, if that begins.
    pub(super) fn follow(&mut self, node: Ix) -> Option<Ix> {
        if self.waiting.is_empty() || !self.follows(node) {
            return None;
        }
        let waiting = self.waiting.get_mut(&node)?;
        waiting.first -= 1;
        self.begin(node)
    }

    fn begin(&mut self, node: Ix) -> Option<Ix> {
        let because = self.waiting.get(&node).filter(|waiting| waiting.is_over())?.because;
        self.waiting.remove(&node);
        Some(because)
    }

    /// A node is left.
    pub(super) fn leave(&mut self, node: Ix) {
        self.waiting.remove(&node);
    }

    /// Leaves all that only wait for others, in the order of the graph. Those whose work has not ended are left with that.
    pub(super) fn leave_all(&mut self) -> Vec<Ix> {
        let mut left: Vec<Ix> = self.waiting.extract_if(|_, waiting| !waiting.works).map(|(node, _)| node).collect();
        left.sort_unstable();
        left
    }
}
