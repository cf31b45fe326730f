//! A resource as a template declares it.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::node::Node;

/// What becomes of a resource that leaves its stack.
///
/// See <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Policy {
    /// It is deleted.
    Delete,
    /// It stays.
    Retain,
    /// It stays, unless its own creation is rolled back.
    RetainExceptOnCreate,
    /// A snapshot of it stays.
    Snapshot,
}

impl Policy {
    /// The names of all, as a template writes them.
    pub const NAMES: [&'static str; 4] = ["Delete", "Retain", "RetainExceptOnCreate", "Snapshot"];

    const ALL: [Self; 4] = [Self::Delete, Self::Retain, Self::RetainExceptOnCreate, Self::Snapshot];

    pub(super) fn read(node: &Node) -> Option<Self> {
        let name = node.as_text()?;
        Self::ALL.into_iter().find(|policy| policy.as_str() == name)
    }

    /// Its name in a template.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "Delete",
            Self::Retain => "Retain",
            Self::RetainExceptOnCreate => "RetainExceptOnCreate",
            Self::Snapshot => "Snapshot",
        }
    }
}

/// One entry of `Resources`.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Its logical id.
    pub id: String,
    /// Where the id stands.
    pub at: Range<usize>,
    /// `AWS::EC2::VPC`, …
    pub type_name: String,
    /// Its properties, with intrinsic functions in them.
    pub properties: Option<Arc<Node>>,
    /// The condition under which it exists.
    pub condition: Option<String>,
    /// The resources that it says it needs.
    pub depends_on: Vec<(String, Range<usize>)>,
    /// What becomes of it when it is removed; `None` for what its type does by itself.
    pub deletion_policy: Option<Policy>,
    /// What becomes of it when it is replaced.
    pub update_replace_policy: Option<Policy>,
    /// Its metadata.
    pub metadata: Option<Arc<Node>>,
    /// The whole declaration.
    pub node: Arc<Node>,
}

impl Resource {
    pub(super) fn read(id: &str, at: Range<usize>, node: &Arc<Node>) -> Self {
        let text = |key: &str| node.get(key).and_then(Node::as_text).map(str::to_owned);
        let shared = |key: &str| node.as_map().and_then(|map| map.get(key)).map(|entry| Arc::clone(&entry.node));
        let named = |node: &Node| node.as_text().map(|name| (name.to_owned(), node.at.clone()));
        let depends_on = match node.get("DependsOn") {
            Some(list) if list.as_list().is_some() => list.as_list().into_iter().flatten().filter_map(named).collect(),
            Some(single) => named(single).into_iter().collect(),
            None => Vec::new(),
        };
        Self {
            id: id.to_owned(),
            at,
            type_name: text("Type").unwrap_or_default(),
            properties: shared("Properties"),
            condition: text("Condition"),
            depends_on,
            deletion_policy: node.get("DeletionPolicy").and_then(Policy::read),
            update_replace_policy: node.get("UpdateReplacePolicy").and_then(Policy::read),
            metadata: shared("Metadata"),
            node: Arc::clone(node),
        }
    }
}
