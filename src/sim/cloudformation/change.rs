//! What an update would change, worked out before it begins.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::config::{Config, invalid, mask};
use super::drift::ResourceDriftStatus;
use super::nested;
use super::resource::{Provider, Update, is_taggable, provider_in};
use super::revert::LiveDrift;
use super::scope::Scope;
use super::stack::{Resource, Stack, scalar};
use super::status::named;
use crate::cfn::{self, EvalError, Evaluator, Policy, Target};
use crate::sim::ec2::Tags;
use crate::sim::wire::ApiError;
use crate::sim::world::{Place, World};

named! {
    /// What happens to a resource.
    ChangeAction {
        /// It is made.
        Add = "Add",
        /// It is changed, or another takes its place.
        Modify = "Modify",
        /// It is deleted.
        Remove = "Remove",
        /// It is what it is to be, which it was not when it was deployed: only `CloudFormation` takes note.
        SyncWithActual = "SyncWithActual",
    }
}

named! {
    /// Whether another resource takes the place of one that changes.
    Replacement {
        /// It does.
        True = "True",
        /// It does not.
        False = "False",
        /// It depends on values that only the update will know.
        Conditional = "Conditional",
    }
}

named! {
    /// Whether a change is certain.
    Evaluation {
        /// It is.
        Static = "Static",
        /// The new value will be known only during the update, and may be the old one.
        Dynamic = "Dynamic",
    }
}

/// What would happen to one resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// What happens.
    pub action: ChangeAction,
    /// The resource's name in the template.
    pub logical_id: String,
    /// Its id at its service, if it has one.
    pub physical_id: Option<String>,
    /// Its type.
    pub resource_type: String,
    /// For a modification, whether another resource takes its place.
    pub replacement: Option<Replacement>,
    /// For a removal, whether it stays in the account (`Retain`) or is deleted.
    pub policy_action: Option<String>,
    /// What exactly changes.
    pub details: Vec<Detail>,
    /// The properties before, as JSON.
    pub before: Option<String>,
    /// The properties after, as JSON.
    pub after: Option<String>,
    /// The change set of a nested stack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_set: Option<String>,
    /// Whether the resource has drifted, in a change set that looks at that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<ResourceDriftStatus>,
    /// The properties that were last deployed, as JSON, in such a change set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
}

/// One thing about a resource that changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detail {
    /// `Properties`, `Tags`, `Metadata`, `DeletionPolicy` or `UpdateReplacePolicy`.
    pub attribute: String,
    /// The property.
    pub name: Option<String>,
    /// Whether a change of it replaces the resource.
    pub recreates: bool,
    /// Whether it is certain.
    pub evaluation: Evaluation,
    /// `DirectModification`, `ParameterReference`, `ResourceReference` or `ResourceAttribute`.
    pub source: Option<String>,
    /// The parameter or resource that causes it.
    pub cause: Option<String>,
    /// The value before.
    pub before: Option<String>,
    /// The value after, if it is known.
    pub after: Option<String>,
    /// What the property has drifted to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<LiveDrift>,
    /// Whether the property already is what it is to be, in a resource of which others change.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub synced: bool,
}

/// How far is looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Not into nested stacks: each of them may change.
    Own,
    /// Into all of them.
    Nested,
}

/// What stands for a value that only the update will know.
const LATER: &str = "{{changeSet:KNOWN_AFTER_APPLY}}";

/// All tags of a resource: AWS's, the stack's, and those of its own `Tags` property.
pub(super) fn tags(stack: (&str, &str), config: &Config, logical_id: &str, own: Option<&Json>) -> Tags {
    let mut tags = config.tags.clone();
    match own {
        Some(Json::Array(items)) => tags.extend(items.iter().filter_map(|item| {
            Some((scalar(item.get("Key")?)?, item.get("Value").and_then(scalar).unwrap_or_default()))
        })),
        Some(Json::Object(map)) => {
            tags.extend(map.iter().filter_map(|(key, value)| Some((key.clone(), scalar(value)?))));
        }
        _ => {}
    }
    let (id, name) = stack;
    for (key, value) in [("stack-id", id), ("stack-name", name), ("logical-id", logical_id)] {
        tags.insert(format!("aws:cloudformation:{key}"), value);
    }
    tags
}

