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
/// A node takes one slot in each of its lanes: a peering works in two accounts. A node that has a full lane is parked
/// with that lane and comes back when the lane has a slot again, so that no full lane is ever searched through. For each
/// lane with `free` slots left, the open queue has at least `free` of its nodes, or all there are, and none that is
/// parked with it goes before those: a release brings one back, and so does a node of the lane that is put aside for
/// another one. Hence the best of the open queue whose lanes have room is the best of all that may start, and nothing
/// that may start is parked.
///
/// With one lane to a node the number of moves is linear in the number of nodes. With two it is as long as a lane that
/// has room is not shared by many nodes that wait for another, as spokes' accounts are not; at worst such a node is
/// looked at once more for each time that one of its lanes fills up.
#[derive(Debug)]
pub(super) struct Ready {
    free: usize,
    open: Queue,
    lanes: Vec<Lane>,
    /// Where the lanes of each node begin in `lanes_of`; one more item tells where they end.
    begins: Vec<u32>,
    lanes_of: Vec<u32>,
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
    /// No node is ready yet. `lanes` and `remaining` have an item for each node; a node may have no lane at all, and a
    /// lane that is named twice is one.
    pub(super) fn new<I>(lanes: impl Iterator<Item = I>, remaining: Vec<u64>, limits: Limits) -> Self
    where
        I: IntoIterator<Item: Eq + Hash>,
    {
        let mut numbers = HashMap::new();
        let mut begins = Vec::with_capacity(remaining.len() + 1);
        let mut lanes_of: Vec<u32> = Vec::with_capacity(remaining.len());
        for own in lanes {
            let begin = lanes_of.len();
            begins.push(number(begin));
            for lane in own {
                let next = number(numbers.len());
                let lane = *numbers.entry(lane).or_insert(next);
                if !lanes_of[begin..].contains(&lane) {
                    lanes_of.push(lane);
                }
            }
        }
        begins.push(number(lanes_of.len()));
        let lane = || Lane { free: limits.per_lane.get(), parked: Queue::new() };
        Self {
            free: limits.total.get(),
            open: Queue::new(),
            lanes: std::iter::repeat_with(lane).take(numbers.len()).collect(),
            begins,
            lanes_of,
            remaining,
            #[cfg(test)]
            moves: 0,
        }
    }

    /// Whether a node takes slots in any lane.
    pub(super) fn has_lanes(&self, node: Ix) -> bool {
        !self.lanes(node).is_empty()
    }

    /// A node has become ready.
    pub(super) fn add(&mut self, node: Ix) {
        let entry = (self.remaining[node.index()], Reverse(node));
        let queue = match self.full_lane(node) {
            Some(lane) => &mut self.lanes[lane].parked,
            None => &mut self.open,
        };
        queue.push(entry);
        self.count();
    }

    /// The node that is to start next, if any may start. It has taken its slots.
    pub(super) fn take(&mut self) -> Option<Ix> {
        while self.free > 0 {
            let entry = self.open.pop()?;
            let Reverse(node) = entry.1;
            let Some(full) = self.full_lane(node) else {
                for index in self.lanes(node) {
                    let lane = self.lanes_of[index] as usize;
                    self.lanes[lane].free -= 1;
                }
                self.free -= 1;
                return Some(node);
            };
            self.lanes[full].parked.push(entry);
            self.count();
            for index in self.lanes(node) {
                let lane = self.lanes_of[index] as usize;
                if self.lanes[lane].free > 0 {
                    self.bring_back(lane);
                }
            }
        }
        None
    }

    /// A node that had started gives its slots back.
    pub(super) fn release(&mut self, node: Ix) {
        self.free += 1;
        for index in self.lanes(node) {
            let lane = self.lanes_of[index] as usize;
            self.lanes[lane].free += 1;
            self.bring_back(lane);
        }
    }

    /// The best of those that are parked with a lane goes to the open queue.
    fn bring_back(&mut self, lane: usize) {
        if let Some(entry) = self.lanes[lane].parked.pop() {
            self.open.push(entry);
            self.count();
        }
    }

    /// Where the lanes of a node stand in `lanes_of`.
    fn lanes(&self, node: Ix) -> std::ops::Range<usize> {
        self.begins[node.index()] as usize..self.begins[node.index() + 1] as usize
    }

    /// A lane of the node that has no slot left.
    fn full_lane(&self, node: Ix) -> Option<usize> {
        let mut lanes = self.lanes_of[self.lanes(node)].iter().map(|lane| *lane as usize);
        lanes.find(|lane| self.lanes[*lane].free == 0)
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

/// A count of nodes or lanes; a graph's positions have 32 bits too.
fn number(count: usize) -> u32 {
    u32::try_from(count).expect("fewer than four billion")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(lanes: &[&str], remaining: &[u64], total: usize, per_lane: usize) -> Ready {
        let limit = |limit| NonZeroUsize::new(limit).unwrap();
        let limits = Limits { total: limit(total), per_lane: limit(per_lane) };
        // Each letter of a text is a lane.
        let mut ready = Ready::new(lanes.iter().map(|lanes| lanes.chars()), remaining.to_vec(), limits);
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
    fn a_node_needs_a_slot_in_each_of_its_lanes() {
        let mut ready = ready(&["a", "ab", "b", "bb", ""], &[9, 8, 7, 6, 1], 5, 1);
        assert_eq!(take_all(&mut ready), [0, 2, 4], "what has no lane waits for none");
        ready.release(Ix(2));
        assert_eq!(take_all(&mut ready), [3], "`ab` is better and still waits for a, so the slot of b is another's");
        ready.release(Ix(0));
        assert_eq!(take_all(&mut ready), [0; 0]);
        ready.release(Ix(3));
        assert_eq!(take_all(&mut ready), [1]);
    }

    #[test]
    fn a_better_node_overtakes_one_that_came_back_from_its_lane() {
        let limit = |limit| NonZeroUsize::new(limit).unwrap();
        let limits = Limits { total: limit(1), per_lane: limit(1) };
        let mut ready = Ready::new([["a"]; 3].into_iter(), vec![1, 2, 3], limits);
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
        run_out(&mut ready, nodes);
        assert!(ready.moves <= 3 * nodes, "{} moves", ready.moves);
    }

    #[test]
    fn peerings_of_many_spokes_with_one_hub_cost_a_linear_number_of_moves() {
        let nodes = 10_000;
        let limit = |limit| NonZeroUsize::new(limit).unwrap();
        let limits = Limits { total: limit(1_000), per_lane: limit(64) };
        let mut ready = Ready::new((0..nodes).map(|spoke| [spoke % 500, usize::MAX]), vec![1; nodes], limits);
        (0..nodes).map(Ix::from).for_each(|node| ready.add(node));
        run_out(&mut ready, nodes);
        assert!(ready.moves <= 3 * nodes, "{} moves", ready.moves);
    }

    /// Starts all that may start, ends the one that has run longest, and so on.
    fn run_out(ready: &mut Ready, nodes: usize) {
        let mut running = std::collections::VecDeque::new();
        let mut started = 0;
        loop {
            running.extend(std::iter::from_fn(|| ready.take()).inspect(|_| started += 1));
            let Some(node) = running.pop_front() else { break };
            ready.release(node);
        }
        assert_eq!(started, nodes);
    }
}
