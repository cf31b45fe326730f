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
    edges[1].expression = "depends_on".into();
    let graph = Graph::new(ids(2), edges).unwrap();
    assert_eq!(graph.edge_count(), 1);
    let (needed, reasons) = graph.reasons(Ix(1)).next().unwrap();
    assert_eq!(needed, Ix(0));
    assert_eq!(
        reasons.iter().map(|reason| &*reason.expression).collect::<Vec<_>>(),
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
fn nodes_are_added_behind_those_that_are_there_and_a_ring_is_none() {
    let edges = [edge(0, 1), edge(2, 3)];
    let reason = Reason { expression: "depends_on".into(), span: None };
    let join = |from: &[u32], to: &[u32]| {
        let places = |nodes: &[u32]| nodes.iter().copied().map(Ix).collect();
        Join { from: places(from), to: places(to), reason: reason.clone() }
    };
    let graph = Graph::with_joins(ids(8), edges, [join(&[0, 1, 2], &[4, 5, 6])]).unwrap();
    let twice = graph.id(Ix(3)).clone();
    let more =
        graph.reversed().beside(vec![twice.clone(), "stacks.new".parse().unwrap()], [edge(9, 1), edge(3, 8)], []);
    let more = more.unwrap();
    assert_eq!((more.len(), more.get(&twice)), (10, Some(Ix(3))));
    assert_eq!(indices(more.needs(Ix(1))), [4, 5, 6, 9]);
    assert_eq!(indices(more.needs(Ix(8))), [3]);
    assert_eq!(indices(more.needed_by(Ix(4))), [0, 1, 2]);
    let place = |node: u32| more.order().iter().position(|own| own.0 == node).unwrap();
    assert!(place(9) < place(1) && place(3) < place(8) && place(4) < place(0));
    assert!(graph.beside(vec![twice], [edge(8, 0), edge(4, 8)], []).is_none());
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

/// A join of nodes with a reason.
fn join(from: impl IntoIterator<Item = u32>, to: impl IntoIterator<Item = u32>) -> Join {
    let [from, to] = [from.into_iter().map(Ix).collect(), to.into_iter().map(Ix).collect()];
    Join { from, to, reason: Reason { expression: "depends_on".into(), span: None } }
}

#[test]
fn thousands_that_need_thousands_are_no_millions_of_edges() {
    let count = 20_000;
    let graph = Graph::with_joins(ids(2 * count), [], [join(0..count, count..2 * count)]).unwrap();
    assert_eq!(graph.dag.edge_count(), 2 * count as usize);
    assert_eq!(graph.order().len(), 2 * count as usize);
    assert_eq!(graph.needs(Ix(count)).count(), count as usize);
    assert_eq!(graph.with_descendants([Ix(0)]).iter().filter(|reached| **reached).count(), 1 + count as usize);
}

#[test]
fn a_ring_through_a_join_names_nodes_only() {
    let first = |cycles: Box<Cycles>| cycles.found[0].clone();
    let cycle = first(Graph::with_joins(ids(8), [edge(6, 1)], [join(0..4, 4..8)]).unwrap_err());
    assert_eq!(cycle.to_string(), "these nodes need each other in a ring: stacks.n1 → stacks.n6 → stacks.n1");
    assert_eq!(&*cycle.edges()[1].expression, "depends_on");
    let cycle = first(Graph::with_joins(ids(4), [], [join(0..4, 1..4)]).unwrap_err());
    assert_eq!(cycle.to_string(), "`stacks.n1` needs itself");
}

proptest! {
    #[test]
    fn a_join_is_as_all_of_its_edges(
        shape in shapes(),
        cut in any::<prop::sample::Index>(),
        picks in proptest::collection::vec(any::<bool>(), 40),
    ) {
        // All of the join's edges go forward in an order of the graph, so that there is no cycle.
        let order = indices(graph(shape.nodes, &shape.edges).order().iter().copied());
        let picked = |half: &[u32]| half.iter().copied().filter(|node| picks[*node as usize]).collect::<Vec<_>>();
        let (from, to) = order.split_at(cut.index(order.len()));
        let join = join(picked(from), picked(to));
        let edges = || shape.edges.iter().map(|(from, to)| edge(*from, *to));
        let joined = Graph::with_joins(ids(shape.nodes), edges(), [join.clone()]).unwrap();
        let plain = Graph::new(ids(shape.nodes), edges().chain(join.edges())).unwrap();
        for (joined, plain) in [(joined.reversed(), plain.reversed()), (joined, plain)] {
            prop_assert_eq!(joined.order(), plain.order());
            prop_assert_eq!(joined.edge_count(), plain.edge_count());
            let weight = |node: Ix| u64::from(node.0 % 7);
            prop_assert_eq!(joined.remaining(weight), plain.remaining(weight));
            prop_assert_eq!(joined.reached(weight), plain.reached(weight));
            prop_assert_eq!(joined.critical_path(weight), plain.critical_path(weight));
            for node in plain.nodes() {
                prop_assert_eq!(indices(joined.needs(node)), indices(plain.needs(node)));
                prop_assert_eq!(indices(joined.needed_by(node)), indices(plain.needed_by(node)));
                prop_assert_eq!(joined.with_ancestors([node]), plain.with_ancestors([node]));
                prop_assert_eq!(joined.with_descendants([node]), plain.with_descendants([node]));
                let reached = |graph: &Graph| {
                    let mut reached = graph.reached_nothing();
                    let mut found = graph.reach(node, &mut reached);
                    found.sort_unstable();
                    // All that needs it was reached, so nothing is left to be.
                    (graph.needed_by(node).flat_map(|next| graph.reach(next, &mut reached)).count(), found)
                };
                prop_assert_eq!(reached(&joined), reached(&plain));
                let all = plain.nodes().zip(plain.with_descendants([node])).filter(|(_, is)| *is).map(|(node, _)| node);
                prop_assert_eq!(reached(&plain), (0, all.collect::<Vec<_>>()));
                let told = |graph: &Graph| {
                    let reasons = graph.reasons(node).flat_map(|(needed, reasons)| {
                        reasons.iter().map(move |reason| (needed, reason.expression.to_string()))
                    });
                    let mut reasons: Vec<_> = reasons.collect();
                    reasons.sort();
                    reasons
                };
                prop_assert_eq!(told(&joined), told(&plain));
            }
        }
    }

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
