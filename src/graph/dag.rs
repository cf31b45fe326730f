//! The graph itself.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::fmt;
use std::sync::Arc;

use petgraph::Direction;
use petgraph::algo::kosaraju_scc;
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
    pub expression: Arc<str>,
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
    pub expression: Arc<str>,
}

/// That none of some nodes can run before all of some others are done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// The nodes that are needed.
    pub from: Vec<Ix>,
    /// The nodes that need them.
    pub to: Vec<Ix>,
    /// Why.
    pub reason: Reason,
}

/// The nodes by position, and after them one without a name for each join: N nodes that need M others are N + M edges
/// by way of it, not N × M. Nobody outside sees it.
pub(super) type Dag = DiGraph<Option<NodeId>, Vec<Reason>>;

/// Nodes, what they need and why, without a cycle.
///
/// Several references between the same two nodes are one edge with several reasons. Building it costs
/// O((n + e) log n); nothing recurses, so a chain of a hundred thousand nodes is no deeper than any other graph.
#[derive(Clone, Debug)]
pub struct Graph {
    pub(super) dag: Dag,
    /// How many positions of `dag` are nodes.
    len: usize,
    order: Vec<Ix>,
    by_id: HashMap<NodeId, Ix>,
}

impl Graph {
    /// A graph of `ids`, in the order of the file and no two alike, and the references between them.
    ///
    /// # Errors
    /// [`Cycles`] if some nodes need each other in a ring, or one needs itself.
    ///
    /// # Panics
    /// If an edge names a position that `ids` does not have.
    pub fn new(ids: Vec<NodeId>, edges: impl IntoIterator<Item = Edge>) -> Result<Self, Box<Cycles>> {
        Self::with_joins(ids, edges, [])
    }

    /// The same with joins besides the references, each as if it were an edge from each of its nodes to each other.
    ///
    /// # Errors
    /// As for [`Graph::new`].
    ///
    /// # Panics
    /// If an edge or a join names a position that `ids` does not have.
    pub fn with_joins(
        ids: Vec<NodeId>,
        edges: impl IntoIterator<Item = Edge>,
        joins: impl IntoIterator<Item = Join>,
    ) -> Result<Self, Box<Cycles>> {
        let len = ids.len();
        let mut dag = Dag::with_capacity(len, 0);
        let by_id: HashMap<_, _> = ids.iter().enumerate().map(|(index, id)| (id.clone(), Ix::from(index))).collect();
        for id in ids {
            dag.add_node(Some(id));
        }
        link(&mut dag, len, edges, joins);
        if let Some(order) = order(&dag) {
            return Ok(Self { dag, len, order, by_id });
        }
        let parts = rings(&dag);
        let found = parts.iter().map(|part| Cycle::shortest_in(&dag, part)).collect();
        cut(&mut dag, &parts);
        let order = order(&dag).expect("without the edges inside its rings a graph has none");
        Err(Box::new(Cycles { found, rest: Self { dag, len, order, by_id } }))
    }

