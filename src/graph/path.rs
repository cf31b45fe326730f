//! Longest paths: what a run cannot be shorter than.

use petgraph::Direction;

use super::dag::at;
use super::{Graph, Ix};

/// The chain of nodes that decides how long a run takes if nothing else holds it up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CriticalPath {
    /// The chain, each node needing the one before it.
    pub nodes: Vec<Ix>,
    /// The sum of its weights, in the unit of the weights.
    pub length: u64,
}

/// The paths that begin at the next nodes: the heaviest and the lightest of them, and how many there are.
#[derive(Clone, Copy)]
struct Beyond {
    most: u64,
    least: u64,
    count: u64,
}

impl Beyond {
    const NOTHING: Self = Self { most: 0, least: u64::MAX, count: 0 };

    /// One path; where nothing is to be done, there is none.
    fn one(path: u64) -> Self {
        if path == 0 { Self::NOTHING } else { Self { most: path, least: path, count: 1 } }
    }

    fn and(self, other: Self) -> Self {
        let (most, least) = (self.most.max(other.most), self.least.min(other.least));
        Self { most, least, count: self.count + other.count }
    }
}

impl Graph {
    /// For every position the weight of the heaviest path that begins there, its own weight included: how much is
    /// still to come when that node starts. Sums saturate.
    pub fn remaining(&self, weight: impl Fn(Ix) -> u64) -> Vec<u64> {
        self.heaviest(Direction::Outgoing, weight, |beyond| beyond.most)
    }

    /// The same, if of those that need one node one begins every `gap` at the soonest: how much is still to come where what they
    /// do has to wait its turn, as an estimate: what is reached by two joins counts twice. A node that a thousand need is in more of a hurry then than one with a longer path.
    pub fn remaining_in_turn(&self, weight: impl Fn(Ix) -> u64, gap: u64) -> Vec<u64> {
        self.heaviest(Direction::Outgoing, weight, |Beyond { most, least, count }| {
            most.max(count.saturating_sub(1).saturating_mul(gap).saturating_add(least))
        })
    }

    /// For every position the weight of the heaviest path that ends there, its own weight included. Sums saturate.
    pub fn reached(&self, weight: impl Fn(Ix) -> u64) -> Vec<u64> {
        self.heaviest(Direction::Incoming, weight, |beyond| beyond.most)
    }

    /// The heaviest path from each node in one direction, by what lies beyond it. What lies beyond a join is gone through once,
    /// not once for each node on its near side, so this is linear in nodes and edges.
    fn heaviest(&self, direction: Direction, weight: impl Fn(Ix) -> u64, all: impl Fn(Beyond) -> u64) -> Vec<u64> {
        let mut heaviest = vec![0_u64; self.len()];
        let mut joined: Vec<Option<Beyond>> = vec![None; self.dag.node_count() - self.len()];
        let mut visit = |node: Ix| {
            let mut beyond = Beyond::NOTHING;
            for next in self.dag.neighbors_directed(at(node), direction) {
                let of_next = match next.index().checked_sub(self.len()) {
                    None => Beyond::one(heaviest[next.index()]),
                    Some(join) => *joined[join].get_or_insert_with(|| {
                        let far = self.dag.neighbors_directed(next, direction);
                        far.map(|node| Beyond::one(heaviest[node.index()])).fold(Beyond::NOTHING, Beyond::and)
                    }),
                };
                beyond = beyond.and(of_next);
            }
            let beyond = if beyond.count == 0 { 0 } else { all(beyond) };
            heaviest[node.index()] = weight(node).saturating_add(beyond);
        };
        match direction {
            Direction::Outgoing => self.order().iter().rev().copied().for_each(&mut visit),
            Direction::Incoming => self.order().iter().copied().for_each(&mut visit),
        }
        heaviest
    }

    /// The heaviest path of all; among equals the one whose nodes come first in the file. It is empty if the graph is.
    pub fn critical_path(&self, weight: impl Fn(Ix) -> u64) -> CriticalPath {
        let remaining = self.remaining(weight);
        let heaviest = |nodes: &mut dyn Iterator<Item = Ix>| {
            nodes.min_by_key(|node| (std::cmp::Reverse(remaining[node.index()]), *node))
        };
        // What waits for a join waits for a node.
        let starts = |node: &Ix| self.dag.neighbors_directed(at(*node), Direction::Incoming).next().is_none();
        let mut next = heaviest(&mut self.nodes().filter(starts));
        let length = next.map_or(0, |first| remaining[first.index()]);
        let mut nodes = Vec::new();
        while let Some(node) = next {
            nodes.push(node);
            next = heaviest(&mut self.needed_by(node));
        }
        CriticalPath { nodes, length }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{graph, shapes};
    use super::*;

    #[test]
    fn the_heaviest_chain_wins_over_the_longest() {
        // 0 → 1 → 2 weighs 3; 0 → 3 weighs 11.
        let graph = graph(4, &[(0, 1), (1, 2), (0, 3)]);
        let weight = |node: Ix| if node == Ix(3) { 10 } else { 1 };
        assert_eq!(graph.remaining(weight), [11, 2, 1, 10]);
        assert_eq!(graph.critical_path(weight), CriticalPath { nodes: vec![Ix(0), Ix(3)], length: 11 });
    }

    #[test]
    fn where_those_that_need_a_node_go_one_after_another_many_are_a_long_way() {
        // 0 → 1 weighs 10; 2 is needed by four, of which the heaviest weighs 4.
        let graph = graph(7, &[(0, 1), (2, 3), (2, 4), (2, 5), (2, 6)]);
        let weight = |node: Ix| [1, 9, 1, 4, 1, 1, 1][node.index()];
        assert_eq!(graph.remaining(weight), [10, 9, 5, 4, 1, 1, 1]);
        assert_eq!(graph.remaining_in_turn(weight, 1), [10, 9, 5, 4, 1, 1, 1], "the last of them starts after three");
        assert_eq!(graph.remaining_in_turn(weight, 4), [10, 9, 14, 4, 1, 1, 1]);
    }

    #[test]
    fn an_empty_graph_has_an_empty_path() {
        assert_eq!(graph(0, &[]).critical_path(|_| 1), CriticalPath { nodes: vec![], length: 0 });
    }

    #[test]
    fn sums_saturate() {
        assert_eq!(graph(2, &[(0, 1)]).critical_path(|_| u64::MAX).length, u64::MAX);
    }

    proptest! {
        #[test]
        fn the_critical_path_is_a_path_of_its_length_and_no_remaining_path_is_longer(shape in shapes()) {
            let graph = graph(shape.nodes, &shape.edges);
            let weight = |node: Ix| u64::from(node.0 % 7);
            let path = graph.critical_path(weight);
            prop_assert_eq!(path.nodes.iter().map(|node| weight(*node)).sum::<u64>(), path.length);
            for pair in path.nodes.windows(2) {
                prop_assert!(graph.needs(pair[1]).any(|needed| needed == pair[0]));
            }
            prop_assert_eq!(graph.remaining(weight).into_iter().max(), Some(path.length));
            prop_assert_eq!(graph.reached(weight), graph.reversed().remaining(weight));
        }
    }
}
