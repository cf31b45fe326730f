//! What happened to a stack.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One event, of a resource or of the stack itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its id.
    pub id: String,
    /// The operation that it belongs to.
    pub operation: String,
    /// The resource, or the stack's name.
    pub logical_id: String,
    /// The resource's id at its service, or the stack's ARN.
    pub physical_id: Option<String>,
    /// The resource's type, or `AWS::CloudFormation::Stack`.
    pub resource_type: String,
    /// When it happened.
    pub at: Timestamp,
    /// The state that it came to.
    pub status: String,
    /// Why.
    pub reason: Option<String>,
    /// The resource's properties, as JSON; no longer known when the operation is over.
    pub properties: Option<String>,
    /// The token of the request that began it.
    pub token: Option<String>,
}
