//! What a node did.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a node that ended well did to what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It was not there and is there now.
    Created,
    /// It was there and differed.
    Updated,
    /// It was there and something of it had to be made anew.
    Replaced,
    /// It was there as it should be.
    Unchanged,
    /// It was there and is gone now.
    Deleted,
    /// It was to be deleted and was not there.
    Absent,
    /// It was only read.
    Read,
    /// It was being updated, and is as it was before.
    Cancelled,
}

impl Change {
    /// Whether anything is different from before.
    pub const fn is_change(self) -> bool {
        matches!(self, Self::Created | Self::Updated | Self::Replaced | Self::Deleted | Self::Cancelled)
    }

    /// The word for it, as in "2 created".
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Replaced => "replaced",
            Self::Unchanged => "unchanged",
            Self::Deleted => "deleted",
            Self::Absent => "absent",
            Self::Read => "read",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_the_name_in_json() {
        for change in [
            Change::Created,
            Change::Updated,
            Change::Replaced,
            Change::Unchanged,
            Change::Deleted,
            Change::Absent,
            Change::Read,
            Change::Cancelled,
        ] {
            assert_eq!(serde_json::to_value(change).unwrap(), change.word());
        }
    }
}
