//! A ring of nodes that need each other.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;

use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;

use super::Edge;
use super::dag::{Dag, position};
use crate::diag::{Code, Problem, Span};
use crate::ids::NodeId;

/// The code of the problem that a cycle is.
pub const CYCLE: Code = Code(40);

/// How many nodes of a ring are tried as the start of the search for a short way round.
const STARTS: usize = 16;

/// How many nodes of a ring the message names before it leaves some out. The labels mark all of them.
const NAMED: usize = 8;

/// A ring of nodes that need each other: none of them could ever start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    nodes: Vec<NodeId>,
    edges: Vec<Edge>,
    /// How many more nodes lie on rings with these.
    others: usize,
}

impl Cycle {
    /// The nodes of the ring, each needing the next and the last needing the first. The first is the one that comes
    /// first in the file. A node that needs itself is a ring of one.
    pub fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// The references that close the ring. The edge at a position says why the node at that position needs the next:
    /// `to` is that node, `from` the next.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// The ring as a problem whose labels are the places of all its references. `fallback` is the place to show if no
    /// reference has one.
    pub fn problem(&self, fallback: &Span) -> Problem {
        let mut marked = self.steps().filter_map(|(node, needed, edge)| {
            let text =
                if node == needed { format!("`{node}` needs itself") } else { format!("`{node}` needs `{needed}`") };
            Some((edge.span.clone()?, text))
        });
        let problem = match marked.next() {
            Some((span, text)) => Problem::error(CYCLE, span, self.to_string()).label(text),
            None => Problem::error(CYCLE, fallback.clone(), self.to_string()),
        };
        let problem = marked.fold(problem, |problem, (span, text)| problem.related(span, text));
        let problem = problem.help("take one of these references out: no node can start before what it needs is done");
        match self.others {
            0 => problem,
            1 => problem.help("one more node lies on a ring with these"),
            others => problem.help(format!("{others} more nodes lie on rings with these")),
        }
    }

    /// Each node with the next one and the reference between them.
    fn steps(&self) -> impl Iterator<Item = (&NodeId, &NodeId, &Edge)> {
        let next = self.nodes.iter().cycle().skip(1);
        self.nodes.iter().zip(next).zip(&self.edges).map(|((node, next), edge)| (node, next, edge))
    }

    /// A short ring of some nodes that all need each other: the shortest through any of the first of them. Finding the
    /// shortest of all would take a search from every node.
    pub(super) fn shortest_in(dag: &Dag, part: &[NodeIndex]) -> Self {
        // As large as the part, not as the graph: there may be as many parts as nodes.
        let inside: HashSet<NodeIndex> = part.iter().copied().collect();
        let mut ring = part
            .iter()
            .take(STARTS)
            .map(|start| ring_through(dag, &inside, *start))
            .min_by_key(Vec::len)
            .expect("a strongly connected part has a node");
        let first = (0..ring.len()).min_by_key(|place| ring[*place]).unwrap_or(0);
        ring.rotate_left(first);
        let named = |nodes: &[NodeIndex]| nodes.iter().filter(|node| dag[**node].is_some()).count();
        Self { others: named(part) - named(&ring), ..Self::along(dag, &ring) }
    }

    /// A ring whose first position is a node. What lies between two nodes of a join is passed over.
    fn along(dag: &Dag, ring: &[NodeIndex]) -> Self {
        let after = |place: usize, steps: usize| ring[(place + steps) % ring.len()];
        let mut nodes = Vec::with_capacity(ring.len());
        let mut edges = Vec::with_capacity(ring.len());
        for (place, to) in ring.iter().enumerate() {
            let Some(id) = &dag[*to] else { continue };
            let next = after(place, 1);
            let from = if dag[next].is_some() { next } else { after(place, 2) };
            let reasons = &dag[dag.find_edge(next, *to).expect("the ring follows edges")];
            // A reason with a place can be shown; one without can only be told.
            let reason = reasons.iter().find(|reason| reason.span.is_some()).unwrap_or(&reasons[0]);
            nodes.push(id.clone());
            edges.push(Edge {
                from: position(from),
                to: position(*to),
                span: reason.span.clone(),
                expression: reason.expression.clone(),
            });
        }
        Self { nodes, edges, others: 0 }
    }
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.nodes.first() else { return Ok(()) };
        if self.nodes.len() == 1 {
            return write!(f, "`{first}` needs itself");
        }
        f.write_str("these nodes need each other in a ring: ")?;
        for node in self.nodes.iter().take(NAMED) {
            write!(f, "{node} → ")?;
        }
        if self.nodes.len() > NAMED {
            write!(f, "… {} more … → ", self.nodes.len() - NAMED)?;
        }
        write!(f, "{first}")
    }
}

