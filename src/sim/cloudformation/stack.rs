//! A stack and its resources.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::change_set::ChangeSet;
use super::config::{Config, mask};
use super::drift::{Detection, Drift};
use super::event::Event;
use super::operation::{Before, OnFailure, Operation};
use super::output::Output;
use super::status::{ResourceStatus, Status};
use crate::cfn::Policy;
use crate::sim::ec2::Tags;
use crate::sim::world::{Register, Word, World};

/// A stack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stack {
    /// Its ARN.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its state.
    pub status: Status,
    /// Why it is in that state.
    pub reason: Option<String>,
    /// What it is to be, or was last. `None` while only a change set knows it.
    pub config: Option<Config>,
    /// When it was first asked for.
    pub created: Timestamp,
    /// When it was last updated.
    pub updated: Option<Timestamp>,
    /// When it was deleted.
    pub deleted: Option<Timestamp>,
    /// What becomes of it if its creation fails.
    pub on_failure: OnFailure,
    /// How many minutes its creation may take.
    pub timeout_minutes: Option<u32>,
    /// Whether deletion is refused.
    pub termination_protection: bool,
    /// Its stack policy, as JSON.
    pub policy: Option<String>,
    /// Its resources by logical id.
    pub resources: Register<Resource>,
    /// What it gives.
    pub outputs: Vec<Output>,
    /// The exports of other stacks that it uses.
    pub imports: BTreeSet<String>,
    /// Everything that happened to it, oldest first.
    pub events: Vec<Event>,
    /// Its change sets, oldest first.
    pub change_sets: Vec<ChangeSet>,
    /// What it no longer needs and has not deleted yet: replaced resources, and those of updates that failed.
    pub garbage: Vec<Resource>,
    /// What is being done to it.
    pub operation: Option<Operation>,
    /// What it was before updates that failed and were not taken back, if it ever was complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stable: Option<Box<Before>>,
    /// What it was elsewhere when the world was seeded with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) seeded: Option<Box<Before>>,
    /// What was found when somebody last looked for drift, if that was after its last operation began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
    /// The last looks for drift, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub detections: Vec<Detection>,
    /// The stack that it is a resource of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nested: Option<Nested>,
    /// The last operation's kind and id.
    pub last_operation: Option<(String, String)>,
    /// The kind and id of the operation that the last one takes back, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_back: Option<(String, String)>,
    /// Requests that came with a token: the token, the operation and the operation's id.
    pub(super) tokens: BTreeMap<String, (String, String)>,
    /// Counts phases, so that timers of earlier ones are told apart.
    pub(super) generation: u64,
}

/// What a stack that is a resource of another one has besides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nested {
    /// The ARN of the stack that it is a resource of.
    pub parent: String,
    /// The ARN of the stack that is nobody's resource, at the top.
    pub root: String,
    /// Its name in the parent's template.
    pub logical_id: String,
    /// How deep it is nested: 1 below the one at the top.
    pub depth: u8,
    /// Why what its parent has begun went wrong; as long as the parent has not taken that back.
    pub(super) broken: Option<String>,
    /// Whether it is to be deleted once nothing is under way.
    pub(super) doomed: bool,
}

/// A resource of a stack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// Its name in the template.
    pub logical_id: Word,
    /// Its type.
    pub type_name: Word,
    /// Its id at its service, once it has one.
    pub physical_id: Option<Word>,
    /// Its state.
    pub status: ResourceStatus,
    /// Why it is in that state.
    pub reason: Option<String>,
    /// When it came to that state.
    pub at: Timestamp,
    /// Its properties, worked out. Copies share them.
    pub properties: Arc<Map<String, Json>>,
    /// All its tags: its own, the stack's and AWS's.
    pub tags: Tags,
    /// The resources of the stack that it needs.
    pub needs: Arc<[Word]>,
    /// What becomes of it when it leaves the stack.
    pub deletion_policy: Option<Policy>,
    /// What becomes of it when it is replaced.
    pub update_replace_policy: Option<Policy>,
    /// Its metadata.
    pub metadata: Option<Json>,
    /// Whether it is only taken to be there and to work: a type that is not embedded, in a world that assumes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub assumed: bool,
    /// Attributes that were told from elsewhere, of one that stands there as it does here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) told: BTreeMap<String, String>,
}

