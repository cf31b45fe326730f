//! A drawing for the tests of all formats.

use super::{Caption, Drawing};
use crate::graph::{Edge, Graph, Ix};
use crate::ids::NodeId;

/// A hub that gives the one peering what it needs early, two spokes, a peering for each and a route, with what could break a
/// format in a title and a reason.
pub(super) fn hub_and_spokes() -> Drawing {
    let nodes = [
        ("stacks.master", "master", "us-east-1", Some("us-east-1-master")),
        ("stacks.spoke[dev]", "dev", "us-east-1", Some("us-east-1-dev")),
        ("stacks.spoke[qa]", "qa", "us-west-2", Some("a \"b\" <c>\\#d`\x1b\n")),
        ("peerings.spoke[dev]", "dev", "us-east-1", None),
        ("peerings.spoke[qa]", "qa", "us-west-2", None),
        ("routes.to-hub", "dev", "us-east-1", Some("10.0.0.0/20")),
    ];
    let edges = [
        ("stacks.spoke[dev]", "peerings.spoke[dev]", "each.outputs.VPCId"),
        ("stacks.master", "peerings.spoke[dev]", "stacks.master.outputs.VPCId"),
        ("stacks.spoke[qa]", "peerings.spoke[qa]", "each.outputs.VPCId"),
        ("stacks.master", "peerings.spoke[qa]", "stacks.master.outputs.VPCId"),
        ("peerings.spoke[dev]", "routes.to-hub", "peerings.spoke.dev.id"),
        ("peerings.spoke[dev]", "routes.to-hub", "split \"x\" peerings.spoke.dev.id"),
        ("stacks.spoke[dev]", "routes.to-hub", "depends_on"),
    ];
    let ids: Vec<NodeId> = nodes.iter().map(|(id, ..)| id.parse().unwrap()).collect();
    let place = |id: &str| nodes.iter().position(|(other, ..)| *other == id).unwrap().into();
    let edges = edges.map(|(from, to, expression)| Edge {
        from: place(from),
        to: place(to),
        span: None,
        expression: expression.into(),
    });
    let graph = Graph::new(ids, edges).unwrap();
    let caption = |node: Ix| {
        let (_, account, region, title) = nodes[node.index()];
        Caption { account: account.into(), region: region.into(), title: title.map(str::to_owned) }
    };
    Drawing::new("core \"net\"", &graph, caption, |from, to| (from.index(), to.index()) == (0, 3))
}
