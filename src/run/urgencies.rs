//! How pressing the calls for a node are, where calls have to wait for their turn.

use std::sync::Arc;

use crate::graph::{Graph, Ix};
use crate::ids::NodeId;

/// How long after one another those that need the same node are let through, in milliseconds: EC2 grants five of a kind in a
/// second, and most of them want one for the account and region of what they need.
const BETWEEN_MS: u64 = 200;

/// How long all that comes after each node still takes.
#[derive(Debug)]
pub(super) struct Urgencies {
    graph: Arc<Graph>,
    /// In milliseconds, by position.
    left: Vec<u64>,
}

impl Urgencies {
    /// Those of a graph with what also orders its nodes, `ordered`, if each node takes so many milliseconds.
    pub(super) fn new(graph: &Arc<Graph>, ordered: &Graph, weight: impl Fn(Ix) -> u64) -> Self {
        Self { graph: Arc::clone(graph), left: ordered.remaining_in_turn(weight, BETWEEN_MS) }
    }

    /// No node is in a hurry.
    pub(super) fn none(graph: &Arc<Graph>) -> Self {
        Self { graph: Arc::clone(graph), left: Vec::new() }
    }

    /// How long all that comes after a node still takes, in milliseconds; 0 if it is not known, so it is in no hurry.
    pub(super) fn of(&self, node: &NodeId) -> u64 {
        self.graph.get(node).and_then(|ix| self.left.get(ix.index()).copied()).unwrap_or_default()
    }
}
