//! What would become of the resources of a stack.

use serde::{Deserialize, Serialize};

/// What would be done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It is made.
    Add,
    /// It is changed where it stands.
    Modify,
    /// It may be made anew: it depends on values that only the update will know.
    MayReplace,
    /// It is made anew and the one that is there deleted.
    Replace,
    /// It is deleted.
    Remove,
    /// It leaves the stack and stays where it is.
    Leave,
    /// It is taken into the stack as it is.
    Import,
    /// It was deleted by hand, and is made again.
    Restore,
    /// It is already what it is to be, by hand: nothing is done but that CloudFormation takes note.
    Sync,
    /// What is done is known during the update only.
    Unknown,
}

impl Effect {
    /// Whether something that is there is lost by it, or may be.
    pub const fn loses(self) -> bool {
        matches!(self, Self::MayReplace | Self::Replace | Self::Remove)
    }
}

/// Whether a change of a property makes the resource anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recreates {
    /// It does not.
    Never,
    /// It may.
    Conditionally,
    /// It does.
    Always,
}

/// A property of a resource that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PropertyChange {
    /// `Properties/CidrBlock`, `Tags`.
    pub path: String,
    /// The value before, as CloudFormation shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The value after; `None` too if only the update will tell (see `certain`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Whether this makes the resource anew.
    pub recreates: Recreates,
    /// Whether it is certain: CloudFormation evaluates some values during the update only, and they may turn out to be
    /// what they were.
    pub certain: bool,
    /// The parameter or resource that is behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The value that was last deployed, where somebody has changed it by hand since; empty if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployed: Option<String>,
}

/// What a change set would do to one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceChange {
    /// What is done.
    pub effect: Effect,
    /// The resource's name in the template.
    pub resource: String,
    /// Its type.
    pub kind: String,
    /// Its id at its service, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What of it changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<PropertyChange>,
    /// Of a nested stack: what would become of its resources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nested: Vec<Self>,
}

impl ResourceChange {
    /// It and all that lies in it.
    pub fn all(&self) -> impl Iterator<Item = &Self> {
        let mut stack = vec![self];
        std::iter::from_fn(move || {
            let next = stack.pop()?;
            stack.extend(next.nested.iter().rev());
            Some(next)
        })
    }
}