impl Resource {
    /// Its id at its service; empty while it has none.
    pub fn id(&self) -> &str {
        self.physical_id.as_deref().unwrap_or_default()
    }

    /// A property's text, whether it is one or a number or a truth value.
    pub fn text(&self, property: &str) -> Option<String> {
        scalar(self.properties.get(property)?)
    }
}

/// A scalar as text.
pub(super) fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(truth) => Some(truth.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

impl Stack {
    /// A stack of which nothing is known yet but its name.
    pub(super) fn new(world: &World, id: String, name: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            status: Status::ReviewInProgress,
            reason: None,
            config: None,
            created: world.now,
            updated: None,
            deleted: None,
            on_failure: OnFailure::Rollback,
            timeout_minutes: None,
            termination_protection: false,
            policy: None,
            resources: Register::new(),
            outputs: Vec::new(),
            imports: BTreeSet::new(),
            events: Vec::new(),
            change_sets: Vec::new(),
            garbage: Vec::new(),
            operation: None,
            stable: None,
            seeded: None,
            drift: None,
            detections: Vec::new(),
            nested: None,
            last_operation: None,
            taken_back: None,
            tokens: BTreeMap::new(),
            generation: 0,
        }
    }

    /// Whether there is something that it can be taken back to.
    pub(super) fn has_stable(&self) -> bool {
        self.stable.is_some()
    }

    /// Whether it ever was complete.
    pub(super) fn was_complete(&self) -> bool {
        let complete = |status: &str| status.ends_with("_COMPLETE") && status != Status::RollbackComplete.as_str();
        self.events
            .iter()
            .any(|event| event.physical_id.as_deref() == Some(self.id.as_str()) && complete(&event.status))
    }

    /// Uses exports of other stacks.
    pub(super) fn import(&mut self, exports: BTreeSet<String>) {
        if let Some(operation) = &mut self.operation {
            operation.imports.extend(exports.iter().cloned());
        }
        self.imports.extend(exports);
    }

    /// Comes to a state, and tells of it.
    pub(super) fn enter(&mut self, world: &mut World, status: Status, reason: Option<String>) {
        self.status = status;
        self.reason.clone_from(&reason);
        let (operation, token) = self.request();
        self.events.push(Event {
            id: Some(world.ids().uuid().into()),
            operation,
            logical_id: (&self.name).into(),
            physical_id: Some((&self.id).into()),
            resource_type: "AWS::CloudFormation::Stack".into(),
            at: world.now,
            status: status.as_str().into(),
            reason: reason.map(Word::from),
            properties: None,
            token,
        });
    }

    /// Tells of a resource's state.
    pub(super) fn tell(&mut self, world: &World, resource: &Resource) {
        let (operation, token) = self.request();
        self.events.push(Event {
            id: None,
            operation,
            logical_id: (&resource.logical_id).into(),
            physical_id: resource.physical_id.as_ref().map(Word::from),
            resource_type: (&resource.type_name).into(),
            at: world.now,
            status: resource.status.as_str().into(),
            reason: resource.reason.as_ref().map(Word::from),
            properties: Some(self.shown(&resource.properties)),
            token,
        });
    }

    /// Properties as the stack's events tell them.
    fn shown(&self, properties: &Arc<Map<String, Json>>) -> Arc<Map<String, Json>> {
        let before = self.operation.as_ref().and_then(|operation| operation.before.as_deref());
        let configs = self.config.iter().chain(before.map(|before| &before.config));
        let secrets: Vec<&str> = configs.flat_map(Config::secrets).collect();
        if secrets.is_empty() {
            return Arc::clone(properties);
        }
        properties.iter().map(|(name, value)| (name.clone(), mask(value, &secrets))).collect::<Map<_, _>>().into()
    }

    /// The operation under way and its token.
    fn request(&self) -> (Word, Option<Word>) {
        match &self.operation {
            Some(operation) => ((&operation.id).into(), operation.token.as_ref().map(Word::from)),
            None => ("".into(), None),
        }
    }
}
