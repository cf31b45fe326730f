//! Operations on route tables and their associations.

use super::query::{Query, Values, many, one};
use super::{Answer, done, route, write_tags};
use crate::sim::ec2::{Destination, Kind, RouteTable, TargetKind, route_table, tagging};
use crate::sim::wire::{ApiError, Request, Xml};
use crate::sim::world::{Place, World};

pub(super) fn create(world: &mut World, request: &Request) -> Answer {
    let tags = tagging::specified(&request.params, Kind::ROUTE_TABLE)?;
    let id = route_table::create(world, &request.place, request.params.require("VpcId")?, tags)?;
    let mut xml = Xml::new();
    let made = route_table::get(world, &request.place, &id)?;
    xml.within("routeTable", |xml| write(xml, world, &request.place, made));
    Ok(xml)
}

pub(super) fn delete(world: &mut World, request: &Request) -> Answer {
    route_table::delete(world, &request.place, request.params.require("RouteTableId")?)?;
    Ok(done())
}

pub(super) fn describe(world: &World, request: &Request) -> Answer {
    let place = &request.place;
    let query = Query {
        ids: "RouteTableId",
        not_found: |id| Kind::ROUTE_TABLE.not_found(id),
        id: |table: &RouteTable| &table.id,
        tags: &|table| table.tags.clone(),
        field: &|table, name| field(world, place, table, name),
    };
    let all = world.ec2(place).route_tables.values();
    query.answer(request, all, "routeTableSet", |xml, table| write(xml, world, place, table))
}

fn field(world: &World, place: &Place, table: &RouteTable, name: &str) -> Values {
    let through = |kind: TargetKind| {
        many(table.routes.values().filter(|route| route.target.kind == kind).map(|route| &route.target.id))
    };
    let to = |of: fn(&Destination) -> Option<String>| many(table.routes.keys().filter_map(of));
    match name {
        "route-table-id" => one(&table.id),
        "vpc-id" => one(&table.vpc),
        "owner-id" => one(&place.account),
        "association.route-table-association-id" | "association.association-id" => many(table.associations.keys()),
        "association.route-table-id" => many(table.associations.keys().map(|_| &table.id)),
        "association.subnet-id" => many(table.associations.values().filter_map(|own| own.subnet.as_ref())),
        "association.main" => many(table.associations.values().map(|own| own.main)),
        "route.destination-cidr-block" => to(|own| matches!(own, Destination::V4(_)).then(|| own.to_string())),
        "route.destination-ipv6-cidr-block" => to(|own| matches!(own, Destination::V6(_)).then(|| own.to_string())),
        "route.destination-prefix-list-id" => {
            to(|own| matches!(own, Destination::PrefixList(_)).then(|| own.to_string()))
        }
        "route.gateway-id" => through(TargetKind::Gateway),
        "route.nat-gateway-id" => through(TargetKind::NatGateway),
        "route.vpc-peering-connection-id" => through(TargetKind::Peering),
        "route.transit-gateway-id" => through(TargetKind::TransitGateway),
        "route.egress-only-internet-gateway-id" => through(TargetKind::EgressOnlyGateway),
        "route.instance-id" => through(TargetKind::Instance),
        "route.origin" => many(table.routes.values().map(|route| route.origin.as_str())),
        "route.state" => many(table.routes.values().map(|own| route::state(world, place, table, own))),
        _ => None,
    }
}

pub(super) fn associate(world: &mut World, request: &Request) -> Answer {
    let params = &request.params;
    if params.get("GatewayId").is_some() {
        let message = "The embedded AWS associates route tables with subnets only, not with gateways.";
        return Err(ApiError::new("UnsupportedOperation", message));
    }
    let (table, subnet) = (params.require("RouteTableId")?, params.require("SubnetId")?);
    let id = route_table::associate(world, &request.place, table, subnet)?;
    Ok(associated("associationId", &id))
}

pub(super) fn disassociate(world: &mut World, request: &Request) -> Answer {
    route_table::disassociate(world, &request.place, request.params.require("AssociationId")?)?;
    Ok(done())
}

pub(super) fn replace_association(world: &mut World, request: &Request) -> Answer {
    let (association, table) = (request.params.require("AssociationId")?, request.params.require("RouteTableId")?);
    let id = route_table::replace_association(world, &request.place, association, table)?;
    Ok(associated("newAssociationId", &id))
}

fn associated(name: &str, id: &str) -> Xml {
    let mut xml = Xml::new();
    xml.text(name, id).within("associationState", |xml| {
        xml.text("state", "associated");
    });
    xml
}

fn write(xml: &mut Xml, world: &World, place: &Place, table: &RouteTable) {
    xml.text("routeTableId", &table.id).text("vpcId", &table.vpc).text("ownerId", &place.account);
    xml.items("routeSet", &table.routes, |xml, (destination, own)| {
        route::write(xml, world, place, table, destination, own);
    });
    xml.items("associationSet", &table.associations, |xml, (id, association)| {
        xml.text("routeTableAssociationId", id).text("routeTableId", &table.id);
        xml.maybe("subnetId", association.subnet.as_ref()).text("main", association.main);
        xml.within("associationState", |xml| {
            xml.text("state", "associated");
        });
    });
    xml.items("propagatingVgwSet", None::<()>, |_, ()| {});
    write_tags(xml, &table.tags);
}
