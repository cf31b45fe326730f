//! The graph in Graphviz's language.
//!
//! See <https://graphviz.org/doc/info/lang.html>: within a quoted string a quote is escaped, and in labels a backslash.

use std::fmt::Write as _;

use super::Drawing;
use crate::ids::Kind;
use crate::text::printable;

impl Drawing {
    /// A digraph with a box for each account and region, for `dot -Tsvg`. What may begin early has a dashed edge.
    pub fn to_dot(&self) -> String {
        let mut out = format!("digraph {} {{\n", quoted(self.name()));
        out.push_str(
            "  rankdir=LR;\n  node [fontname=\"Helvetica\"];\n  edge [fontname=\"Helvetica\", fontsize=10];\n",
        );
        for (outer, (account, regions)) in self.boxes().into_iter().enumerate() {
            let _ = writeln!(out, "  subgraph cluster_{outer} {{\n    label={};", quoted(account.as_str()));
            for (inner, (region, places)) in regions.into_iter().enumerate() {
                let label = quoted(region.as_str());
                let _ = writeln!(out, "    subgraph cluster_{outer}_{inner} {{\n      label={label};");
                for place in places {
                    self.write_node(&mut out, place);
                }
                out.push_str("    }\n");
            }
            out.push_str("  }\n");
        }
        for (place, need) in self.edges() {
            let because: Vec<_> = need.because.iter().map(|text| escaped(text)).collect();
            let [from, to] = [need.node, place].map(|place| quoted(&self.nodes()[place].id.to_string()));
            let style = if need.early { "style=dashed, " } else { "" };
            let _ = writeln!(out, "  {from} -> {to} [{style}label=\"{}\"];", because.join("\\n"));
        }
        out.push_str("}\n");
        out
    }

    fn write_node(&self, out: &mut String, place: usize) {
        let node = &self.nodes()[place];
        let title = node.caption.title.as_ref().map(|title| format!("\\n{}", escaped(title))).unwrap_or_default();
        let id = escaped(&node.id.to_string());
        let _ = writeln!(out, "      \"{id}\" [shape={}, label=\"{id}{title}\"];", shape(node.id.kind));
    }
}

const fn shape(kind: Kind) -> &'static str {
    match kind {
        Kind::Stack => "box3d",
        Kind::Peering => "hexagon",
        Kind::Route => "cds",
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

fn escaped(text: &str) -> String {
    printable(text).replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::super::samples::hub_and_spokes;

    #[test]
    fn accounts_and_regions_are_clusters_and_nothing_leaves_its_quotes() {
        insta::assert_snapshot!(hub_and_spokes().to_dot(), @r#"
        digraph "core \"net\"" {
          rankdir=LR;
          node [fontname="Helvetica"];
          edge [fontname="Helvetica", fontsize=10];
          subgraph cluster_0 {
            label="master";
            subgraph cluster_0_0 {
              label="us-east-1";
              "stacks.master" [shape=box3d, label="stacks.master\nus-east-1-master"];
            }
          }
          subgraph cluster_1 {
            label="dev";
            subgraph cluster_1_0 {
              label="us-east-1";
              "stacks.spoke[dev]" [shape=box3d, label="stacks.spoke[dev]\nus-east-1-dev"];
              "peerings.spoke[dev]" [shape=hexagon, label="peerings.spoke[dev]"];
              "routes.to-hub" [shape=cds, label="routes.to-hub\n10.0.0.0/20"];
            }
          }
          subgraph cluster_2 {
            label="qa";
            subgraph cluster_2_0 {
              label="us-west-2";
              "stacks.spoke[qa]" [shape=box3d, label="stacks.spoke[qa]\na \"b\" <c>\\#d`\\u{1b}"];
              "peerings.spoke[qa]" [shape=hexagon, label="peerings.spoke[qa]"];
            }
          }
          "stacks.master" -> "peerings.spoke[dev]" [style=dashed, label="stacks.master.outputs.VPCId"];
          "stacks.spoke[dev]" -> "peerings.spoke[dev]" [label="each.outputs.VPCId"];
          "stacks.master" -> "peerings.spoke[qa]" [label="stacks.master.outputs.VPCId"];
          "stacks.spoke[qa]" -> "peerings.spoke[qa]" [label="each.outputs.VPCId"];
          "stacks.spoke[dev]" -> "routes.to-hub" [label="depends_on"];
          "peerings.spoke[dev]" -> "routes.to-hub" [label="peerings.spoke.dev.id\nsplit \"x\" peerings.spoke.dev.id"];
        }
        "#);
    }
}
