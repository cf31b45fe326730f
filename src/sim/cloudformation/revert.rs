//! Change sets that take drift back: they compare what is wanted with what really stands.
//!
//! See <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html>.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::change::{self, Change, ChangeAction, Depth, Detail, context, shown};
use super::config::{Config, mask};
use super::drift::{self, ResourceDrift, ResourceDriftStatus};
use super::stack::{Resource, Stack};
use crate::sim::wire::ApiError;
use crate::sim::world::{Place, Register, Word, World};

/// What a change set knows of a property that has drifted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveDrift {
    /// The value that was last deployed.
    pub previous: Option<String>,
    /// The value that is there.
    pub actual: Option<String>,
    /// When that was seen.
    pub at: Timestamp,
}

/// What was found of each resource whose type is looked at.
pub(super) fn look(world: &World, place: &Place, stack: &Stack) -> BTreeMap<String, ResourceDrift> {
    let found = stack.resources.values().filter(|resource| resource.physical_id.is_some());
    found
        .filter_map(|resource| Some((resource.logical_id.to_string(), drift::look(world, place, stack, resource)?)))
        .collect()
}

/// The stack with some of its resources as they really are.
pub(super) fn actual(
    stack: &Stack,
    found: &BTreeMap<String, ResourceDrift>,
    only: impl Fn(&str) -> bool,
) -> Register<Resource> {
    let as_it_is = |(id, resource): (&Word, &Resource)| {
        let actual = match found.get(id.as_str()) {
            Some(found) if only(id) => drift::actual(resource, found),
            _ => resource.clone(),
        };
        (id.clone(), actual)
    };
    stack.resources.iter().map(as_it_is).collect()
}

/// What it would change to bring a stack, as it really stands, to a configuration; and the stack as it really stands.
///
/// # Errors
///
/// `ValidationError`, as [`change::changes`].
pub(super) fn changes(
    world: &World,
    place: &Place,
    stack: &Stack,
    config: &Config,
) -> Result<(Vec<Change>, Stack), ApiError> {
    let found = look(world, place, stack);
    // What is gone and no longer wanted leaves the stack like anything else.
    let wanted = &config.template.document().resources;
    let mut really = stack.clone();
    really.resources = actual(stack, &found, |id| wanted.contains_key(id));
    let mut changes = change::changes(world, place, &really, config, Depth::Nested)?;
    let plain = change::changes(world, place, stack, config, Depth::Nested)?;
    let secrets: Vec<&str> = stack.config.iter().chain([config]).flat_map(Config::secrets).collect();
    for change in &mut changes {
        annotate(change, stack, found.get(&change.logical_id), &secrets, world.now);
    }
    // What was drifted to is what is wanted now: nothing happens but that CloudFormation takes note of it.
    for mut change in plain {
        let drift = found.get(&change.logical_id);
        if drift.is_none_or(|drift| drift.status != ResourceDriftStatus::Modified) {
            continue;
        }
        annotate(&mut change, stack, drift, &secrets, world.now);
        match changes.iter_mut().find(|known| known.logical_id == change.logical_id) {
            None => {
                change.action = ChangeAction::SyncWithActual;
                change.replacement = None;
                changes.push(change);
            }
            Some(known) if known.action == ChangeAction::Modify => {
                let named: BTreeSet<String> = known.details.iter().map(|detail| property(detail).to_owned()).collect();
                let settled =
                    change.details.into_iter().filter(|one| one.drift.is_some() && !named.contains(property(one)));
                known.details.extend(settled.map(|detail| Detail { synced: true, ..detail }));
            }
            Some(_) => {}
        }
    }
    Ok((changes, really))
}

/// Says of a change what the resource has drifted to.
fn annotate(change: &mut Change, stack: &Stack, found: Option<&ResourceDrift>, secrets: &[&str], now: Timestamp) {
    let Some(deployed) = stack.resources.get(&change.logical_id) else { return };
    change.drift = Some(found.map_or(ResourceDriftStatus::Unsupported, |found| found.status));
    change.previous = Some(context(&deployed.properties, secrets));
    let Some(found) = found.filter(|found| found.status == ResourceDriftStatus::Modified) else { return };
    for detail in &mut change.details {
        let name = property(detail);
        if found.differences.iter().any(|difference| difference.property() == name) {
            let told = |value: Option<&Json>| value.map(|value| shown(&mask(value, secrets)));
            detail.drift = Some(LiveDrift {
                previous: told(found.expected.get(name)),
                actual: told(found.actual.get(name)),
                at: now,
            });
        }
    }
}

fn property(detail: &Detail) -> &str {
    match detail.attribute.as_str() {
        "Properties" => detail.name.as_deref().unwrap_or_default(),
        other => other,
    }
}
