//! The order of a file's tables, and of the keys in them, means nothing.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::graph::{Graph, of_plan};

/// Tables that refer to each other in every way there is, forwards and backwards. No two keys of a table depend on
/// their order.
const TABLES: [&[&str]; 9] = [
    &["[vars]", "hub = \"10.0.0.0/20\"", "spokes = { dev = \"10.0.16.0/20\", qa = \"10.0.32.0/20\" }"],
    &[
        "[accounts]",
        "master = { id = \"111111111111\" }",
        "dev = { id = \"222222222222\", role = \"R\" }",
        "qa = { id = \"333333333333\", role = \"R\" }",
    ],
    &["[defaults.stacks]", "template = \"t.yaml\"", "name = \"{{ self.region }}-{{ self.account }}\""],
    &["[stacks.master]", "account = \"master\"", "parameters = { Range = \"{{ vars.hub }}\" }"],
    &[
        "[stacks.spoke]",
        "for_each = \"vars.spokes\"",
        "account = \"{{ each.key }}\"",
        "region = [\"us-east-1\", \"us-west-2\"]",
        "tags = { Hub = \"{{ stacks.master.id }}\" }",
    ],
    &["[stacks.last]", "account = \"dev\"", "name = \"last\"", "depends_on = [\"routes.out\", \"stacks.spoke\"]"],
    &[
        "[peerings.spoke]",
        "for_each = \"stacks.spoke\"",
        "requester = { account = \"{{ each.account }}\", region = \"{{ each.region }}\", vpc = \"{{ each.outputs.VPCId }}\" }",
        "accepter = { account = \"master\", region = \"us-east-1\", vpc = \"{{ stacks.master.outputs.VPCId }}\" }",
    ],
    &[
        "[routes.out]",
        "for_each = \"peerings.spoke\"",
        "account = \"{{ each.requester.account }}\"",
        "region = \"{{ each.region }}\"",
        "destination = \"{{ vars.hub }}\"",
        "via = \"{{ each.id }}\"",
        "route_tables = [\"{{ each.source.outputs.Table }}\"]",
    ],
    &[
        "[routes.back]",
        "for_each = \"peerings.spoke\"",
        "account = \"master\"",
        "region = \"us-east-1\"",
        "destination = \"{{ each.source.outputs.Range }}\"",
        "via = \"{{ each.id }}\"",
        "route_tables = [\"{{ stacks.master.outputs.Table }}\"]",
    ],
];

/// The plan with its tables in an order, and the keys of each turned round by some places.
fn text(order: &[usize], turns: &[usize]) -> String {
    let mut text = String::from("name = \"net\"\nregion = \"us-east-1\"\n");
    for (table, turn) in order.iter().zip(turns) {
        let (header, keys) = TABLES[*table].split_first().unwrap();
        let (later, first) = keys.split_at(turn % keys.len());
        for line in std::iter::once(header).chain(first).chain(later) {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// A node as everything that it is, apart from its places in the text: account, region, and what it needs and why.
type Facts = (String, String, BTreeSet<(String, String)>);

fn facts(text: &str) -> BTreeMap<String, Facts> {
    let loaded = Disk::default().with("p.toml", text).with("t.yaml", "Resources: {}").load("p.toml");
    let plan = plan(loaded);
    let graph = of_plan(&plan).unwrap();
    let fact = |index: usize| {
        let node = &plan.nodes[index];
        (node.id.to_string(), (node.account.to_string(), node.region.to_string(), reasons(&graph, index)))
    };
    (0..plan.nodes.len()).map(fact).collect()
}

fn reasons(graph: &Graph, index: usize) -> BTreeSet<(String, String)> {
    let reasons = graph.reasons(index.into());
    let each = reasons.flat_map(|(needed, reasons)| {
        reasons.iter().map(move |reason| (graph.id(needed).to_string(), reason.expression.to_string()))
    });
    each.collect()
}

#[test]
fn the_same_file_gives_the_same_plan() {
    let order: Vec<usize> = (0..TABLES.len()).collect();
    let written = text(&order, &[0; TABLES.len()]);
    let nodes = facts(&written);
    // 1 hub, 4 spokes, 1 last; 4 peerings; 8 routes.
    assert_eq!(nodes.len(), 18);
    assert_eq!(nodes["stacks.last"].2.len(), 8, "all instances of both groups: {:?}", nodes["stacks.last"]);
    let ids = |text: &str| {
        super::ids(&plan(Disk::default().with("p.toml", text).with("t.yaml", "Resources: {}").load("p.toml")))
    };
    assert_eq!(ids(&written), ids(&written));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_order_gives_the_same_graph(
        order in Just((0..TABLES.len()).collect::<Vec<_>>()).prop_shuffle(),
        turns in prop::collection::vec(0_usize..7, TABLES.len()),
    ) {
        let straight: Vec<usize> = (0..TABLES.len()).collect();
        prop_assert_eq!(facts(&text(&order, &turns)), facts(&text(&straight, &[0; TABLES.len()])));
    }
}
