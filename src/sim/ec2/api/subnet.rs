//! Operations on subnets.

use super::query::{Query, many, one};
use super::{Answer, done, write_tags};
use crate::sim::ec2::{Kind, Subnet, subnet, tagging, zone};
use crate::sim::wire::{ApiError, Request, Xml};
use crate::sim::world::{Place, World};

pub(super) fn create(world: &mut World, request: &Request) -> Answer {
    let params = &request.params;
    let wanted = subnet::SubnetRequest {
        vpc: params.require("VpcId")?.to_owned(),
        cidr_block: params.require("CidrBlock")?.to_owned(),
        ipv6_cidr_block: params.get("Ipv6CidrBlock").map(str::to_owned),
        zone: zone_of(request)?,
        map_public_ip: false,
        assign_ipv6: false,
        tags: tagging::specified(params, Kind::SUBNET)?,
    };
    let id = subnet::create(world, &request.place, wanted)?;
    let mut xml = Xml::new();
    let made = subnet::get(world, &request.place, &id)?;
    xml.within("subnet", |xml| write(xml, &request.place, made));
    Ok(xml)
}

/// The zone's name, which may also be given by its id.
fn zone_of(request: &Request) -> Result<Option<String>, ApiError> {
    let (params, region) = (&request.params, &request.place.region);
    match (params.get("AvailabilityZone"), params.get("AvailabilityZoneId")) {
        (Some(name), _) => Ok(Some(name.to_owned())),
        (None, None) => Ok(None),
        (None, Some(id)) => {
            let mut zones = zone::zones(region).into_iter();
            let found = zones.find(|(_, own)| own == id).map(|(name, _)| name);
            let refuse = || ApiError::invalid(format!("Value ({id}) for parameter availabilityZoneId is invalid."));
            found.map(Some).ok_or_else(refuse)
        }
    }
}

pub(super) fn delete(world: &mut World, request: &Request) -> Answer {
    subnet::delete(world, &request.place, request.params.require("SubnetId")?)?;
    Ok(done())
}

pub(super) fn describe(world: &World, request: &Request) -> Answer {
    let place = &request.place;
    let zones = zone::zones(&place.region);
    let query = Query {
        ids: "SubnetId",
        not_found: |id| Kind::SUBNET.not_found(id),
        id: |subnet: &Subnet| &subnet.id,
        tags: &|subnet| subnet.tags.clone(),
        field: &|subnet, name| match name {
            "subnet-id" => one(&subnet.id),
            "vpc-id" => one(&subnet.vpc),
            "availability-zone" | "availabilityZone" => one(&subnet.zone),
            "availability-zone-id" | "availabilityZoneId" => many(zones.get(&subnet.zone)),
            "cidr-block" | "cidr" | "cidrBlock" => one(&subnet.cidr_block),
            "ipv6-cidr-block-association.ipv6-cidr-block" => many(subnet.ipv6_cidr_block),
            "map-public-ip-on-launch" => one(&subnet.map_public_ip),
            "default-for-az" | "defaultForAz" => one(&false),
            "owner-id" => one(&place.account),
            "state" => one("available"),
            _ => None,
        },
    };
    query.answer(request, world.ec2(place).subnets.values(), "subnetSet", |xml, subnet| write(xml, place, subnet))
}

pub(super) fn modify_attribute(world: &mut World, request: &Request) -> Answer {
    let params = &request.params;
    let subnet = subnet::get_mut(world, &request.place, params.require("SubnetId")?)?;
    if let Some(map) = params.parsed("MapPublicIpOnLaunch.Value")? {
        subnet.map_public_ip = map;
    }
    if let Some(assign) = params.parsed("AssignIpv6AddressOnCreation.Value")? {
        subnet.assign_ipv6 = assign;
    }
    Ok(done())
}

fn write(xml: &mut Xml, place: &Place, subnet: &Subnet) {
    let arn = format!("arn:{}:ec2:{}:{}:subnet/{}", place.region.partition(), place.region, place.account, subnet.id);
    xml.text("subnetId", &subnet.id).text("subnetArn", arn).text("vpcId", &subnet.vpc);
    xml.text("ownerId", &place.account).text("state", "available").text("cidrBlock", subnet.cidr_block);
    xml.items("ipv6CidrBlockAssociationSet", subnet.ipv6_cidr_block, |xml, range| {
        xml.text("associationId", format!("subnet-cidr-assoc-{}", subnet.id.trim_start_matches("subnet-")));
        xml.text("ipv6CidrBlock", range).within("ipv6CidrBlockState", |xml| {
            xml.text("state", "associated");
        });
    });
    xml.text("availableIpAddressCount", subnet.available_addresses()).text("availabilityZone", &subnet.zone);
    xml.maybe("availabilityZoneId", zone::zones(&place.region).get(&subnet.zone));
    xml.text("defaultForAz", false).text("mapPublicIpOnLaunch", subnet.map_public_ip);
    xml.text("assignIpv6AddressOnCreation", subnet.assign_ipv6);
    write_tags(xml, &subnet.tags);
}
