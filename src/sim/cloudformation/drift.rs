//! Drift: what really stands, against what was last deployed.
//!
//! See <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html>.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::progress;
use super::resource::{Live, Provider, Update, provider};
use super::stack::{Resource, Stack, scalar};
use super::status::{Status, named};
use crate::sim::ec2::Tags;
use crate::sim::world::{Place, World};

named! {
    /// Whether a stack is what it was deployed as.
    StackDriftStatus {
        /// One of its resources is not.
        Drifted = "DRIFTED",
        /// It is.
        InSync = "IN_SYNC",
        /// Nobody has looked since it was last deployed.
        NotChecked = "NOT_CHECKED",
    }
}

named! {
    /// Whether a resource is what it was deployed as.
    ResourceDriftStatus {
        /// It is.
        InSync = "IN_SYNC",
        /// Some of its properties are not.
        Modified = "MODIFIED",
        /// It is gone.
        Deleted = "DELETED",
        /// Nobody has looked, or its type is not looked at.
        NotChecked = "NOT_CHECKED",
        /// It could not be read.
        Unknown = "UNKNOWN",
        /// A change set does not look at its type.
        Unsupported = "UNSUPPORTED",
    }
}

named! {
    /// How a property differs.
    DifferenceType {
        /// A list has one element more.
        Add = "ADD",
        /// The property, or an element of a list, is gone.
        Remove = "REMOVE",
        /// The value is another one.
        NotEqual = "NOT_EQUAL",
    }
}

named! {
    /// How far a detection is.
    DetectionStatus {
        /// It is under way.
        InProgress = "DETECTION_IN_PROGRESS",
        /// It is over.
        Complete = "DETECTION_COMPLETE",
        /// It is over, and not every resource could be read.
        Failed = "DETECTION_FAILED",
    }
}

/// One look for drift.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// Its id.
    pub id: String,
    /// When it was asked for.
    pub started: Timestamp,
    /// How far it is.
    pub status: DetectionStatus,
    /// Why it failed.
    pub reason: Option<String>,
    /// What it has found.
    pub found: StackDriftStatus,
    /// How many resources have drifted.
    pub drifted: usize,
}

/// What was last found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// When.
    pub at: Timestamp,
    /// Of the stack.
    pub status: StackDriftStatus,
    /// Of the resources that were looked at, by logical id.
    pub resources: BTreeMap<String, ResourceDrift>,
}

/// What was found of one resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResourceDrift {
    /// Whether it has drifted.
    pub status: ResourceDriftStatus,
    /// Why it could not be read.
    pub reason: Option<String>,
    /// The properties that it was deployed with, as far as they are looked at. None of a resource that is gone.
    pub expected: Map<String, Json>,
    /// The same properties as they are.
    pub actual: Map<String, Json>,
    /// What differs.
    pub differences: Vec<Difference>,
}

/// One property that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Where it is: `/Tags/0/Value`.
    pub path: String,
    /// What it was deployed as; `null` for an element that came later.
    pub expected: Json,
    /// What it is; `null` if it is gone.
    pub actual: Json,
    /// How it differs.
    pub difference: DifferenceType,
}

impl Difference {
    /// The property that differs, or that holds what differs.
    pub(super) fn property(&self) -> &str {
        self.path.trim_start_matches('/').split('/').next().unwrap_or_default()
    }
}

/// How many detections a stack remembers.
const MOST_DETECTIONS: usize = 10;

impl Stack {
    /// Whether its state allows to look for drift.
    pub(super) fn may_be_checked(&self) -> bool {
        matches!(
            self.status,
            Status::CreateComplete
                | Status::UpdateComplete
                | Status::UpdateRollbackComplete
                | Status::UpdateRollbackFailed
        )
    }

    /// Begins to look for drift.
    pub(super) fn begin_detection(&mut self, id: String, now: Timestamp) {
        self.detections.push(Detection {
            id,
            started: now,
            status: DetectionStatus::InProgress,
            reason: None,
            found: StackDriftStatus::NotChecked,
            drifted: 0,
        });
        let surplus = self.detections.len().saturating_sub(MOST_DETECTIONS);
        self.detections.drain(..surplus);
    }
}

impl StackDriftStatus {
    /// A stack's, by that of its resources.
    pub(super) fn of<'a>(mut resources: impl Iterator<Item = &'a ResourceDrift>) -> Self {
        if resources.any(|found| found.status.is_drifted()) { Self::Drifted } else { Self::InSync }
    }
}