/// What it would change to bring a stack to a configuration, in the order of the template, removals last.
///
/// # Errors
///
/// `ValidationError`, for a template that cannot be evaluated or gives a resource another type.
pub(super) fn changes(
    world: &World,
    place: &Place,
    stack: &Stack,
    config: &Config,
    depth: Depth,
) -> Result<Vec<Change>, ApiError> {
    let document = config.template.document();
    let (mut unknown_ids, mut unknown_attributes) = (BTreeSet::new(), BTreeSet::new());
    let mut found = BTreeMap::new();
    let order: Vec<String> = {
        let scope = Scope::new(world, place, (&stack.id, &stack.name), config, &stack.resources);
        let evaluator = scope.evaluator();
        let mut existing = BTreeSet::new();
        for resource in document.resources.values() {
            if scope.exists(&evaluator, resource, stack.config.as_ref()).map_err(invalid)? {
                existing.insert(resource.id.as_str());
            }
        }
        let order = document.order(&|name| evaluator.holds(name)).into_iter();
        order.filter(|id| existing.contains(id)).map(str::to_owned).collect()
    };
    for id in &order {
        let declared = &document.resources[id];
        let scope = Scope {
            unknown_ids: &unknown_ids,
            unknown_attributes: &unknown_attributes,
            ..Scope::new(world, place, (&stack.id, &stack.name), config, &stack.resources)
        };
        let change = Comparison { stack, config, scope: &scope, declared }.change();
        let change = match change.map_err(|error| invalid(error.to_string()))? {
            None if nested::differs(&scope, stack, declared, depth)? => nested::automatic(stack, declared),
            change => change,
        };
        let Some(change) = change else { continue };
        if change.action == ChangeAction::Modify && change.resource_type != declared.type_name {
            return Err(invalid(format!(
                "Update of resource type is not permitted. The new template modifies resource type of the following resources: [{id}]"
            )));
        }
        if change.action == ChangeAction::Add || change.replacement != Some(Replacement::False) {
            unknown_ids.insert(id.clone());
        }
        unknown_attributes.insert(id.clone());
        found.insert(id.as_str(), change);
    }
    let mut changes: Vec<Change> = document.resources.keys().filter_map(|id| found.remove(id.as_str())).collect();
    let wanted: BTreeSet<&str> = order.iter().map(String::as_str).collect();
    let secrets: Vec<&str> = stack.config.iter().chain([config]).flat_map(Config::secrets).collect();
    let removed = stack.resources.values().filter(|resource| !wanted.contains(resource.logical_id.as_str()));
    changes
        .extend(removed.filter(|resource| resource.physical_id.is_some()).map(|resource| removal(resource, &secrets)));
    Ok(changes)
}

fn removal(resource: &Resource, secrets: &[&str]) -> Change {
    let keeps = matches!(resource.deletion_policy, Some(Policy::Retain | Policy::RetainExceptOnCreate));
    Change {
        action: ChangeAction::Remove,
        logical_id: resource.logical_id.to_string(),
        physical_id: resource.physical_id.clone().map(String::from),
        resource_type: resource.type_name.to_string(),
        replacement: None,
        policy_action: Some(if keeps { "Retain" } else { "Delete" }.to_owned()),
        details: Vec::new(),
        before: Some(context(&resource.properties, secrets)),
        after: None,
        change_set: None,
        drift: None,
        previous: None,
    }
}

pub(super) fn context(properties: &Map<String, Json>, secrets: &[&str]) -> String {
    mask(&json!({ "Properties": properties }), secrets).to_string()
}

/// One resource, as it is and as it is to be.
struct Comparison<'a> {
    stack: &'a Stack,
    config: &'a Config,
    scope: &'a Scope<'a>,
    declared: &'a cfn::Resource,
}

