//! The order of a run.

use serde::{Deserialize, Serialize};

use crate::ids::NodeId;

/// The order in which nodes would run, and the chain that decides how long that takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The nodes that would change something, step by step: those of one step wait for none of their own.
    pub steps: Vec<Vec<NodeId>>,
    /// The longest chain of nodes that wait for each other, by what they took in earlier runs, or what their kinds take
    /// as a rule.
    pub critical: Vec<NodeId>,
    /// How long that chain took in earlier runs, in milliseconds; `None` if nobody knows of all its nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_ms: Option<u64>,
}
