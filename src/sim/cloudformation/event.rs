//! What happened to a stack.

use std::sync::Arc;

use jiff::Timestamp;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value as Json};

use crate::sim::world::Word;

/// One event, of a resource or of the stack itself. A stack that is made and deleted has four for each resource, so what
/// they all say is shared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its id, if it is of the stack; see [`Event::id`].
    pub(super) id: Option<Box<str>>,
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
    #[serde(deserialize_with = "properties")]
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

/// Reads properties, or the text of them, as worlds of form 2 have it.
fn properties<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Arc<Map<String, Json>>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Map(Map<String, Json>),
        Text(String),
    }
    Ok(match Option::deserialize(deserializer)? {
        None => None,
        Some(Written::Map(properties)) => Some(properties.into()),
        Some(Written::Text(text)) => Some(serde_json::from_str(&text).map_err(D::Error::custom)?),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_read_as_it_is_written_and_as_it_was_written_before() {
        let event = Event {
            id: None,
            operation: "operation".into(),
            logical_id: "Vpc".into(),
            physical_id: Some("vpc-1".into()),
            resource_type: "AWS::EC2::VPC".into(),
            at: Timestamp::UNIX_EPOCH,
            status: "CREATE_IN_PROGRESS".into(),
            reason: None,
            properties: Some(Map::from_iter([("CidrBlock".to_owned(), json!("10.0.0.0/16"))]).into()),
            token: None,
        };
        let mut written = json!(event);
        assert_eq!(serde_json::from_value::<Event>(written.clone()).unwrap(), event);
        written["id"] = json!(event.id(7));
        written["properties"] = json!(r#"{"CidrBlock":"10.0.0.0/16"}"#);
        let read: Event = serde_json::from_value(written.clone()).unwrap();
        assert_eq!((read.id(0), &read.properties), (event.id(7), &event.properties));
        written["properties"] = json!("[]");
        assert!(serde_json::from_value::<Event>(written).is_err());
    }
}
