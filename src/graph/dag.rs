//! The graph itself.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::fmt;

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use super::Cycle;
use crate::diag::Span;
use crate::ids::NodeId;

/// A node's position in the file, counted from nought. It is the same in a graph and in its reverse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ix(pub u32);

impl Ix {
    /// The position as an index into a list of all nodes.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl From<usize> for Ix {
    fn from(index: usize) -> Self {
        Self(u32::try_from(index).expect("fewer than four billion nodes"))
    }
}

impl fmt::Display for Ix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Why one node needs another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The reference as the plan writes it, `stacks.master.outputs.VPCId`, or the plan's word for an order without one.
    pub expression: String,
    /// Where it stands.
    pub span: Option<Span>,
}

/// One reference: `to` cannot run before `from` is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The node that is needed.
    pub from: Ix,
    /// The node that needs it.
    pub to: Ix,
    /// Where the reference stands.
    pub span: Option<Span>,
    /// The reference as the plan writes it.
    pub expression: String,
}

type Dag = DiGraph<NodeId, Vec<Reason>>;

/// Nodes, what they need and why, without a cycle.
///
/// Several references between the same two nodes are one edge with several reasons. Building it costs
/// O((n + e) log n); nothing recurses, so a chain of a hundred thousand nodes is no deeper than any other graph.
#[derive(Clone, Debug)]
pub struct Graph {
    dag: Dag,
    order: Vec<Ix>,
    by_id: HashMap<NodeId, Ix>,
}

impl Graph {
    /// A graph of `ids`, in the order of the file and no two alike, and the references between them.
    ///
    /// # Errors
    /// A [`Cycle`] if some nodes need each other in a ring, or one needs itself.
    ///
    /// # Panics
    /// If an edge names a position that `ids` does not have.
    pub fn new(ids: Vec<NodeId>, edges: impl IntoIterator<Item = Edge>) -> Result<Self, Cycle> {
        let mut dag = Dag::with_capacity(ids.len(), 0);
        let by_id: HashMap<_, _> = ids.iter().enumerate().map(|(index, id)| (id.clone(), Ix::from(index))).collect();
        for id in ids {
            dag.add_node(id);
        }
        connect(&mut dag, edges.into_iter().collect());
        match order(&dag) {
            Some(order) => Ok(Self { dag, order, by_id }),
            None => Err(Cycle::shortest(&dag)),
        }
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.dag.node_count()
    }

    /// Whether there is no node at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many pairs of nodes have a reference between them.
    pub fn edge_count(&self) -> usize {
        self.dag.edge_count()
    }

    /// All positions, in the order of the file.
    pub fn nodes(&self) -> impl Iterator<Item = Ix> + use<> {
        (0..self.len()).map(Ix::from)
    }

    /// All names, in the order of the file.
    pub fn ids(&self) -> impl Iterator<Item = &NodeId> {
        self.dag.node_weights()
    }

    /// The name of a node.
    ///
    /// # Panics
    /// If the position is not one of this graph's, here and in the methods below.
    pub fn id(&self, node: Ix) -> &NodeId {
        &self.dag[at(node)]
    }

    /// The position of a name, if there is such a node.
    pub fn get(&self, id: &NodeId) -> Option<Ix> {
        self.by_id.get(id).copied()
    }

    /// The nodes that must be done before this one can run, in the order of the file.
    pub fn needs(&self, node: Ix) -> impl Iterator<Item = Ix> {
        self.dag.neighbors_directed(at(node), Direction::Incoming).map(position)
    }

    /// The nodes that wait for this one, in the order of the file.
    pub fn needed_by(&self, node: Ix) -> impl Iterator<Item = Ix> {
        self.dag.neighbors_directed(at(node), Direction::Outgoing).map(position)
    }

    /// What a node needs and for which reasons, in the order of the file.
    pub fn reasons(&self, node: Ix) -> impl Iterator<Item = (Ix, &[Reason])> {
        self.dag
            .edges_directed(at(node), Direction::Incoming)
            .map(|edge| (position(edge.source()), edge.weight().as_slice()))
    }

    /// Every node after all that it needs; among those that could come next, the first of the file.
    pub fn order(&self) -> &[Ix] {
        &self.order
    }

    /// The same nodes with every edge turned round: what is needed last comes first. A run that deletes follows it.
    ///
    /// Its order is this graph's order backwards.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let mut reversed = self.clone();
        reversed.dag.reverse();
        reversed.order.reverse();
        reversed
    }

    /// For every position, whether it is one of `nodes` or something that one of them needs, directly or not.
    pub fn with_ancestors(&self, nodes: impl IntoIterator<Item = Ix>) -> Vec<bool> {
        self.closure(nodes, Direction::Incoming)
    }

    /// For every position, whether it is one of `nodes` or something that needs one of them, directly or not.
    pub fn with_descendants(&self, nodes: impl IntoIterator<Item = Ix>) -> Vec<bool> {
        self.closure(nodes, Direction::Outgoing)
    }

    fn closure(&self, nodes: impl IntoIterator<Item = Ix>, direction: Direction) -> Vec<bool> {
        let mut reached = vec![false; self.len()];
        let mut open: Vec<NodeIndex> = nodes.into_iter().map(at).collect();
        while let Some(node) = open.pop() {
            if !std::mem::replace(&mut reached[node.index()], true) {
                open.extend(self.dag.neighbors_directed(node, direction).filter(|next| !reached[next.index()]));
            }
        }
        reached
    }
}

fn at(node: Ix) -> NodeIndex {
    NodeIndex::new(node.index())
}

pub(super) fn position(node: NodeIndex) -> Ix {
    Ix::from(node.index())
}

