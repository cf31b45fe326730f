//! What is foreseen for one node.

use serde::{Deserialize, Serialize};

use super::{Action, Difference, ResourceChange};
use crate::event::Failure;
use crate::ids::{AccountName, NodeId, Region};

/// A value that only the run will bring forth.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Until {
    /// The node that gives it.
    pub node: NodeId,
    /// What is waited for: `stacks.spoke[dev].outputs.VPCId`, `peerings.spoke[dev].id`.
    pub value: String,
    /// The reference, as it is written: `each.outputs.VPCId`.
    pub expression: String,
    /// Where it is written: `plans/us-east-1.toml:14:3`.
    pub place: String,
    /// Whether it is given as soon as it is certain, before the node that gives it is complete.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub early: bool,
}

/// What a run would do with one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Foreseen {
    /// The node.
    pub node: NodeId,
    /// The account that it works in.
    pub account: AccountName,
    /// The region that it works in.
    pub region: Region,
    /// What it is called there: a stack's name, a peering's id, a route's destination; empty for what has none yet.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What would be done.
    pub action: Action,
    /// What there is to say about it, one line an item: why, what is done about a bad state, what it cannot tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Parameters that differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Difference>,
    /// Tags that differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Difference>,
    /// Settings that differ: what guards a stack, its alarms, topics and role.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Difference>,
    /// What would become of a stack's resources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceChange>,
    /// What is not known yet, each reference once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub until: Vec<Until>,
    /// Why it would fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The node that would fail, and because of which this one would be skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<NodeId>,
    /// What a simulation did with it, where values are only known there. All of it is simulated: ids that it has made up are
    /// nobody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulated: Option<Box<Self>>,
}

impl Foreseen {
    /// A node with an action, and nothing more to say.
    pub fn new(node: NodeId, account: AccountName, region: Region, action: Action) -> Self {
        Self {
            node,
            account,
            region,
            name: String::new(),
            action,
            notes: Vec::new(),
            parameters: Vec::new(),
            tags: Vec::new(),
            settings: Vec::new(),
            resources: Vec::new(),
            until: Vec::new(),
            failure: None,
            because: None,
            simulated: None,
        }
    }

    /// The node that would fail and because of which this one would not end well, be it itself.
    pub fn failing(&self) -> Option<&NodeId> {
        if self.action == Action::Refused { Some(&self.node) } else { self.because.as_ref() }
    }

    /// How many resources would be lost by it, or may be.
    pub fn lost(&self) -> usize {
        self.resources.iter().flat_map(ResourceChange::all).filter(|change| change.effect.loses()).count()
    }
}
