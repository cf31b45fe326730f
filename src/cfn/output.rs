//! An output as a template declares it.

use std::ops::Range;
use std::sync::Arc;

use super::node::Node;

/// One entry of `Outputs`.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub at: Range<usize>,
    /// Its value, with intrinsic functions in it.
    pub value: Option<Arc<Node>>,
    /// What it says of itself.
    pub description: Option<String>,
    /// The condition under which it exists.
    pub condition: Option<String>,
    /// The name under which other stacks of the account and region may import it.
    pub export: Option<Arc<Node>>,
}

impl Output {
    pub(super) fn read(name: &str, at: Range<usize>, node: &Node) -> Self {
        let shared = |node: &Node, key: &str| node.as_map()?.get(key).map(|entry| Arc::clone(&entry.node));
        Self {
            name: name.to_owned(),
            at,
            value: shared(node, "Value"),
            description: node.get("Description").and_then(Node::scalar),
            condition: node.get("Condition").and_then(Node::as_text).map(str::to_owned),
            export: node.get("Export").and_then(|export| shared(export, "Name")),
        }
    }
}
