//! The graph in Mermaid's language, which GitHub and others draw within Markdown.
//!
//! See <https://mermaid.js.org/syntax/flowchart.html>: labels are quoted, and what means something to Mermaid or to
//! HTML is written as an entity code with `#` in place of `&`.

use std::fmt::Write as _;

use super::Drawing;
use crate::ids::Kind;
use crate::text::printable;

impl Drawing {
    /// A flowchart with a subgraph for each account and region. What may begin early has a dotted edge.
    pub fn to_mermaid(&self) -> String {
        // A JSON string is a YAML string too, whatever the name holds.
        let title = serde_json::Value::from(printable(self.name()).as_ref());
        let mut out = format!("---\ntitle: {title}\n---\nflowchart LR\n");
        for (outer, (account, regions)) in self.boxes().into_iter().enumerate() {
            let _ = writeln!(out, "  subgraph a{outer}[\"{}\"]", escaped(account.as_str()));
            for (inner, (region, places)) in regions.into_iter().enumerate() {
                let _ = writeln!(out, "    subgraph a{outer}r{inner}[\"{}\"]", escaped(region.as_str()));
                for place in places {
                    self.write_shape(&mut out, place);
                }
                out.push_str("    end\n");
            }
            out.push_str("  end\n");
        }
        for (place, need) in self.edges() {
            let because: Vec<_> = need.because.iter().map(|text| escaped(text)).collect();
            let arrow = if need.early { "-.->" } else { "-->" };
            let _ = writeln!(out, "  n{} {arrow}|\"{}\"| n{place}", need.node, because.join("<br>"));
        }
        out
    }

    fn write_shape(&self, out: &mut String, place: usize) {
        let node = &self.nodes()[place];
        let title = node.caption.title.as_ref().map(|title| format!("<br>{}", escaped(title))).unwrap_or_default();
        let label = escaped(&node.id.to_string());
        let (open, close) = shape(node.id.kind);
        let _ = writeln!(out, "      n{place}{open}\"{label}{title}\"{close}");
    }
}

/// A rectangle, a hexagon and a flag.
const fn shape(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Stack => ("[", "]"),
        Kind::Peering => ("{{", "}}"),
        Kind::Route => (">", "]"),
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in printable(text).chars() {
        match char {
            '#' => out.push_str("#35;"),
            '"' => out.push_str("#quot;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '&' => out.push_str("#amp;"),
            // A label that begins with a backtick is read as Markdown.
            '`' => out.push_str("#96;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::samples::hub_and_spokes;

    #[test]
    fn accounts_and_regions_are_subgraphs_and_nothing_leaves_its_quotes() {
        insta::assert_snapshot!(hub_and_spokes().to_mermaid(), @r#"
        ---
        title: "core \"net\""
        ---
        flowchart LR
          subgraph a0["master"]
            subgraph a0r0["us-east-1"]
              n0["stacks.master<br>us-east-1-master"]
            end
          end
          subgraph a1["dev"]
            subgraph a1r0["us-east-1"]
              n1["stacks.spoke[dev]<br>us-east-1-dev"]
              n3{{"peerings.spoke[dev]"}}
              n5>"routes.to-hub<br>10.0.0.0/20"]
            end
          end
          subgraph a2["qa"]
            subgraph a2r0["us-west-2"]
              n2["stacks.spoke[qa]<br>a #quot;b#quot; #lt;c#gt;\#35;d#96;\u{1b}"]
              n4{{"peerings.spoke[qa]"}}
            end
          end
          n0 -.->|"stacks.master.outputs.VPCId"| n3
          n1 -->|"each.outputs.VPCId"| n3
          n0 -->|"stacks.master.outputs.VPCId"| n4
          n2 -->|"each.outputs.VPCId"| n4
          n1 -->|"depends_on"| n5
          n3 -->|"peerings.spoke.dev.id<br>split #quot;x#quot; peerings.spoke.dev.id"| n5
        "#);
    }
}
