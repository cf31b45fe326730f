//! Roll-outs for tests.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Fate, RollOut};
use crate::graph::{Graph, Ix};

/// Two roll-outs of some graph.
#[derive(Clone, Debug)]
pub(super) struct Waving {
    /// For each node, in the order of the graph, the roll-out that it is in; 2 is none.
    of: Vec<usize>,
    /// How many go into each wave, one item after another.
    sizes: Vec<usize>,
    canary: bool,
    tolerate: usize,
}

pub(super) fn wavings() -> impl Strategy<Value = Waving> {
    let (of, sizes) = (prop::collection::vec(0_usize..3, 40), prop::collection::vec(1_usize..7, 40));
    (of, sizes, any::<bool>(), 0_usize..3).prop_map(|(of, sizes, canary, tolerate)| Waving {
        of,
        sizes,
        canary,
        tolerate,
    })
}

impl Waving {
    /// The waves follow the graph's order, so that no wave needs a later one.
    pub(super) fn of(&self, graph: &Graph) -> Vec<RollOut> {
        let of_number = |number: usize| {
            let mut nodes = graph.order().iter().zip(&self.of).filter(|(_, of)| **of == number).map(|(node, _)| *node);
            let sizes = self.sizes.iter().map(|size| nodes.by_ref().take(*size).collect::<Vec<_>>());
            let waves = sizes.filter(|wave| !wave.is_empty()).collect();
            RollOut { waves, canary: self.canary, tolerate: self.tolerate }
        };
        (0..2).map(of_number).collect()
    }
}

impl RollOut {
    /// The wave that a node is in.
    pub(super) fn wave(&self, node: Ix) -> Option<usize> {
        self.waves.iter().position(|wave| wave.contains(&node))
    }

    /// Whether nothing more of it may start, by how its nodes have ended; `failing` are those that have failed and are taken
    /// back first.
    pub(super) fn is_to_be_held(&self, fates: &BTreeMap<Ix, Fate>, failing: impl Fn(Ix) -> bool) -> bool {
        let failed = |node: &Ix| failing(*node) || fates.get(node) == Some(&Fate::Failed);
        let is_bad = |node: &Ix| failed(node) || fates.get(node).is_some_and(|fate| *fate != Fate::Done);
        let canary = self.waves.first().filter(|_| self.canary);
        self.waves.iter().flatten().filter(|node| failed(node)).count() > self.tolerate
            || canary.is_some_and(|canary| canary.iter().any(is_bad))
    }
}