impl ResourceDriftStatus {
    /// Whether the resource is not what it was deployed as.
    pub(super) fn is_drifted(self) -> bool {
        matches!(self, Self::Modified | Self::Deleted)
    }
}

/// A detection has had its time: every resource is looked at.
pub(super) fn finish(world: &mut World, place: &Place, stack: &mut Stack, id: &str) {
    let Some(index) = stack.detections.iter().position(|detection| detection.id == id) else { return };
    if !stack.may_be_checked() {
        let detection = &mut stack.detections[index];
        detection.status = DetectionStatus::Failed;
        detection.reason = Some(format!("The stack came to {} meanwhile", stack.status));
        return;
    }
    let mut resources = BTreeMap::new();
    for resource in stack.resources.values() {
        let unread = progress::planned(world, place, &stack.name, resource, "READ");
        let found = match unread {
            Some(reason) => Some(ResourceDrift::unknown(reason)),
            None => look(world, place, stack, resource),
        };
        resources.extend(found.map(|found| (resource.logical_id.to_string(), found)));
    }
    let drifted = resources.values().filter(|found| found.status.is_drifted()).count();
    let unread: Vec<&str> = resources
        .iter()
        .filter(|(_, found)| found.status == ResourceDriftStatus::Unknown)
        .map(|(id, _)| id.as_str())
        .collect();
    let status = StackDriftStatus::of(resources.values());
    let detection = &mut stack.detections[index];
    detection.found = status;
    detection.drifted = drifted;
    if unread.is_empty() {
        detection.status = DetectionStatus::Complete;
    } else {
        detection.status = DetectionStatus::Failed;
        detection.reason = Some(format!("Failed to detect drift on resources [{}]", unread.join(", ")));
    }
    stack.drift = Some(Drift { at: world.now, status, resources });
}

impl ResourceDrift {
    fn new(status: ResourceDriftStatus) -> Self {
        Self { status, reason: None, expected: Map::new(), actual: Map::new(), differences: Vec::new() }
    }

    fn unknown(reason: String) -> Self {
        Self { reason: Some(reason), ..Self::new(ResourceDriftStatus::Unknown) }
    }
}

/// What became of a resource since it was deployed; `None` for a type that is not looked at. Only properties that the
/// template sets are compared.
pub(super) fn look(world: &World, place: &Place, stack: &Stack, resource: &Resource) -> Option<ResourceDrift> {
    let provider = provider(&resource.type_name).filter(|_| !resource.assumed)?;
    let standing = match provider.live(world, place, resource, &stack.resources) {
        Live::Unsupported => return None,
        Live::Gone => return Some(ResourceDrift::new(ResourceDriftStatus::Deleted)),
        Live::Stands(standing) => standing,
    };
    let mut found = ResourceDrift::new(ResourceDriftStatus::InSync);
    for (name, expected) in resource.properties.iter().filter(|(name, _)| *name != "Tags") {
        let Some(actual) = standing.properties.get(name) else { continue };
        let expected = provider.normal(name, expected);
        let actual = alike(&expected, actual);
        compare(&format!("/{name}"), &expected, &actual, &mut found.differences);
        found.expected.insert(name.clone(), expected);
        if !actual.is_null() {
            found.actual.insert(name.clone(), actual);
        }
    }
    if let Some(tags) = &standing.tags {
        compare_tags(resource, tags, &mut found);
    }
    if !found.differences.is_empty() {
        found.status = ResourceDriftStatus::Modified;
    }
    Some(found)
}

/// A value that is there, written as the template writes it: `"true"` for `true` where that has a text.
fn alike(expected: &Json, actual: &Json) -> Json {
    match (expected, scalar(actual)) {
        (Json::String(text), Some(own)) if text.eq_ignore_ascii_case(&own) => expected.clone(),
        (Json::String(_), Some(own)) => own.into(),
        _ => actual.clone(),
    }
}

