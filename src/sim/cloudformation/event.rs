//! What happened to a stack.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::sim::world::Word;

/// One event, of a resource or of the stack itself. A stack that is made and deleted has four for each resource, so what
/// they all say is shared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its id, if it is of the stack; see [`Event::id`].
    pub(super) id: Option<Word>,
    /// The operation that it belongs to.
    pub operation: Word,
    /// The resource, or the stack's name.
    pub logical_id: Word,
    /// The resource's id at its service, or the stack's ARN.
    pub physical_id: Option<Word>,
    /// The resource's type, or `AWS::CloudFormation::Stack`.
    pub resource_type: Word,
    /// When it happened.
    pub at: Timestamp,
    /// The state that it came to.
    pub status: Word,
    /// Why.
    pub reason: Option<Word>,
    /// The resource's properties; no longer known when the operation is over.
    pub properties: Option<Arc<Map<String, Json>>>,
    /// The token of the request that began it.
    pub token: Option<Word>,
}

impl Event {
    /// The id of a stack's event, of which there are so many before it.
    pub fn id(&self, before: usize) -> String {
        match &self.id {
            Some(id) => id.to_string(),
            None => format!("{}-{}-{}-{before}", self.logical_id, self.status, self.at.as_millisecond()),
        }
    }
}
