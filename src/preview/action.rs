//! What would be done with a node.

use serde::{Deserialize, Serialize};

/// What a run would do with one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is as it should be.
    Nothing,
    /// It is only read.
    Read,
    /// It is not there and would be made.
    Create,
    /// It would be changed where it stands.
    Update,
    /// Something of it would be made anew, or may be: what it holds is lost.
    Replace,
    /// It would be deleted.
    Delete,
    /// What would be done depends on values that only the run will bring forth.
    Unknown,
    /// It would fail, and why is known already.
    Refused,
    /// It would not run, since something that it needs would fail, or so much of its group that the rest is held back.
    Skipped,
}

impl Action {
    /// Whether something would be different after it, or may be.
    pub const fn is_change(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Replace | Self::Delete | Self::Unknown)
    }

    /// One character for it, for whoever sees no colour.
    pub const fn sign(self) -> char {
        match self {
            Self::Nothing => '=',
            Self::Read => '<',
            Self::Create => '+',
            Self::Update => '~',
            Self::Replace => '±',
            Self::Delete => '-',
            Self::Unknown => '?',
            Self::Refused => '!',
            Self::Skipped => '/',
        }
    }

    /// As in "3 to create".
    pub const fn words(self) -> &'static str {
        match self {
            Self::Nothing => "unchanged",
            Self::Read => "only read",
            Self::Create => "to create",
            Self::Update => "to update",
            Self::Replace => "to replace",
            Self::Delete => "to delete",
            Self::Unknown => "not known yet",
            Self::Refused => "to fail",
            Self::Skipped => "to be skipped",
        }
    }
}
