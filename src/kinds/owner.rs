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
    /// What the node was called before: what bears that name is its own, and keeps its tags.
    pub formerly: Option<NodeId>,
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
    /// The owner of a plan's node that was never called anything else.
    pub fn new(plan: impl Into<String>, node: NodeId) -> Self {
        Self { plan: plan.into(), node, formerly: None }
    }

    /// The same owner of a node that was called something else before.
    #[must_use]
    pub fn formerly(self, formerly: Option<NodeId>) -> Self {
        Self { formerly, ..self }
    }

    /// The name that the node had before, if it is that by which something with these tags is the owner's.
    pub(crate) fn former_name(&self, tags: &BTreeMap<String, String>) -> Option<&NodeId> {
        self.formerly.as_ref().filter(|formerly| self.owns(tags) && tags.get(NODE_TAG) == Some(&formerly.tag()))
    }

    /// The owner by the name that something with these tags bears: its tags stay as they are, since a changed one would touch
    /// all resources of a stack.
    pub(crate) fn as_tagged(&self, tags: &BTreeMap<String, String>) -> Self {
        match self.former_name(tags) {
            Some(formerly) => Self { node: formerly.clone(), ..self.clone() },
            None => self.clone(),
        }
    }

    /// The tags of the owner under each of its names.
    pub(crate) fn every_tags(&self) -> impl Iterator<Item = [(&'static str, String); 2]> {
        std::iter::once(&self.node)
            .chain(&self.formerly)
            .map(|node| [(PLAN_TAG, self.plan.clone()), (NODE_TAG, node.tag())])
    }

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
            (Some(plan), Some(node)) if plan == self.plan && self.is(&node) => Ownership::Ours,
            (None, None) => Ownership::Nobodys,
            (plan, node) => Ownership::Others { plan: plan.unwrap_or_default(), node: node.unwrap_or_default() },
        }
    }

    fn is(&self, tag: &str) -> bool {
        tag == self.node.tag() || self.formerly.as_ref().is_some_and(|formerly| tag == formerly.tag())
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
        let owner = Owner::new("network", "stacks.spoke[dev]".parse().unwrap());
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

    #[test]
    fn what_bears_a_former_name_is_the_owners_and_keeps_its_tags() {
        let owner = Owner::new("network", "stacks.new".parse().unwrap()).formerly(Some("stacks.old".parse().unwrap()));
        let named = |node: &str| -> BTreeMap<String, String> {
            [(PLAN_TAG, "network"), (NODE_TAG, node)].map(|(key, value)| (key.to_owned(), value.to_owned())).into()
        };
        for (tag, kept) in [("stacks/new", "stacks/new"), ("stacks/old", "stacks/old"), ("stacks/other", "stacks/new")]
        {
            assert_eq!(owner.as_tagged(&named(tag)).tags()[1].1, kept, "{tag}");
            assert_eq!(owner.owns(&named(tag)), tag != "stacks/other", "{tag}");
        }
        assert_eq!(owner.tags()[1].1, "stacks/new", "what is made anew bears the present name");
        let others: BTreeMap<String, String> = [(PLAN_TAG, "other"), (NODE_TAG, "stacks/old")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        assert_eq!(owner.as_tagged(&others), owner, "another plan's node of that name is somebody else's");
    }
}
