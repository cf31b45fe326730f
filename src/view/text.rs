//! The graph as a listing for people.

use std::fmt::Write as _;

use indexmap::IndexMap;

use super::{Drawing, Need, Node};
use crate::ids::{Kind, NodeId};
use crate::text::{counted, printable};

impl Drawing {
    /// A listing to read: the nodes of a group stand together, groups in the order in which their first nodes can run,
    /// and below each node what it needs and why.
    pub fn to_text(&self) -> String {
        let mut groups: IndexMap<(Kind, &str), Vec<&Node>> = IndexMap::new();
        for node in self.nodes() {
            groups.entry((node.id.kind, &node.id.group)).or_default().push(node);
        }
        let (nodes, edges) = (counted(self.nodes().len(), "node"), counted(self.edges().count(), "edge"));
        let mut out = format!("{}: {nodes}, {edges}\n", printable(self.name()));
        for ((kind, group), nodes) in groups {
            let _ = writeln!(out);
            let name = format!("{} {}.{group}", mark(kind), kind.table());
            let columns = Columns::of(&nodes);
            match nodes.as_slice() {
                [node] if node.id.key.is_none() => {
                    let _ = writeln!(out, "{name}  {}", columns.caption(node));
                    self.write_needs(&mut out, node, "");
                }
                nodes => {
                    let _ = writeln!(out, "{name}  {}", counted(nodes.len(), kind.noun()));
                    for (place, node) in nodes.iter().enumerate() {
                        let (branch, trunk) = branch(place, nodes.len());
                        let key = key(&node.id);
                        let _ = writeln!(out, "{branch} {key:width$}  {}", columns.caption(node), width = columns.key);
                        self.write_needs(&mut out, node, trunk);
                    }
                }
            }
        }
        out
    }

    fn write_needs(&self, out: &mut String, node: &Node, trunk: &str) {
        let needed = |need: &Need| {
            let early = if need.early { " (early)" } else { "" };
            format!("{}{early}", self.nodes()[need.node].id)
        };
        let width = node.needs.iter().map(|need| needed(need).chars().count()).max().unwrap_or(0);
        for (place, need) in node.needs.iter().enumerate() {
            let (branch, _) = branch(place, node.needs.len());
            let because = need.because.join(", ");
            let _ = writeln!(out, "{trunk}{branch} needs {:width$}  {}", needed(need), printable(&because));
        }
    }
}

/// The widths that align the nodes of a group.
struct Columns {
    key: usize,
    account: usize,
    region: usize,
}

impl Columns {
    fn of(nodes: &[&Node]) -> Self {
        let widest = |width: &dyn Fn(&Node) -> usize| nodes.iter().map(|node| width(node)).max().unwrap_or(0);
        Self {
            key: widest(&|node| key(&node.id).chars().count()),
            account: widest(&|node| printable(node.caption.account.as_str()).chars().count()),
            region: widest(&|node| printable(node.caption.region.as_str()).chars().count()),
        }
    }

    fn caption(&self, node: &Node) -> String {
        let account = printable(node.caption.account.as_str());
        let region = printable(node.caption.region.as_str());
        let title = printable(node.caption.title.as_deref().unwrap_or(""));
        let line = format!("{account:0$} {region:1$}  {title}", self.account, self.region);
        line.trim_end().to_owned()
    }
}

/// How an instance is called within its group.
fn key(id: &NodeId) -> String {
    id.key.as_ref().map_or_else(|| id.to_string(), |key| format!("[{key}]"))
}

/// The lines that lead to an item of a list and on to what hangs below it.
fn branch(place: usize, count: usize) -> (&'static str, &'static str) {
    if place + 1 == count { ("└─", "   ") } else { ("├─", "│  ") }
}

/// Each kind has a shape of its own.
const fn mark(kind: Kind) -> char {
    match kind {
        Kind::Stack => '■',
        Kind::Peering => '◆',
        Kind::Route => '▶',
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::hub_and_spokes;

    #[test]
    fn the_listing_says_what_each_node_needs_and_why() {
        insta::assert_snapshot!(hub_and_spokes().to_text(), @r#"
        core "net": 6 nodes, 6 edges

        ■ stacks.master  master us-east-1  us-east-1-master

        ■ stacks.spoke  2 stacks
        ├─ [dev]  dev us-east-1  us-east-1-dev
        └─ [qa]   qa  us-west-2  a "b" <c>\#d`\u{1b}

        ◆ peerings.spoke  2 peerings
        ├─ [dev]  dev us-east-1
        │  ├─ needs stacks.master (early)  stacks.master.outputs.VPCId
        │  └─ needs stacks.spoke[dev]      each.outputs.VPCId
        └─ [qa]   qa  us-west-2
           ├─ needs stacks.master     stacks.master.outputs.VPCId
           └─ needs stacks.spoke[qa]  each.outputs.VPCId

        ▶ routes.to-hub  dev us-east-1  10.0.0.0/20
        ├─ needs stacks.spoke[dev]    depends_on
        └─ needs peerings.spoke[dev]  peerings.spoke.dev.id, split "x" peerings.spoke.dev.id
        "#);
    }
}
