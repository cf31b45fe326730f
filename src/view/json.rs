//! The graph for programs.

use serde::Serialize;

use super::Drawing;
use crate::ids::{AccountName, Kind, NodeId, Region};

/// The version of the shape. New fields do not change it.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    name: &'a str,
    nodes: Vec<Node<'a>>,
    edges: Vec<Edge<'a>>,
}

#[derive(Serialize)]
struct Node<'a> {
    id: &'a NodeId,
    kind: Kind,
    group: String,
    key: Option<&'a str>,
    account: &'a AccountName,
    region: &'a Region,
    title: Option<&'a str>,
}

#[derive(Serialize)]
struct Edge<'a> {
    from: &'a NodeId,
    to: &'a NodeId,
    because: &'a [String],
    early: bool,
}

impl Drawing {
    /// A JSON document with `version`, `name`, `nodes` (each after all that it needs) and `edges`, from the needed node
    /// to the one that needs it, `early` where that may begin before the other has ended.
    pub fn to_json(&self) -> String {
        let document = Document {
            version: VERSION,
            name: self.name(),
            nodes: self
                .nodes()
                .iter()
                .map(|node| Node {
                    id: &node.id,
                    kind: node.id.kind,
                    group: format!("{}.{}", node.id.kind.table(), node.id.group),
                    key: node.id.key.as_deref(),
                    account: &node.caption.account,
                    region: &node.caption.region,
                    title: node.caption.title.as_deref(),
                })
                .collect(),
            edges: self
                .edges()
                .map(|(place, need)| Edge {
                    from: &self.nodes()[need.node].id,
                    to: &self.nodes()[place].id,
                    because: &need.because,
                    early: need.early,
                })
                .collect(),
        };
        let mut text = serde_json::to_string_pretty(&document).expect("text and lists are always JSON");
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::hub_and_spokes;

    #[test]
    fn the_document_holds_every_node_and_edge() {
        let json: serde_json::Value = serde_json::from_str(&hub_and_spokes().to_json()).unwrap();
        assert_eq!(json["version"], 1);
        assert_eq!(json["name"], "core \"net\"");
        assert_eq!((json["nodes"].as_array().unwrap().len(), json["edges"].as_array().unwrap().len()), (6, 6));
        insta::assert_snapshot!(json["nodes"][1], @r#"{"id":"stacks.spoke[dev]","kind":"stack","group":"stacks.spoke","key":"dev","account":"dev","region":"us-east-1","title":"us-east-1-dev"}"#);
        insta::assert_snapshot!(json["edges"][4], @r#"{"from":"stacks.spoke[dev]","to":"routes.to-hub","because":["depends_on"],"early":false}"#);
    }
}