/// Adds the edges, those between the same two nodes as one.
///
/// petgraph lists a node's neighbours from the edge that was added last, so adding the edges backwards makes every
/// list come out in the order of the file, in both directions.
fn connect(dag: &mut Dag, mut edges: Vec<Edge>) {
    edges.sort_by_key(|edge| (edge.from, edge.to));
    let mut merged: Vec<(Ix, Ix, Vec<Reason>)> = Vec::with_capacity(edges.len());
    for Edge { from, to, span, expression } in edges {
        let reason = Reason { expression, span };
        match merged.last_mut() {
            Some((last_from, last_to, reasons)) if (*last_from, *last_to) == (from, to) => reasons.push(reason),
            _ => merged.push((from, to, vec![reason])),
        }
    }
    for (from, to, reasons) in merged.into_iter().rev() {
        dag.add_edge(at(from), at(to), reasons);
    }
}

/// Kahn's algorithm with a heap for the open nodes, so that the order depends on nothing but the file
/// (Kahn 1962, <https://doi.org/10.1145/368996.369025>). `None` if there is a cycle.
fn order(dag: &Dag) -> Option<Vec<Ix>> {
    let degree = |node| dag.neighbors_directed(node, Direction::Incoming).count();
    let mut missing: Vec<usize> = dag.node_indices().map(degree).collect();
    let mut open: BinaryHeap<_> = dag.node_indices().filter(|node| missing[node.index()] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(dag.node_count());
    while let Some(Reverse(node)) = open.pop() {
        order.push(position(node));
        for next in dag.neighbors(node) {
            missing[next.index()] -= 1;
            if missing[next.index()] == 0 {
                open.push(Reverse(next));
            }
        }
    }
    (order.len() == dag.node_count()).then_some(order)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{Shape, edge, graph, ids, shapes};
    use super::*;

    fn indices(nodes: impl IntoIterator<Item = Ix>) -> Vec<u32> {
        nodes.into_iter().map(|node| node.0).collect()
    }

    #[test]
    fn the_order_takes_the_first_of_the_file_among_equals() {
        // 4 → 0, 1 and 2 free, 3 after 1.
        let graph = graph(5, &[(4, 0), (1, 3)]);
        assert_eq!(indices(graph.order().iter().copied()), [1, 2, 3, 4, 0]);
    }

    #[test]
    fn neighbours_come_in_the_order_of_the_file() {
        let graph = graph(6, &[(4, 5), (0, 5), (2, 5), (0, 3), (0, 1)]);
        assert_eq!(indices(graph.needs(Ix(5))), [0, 2, 4]);
        assert_eq!(indices(graph.needed_by(Ix(0))), [1, 3, 5]);
        assert_eq!(indices(graph.reversed().needs(Ix(0))), [1, 3, 5]);
        assert_eq!(indices(graph.reversed().needed_by(Ix(5))), [0, 2, 4]);
    }

    #[test]
    fn references_between_the_same_two_nodes_are_one_edge_with_all_reasons() {
        let mut edges = vec![edge(0, 1), edge(0, 1)];
        edges[1].expression = "depends_on".to_owned();
        let graph = Graph::new(ids(2), edges).unwrap();
        assert_eq!(graph.edge_count(), 1);
        let (needed, reasons) = graph.reasons(Ix(1)).next().unwrap();
        assert_eq!(needed, Ix(0));
        assert_eq!(
            reasons.iter().map(|reason| reason.expression.as_str()).collect::<Vec<_>>(),
            ["stacks.n0.outputs.Id", "depends_on"]
        );
    }

    #[test]
    fn a_name_leads_to_its_position_and_back() {
        let graph = graph(3, &[]);
        let id = graph.id(Ix(2)).clone();
        assert_eq!(graph.get(&id), Some(Ix(2)));
        assert_eq!(graph.get(&"stacks.none".parse().unwrap()), None);
    }

    #[test]
    fn closures_follow_edges_both_ways_and_hold_the_set_itself() {
        let graph = graph(6, &[(0, 1), (1, 2), (3, 2), (2, 4)]);
        assert_eq!(graph.with_ancestors([Ix(2)]), [true, true, true, true, false, false]);
        assert_eq!(graph.with_descendants([Ix(1), Ix(5)]), [false, true, true, false, true, true]);
    }

    #[test]
    fn a_chain_of_a_hundred_thousand_is_built_without_recursion() {
        let length = 100_000;
        let chain: Vec<_> = (1..length).map(|to| (to - 1, to)).collect();
        let graph = graph(length, &chain);
        assert_eq!(graph.order().len(), length as usize);
        assert_eq!(graph.with_ancestors([Ix(length - 1)]).iter().filter(|reached| **reached).count(), length as usize);
    }

    proptest! {
        #[test]
        fn the_order_holds_every_node_once_and_respects_every_edge(shape in shapes()) {
            let Shape { nodes, edges } = &shape;
            let graph = graph(*nodes, edges);
            for (graph, edges) in [
                (graph.reversed(), edges.iter().map(|(from, to)| (*to, *from)).collect()),
                (graph, edges.clone()),
            ] {
                let mut place = vec![None; *nodes as usize];
                for (rank, node) in graph.order().iter().enumerate() {
                    prop_assert_eq!(place[node.index()].replace(rank), None);
                }
                for (from, to) in edges {
                    prop_assert!(place[from as usize].unwrap() < place[to as usize].unwrap());
                }
            }
        }

        #[test]
        fn the_order_does_not_depend_on_the_order_of_the_edges(shape in shapes()) {
            let backwards: Vec<_> = shape.edges.iter().rev().copied().collect();
            let (one, other) = (graph(shape.nodes, &shape.edges), graph(shape.nodes, &backwards));
            prop_assert_eq!(one.order(), other.order());
        }
    }
}
