//! `DetectStackDrift`, `DescribeStackDriftDetectionStatus` and `DescribeStackResourceDrifts`.

use serde_json::Value as Json;

use super::super::change::shown;
use super::super::config::invalid;
use super::super::drift::{DetectionStatus, Difference, ResourceDrift, ResourceDriftStatus, StackDriftStatus};
use super::super::progress::Action;
use super::super::stack::{Resource, Stack};
use super::super::with_stack;
use super::page::page;
use super::request::{required, stack};
use crate::sim::wire::{ApiError, Params, Xml};
use crate::sim::world::{Action as TimerAction, Place, World};

pub(super) fn detect(world: &mut World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    let found = stack(world, place, params)?;
    if !found.may_be_checked() {
        return Err(invalid(format!(
            "Drift detection cannot be performed on stack [{}] while it is in [{}] state",
            found.id, found.status
        )));
    }
    if found.detections.iter().any(|detection| detection.status == DetectionStatus::InProgress) {
        return Err(invalid(format!("Drift detection is already in progress for stack [{}]", found.id)));
    }
    let id = found.id.clone();
    let detection = world.ids().uuid();
    with_stack(world, place, &id, |world, stack| stack.begin_detection(detection.clone(), world.now));
    let action = Action::Detection { stack: id, detection: detection.clone() };
    let wait = world.rules.timing.drift;
    world.after(wait, TimerAction::CloudFormation(place.clone(), action));
    let mut xml = Xml::new();
    xml.text("StackDriftDetectionId", detection);
    Ok(xml)
}

pub(super) fn describe_detection(world: &World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    let id = required(params, "StackDriftDetectionId", "stackDriftDetectionId")?;
    let within = |stack: &Stack| stack.detections.iter().any(|detection| detection.id == id);
    let stack = world.at(place).cloudformation.stacks.values().find(|stack| within(stack));
    let found = stack.and_then(|stack| Some((stack, stack.detections.iter().find(|detection| detection.id == id)?)));
    let missing = || invalid(format!("Drift detection with id {id} does not exist"));
    let (stack, detection) = found.ok_or_else(missing)?;
    let mut xml = Xml::new();
    xml.text("StackId", &stack.id).text("StackDriftDetectionId", id).text("DetectionStatus", detection.status);
    xml.maybe("DetectionStatusReason", detection.reason.as_ref()).time("Timestamp", detection.started);
    if detection.status != DetectionStatus::InProgress {
        xml.text("StackDriftStatus", detection.found).text("DriftedStackResourceCount", detection.drifted);
    }
    Ok(xml)
}

pub(super) fn describe_resources(world: &World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    let stack = stack(world, place, params)?;
    let wanted = params.list("StackResourceDriftStatusFilters");
    let checked = stack.drift.iter().flat_map(|drift| drift.resources.iter().map(|(id, found)| (id, found, drift.at)));
    let checked = checked.filter(|(_, found, _)| wanted.is_empty() || wanted.contains(&found.status.as_str()));
    let mut xml = Xml::new();
    page(params, checked)?.write(&mut xml, "StackResourceDrifts", |xml, (id, found, at)| {
        let resource = stack.resources.get(id);
        xml.text("StackId", &stack.id).text("LogicalResourceId", id);
        xml.maybe("PhysicalResourceId", resource.and_then(|resource| resource.physical_id.as_ref()));
        xml.maybe("ResourceType", resource.map(|resource| &resource.type_name));
        write(xml, found);
        xml.time("Timestamp", at);
    });
    Ok(xml)
}

fn write(xml: &mut Xml, found: &ResourceDrift) {
    xml.text("StackResourceDriftStatus", found.status).maybe("DriftStatusReason", found.reason.as_ref());
    if matches!(found.status, ResourceDriftStatus::InSync | ResourceDriftStatus::Modified) {
        xml.text("ExpectedProperties", Json::Object(found.expected.clone()));
        xml.text("ActualProperties", Json::Object(found.actual.clone()));
    }
    xml.list("PropertyDifferences", "member", &found.differences, write_difference);
}

fn write_difference(xml: &mut Xml, difference: &Difference) {
    xml.text("PropertyPath", &difference.path).text("DifferenceType", difference.difference);
    xml.text("ExpectedValue", shown(&difference.expected)).text("ActualValue", shown(&difference.actual));
}

/// What is known of a stack's drift.
pub(super) fn information(xml: &mut Xml, stack: &Stack) {
    let status = stack.drift.as_ref().map_or(StackDriftStatus::NotChecked, |drift| drift.status);
    xml.text("StackDriftStatus", status);
    if let Some(drift) = &stack.drift {
        xml.time("LastCheckTimestamp", drift.at);
    }
}

/// What is known of a resource's drift.
pub(super) fn resource_information(xml: &mut Xml, stack: &Stack, resource: &Resource) {
    let checked =
        stack.drift.as_ref().and_then(|drift| Some((drift.at, drift.resources.get(resource.logical_id.as_str())?)));
    xml.text("StackResourceDriftStatus", checked.map_or(ResourceDriftStatus::NotChecked, |(_, found)| found.status));
    if let Some((at, _)) = checked {
        xml.time("LastCheckTimestamp", at);
    }
}
