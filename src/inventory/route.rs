//! A route that the plan has made.

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, NodeId, Region};

/// A route in one table, which a node of the plan has made: routes bear no tags that would tell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Laid {
    /// The node, as it was called.
    pub node: NodeId,
    /// The account of the table.
    pub account: AccountId,
    /// The region of the table.
    pub region: Region,
    /// The table's id.
    pub table: String,
    /// The destination, in canonical form.
    pub destination: String,
    /// The target's id.
    pub target: String,
}

impl Laid {
    /// Whether another one is in the same table and to the same destination, where EC2 keeps one route only.
    pub fn is_at(&self, other: &Self) -> bool {
        (&self.account, &self.region, &self.table, &self.destination)
            == (&other.account, &other.region, &other.table, &other.destination)
    }
}
