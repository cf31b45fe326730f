//! What there is to draw.

use indexmap::IndexMap;

use crate::graph::{Graph, Ix};
use crate::ids::{AccountName, NodeId, Region};

/// Nodes with what is to be written at them, each after all that it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    name: String,
    nodes: Vec<Node>,
}

/// What a node's drawing says beside its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caption {
    /// The account that it lives in; for a peering that of its requester.
    pub account: AccountName,
    /// The region that it lives in; for a peering that of its requester.
    pub region: Region,
    /// What it is, where its name does not say it: the name of the stack, the two sides of the peering.
    pub title: Option<String>,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub id: NodeId,
    /// What is written beside it.
    pub caption: Caption,
    /// What it needs, in the order of the file.
    pub needs: Vec<Need>,
}

/// One thing that a node needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The place of the needed node in [`Drawing::nodes`].
    pub node: usize,
    /// The references that say so.
    pub because: Vec<String>,
    /// Whether the node that needs it may begin before it has ended.
    pub early: bool,
}

impl Drawing {
    /// The drawing of a graph with its name and a caption for each node. `early` says of a node that is needed, and of the one
    /// that needs it, whether the second may begin before the first has ended.
    pub fn new(
        name: impl Into<String>,
        graph: &Graph,
        caption: impl Fn(Ix) -> Caption,
        early: impl Fn(Ix, Ix) -> bool,
    ) -> Self {
        let mut place = vec![0; graph.len()];
        for (rank, node) in graph.order().iter().enumerate() {
            place[node.index()] = rank;
        }
        let draw = |node: Ix| Node {
            id: graph.id(node).clone(),
            caption: caption(node),
            needs: graph
                .reasons(node)
                .map(|(needed, reasons)| Need {
                    node: place[needed.index()],
                    because: reasons.iter().map(|reason| reason.expression.to_string()).collect(),
                    early: early(needed, node),
                })
                .collect(),
        };
        Self { name: name.into(), nodes: graph.order().iter().copied().map(draw).collect() }
    }

    /// The name of the whole.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The nodes, each after all that it needs.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Each edge with the node that needs, the node that is needed, and the reasons.
    pub(super) fn edges(&self) -> impl Iterator<Item = (usize, &Need)> {
        self.nodes.iter().enumerate().flat_map(|(place, node)| node.needs.iter().map(move |need| (place, need)))
    }

    /// The places of the nodes by account and region, each as it first comes.
    pub(super) fn boxes(&self) -> IndexMap<&AccountName, IndexMap<&Region, Vec<usize>>> {
        let mut boxes: IndexMap<_, IndexMap<_, Vec<_>>> = IndexMap::new();
        for (place, Node { caption, .. }) in self.nodes.iter().enumerate() {
            boxes.entry(&caption.account).or_default().entry(&caption.region).or_default().push(place);
        }
        boxes
    }
}
