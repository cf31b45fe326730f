//! `AWS::EC2::RouteTable` and `AWS::EC2::SubnetRouteTableAssociation`.

use serde_json::Value as Json;

use super::property::{Property, fixed, live};
use super::{Failure, Job, Live, Provider, retag};
use crate::sim::cloudformation::stack::Resource;
use crate::sim::ec2::route_table;
use crate::sim::wire::ApiError;
use crate::sim::world::{Place, Register, World};

pub(super) struct RouteTable;

impl Provider for RouteTable {
    fn properties(&self) -> Option<&'static [Property]> {
        const PROPERTIES: &[Property] = &[fixed("VpcId").required(), live("Tags")];
        Some(PROPERTIES)
    }

    fn create(&self, world: &mut World, job: &Job<'_>) -> Result<String, Failure> {
        Ok(route_table::create(world, job.place, &job.require("VpcId")?, job.tags.clone())?)
    }

    fn update(&self, world: &mut World, job: &Job<'_>, old: &Resource) -> Result<String, Failure> {
        retag(world, job.place, old.id(), &old.tags, job.tags)?;
        Ok(old.id().to_owned())
    }

    fn delete(&self, world: &mut World, place: &Place, resource: &Resource) -> Result<(), ApiError> {
        route_table::delete(world, place, resource.id())
    }

    fn attribute(&self, _: &World, _: &Place, resource: &Resource, name: &str) -> Option<Json> {
        (name == "RouteTableId").then(|| resource.id().into())
    }

    fn live(&self, world: &World, place: &Place, resource: &Resource, _: &Register<Resource>) -> Live {
        match route_table::get(world, place, resource.id()) {
            Ok(table) => Live::of([("VpcId", table.vpc.as_str().into())]).tagged(&table.tags),
            Err(_) => Live::Gone,
        }
    }
}

pub(super) struct Association;

impl Provider for Association {
    fn properties(&self) -> Option<&'static [Property]> {
        const PROPERTIES: &[Property] = &[live("RouteTableId").required(), fixed("SubnetId").required()];
        Some(PROPERTIES)
    }

    fn create(&self, world: &mut World, job: &Job<'_>) -> Result<String, Failure> {
        let (table, subnet) = (job.require("RouteTableId")?, job.require("SubnetId")?);
        Ok(route_table::associate(world, job.place, &table, &subnet)?)
    }

    /// The physical id changes, as the documentation says, though the resource is not replaced.
    fn update(&self, world: &mut World, job: &Job<'_>, old: &Resource) -> Result<String, Failure> {
        Ok(route_table::replace_association(world, job.place, old.id(), &job.require("RouteTableId")?)?)
    }

    fn delete(&self, world: &mut World, place: &Place, resource: &Resource) -> Result<(), ApiError> {
        route_table::disassociate(world, place, resource.id())
    }

    fn attribute(&self, _: &World, _: &Place, resource: &Resource, name: &str) -> Option<Json> {
        (name == "Id").then(|| resource.id().into())
    }

    fn live(&self, world: &World, place: &Place, resource: &Resource, _: &Register<Resource>) -> Live {
        let found = world.ec2(place).route_tables.values().find_map(|table| {
            let association = table.associations.get(resource.id())?;
            Some((table.id.as_str(), association.subnet.as_deref()))
        });
        match found {
            Some((table, subnet)) => Live::of([("RouteTableId", table.into()), ("SubnetId", subnet.into())]),
            None => Live::Gone,
        }
    }
}
