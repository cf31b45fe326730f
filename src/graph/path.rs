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

impl Graph {
    /// For every position the weight of the heaviest path that begins there, its own weight included: how much is
    /// still to come when that node starts. Sums saturate.
    pub fn remaining(&self, weight: impl Fn(Ix) -> u64) -> Vec<u64> {
        self.heaviest(Direction::Outgoing, weight)
    }

    /// For every position the weight of the heaviest path that ends there, its own weight included. Sums saturate.
    pub fn reached(&self, weight: impl Fn(Ix) -> u64) -> Vec<u64> {
        self.heaviest(Direction::Incoming, weight)
    }

    /// The heaviest path from each node in one direction. What lies beyond a join is gone through once, not once for each
    /// node on its near side, so this is linear in nodes and edges.
    fn heaviest(&self, direction: Direction, weight: impl Fn(Ix) -> u64) -> Vec<u64> {
        let mut heaviest = vec![0_u64; self.len()];
        let mut joined: Vec<Option<u64>> = vec![None; self.dag.node_count() - self.len()];
        let mut visit = |node: Ix| {
            let mut beyond = 0;
            for next in self.dag.neighbors_directed(at(node), direction) {
                let of_next = match next.index().checked_sub(self.len()) {
                    None => heaviest[next.index()],
                    Some(join) => *joined[join].get_or_insert_with(|| {
                        let far = self.dag.neighbors_directed(next, direction);
                        far.map(|node| heaviest[node.index()]).max().unwrap_or(0)
                    }),
                };
                beyond = beyond.max(of_next);
            }
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
