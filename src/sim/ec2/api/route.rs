//! Operations on routes.

use super::{Answer, done};
use crate::sim::ec2::{Destination, Route, RouteTable, Target, TargetKind, route};
use crate::sim::wire::{ApiError, Params, Request, Xml};
use crate::sim::world::{Place, World};

pub(super) fn create(world: &mut World, request: &Request) -> Answer {
    let (table, destination, target) = read(&request.params)?;
    route::create(world, &request.place, table, destination, target)?;
    Ok(done())
}

pub(super) fn replace(world: &mut World, request: &Request) -> Answer {
    let (table, destination, target) = read(&request.params)?;
    route::replace(world, &request.place, table, destination, target)?;
    Ok(done())
}

pub(super) fn delete(world: &mut World, request: &Request) -> Answer {
    let table = request.params.require("RouteTableId")?;
    route::delete(world, &request.place, table, &destination(&request.params)?)?;
    Ok(done())
}

fn read(params: &Params) -> Result<(&str, Destination, Target), ApiError> {
    let target = if params.flag("LocalTarget") { Target::local() } else { Target::read(|name| params.get(name))? };
    Ok((params.require("RouteTableId")?, destination(params)?, target))
}

fn destination(params: &Params) -> Result<Destination, ApiError> {
    Destination::read(
        params.get("DestinationCidrBlock"),
        params.get("DestinationIpv6CidrBlock"),
        params.get("DestinationPrefixListId"),
    )
}

/// A route's state as EC2 writes it.
pub(super) fn state(world: &World, place: &Place, table: &RouteTable, own: &Route) -> &'static str {
    if route::is_active(world, place, table, own) { "active" } else { "blackhole" }
}

pub(super) fn write(
    xml: &mut Xml,
    world: &World,
    place: &Place,
    table: &RouteTable,
    destination: &Destination,
    own: &Route,
) {
    let name = match destination {
        Destination::V4(_) => "destinationCidrBlock",
        Destination::V6(_) => "destinationIpv6CidrBlock",
        Destination::PrefixList(_) => "destinationPrefixListId",
    };
    let through = match own.target.kind {
        TargetKind::Gateway | TargetKind::Endpoint => "gatewayId",
        TargetKind::NatGateway => "natGatewayId",
        TargetKind::NetworkInterface => "networkInterfaceId",
        TargetKind::Instance => "instanceId",
        TargetKind::Peering => "vpcPeeringConnectionId",
        TargetKind::TransitGateway => "transitGatewayId",
        TargetKind::EgressOnlyGateway => "egressOnlyInternetGatewayId",
        TargetKind::CarrierGateway => "carrierGatewayId",
        TargetKind::LocalGateway => "localGatewayId",
        TargetKind::CoreNetwork => "coreNetworkArn",
    };
    xml.text(name, destination).text(through, &own.target.id);
    xml.text("origin", own.origin.as_str()).text("state", state(world, place, table, own));
}
