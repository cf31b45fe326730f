//! Graphs for tests: small ones by hand and random ones by proptest.

use proptest::prelude::*;

use super::{Edge, Graph, Ix};
use crate::ids::{Kind, NodeId};

/// The bare bones of a random graph without a cycle.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// How many nodes it has, at least one.
    pub(crate) nodes: u32,
    /// Pairs of the needed and the needing node; some may be given twice.
    pub(crate) edges: Vec<(u32, u32)>,
}

/// `stacks.n0`, `stacks.n1` and so on.
pub(crate) fn ids(count: u32) -> Vec<NodeId> {
    (0..count).map(|index| NodeId::single(Kind::Stack, format!("n{index}"))).collect()
}

/// An edge that reads like a reference to an output of the needed node.
pub(crate) fn edge(from: u32, to: u32) -> Edge {
    Edge { from: Ix(from), to: Ix(to), span: None, expression: format!("stacks.n{from}.outputs.Id").into() }
}

/// A graph of `nodes` nodes with an edge for each pair.
pub(crate) fn graph(nodes: u32, edges: &[(u32, u32)]) -> Graph {
    Graph::new(ids(nodes), edges.iter().map(|(from, to)| edge(*from, *to))).expect("the sample has no cycle")
}

/// Random shapes. A hidden ranking of the nodes, which is not the order of the file, directs every edge.
pub(crate) fn shapes() -> impl Strategy<Value = Shape> {
    (1_u32..40)
        .prop_flat_map(|nodes| {
            let ranking = Just((0..nodes).collect::<Vec<_>>()).prop_shuffle();
            let pairs = proptest::collection::vec((0..nodes, 0..nodes), 0..80);
            (Just(nodes), ranking, pairs)
        })
        .prop_map(|(nodes, ranking, pairs)| Shape {
            nodes,
            edges: pairs
                .into_iter()
                .filter(|(one, other)| one != other)
                .map(
                    |(one, other)| {
                        if ranking[one as usize] < ranking[other as usize] { (one, other) } else { (other, one) }
                    },
                )
                .collect(),
        })
}
