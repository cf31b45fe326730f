//! How long nodes took.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::tolerant;
use crate::event::Change;
use crate::ids::NodeId;

/// How many durations are kept of a node and a kind of change.
const KEPT: usize = 5;

/// How long nodes took in the last few runs, by what was done to them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Durations(
    /// In milliseconds, the latest last.
    #[serde(deserialize_with = "tolerant::map")]
    BTreeMap<NodeId, BTreeMap<Change, Vec<u64>>>,
);

impl Durations {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds how long a node took, in milliseconds.
    pub(super) fn add(&mut self, node: NodeId, change: Change, took_ms: u64) {
        let kept = self.0.entry(node).or_default().entry(change).or_default();
        kept.push(took_ms);
        let over = kept.len().saturating_sub(KEPT);
        kept.drain(..over);
    }

    /// Knows by another name what is known of a node; what is known by that name already stays.
    pub(super) fn rename(&mut self, from: &NodeId, to: &NodeId) {
        let Some(changes) = self.0.remove(from) else { return };
        let known = self.0.entry(to.clone()).or_default();
        for (change, took) in changes {
            known.entry(change).or_insert(took);
        }
    }

    /// How long a change of a node is expected to take, in milliseconds: the median of what it took before. Of a node
    /// that never had this change it is that of the other instances of its group; `None` if none of them had it.
    pub fn expected(&self, node: &NodeId, change: Change) -> Option<u64> {
        median(self.of(node, change)?)
    }

    /// The same, with how far the others are from it.
    pub fn past(&self, node: &NodeId, change: Change) -> Option<Past> {
        let mut durations = self.of(node, change)?;
        durations.sort_unstable();
        let at = |part: usize| durations.get(durations.len() * part / 4).or(durations.last()).copied();
        let (early, median, late) = (at(1)?, at(2)?, at(3)?);
        Some(Past { median, spread: (median - early).max(late - median), runs: durations.len() })
    }

    fn of(&self, node: &NodeId, change: Change) -> Option<Vec<u64>> {
        if let Some(own) = self.0.get(node).and_then(|changes| changes.get(&change)) {
            return Some(own.clone());
        }
        node.key.as_ref()?;
        let first = NodeId { key: None, ..node.clone() };
        let group = self.0.range(first..).take_while(|(id, _)| id.kind == node.kind && id.group == node.group);
        Some(group.filter_map(|(_, changes)| changes.get(&change)).flatten().copied().collect())
    }
}

/// How long something took in the last few runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// The median, in milliseconds.
    pub median: u64,
    /// How far the quartiles are from it, in milliseconds: the further one of them. Half of all were as near, and a single
    /// one that was quite different counts for nothing.
    pub spread: u64,
    /// How many times that was.
    pub runs: usize,
}

fn median(mut durations: Vec<u64>) -> Option<u64> {
    durations.sort_unstable();
    durations.get(durations.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: &str) -> NodeId {
        id.parse().unwrap()
    }

    #[test]
    fn the_median_of_the_last_few_is_expected() {
        let mut durations = Durations::default();
        for took in [9_000, 9_000, 10, 30, 20, 900, 25] {
            durations.add(node("stacks.a"), Change::Created, took);
        }
        assert_eq!(durations.expected(&node("stacks.a"), Change::Created), Some(25));
        // Of the last five, the one of 900 tells nothing: the quartiles are 20 and 30.
        assert_eq!(durations.past(&node("stacks.a"), Change::Created), Some(Past { median: 25, spread: 5, runs: 5 }));
        durations.add(node("stacks.once"), Change::Created, 70);
        let once = Past { median: 70, spread: 0, runs: 1 };
        assert_eq!(durations.past(&node("stacks.once"), Change::Created), Some(once));
        assert_eq!(durations.past(&node("stacks.a"), Change::Updated), None);
        assert_eq!(durations.expected(&node("stacks.a"), Change::Updated), None);
    }

    #[test]
    fn a_new_instance_is_expected_to_take_what_the_others_of_its_group_took() {
        let mut durations = Durations::default();
        for (id, took) in [("stacks.s[a]", 10), ("stacks.s[b]", 30), ("stacks.s[c]", 20), ("stacks.st[a]", 900)] {
            durations.add(node(id), Change::Created, took);
        }
        assert_eq!(durations.expected(&node("stacks.s[new]"), Change::Created), Some(20));
        assert_eq!(durations.expected(&node("stacks.other[new]"), Change::Created), None);
        assert_eq!(durations.expected(&node("stacks.other"), Change::Created), None);
    }
}