impl Comparison<'_> {
    /// The values that are not told: what was secret, and what will be.
    fn secrets(&self) -> Vec<&str> {
        self.stack.config.iter().chain([self.config]).flat_map(Config::secrets).collect()
    }

    fn change(&self) -> Result<Option<Change>, EvalError> {
        let evaluator = self.scope.evaluator();
        let properties = evaluator.properties(self.declared);
        // What cannot be worked out from what was made up will be known all the same.
        let is_wrong = |error: &&EvalError| !error.is_unknown() && !self.scope.made_up.get();
        if let Some(error) = properties.iter().filter_map(|(_, value)| value.as_ref().err()).find(is_wrong) {
            return Err(error.clone());
        }
        let after: Map<String, Json> = properties
            .iter()
            .map(|(name, value)| (name.clone(), value.clone().unwrap_or_else(|_| LATER.into())))
            .collect();
        let id = &self.declared.id;
        let Some(old) = self.stack.resources.get(id).filter(|old| old.physical_id.is_some()) else {
            return Ok(Some(Change {
                action: ChangeAction::Add,
                logical_id: id.clone(),
                physical_id: None,
                resource_type: self.declared.type_name.clone(),
                replacement: None,
                policy_action: None,
                details: Vec::new(),
                before: None,
                after: Some(context(&after, &self.secrets())),
                change_set: None,
                drift: None,
                previous: None,
            }));
        };
        let details = self.details(old, &properties, &evaluator)?;
        if details.is_empty() && old.type_name == self.declared.type_name {
            return Ok(None);
        }
        Ok(Some(Change {
            action: ChangeAction::Modify,
            logical_id: id.clone(),
            physical_id: old.physical_id.clone().map(String::from),
            resource_type: old.type_name.to_string(),
            replacement: Some(replacement(&details)),
            policy_action: None,
            details,
            before: Some(context(&old.properties, &self.secrets())),
            after: Some(context(&after, &self.secrets())),
            change_set: None,
            drift: None,
            previous: None,
        }))
    }

    fn details(
        &self,
        old: &Resource,
        properties: &[(String, Result<Json, EvalError>)],
        evaluator: &Evaluator<'_>,
    ) -> Result<Vec<Detail>, EvalError> {
        let mut details = Vec::new();
        let Some(provider) = provider_in(self.scope.world, &self.declared.type_name) else { return Ok(details) };
        let taggable = is_taggable(&self.declared.type_name);
        for (name, value) in properties.iter().filter(|(name, _)| !(taggable && name == "Tags")) {
            let before = old.properties.get(name);
            if value.is_err() && self.stays(name) {
                continue;
            }
            if value.as_ref().ok() != before || value.is_err() {
                details.push(self.property(provider, name, before, value.as_ref().ok(), value.is_err()));
            }
        }
        let gone = old.properties.iter().filter(|(name, _)| !properties.iter().any(|(new, _)| new == *name));
        for (name, before) in gone.filter(|(name, _)| !(taggable && *name == "Tags")) {
            details.push(self.property(provider, name, Some(before), None, false));
        }
        if taggable {
            details.extend(self.tags(old, properties));
        }
        let metadata = self.declared.metadata.as_deref().map(|node| evaluator.value(node)).transpose();
        match metadata {
            Ok(metadata) if metadata == old.metadata => {}
            Ok(_) => details.push(plain("Metadata", Evaluation::Static)),
            Err(_) if self.scope.made_up.get() => {}
            Err(error) if error.is_unknown() => details.push(plain("Metadata", Evaluation::Dynamic)),
            Err(error) => return Err(error),
        }
        if self.declared.deletion_policy != old.deletion_policy {
            details.push(plain("DeletionPolicy", Evaluation::Static));
        }
        if self.declared.update_replace_policy != old.update_replace_policy {
            details.push(plain("UpdateReplacePolicy", Evaluation::Static));
        }
        Ok(details)
    }

    fn property(
        &self,
        provider: &dyn Provider,
        name: &str,
        before: Option<&Json>,
        after: Option<&Json>,
        unknown: bool,
    ) -> Detail {
        let (source, cause) = self.source(name);
        let secrets = self.secrets();
        let shown = |value: &Json| shown(&mask(value, &secrets));
        Detail {
            attribute: "Properties".to_owned(),
            name: Some(name.to_owned()),
            recreates: provider.update_of(name) == Update::Replacement,
            evaluation: if unknown { Evaluation::Dynamic } else { Evaluation::Static },
            source: Some(source.to_owned()),
            cause,
            before: before.map(shown),
            after: if unknown { Some(LATER.to_owned()) } else { after.map(shown) },
            drift: None,
            synced: false,
        }
    }

    fn tags(&self, old: &Resource, properties: &[(String, Result<Json, EvalError>)]) -> Option<Detail> {
        let own = properties.iter().find(|(name, _)| name == "Tags").map(|(_, value)| value);
        if let Some(Err(_)) = own
            && !self.stays("Tags")
        {
            return Some(plain("Tags", Evaluation::Dynamic));
        }
        let own = own.and_then(|value| value.as_ref().ok());
        let new = tags((&self.stack.id, &self.stack.name), self.config, &self.declared.id, own);
        (new != old.tags).then(|| {
            let secrets = self.secrets();
            let shown = |tags: &Tags| mask(&json!(tags), &secrets).to_string();
            Detail { before: Some(shown(&old.tags)), after: Some(shown(&new)), ..plain("Tags", Evaluation::Static) }
        })
    }

    /// Whether a property that cannot be worked out from what was made up is what it was: its text is, and what that
    /// refers to.
    fn stays(&self, name: &str) -> bool {
        self.scope.made_up.get() && self.cause(name).is_none()
    }

    /// Why a property changes.
    fn source(&self, name: &str) -> (&'static str, Option<String>) {
        self.cause(name).unwrap_or(("DirectModification", None))
    }

    /// What of a property has changed: its text, or what its text refers to.
    fn cause(&self, name: &str) -> Option<(&'static str, Option<String>)> {
        let node = |config: &Config| {
            let declared = config.template.document().resources.get(&self.declared.id)?;
            declared.properties.as_ref()?.as_map()?.get(name).map(|entry| entry.node.clone())
        };
        let old = self.stack.config.as_ref();
        let (Some(before), Some(now)) = (old.and_then(node), node(self.config)) else {
            return Some(("DirectModification", None));
        };
        if !before.same(&now) {
            return Some(("DirectModification", None));
        }
        let evaluator = self.scope.evaluator();
        for reference in cfn::references(&now, &|name| evaluator.holds(name)) {
            match reference.target {
                Target::Name(name) if self.config.parameters.contains_key(name) => {
                    let value = |config: &Config| config.parameters.get(name).map(|value| value.effective().to_owned());
                    if old.and_then(value) != value(self.config) {
                        return Some(("ParameterReference", Some(name.to_owned())));
                    }
                }
                Target::Name(name) if self.scope.unknown_ids.contains(name) => {
                    return Some(("ResourceReference", Some(name.to_owned())));
                }
                Target::Attribute { resource, attribute } if self.scope.unknown_attributes.contains(resource) => {
                    let attribute = format!("{resource}.{}", attribute.unwrap_or_default());
                    return Some(("ResourceAttribute", Some(attribute)));
                }
                _ => {}
            }
        }
        None
    }
}

pub(super) fn plain(attribute: &str, evaluation: Evaluation) -> Detail {
    Detail {
        attribute: attribute.to_owned(),
        name: None,
        recreates: false,
        evaluation,
        source: Some("DirectModification".to_owned()),
        cause: None,
        before: None,
        after: None,
        drift: None,
        synced: false,
    }
}

fn replacement(details: &[Detail]) -> Replacement {
    let mut recreating = details.iter().filter(|detail| detail.recreates).peekable();
    if recreating.peek().is_none() {
        Replacement::False
    } else if recreating.any(|detail| detail.evaluation == Evaluation::Static) {
        Replacement::True
    } else {
        Replacement::Conditional
    }
}

/// A value as a change set shows it.
pub(super) fn shown(value: &Json) -> String {
    scalar(value).unwrap_or_else(|| value.to_string())
}
