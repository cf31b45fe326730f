//! `DescribeStackResources`, `DescribeStackResource` and `ListStackResources`.

use super::super::config::invalid;
use super::super::stack::{Resource, Stack};
use super::drift;
use super::page::page;
use super::request::{required, stack};
use crate::sim::wire::{ApiError, Params, Xml};
use crate::sim::world::{Place, World};

pub(super) fn describe_all(world: &World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    let found = match (params.get("StackName"), params.get("PhysicalResourceId")) {
        (None, Some(id)) => {
            let owns = |stack: &&Stack| stack.resources.values().any(|resource| resource.id() == id);
            let missing = || invalid(format!("Stack for {id} does not exist"));
            world.at(place).cloudformation.live().find(owns).ok_or_else(missing)?
        }
        _ => stack_by_id(world, place, params)?,
    };
    let one = params.get("LogicalResourceId");
    let resources = found.resources.values().filter(|resource| one.is_none_or(|one| resource.logical_id == one));
    let mut xml = Xml::new();
    xml.list("StackResources", "member", resources, |xml, resource| {
        xml.text("StackName", &found.name).text("StackId", &found.id);
        common(xml, found, resource);
        xml.time("Timestamp", resource.at);
    });
    Ok(xml)
}

fn stack_by_id<'a>(world: &'a World, place: &Place, params: &Params) -> Result<&'a Stack, ApiError> {
    let name = required(params, "StackName", "stackName")?;
    let missing = || invalid(format!("Stack with id {name} does not exist"));
    world.at(place).cloudformation.find(name).ok_or_else(missing)
}

fn common(xml: &mut Xml, stack: &Stack, resource: &Resource) {
    xml.text("LogicalResourceId", &resource.logical_id).maybe("PhysicalResourceId", resource.physical_id.as_ref());
    xml.text("ResourceType", &resource.type_name);
    xml.text("ResourceStatus", resource.status).maybe("ResourceStatusReason", resource.reason.as_ref());
    xml.within("DriftInformation", |xml| drift::resource_information(xml, stack, resource));
}

pub(super) fn describe_one(world: &World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    let found = stack(world, place, params)?;
    let id = required(params, "LogicalResourceId", "logicalResourceId")?;
    let Some(resource) = found.resources.get(id) else {
        return Err(invalid(format!("Resource {id} does not exist for stack {}", found.name)));
    };
    let mut xml = Xml::new();
    xml.within("StackResourceDetail", |xml| {
        xml.text("StackName", &found.name).text("StackId", &found.id);
        common(xml, found, resource);
        xml.time("LastUpdatedTimestamp", resource.at);
        xml.maybe("Metadata", resource.metadata.as_ref());
    });
    Ok(xml)
}

pub(super) fn list(world: &World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    let found = stack_by_id(world, place, params)?;
    let mut xml = Xml::new();
    page(params, found.resources.values())?.write(&mut xml, "StackResourceSummaries", |xml, resource| {
        common(xml, found, resource);
        xml.time("LastUpdatedTimestamp", resource.at);
    });
    Ok(xml)
}
