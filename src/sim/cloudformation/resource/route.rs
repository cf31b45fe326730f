//! `AWS::EC2::Route`.

use serde_json::Value as Json;

use super::property::{Property, fixed, live};
use super::{Failure, Job, Live, Provider};
use crate::sim::cloudformation::stack::Resource;
use crate::sim::ec2::{Destination, Target, TargetKind, route, route_table};
use crate::sim::wire::ApiError;
use crate::sim::world::{Place, Register, World};

pub(super) struct Route;

impl Provider for Route {
    fn properties(&self) -> Option<&'static [Property]> {
        const PROPERTIES: &[Property] = &[
            fixed("RouteTableId").required(),
            fixed("DestinationCidrBlock"),
            fixed("DestinationIpv6CidrBlock"),
            fixed("DestinationPrefixListId"),
            live("CarrierGatewayId"),
            live("CoreNetworkArn"),
            live("EgressOnlyInternetGatewayId"),
            live("GatewayId"),
            live("InstanceId"),
            live("LocalGatewayId"),
            live("NatGatewayId"),
            live("NetworkInterfaceId"),
            live("TransitGatewayId"),
            live("VpcEndpointId"),
            live("VpcPeeringConnectionId"),
        ];
        Some(PROPERTIES)
    }

    fn create(&self, world: &mut World, job: &Job<'_>) -> Result<String, Failure> {
        let (table, destination) = (job.require("RouteTableId")?, destination(|name| job.text(name))?);
        let id = format!("{table}|{destination}");
        route::create(world, job.place, &table, destination, target(job)?)?;
        Ok(id)
    }

    fn update(&self, world: &mut World, job: &Job<'_>, old: &Resource) -> Result<String, Failure> {
        let destination = destination(|name| job.text(name))?;
        route::replace(world, job.place, &job.require("RouteTableId")?, destination, target(job)?)?;
        Ok(old.id().to_owned())
    }

    fn delete(&self, world: &mut World, place: &Place, resource: &Resource) -> Result<(), ApiError> {
        let table = resource.text("RouteTableId").unwrap_or_default();
        route::delete(world, place, &table, &destination(|name| resource.text(name))?)
    }

    fn attribute(&self, _: &World, _: &Place, resource: &Resource, name: &str) -> Option<Json> {
        (name == "CidrBlock").then(|| resource.text("DestinationCidrBlock").into())
    }

    fn live(&self, world: &World, place: &Place, resource: &Resource, _: &Register<Resource>) -> Live {
        let table = resource.text("RouteTableId").unwrap_or_default();
        let destination = destination(|name| resource.text(name));
        let (Ok(found), Ok(destination)) = (route_table::get(world, place, &table), destination) else {
            return Live::Gone;
        };
        let Some(route) = found.routes.get(&destination) else { return Live::Gone };
        // An endpoint can be given as a gateway.
        let leads_by = |kind| {
            route.target.kind == kind || (kind == TargetKind::Gateway && route.target.kind == TargetKind::Endpoint)
        };
        let targets =
            TargetKind::ALL.map(|(kind, name)| (name, leads_by(kind).then_some(route.target.id.as_str()).into()));
        Live::of(targets)
    }
}

fn destination(property: impl Fn(&str) -> Option<String>) -> Result<Destination, ApiError> {
    let v4 = property("DestinationCidrBlock");
    let v6 = property("DestinationIpv6CidrBlock");
    let prefix_list = property("DestinationPrefixListId");
    Destination::read(v4.as_deref(), v6.as_deref(), prefix_list.as_deref())
}

fn target(job: &Job<'_>) -> Result<Target, ApiError> {
    let given: Vec<(&str, String)> =
        TargetKind::ALL.into_iter().filter_map(|(_, name)| Some((name, job.text(name)?))).collect();
    Target::read(|name| given.iter().find(|(given, _)| *given == name).map(|(_, id)| id.as_str()))
}
