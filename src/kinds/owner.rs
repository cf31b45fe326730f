//! Whose a resource is.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use crate::ids::NodeId;

/// The tag that names the plan a resource belongs to.
pub const PLAN_TAG: &str = "orch:plan";

/// The tag that names the node within the plan.
pub const NODE_TAG: &str = "orch:node";

/// The node that a resource belongs to, which two tags on the resource tell.
///
/// Neither tag ever changes: CloudFormation copies a stack's tags onto all its resources, so a tag with, say, a digest
/// would touch every resource at every update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The plan's name.
    pub plan: String,
    /// The node.
    pub node: NodeId,
}

/// How tags stand to an owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// They name the owner.
    Ours,
    /// They name another plan or node.
    Others {
        /// The plan, as tagged.
        plan: String,
        /// The node, as tagged.
        node: String,
    },
    /// They name none.
    Nobodys,
}

impl Owner {
    /// The tags that tell the owner.
    pub fn tags(&self) -> [(&'static str, String); 2] {
        [(PLAN_TAG, self.plan.clone()), (NODE_TAG, self.node.tag())]
    }

    /// Given tags and the owner's own.
    pub(crate) fn with(&self, tags: &IndexMap<String, String>) -> IndexMap<String, String> {
        let own = self.tags().map(|(key, value)| (key.to_owned(), value));
        tags.iter().map(|(key, value)| (key.clone(), value.clone())).chain(own).collect()
    }

    /// Whose something with these tags is.
    pub(crate) fn of(&self, tags: &BTreeMap<String, String>) -> Ownership {
        let tag = |key: &str| tags.get(key).cloned();
        match (tag(PLAN_TAG), tag(NODE_TAG)) {
            (Some(plan), Some(node)) if plan == self.plan && node == self.node.tag() => Ownership::Ours,
            (None, None) => Ownership::Nobodys,
            (plan, node) => Ownership::Others { plan: plan.unwrap_or_default(), node: node.unwrap_or_default() },
        }
    }

    /// Whether something with these tags is the owner's.
    pub(crate) fn owns(&self, tags: &BTreeMap<String, String>) -> bool {
        self.of(tags) == Ownership::Ours
    }
}

impl std::fmt::Display for Ownership {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ours => f.write_str("it is this node's"),
            Self::Others { plan, node } => write!(f, "its tags say that it belongs to plan `{plan}`, node `{node}`"),
            Self::Nobodys => f.write_str("it has no tags of orch"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_both_tags_together_make_it_ours() {
        let owner = Owner { plan: "network".to_owned(), node: "stacks.spoke[dev]".parse().unwrap() };
        let tags = |plan: Option<&str>, node: Option<&str>| -> BTreeMap<String, String> {
            let plan = plan.map(|plan| (PLAN_TAG.to_owned(), plan.to_owned()));
            let node = node.map(|node| (NODE_TAG.to_owned(), node.to_owned()));
            plan.into_iter().chain(node).collect()
        };
        assert!(owner.owns(&tags(Some("network"), Some("stacks/spoke/dev"))));
        assert!(!owner.owns(&tags(Some("network"), Some("stacks/spoke/qa"))));
        assert!(!owner.owns(&tags(Some("other"), Some("stacks/spoke/dev"))));
        assert!(!owner.owns(&tags(Some("network"), None)));
        assert_eq!(owner.of(&tags(None, None)), Ownership::Nobodys);
    }
}