    /// The same graph with more nodes behind its own, whose names may be some that it has, and with what connects them;
    /// `None` if some nodes need each other in a ring then. A name that stands twice leads to the first of its nodes.
    ///
    /// # Panics
    /// If an edge or a join names a position that there is not.
    pub fn beside(
        &self,
        ids: Vec<NodeId>,
        edges: impl IntoIterator<Item = Edge>,
        joins: impl IntoIterator<Item = Join>,
    ) -> Option<Self> {
        let added = ids.len();
        let len = self.len + added;
        let mut dag = Dag::with_capacity(self.dag.node_count() + added, self.dag.edge_count());
        let mut by_id = self.by_id.clone();
        for (index, id) in self.ids().cloned().chain(ids).enumerate() {
            by_id.entry(id.clone()).or_insert_with(|| Ix::from(index));
            dag.add_node(Some(id));
        }
        for _ in self.len..self.dag.node_count() {
            dag.add_node(None);
        }
        let shifted =
            |node: NodeIndex| if node.index() < self.len { node } else { NodeIndex::new(node.index() + added) };
        for edge in self.dag.edge_references() {
            dag.add_edge(shifted(edge.source()), shifted(edge.target()), edge.weight().clone());
        }
        link(&mut dag, len, edges, joins);
        let order = order(&dag)?;
        Some(Self { dag, len, order, by_id })
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no node at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many pairs of nodes have a reference between them.
    pub fn edge_count(&self) -> usize {
        self.nodes().map(|node| self.needs(node).count()).sum()
    }

    /// All positions, in the order of the file.
    pub fn nodes(&self) -> impl Iterator<Item = Ix> + use<> {
        (0..self.len()).map(Ix::from)
    }

    /// All names, in the order of the file.
    pub fn ids(&self) -> impl Iterator<Item = &NodeId> {
        self.dag.node_weights().flatten()
    }

    /// The name of a node.
    ///
    /// # Panics
    /// If the position is not one of this graph's, here and in the methods below.
    pub fn id(&self, node: Ix) -> &NodeId {
        self.dag[at(node)].as_ref().expect("a position is that of a node")
    }

    /// The position of a name, if there is such a node.
    pub fn get(&self, id: &NodeId) -> Option<Ix> {
        self.by_id.get(id).copied()
    }

    /// The nodes that must be done before this one can run, in the order of the file.
    pub fn needs(&self, node: Ix) -> impl Iterator<Item = Ix> {
        self.around(node, Direction::Incoming)
    }

    /// The nodes that wait for this one, in the order of the file.
    pub fn needed_by(&self, node: Ix) -> impl Iterator<Item = Ix> {
        self.around(node, Direction::Outgoing)
    }

    /// The nodes on one side of a node, those by way of a join among them, each once and in the order of the file.
    fn around(&self, node: Ix, direction: Direction) -> impl Iterator<Item = Ix> + use<> {
        let mut found = Vec::new();
        let mut joined = false;
        for next in self.dag.neighbors_directed(at(node), direction) {
            if next.index() < self.len {
                found.push(position(next));
            } else {
                joined = true;
                found.extend(self.dag.neighbors_directed(next, direction).map(position));
            }
        }
        if joined {
            found.sort_unstable();
            found.dedup();
        }
        found.into_iter()
    }

    /// What a node needs and for which reasons, in the order of the file. A node that is needed by itself and as one of
    /// a join comes once for each.
    pub fn reasons(&self, node: Ix) -> impl Iterator<Item = (Ix, &[Reason])> {
        let mut found = Vec::new();
        for edge in self.dag.edges_directed(at(node), Direction::Incoming) {
            if edge.source().index() < self.len {
                found.push((position(edge.source()), edge.weight().as_slice()));
            } else {
                let beyond = self.dag.edges_directed(edge.source(), Direction::Incoming);
                found.extend(beyond.map(|far| {
                    // The reason stands on the side of those that need; in a reversed graph that is the far one.
                    let reasons = if edge.weight().is_empty() { far.weight() } else { edge.weight() };
                    (position(far.source()), reasons.as_slice())
                }));
            }
        }
        found.sort_by_key(|(needed, _)| *needed);
        found.into_iter()
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

    /// What [`Graph::reach`] begins with.
    pub fn reached_nothing(&self) -> Reached {
        Reached(vec![false; self.dag.node_count()])
    }

    /// `from` and the nodes that need it, directly or not, as far as they were not reached before. However often it is called, no
    /// edge is gone along twice.
    pub fn reach(&self, from: Ix, reached: &mut Reached) -> Vec<Ix> {
        let mut found = Vec::new();
        let mut open = vec![at(from)];
        while let Some(node) = open.pop() {
            if !std::mem::replace(&mut reached.0[node.index()], true) {
                found.extend((node.index() < self.len).then(|| position(node)));
                open.extend(self.dag.neighbors(node).filter(|next| !reached.0[next.index()]));
            }
        }
        found
    }

    fn closure(&self, nodes: impl IntoIterator<Item = Ix>, direction: Direction) -> Vec<bool> {
        let mut reached = vec![false; self.dag.node_count()];
        let mut open: Vec<NodeIndex> = nodes.into_iter().map(at).collect();
        while let Some(node) = open.pop() {
            if !std::mem::replace(&mut reached[node.index()], true) {
                open.extend(self.dag.neighbors_directed(node, direction).filter(|next| !reached[next.index()]));
            }
        }
        reached.truncate(self.len);
        reached
    }
}

/// What was reached so far by going from nodes to those that need them.
#[derive(Clone, Debug)]
pub struct Reached(Vec<bool>);

/// The rings of nodes that are no graph, and the graph that they would be without them.
#[derive(Clone, Debug)]
pub struct Cycles {
    /// A short ring of each set of nodes that all need each other, in the order of the file.
    pub found: Vec<Cycle>,
    /// All nodes, without any reference inside such a set.
    pub rest: Graph,
}

impl Join {
    /// Its edges, one by one.
    fn edges(&self) -> impl Iterator<Item = Edge> {
        let Self { from, to, reason } = self;
        let edge =
            |from: Ix, to: Ix| Edge { from, to, span: reason.span.clone(), expression: reason.expression.clone() };
        from.iter().flat_map(move |from| to.iter().map(move |to| edge(*from, *to)))
    }
}

pub(super) fn at(node: Ix) -> NodeIndex {
    NodeIndex::new(node.index())
}

pub(super) fn position(node: NodeIndex) -> Ix {
    Ix::from(node.index())
}

/// Adds the edges and the joins between the first `len` positions.
fn link(dag: &mut Dag, len: usize, edges: impl IntoIterator<Item = Edge>, joins: impl IntoIterator<Item = Join>) {
    let mut edges: Vec<Edge> = edges.into_iter().collect();
    let mut large = Vec::new();
    for join in joins {
        assert!(join.from.iter().chain(&join.to).all(|node| node.index() < len), "a join is between nodes");
        // Of a few nodes, the edges themselves are no more.
        if join.from.len().min(join.to.len()) > 2 {
            large.push(join);
        } else {
            edges.extend(join.edges());
        }
    }
    connect(dag, edges);
    for Join { from, to, reason } in large {
        let between = dag.add_node(None);
        for node in from {
            dag.add_edge(at(node), between, Vec::new());
        }
        for node in to {
            dag.add_edge(between, at(node), vec![reason.clone()]);
        }
    }
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
    // A join comes before any node, so that those behind it are open as soon as they can be.
    let ranked = |node: NodeIndex| Reverse((dag[node].is_some(), node));
    let mut open: BinaryHeap<_> = dag.node_indices().filter(|node| missing[node.index()] == 0).map(ranked).collect();
    let mut order = Vec::with_capacity(dag.node_count());
    let mut seen = 0;
    while let Some(Reverse((is_node, node))) = open.pop() {
        seen += 1;
        if is_node {
            order.push(position(node));
        }
        for next in dag.neighbors(node) {
            missing[next.index()] -= 1;
            if missing[next.index()] == 0 {
                open.push(ranked(next));
            }
        }
    }
    (seen == dag.node_count()).then_some(order)
}

/// The sets of nodes that all need each other, each in the order of the file and in the order of their first nodes.
fn rings(dag: &Dag) -> Vec<Vec<NodeIndex>> {
    // kosaraju_scc keeps its own stack; petgraph's tarjan_scc recurses as deep as the longest path.
    let parts = kosaraju_scc(dag).into_iter().filter(|part| part.len() > 1 || dag.contains_edge(part[0], part[0]));
    let mut parts: Vec<_> = parts.collect();
    for part in &mut parts {
        part.sort_unstable();
    }
    parts.sort_unstable_by_key(|part| part[0]);
    parts
}

/// Takes the edges inside some sets of nodes away.
fn cut(dag: &mut Dag, parts: &[Vec<NodeIndex>]) {
    let mut part_of = vec![None; dag.node_count()];
    for (number, part) in parts.iter().enumerate() {
        for node in part {
            part_of[node.index()] = Some(number);
        }
    }
    dag.retain_edges(|dag, edge| {
        let (from, to) = dag.edge_endpoints(edge).expect("an edge of the graph has two ends");
        part_of[from.index()].is_none() || part_of[from.index()] != part_of[to.index()]
    });
}

#[cfg(test)]
#[path = "dag_tests.rs"]
mod tests;
