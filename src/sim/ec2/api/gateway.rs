//! Operations on gateways: internet, egress-only and NAT.

use super::query::{Query, many, one};
use super::{Answer, done, write_tags};
use crate::sim::ec2::{InternetGateway, Kind, NatGateway, egress_only_gateway, internet_gateway, nat_gateway, tagging};
use crate::sim::wire::{Request, Xml};
use crate::sim::world::{Place, World};

pub(super) fn create(world: &mut World, request: &Request) -> Answer {
    let tags = tagging::specified(&request.params, Kind::INTERNET_GATEWAY)?;
    let id = internet_gateway::create(world, &request.place, tags);
    let mut xml = Xml::new();
    let made = internet_gateway::get(world, &request.place, &id)?;
    xml.within("internetGateway", |xml| write(xml, &request.place, made));
    Ok(xml)
}

pub(super) fn attach(world: &mut World, request: &Request) -> Answer {
    let (gateway, vpc) = (request.params.require("InternetGatewayId")?, request.params.require("VpcId")?);
    internet_gateway::attach(world, &request.place, gateway, vpc)?;
    Ok(done())
}

pub(super) fn detach(world: &mut World, request: &Request) -> Answer {
    let (gateway, vpc) = (request.params.require("InternetGatewayId")?, request.params.require("VpcId")?);
    internet_gateway::detach(world, &request.place, gateway, vpc)?;
    Ok(done())
}

pub(super) fn delete(world: &mut World, request: &Request) -> Answer {
    internet_gateway::delete(world, &request.place, request.params.require("InternetGatewayId")?)?;
    Ok(done())
}

pub(super) fn describe(world: &World, request: &Request) -> Answer {
    let place = &request.place;
    let query = Query {
        ids: "InternetGatewayId",
        not_found: |id| Kind::INTERNET_GATEWAY.not_found(id),
        id: |gateway: &InternetGateway| &gateway.id,
        tags: &|gateway| gateway.tags.clone(),
        field: &|gateway, name| match name {
            "internet-gateway-id" => one(&gateway.id),
            "attachment.vpc-id" => many(&gateway.vpc),
            "attachment.state" => many(gateway.vpc.as_ref().map(|_| "available")),
            "owner-id" => one(&place.account),
            _ => None,
        },
    };
    let all = world.ec2(place).internet_gateways.values();
    query.answer(request, all, "internetGatewaySet", |xml, gateway| write(xml, place, gateway))
}

fn write(xml: &mut Xml, place: &Place, gateway: &InternetGateway) {
    xml.text("internetGatewayId", &gateway.id).text("ownerId", &place.account);
    xml.items("attachmentSet", &gateway.vpc, |xml, vpc| {
        xml.text("vpcId", vpc).text("state", "available");
    });
    write_tags(xml, &gateway.tags);
}

pub(super) fn create_egress_only(world: &mut World, request: &Request) -> Answer {
    let tags = tagging::specified(&request.params, Kind::EGRESS_ONLY_GATEWAY)?;
    let vpc = request.params.require("VpcId")?;
    let id = egress_only_gateway::create(world, &request.place, vpc, tags.clone())?;
    let mut xml = Xml::new();
    xml.within("egressOnlyInternetGateway", |xml| {
        xml.text("egressOnlyInternetGatewayId", id).items("attachmentSet", [vpc], |xml, vpc| {
            xml.text("vpcId", vpc).text("state", "attached");
        });
        write_tags(xml, &tags);
    });
    Ok(xml)
}

pub(super) fn delete_egress_only(world: &mut World, request: &Request) -> Answer {
    let id = request.params.require("EgressOnlyInternetGatewayId")?;
    egress_only_gateway::delete(world, &request.place, id)?;
    let mut xml = Xml::new();
    xml.text("returnCode", true);
    Ok(xml)
}

pub(super) fn create_nat(world: &mut World, request: &Request) -> Answer {
    let params = &request.params;
    let tags = tagging::specified(params, Kind::NAT_GATEWAY)?;
    let address =
        if params.get("ConnectivityType") == Some("private") { None } else { Some(params.require("AllocationId")?) };
    let id = nat_gateway::create(world, &request.place, params.require("SubnetId")?, address, tags)?;
    let mut xml = Xml::new();
    let made = nat_gateway::get(world, &request.place, &id)?;
    xml.within("natGateway", |xml| write_nat(xml, world, &request.place, made));
    Ok(xml)
}

pub(super) fn delete_nat(world: &mut World, request: &Request) -> Answer {
    let id = request.params.require("NatGatewayId")?;
    nat_gateway::delete(world, &request.place, id)?;
    let mut xml = Xml::new();
    xml.text("natGatewayId", id);
    Ok(xml)
}

pub(super) fn describe_nat(world: &World, request: &Request) -> Answer {
    let place = &request.place;
    let query = Query {
        ids: "NatGatewayId",
        not_found: nat_gateway::not_found,
        id: |gateway: &NatGateway| &gateway.id,
        tags: &|gateway| gateway.tags.clone(),
        field: &|gateway, name| match name {
            "nat-gateway-id" => one(&gateway.id),
            "subnet-id" => one(&gateway.subnet),
            "vpc-id" => one(&gateway.vpc),
            "state" => one(gateway.state.as_str()),
            _ => None,
        },
    };
    let all = world.ec2(place).nat_gateways.values();
    query.answer(request, all, "natGatewaySet", |xml, gateway| write_nat(xml, world, place, gateway))
}

fn write_nat(xml: &mut Xml, world: &World, place: &Place, gateway: &NatGateway) {
    xml.text("natGatewayId", &gateway.id).text("subnetId", &gateway.subnet).text("vpcId", &gateway.vpc);
    xml.text("state", gateway.state.as_str());
    if let Some((code, message)) = gateway.failure() {
        xml.text("failureCode", code).text("failureMessage", message);
    }
    xml.text("connectivityType", if gateway.address.is_some() { "public" } else { "private" });
    let addresses = gateway.address.iter().filter_map(|id| world.ec2(place).addresses.get(id));
    xml.items("natGatewayAddressSet", addresses, |xml, address| {
        xml.text("allocationId", &address.id).text("publicIp", address.public_ip);
    });
    write_tags(xml, &gateway.tags);
}
