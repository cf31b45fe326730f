//! The nodes that could run and wait for a slot.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::Hash;
use std::num::NonZeroUsize;

use crate::graph::Ix;

/// How many nodes may run at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// In the whole run.
    pub total: NonZeroUsize,
    /// In one lane; the lanes are the accounts.
    pub per_lane: NonZeroUsize,
}

impl Limits {
    /// As many as there are.
    pub const UNLIMITED: Self = Self { total: NonZeroUsize::MAX, per_lane: NonZeroUsize::MAX };
}

/// What waits, ordered: the longest remaining path first, then the order of the file.
type Queue = BinaryHeap<(u64, Reverse<Ix>)>;

/// The ready nodes, the slots, and the rule that brings them together.
///
/// A node whose lane is full is parked with that lane and comes back when the lane has a slot again, so that no full
/// lane is ever searched through. For each lane with `free` slots left, its `free` best nodes are in the open queue:
/// a release brings one back, and a node that becomes ready joins the open queue while its lane has room. Hence the
/// best of the open queue whose lane has room is the best of all that may start, and nothing that may start is parked.
/// A node comes to the open queue when it is ready or by a release, and can go back to its lane only from there: the
/// number of moves is linear in the number of nodes.
#[derive(Debug)]
pub(super) struct Ready {
    free: usize,
    open: Queue,
    lanes: Vec<Lane>,
    /// The lane of each node.
    lane_of: Vec<u32>,
    /// The weight of the path that begins at each node.
    remaining: Vec<u64>,
    #[cfg(test)]
    pub(super) moves: usize,
}

#[derive(Debug)]
struct Lane {
    free: usize,
    parked: Queue,
}

impl Ready {
    /// No node is ready yet. `lanes` and `remaining` have an item for each node.
    pub(super) fn new<L: Eq + Hash>(lanes: impl Iterator<Item = L>, remaining: Vec<u64>, limits: Limits) -> Self {
        let mut numbers = HashMap::new();
        let mut lane_of = Vec::with_capacity(remaining.len());
        for lane in lanes {
            let next = u32::try_from(numbers.len()).expect("fewer than four billion lanes");
            lane_of.push(*numbers.entry(lane).or_insert(next));
        }
        let lane = || Lane { free: limits.per_lane.get(), parked: Queue::new() };
        Self {
            free: limits.total.get(),
            open: Queue::new(),
            lanes: std::iter::repeat_with(lane).take(numbers.len()).collect(),
            lane_of,
            remaining,
            #[cfg(test)]
            moves: 0,
        }
    }

    /// A node has become ready.
    pub(super) fn add(&mut self, node: Ix) {
        let entry = (self.remaining[node.index()], Reverse(node));
        let lane = &mut self.lanes[self.lane_of[node.index()] as usize];
        let queue = if lane.free == 0 { &mut lane.parked } else { &mut self.open };
        queue.push(entry);
        self.count();
    }

    /// The node that is to start next, if any may start. It has taken its slots.
    pub(super) fn take(&mut self) -> Option<Ix> {
        while self.free > 0 {
            let entry = self.open.pop()?;
            let Reverse(node) = entry.1;
            let lane = &mut self.lanes[self.lane_of[node.index()] as usize];
            if lane.free > 0 {
                lane.free -= 1;
                self.free -= 1;
                return Some(node);
            }
            lane.parked.push(entry);
            self.count();
        }
        None
    }

    /// A node that had started gives its slots back.
    pub(super) fn release(&mut self, node: Ix) {
        self.free += 1;
        let lane = &mut self.lanes[self.lane_of[node.index()] as usize];
        lane.free += 1;
        if let Some(entry) = lane.parked.pop() {
            self.open.push(entry);
            self.count();
        }
    }

    /// Counts one move into a queue; the tests hold the sum linear.
    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "only tests count"))]
    fn count(&mut self) {
        #[cfg(test)]
        {
            self.moves += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(lanes: &[&str], remaining: &[u64], total: usize, per_lane: usize) -> Ready {
        let limit = |limit| NonZeroUsize::new(limit).unwrap();
        let limits = Limits { total: limit(total), per_lane: limit(per_lane) };
        let mut ready = Ready::new(lanes.iter(), remaining.to_vec(), limits);
        (0..lanes.len()).map(Ix::from).for_each(|node| ready.add(node));
        ready
    }

    fn take_all(ready: &mut Ready) -> Vec<u32> {
        std::iter::from_fn(|| ready.take()).map(|node| node.0).collect()
    }

    #[test]
    fn the_longest_remaining_path_goes_first_then_the_order_of_the_file() {
        let mut ready = ready(&["a"; 5], &[1, 5, 3, 5, 1], usize::MAX, usize::MAX);
        assert_eq!(take_all(&mut ready), [1, 3, 2, 0, 4]);
    }

    #[test]
    fn a_full_lane_lets_the_others_pass() {
        let mut ready = ready(&["a", "a", "a", "b"], &[9, 8, 7, 1], 3, 1);
        assert_eq!(take_all(&mut ready), [0, 3]);
        ready.release(Ix(0));
        assert_eq!(take_all(&mut ready), [1]);
    }

    #[test]
    fn a_better_node_overtakes_one_that_came_back_from_its_lane() {
        let limit = |limit| NonZeroUsize::new(limit).unwrap();
        let limits = Limits { total: limit(1), per_lane: limit(1) };
        let mut ready = Ready::new(["a"; 3].into_iter(), vec![1, 2, 3], limits);
        ready.add(Ix(0));
        assert_eq!(ready.take(), Some(Ix(0)));
        ready.add(Ix(1));
        ready.release(Ix(0));
        ready.add(Ix(2));
        assert_eq!(ready.take(), Some(Ix(2)));
        ready.release(Ix(2));
        assert_eq!(ready.take(), Some(Ix(1)));
    }

    #[test]
    fn waiting_behind_full_lanes_costs_a_linear_number_of_moves() {
        let nodes = 10_000;
        let lanes: Vec<_> = (0..nodes).map(|node| ["a", "b", "c"][node % 3]).collect();
        let mut ready = ready(&lanes, &vec![1; nodes], 4, 2);
        let mut running = std::collections::VecDeque::new();
        let mut started = 0;
        loop {
            running.extend(std::iter::from_fn(|| ready.take()).inspect(|_| started += 1));
            let Some(node) = running.pop_front() else { break };
            ready.release(node);
        }
        assert_eq!(started, nodes);
        assert!(ready.moves <= 3 * nodes, "{} moves", ready.moves);
    }
}