fn compare(path: &str, expected: &Json, actual: &Json, differences: &mut Vec<Difference>) {
    let mut differ = |path: String, expected: &Json, actual: &Json, difference| {
        differences.push(Difference { path, expected: expected.clone(), actual: actual.clone(), difference });
    };
    match (expected, actual) {
        (expected, Json::Null) => differ(path.to_owned(), expected, &Json::Null, DifferenceType::Remove),
        (Json::Array(expected), Json::Array(actual)) => {
            let gone = expected.iter().enumerate().filter(|(_, item)| !actual.contains(item));
            for (index, item) in gone {
                differ(format!("{path}/{index}"), item, &Json::Null, DifferenceType::Remove);
            }
            let more = actual.iter().enumerate().filter(|(_, item)| !expected.contains(item));
            for (index, item) in more {
                differ(format!("{path}/{index}"), &Json::Null, item, DifferenceType::Add);
            }
        }
        (Json::Object(expected), Json::Object(actual)) => {
            for (name, value) in expected {
                compare(&format!("{path}/{name}"), value, actual.get(name).unwrap_or(&Json::Null), differences);
            }
        }
        (expected, actual) if scalar(expected) == scalar(actual) && expected.is_object() == actual.is_object() => {}
        (expected, actual) => differ(path.to_owned(), expected, actual, DifferenceType::NotEqual),
    }
}

/// Compares the tags that a resource was deployed with, the stack's among them. Others count where the template itself
/// sets tags.
fn compare_tags(resource: &Resource, actual: &Tags, found: &mut ResourceDrift) {
    let own = |tags: &Tags| -> Vec<(String, String)> {
        let own = tags.iter().filter(|(key, _)| !key.starts_with("aws:"));
        own.map(|(key, value)| (key.to_string(), value.to_string())).collect()
    };
    let written = |tags: &[(String, String)]| -> Json {
        tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
    };
    let expected = own(&resource.tags);
    let mut present = own(actual);
    if !resource.properties.contains_key("Tags") {
        present.retain(|(key, _)| resource.tags.contains_key(key));
    }
    for (index, (key, value)) in expected.iter().enumerate() {
        let path = format!("/Tags/{index}");
        let (path, expected, actual, difference) = match actual.get(key) {
            Some(other) if other == value => continue,
            Some(other) => (format!("{path}/Value"), json!(value), json!(other), DifferenceType::NotEqual),
            None => (path, json!({ "Key": key, "Value": value }), Json::Null, DifferenceType::Remove),
        };
        found.differences.push(Difference { path, expected, actual, difference });
    }
    for (index, (key, value)) in present.iter().enumerate().filter(|(_, (key, _))| !resource.tags.contains_key(key)) {
        found.differences.push(Difference {
            path: format!("/Tags/{index}"),
            expected: Json::Null,
            actual: json!({ "Key": key, "Value": value }),
            difference: DifferenceType::Add,
        });
    }
    for (tags, properties) in [(&expected, &mut found.expected), (&present, &mut found.actual)] {
        if !tags.is_empty() {
            properties.insert("Tags".to_owned(), written(tags));
        }
    }
}

/// A resource as it really is, as far as a change set can bring it back: without what cannot be changed in place, and
/// with no other tags than those that the stack has given it. One that is gone has no physical id.
pub(super) fn actual(resource: &Resource, found: &ResourceDrift) -> Resource {
    let mut actual = resource.clone();
    match found.status {
        ResourceDriftStatus::Deleted => actual.physical_id = None,
        ResourceDriftStatus::Modified => {
            let properties = Arc::make_mut(&mut actual.properties);
            for name in revertible(resource, found) {
                match found.actual.get(name) {
                    Some(value) => properties.insert(name.to_owned(), value.clone()),
                    None => properties.remove(name),
                };
            }
            let present = found.actual.get("Tags").and_then(Json::as_array).into_iter().flatten();
            let present: Tags = present
                .filter_map(|tag| Some((tag["Key"].as_str()?.to_owned(), tag["Value"].as_str()?.to_owned())))
                .collect();
            actual.tags.retain(|key, _| key.starts_with("aws:") || present.contains_key(key));
            for (key, value) in &present {
                if let Some(own) = actual.tags.get_mut(key) {
                    own.clone_from(value);
                }
            }
        }
        _ => {}
    }
    actual
}

/// The properties of a resource, tags aside, that differ and can be changed in place.
fn revertible<'a>(resource: &Resource, found: &'a ResourceDrift) -> impl Iterator<Item = &'a str> {
    let provider: Option<&dyn Provider> = provider(&resource.type_name);
    let in_place = move |name: &&str| provider.is_some_and(|known| known.update_of(name) == Update::InPlace);
    let names = found.differences.iter().map(Difference::property);
    names.filter(|name| *name != "Tags").filter(in_place)
}
