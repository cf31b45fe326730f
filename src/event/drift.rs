//! What has drifted: what stands at AWS, against what was last deployed and what the plan wants between stacks.

use std::fmt;

use serde::Serialize;

use super::{Failure, TableStanding};
use crate::ids::{AccountName, NodeId, Region};

/// What a look at a node comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is as it was deployed, as far as it can be read.
    InSync,
    /// It is not.
    Drifted,
    /// It is not there.
    Missing,
    /// It is in no state to be compared, or not all of it could be.
    Unchecked,
    /// It could not be read.
    Unread,
}

impl Verdict {
    /// Every one, in the order in which they are counted.
    pub const ALL: [Self; 5] = [Self::InSync, Self::Drifted, Self::Missing, Self::Unchecked, Self::Unread];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::InSync => "in sync",
            Self::Drifted => "drifted",
            Self::Missing => "missing",
            Self::Unchecked => "unchecked",
            Self::Unread => "not read",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What became of a resource of a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Some of its properties were changed.
    Modified,
    /// It was deleted.
    Deleted,
    /// CloudFormation could not read it.
    Unknown,
}

/// How a property differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// A list has an element more.
    Added,
    /// The property, or an element of a list, is gone.
    Removed,
    /// It has another value.
    Changed,
}

/// A property that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PropertyDrift {
    /// Where in the resource: `Tags/0/Value`.
    pub path: String,
    /// Of a tag, its key: the path has its place in a list alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// How it differs.
    pub difference: Difference,
    /// What it was deployed as; `None` for what came later, or where the value is hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What it is; `None` for what is gone, or where the value is hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actual: Option<String>,
    /// Whether the values are not told, since a parameter that the template hides has a hand in them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}

/// A resource of a stack that has drifted, or could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResourceDrift {
    /// The resource's name in the template.
    pub resource: String,
    /// Its type.
    pub kind: String,
    /// Its id at its service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What became of it.
    pub fate: Fate,
    /// Why it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What differs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<PropertyDrift>,
}

/// A resource that CloudFormation cannot compare.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Incomparable {
    /// The resource's name in the template.
    pub resource: String,
    /// Its type.
    pub kind: String,
}

/// What has drifted of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// What it comes to.
    pub verdict: Verdict,
    /// The state in AWS's own word, where AWS has one.
    pub state: String,
    /// A stack's ARN or a peering's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// How many of a stack's resources are as they were deployed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_sync: Option<usize>,
    /// The resources of a stack that are not, or could not be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceDrift>,
    /// The resources of a stack that CloudFormation cannot compare.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub incomparable: Vec<Incomparable>,
    /// A route's tables.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<TableStanding>,
    /// What else there is to say: why, and what differs that has no field of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl Drift {
    /// One of which nothing more is known.
    pub fn new(verdict: Verdict, state: impl Into<String>) -> Self {
        Self {
            verdict,
            state: state.into(),
            id: None,
            in_sync: None,
            resources: Vec::new(),
            incomparable: Vec::new(),
            tables: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Whether something of it is not known that CloudFormation could have told.
    pub fn is_partial(&self) -> bool {
        matches!(self.verdict, Verdict::Unchecked | Verdict::Unread)
            || self.resources.iter().any(|resource| resource.fate == Fate::Unknown)
    }
}

/// A node and what has drifted of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeDrift {
    /// The node.
    pub node: NodeId,
    /// The account that it lives in.
    pub account: AccountName,
    /// The region that it lives in.
    pub region: Region,
    /// What has drifted.
    #[serde(flatten)]
    pub drift: Drift,
}

/// All that one look for drift has found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DriftReport {
    /// The nodes, in the order of the plan; those that the plan only reads are not looked at.
    pub nodes: Vec<NodeDrift>,
    /// What could not be read, each once, however many nodes that leaves unread.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Failure>,
}

impl DriftReport {
    /// How many nodes there are of each verdict, in the order of [`Verdict::ALL`]; none that has no node.
    pub fn counts(&self) -> Vec<(Verdict, usize)> {
        let count = |verdict| self.nodes.iter().filter(|node| node.drift.verdict == verdict).count();
        Verdict::ALL.into_iter().map(|verdict| (verdict, count(verdict))).filter(|(_, count)| *count > 0).collect()
    }

    /// Whether anything is not as it was deployed.
    pub fn has_drifted(&self) -> bool {
        self.nodes.iter().any(|node| matches!(node.drift.verdict, Verdict::Drifted | Verdict::Missing))
    }

    /// Whether something is not known that AWS could have told.
    pub fn is_partial(&self) -> bool {
        !self.unread.is_empty() || self.nodes.iter().any(|node| node.drift.is_partial())
    }
}