impl std::error::Error for Cycle {}

/// The shortest ring through `start`, from each node to one that it needs, by breadth-first search.
fn ring_through(dag: &Dag, inside: &HashSet<NodeIndex>, start: NodeIndex) -> Vec<NodeIndex> {
    let mut came_from: HashMap<NodeIndex, NodeIndex> = HashMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(node) = open.pop_front() {
        for edge in dag.edges_directed(node, Direction::Incoming) {
            let needed = edge.source();
            if needed == start {
                let back = std::iter::successors(Some(node), |node| came_from.get(node).copied());
                let mut ring: Vec<_> = back.collect();
                ring.reverse();
                return ring;
            }
            if inside.contains(&needed) && !came_from.contains_key(&needed) {
                came_from.insert(needed, node);
                open.push_back(needed);
            }
        }
    }
    unreachable!("every node of a strongly connected part lies on a ring")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{edge, ids, shapes};
    use super::super::{Graph, Ix};
    use super::*;
    use crate::diag::Sources;

    fn cycle(nodes: u32, edges: &[(u32, u32)]) -> Cycle {
        cycles(nodes, edges).swap_remove(0)
    }

    fn cycles(nodes: u32, edges: &[(u32, u32)]) -> Vec<Cycle> {
        let graph = Graph::new(ids(nodes), edges.iter().map(|(from, to)| edge(*from, *to)));
        graph.expect_err("the sample has a cycle").found
    }

    /// Whether every step of the ring is one of the given edges and the ring closes.
    fn is_ring_of(cycle: &Cycle, edges: &[(u32, u32)]) -> bool {
        let closes = (0..cycle.edges().len()).all(|place| {
            let next = &cycle.edges()[(place + 1) % cycle.edges().len()];
            cycle.edges()[place].from == next.to
        });
        closes && cycle.edges().iter().all(|edge| edges.contains(&(edge.from.0, edge.to.0)))
    }

    #[test]
    fn a_node_that_needs_itself_is_a_ring_of_one() {
        let cycle = cycle(3, &[(0, 1), (1, 1), (1, 2)]);
        assert_eq!(cycle.to_string(), "`stacks.n1` needs itself");
        assert_eq!(cycle.edges(), [edge(1, 1)]);
    }

    #[test]
    fn the_ring_is_told_from_the_first_of_the_file_and_without_what_hangs_on_it() {
        // 1 needs 3, 3 needs 2, 2 needs 1; 0 is needed by the ring, 4 needs it.
        let cycle = cycle(5, &[(0, 1), (3, 1), (2, 3), (1, 2), (3, 4)]);
        assert_eq!(
            cycle.to_string(),
            "these nodes need each other in a ring: stacks.n1 → stacks.n3 → stacks.n2 → stacks.n1"
        );
        assert_eq!(cycle.edges()[0], edge(3, 1));
    }

    #[test]
    fn rings_apart_from_each_other_are_all_told_and_what_is_left_is_a_graph() {
        // 0 ↔ 3, 2 needs itself, 1 → 4 → 5 → 1; 3 needs 4 as well, and 6 needs all.
        let edges = [(0, 3), (3, 0), (2, 2), (1, 4), (4, 5), (5, 1), (4, 3), (0, 6), (2, 6), (1, 6)];
        let told: Vec<_> = cycles(7, &edges).iter().map(|cycle| cycle.nodes().len()).collect();
        assert_eq!(told, [2, 3, 1], "in the order of the file");
        let rest = Graph::new(ids(7), edges.map(|(from, to)| edge(from, to))).unwrap_err().rest;
        let left: Vec<_> = rest.nodes().flat_map(|to| rest.needs(to).map(move |from| (from.0, to.0))).collect();
        assert_eq!(left, [(4, 3), (0, 6), (1, 6), (2, 6)]);
        assert_eq!(rest.order().len(), 7);
    }

    #[test]
    fn fifty_thousand_rings_are_each_found_in_their_own_part() {
        let edges: Vec<_> = (0..100_000).map(|from| (from, from ^ 1)).collect();
        assert_eq!(cycles(100_000, &edges).len(), 50_000);
    }

    #[test]
    fn nodes_on_further_rings_are_counted() {
        // 0 ↔ 1 ↔ 2 ↔ 3: one ring is shown, of two.
        let mut sources = Sources::default();
        let file = sources.add("a.toml", "text");
        let cycle = cycle(4, &[(0, 1), (1, 0), (1, 2), (2, 1), (2, 3), (3, 2)]);
        assert_eq!(cycle.nodes().len(), 2);
        assert_eq!(cycle.problem(&Span::start_of(file)).help[1], "2 more nodes lie on rings with these");
    }

    #[test]
    fn the_short_way_round_is_told() {
        // A ring of six with a chord that closes two of them.
        let cycle = cycle(6, &[(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 0), (4, 3)]);
        assert_eq!(cycle.nodes().len(), 2);
    }

    #[test]
    fn a_long_ring_is_cut_in_the_message_only() {
        let edges: Vec<_> = (0..20).map(|from| (from, (from + 1) % 20)).collect();
        let cycle = cycle(20, &edges);
        assert!(cycle.to_string().contains("… 12 more …"), "{cycle}");
        assert_eq!(cycle.edges().len(), 20);
    }

    #[test]
    fn a_ring_of_a_hundred_thousand_is_found_without_recursion() {
        let nodes = 100_000;
        let edges: Vec<_> = (0..nodes).map(|from| (from, (from + 1) % nodes)).collect();
        assert_eq!(cycle(nodes, &edges).nodes().len(), nodes as usize);
    }

    #[test]
    fn the_problem_marks_every_reference() {
        let mut sources = Sources::default();
        let file = sources.add("a.toml", "first\nsecond\n");
        let place = |range| Some(Span::new(file, range));
        let edges = [
            Edge { span: place(0..5), ..edge(1, 0) },
            Edge { span: None, expression: "depends_on".into(), ..edge(0, 1) },
            Edge { span: place(6..12), ..edge(0, 1) },
        ];
        let problem = Graph::new(ids(2), edges).unwrap_err().found[0].problem(&Span::start_of(file));
        assert_eq!(problem.code, CYCLE);
        assert_eq!(
            (sources.slice(&problem.at.span), problem.at.text.as_str()),
            ("first", "`stacks.n0` needs `stacks.n1`")
        );
        let related = &problem.related[0];
        assert_eq!((sources.slice(&related.span), related.text.as_str()), ("second", "`stacks.n1` needs `stacks.n0`"));
        assert_eq!(problem.related.len(), 1);
    }

    #[test]
    fn a_ring_without_places_stands_at_the_fallback() {
        let mut sources = Sources::default();
        let file = sources.add("a.toml", "text");
        let problem = cycle(2, &[(0, 1), (1, 0)]).problem(&Span::start_of(file));
        assert_eq!(problem.at.span, Span::start_of(file));
    }

    proptest! {
        #[test]
        fn a_back_edge_is_refused_with_a_ring_of_the_input(shape in shapes(), pick in any::<prop::sample::Index>()) {
            let mut edges = shape.edges.clone();
            let back = if edges.is_empty() {
                (0, 0)
            } else {
                // Close a ring from the end of any path that leads out of the picked edge.
                let (from, mut to) = edges[pick.index(edges.len())];
                while let Some((_, next)) = edges.iter().find(|(other, _)| *other == to) {
                    to = *next;
                }
                (to, from)
            };
            edges.push(back);
            let cycle = cycle(shape.nodes, &edges);
            prop_assert!(is_ring_of(&cycle, &edges), "{cycle}");
            prop_assert!(cycle.edges().iter().any(|edge| (edge.from, edge.to) == (Ix(back.0), Ix(back.1))));
            prop_assert_eq!(cycle.nodes().len(), cycle.edges().len());
        }
    }
}
