//! Operations on VPCs.

use super::query::{Query, many, one};
use super::{Answer, done, write_tags};
use crate::sim::ec2::{Kind, Vpc, tagging, vpc};
use crate::sim::wire::{ApiError, Request, Xml};
use crate::sim::world::{Place, World};

pub(super) fn create(world: &mut World, request: &Request) -> Answer {
    let params = &request.params;
    let wanted = vpc::VpcRequest {
        cidr_block: params.require("CidrBlock")?.to_owned(),
        tenancy: params.get("InstanceTenancy").unwrap_or_default().to_owned(),
        ipv6: params.flag("AmazonProvidedIpv6CidrBlock"),
        tags: tagging::specified(params, Kind::VPC)?,
    };
    let id = vpc::create(world, &request.place, wanted)?;
    let mut xml = Xml::new();
    let made = vpc::get(world, &request.place, &id)?;
    xml.within("vpc", |xml| write(xml, &request.place, made));
    Ok(xml)
}

pub(super) fn delete(world: &mut World, request: &Request) -> Answer {
    vpc::delete(world, &request.place, request.params.require("VpcId")?)?;
    Ok(done())
}

pub(super) fn describe(world: &World, request: &Request) -> Answer {
    let owner = request.place.account.to_string();
    let query = Query {
        ids: "VpcId",
        not_found: |id| Kind::VPC.not_found(id),
        id: |vpc: &Vpc| &vpc.id,
        tags: &|vpc| vpc.tags.clone(),
        field: &|vpc, name| match name {
            "vpc-id" => one(&vpc.id),
            "cidr" | "cidr-block" | "cidrBlock" => many(vpc.cidr_block()),
            "cidr-block-association.cidr-block" => many(vpc.ranges()),
            "cidr-block-association.association-id" => many(vpc.cidr_blocks.iter().map(|(id, _)| id)),
            "ipv6-cidr-block-association.ipv6-cidr-block" => many(vpc.ipv6_cidr_blocks.iter().map(|(_, range)| range)),
            "is-default" | "isDefault" => one(&false),
            "owner-id" => one(&owner),
            "state" => one("available"),
            _ => None,
        },
    };
    let all = world.ec2(&request.place).vpcs.values();
    query.answer(request, all, "vpcSet", |xml, vpc| write(xml, &request.place, vpc))
}

pub(super) fn describe_attribute(world: &World, request: &Request) -> Answer {
    let vpc = vpc::get(world, &request.place, request.params.require("VpcId")?)?;
    let mut xml = Xml::new();
    xml.text("vpcId", &vpc.id);
    let (name, value) = match request.params.require("Attribute")? {
        "enableDnsSupport" => ("enableDnsSupport", vpc.dns_support),
        "enableDnsHostnames" => ("enableDnsHostnames", vpc.dns_hostnames),
        "enableNetworkAddressUsageMetrics" => ("enableNetworkAddressUsageMetrics", false),
        other => {
            return Err(ApiError::invalid(format!("Value ({other}) for parameter attribute is invalid.")));
        }
    };
    xml.within(name, |xml| {
        xml.text("value", value);
    });
    Ok(xml)
}

pub(super) fn modify_attribute(world: &mut World, request: &Request) -> Answer {
    let params = &request.params;
    let vpc = vpc::get_mut(world, &request.place, params.require("VpcId")?)?;
    if let Some(support) = params.parsed("EnableDnsSupport.Value")? {
        vpc.dns_support = support;
    }
    if let Some(hostnames) = params.parsed("EnableDnsHostnames.Value")? {
        vpc.dns_hostnames = hostnames;
    }
    Ok(done())
}

pub(super) fn associate(world: &mut World, request: &Request) -> Answer {
    let (params, place) = (&request.params, &request.place);
    let id = params.require("VpcId")?;
    let mut xml = Xml::new();
    xml.text("vpcId", id);
    if params.flag("AmazonProvidedIpv6CidrBlock") {
        let association = vpc::associate_ipv6(world, place, id)?;
        let vpc = vpc::get(world, place, id)?;
        let range = vpc.ipv6_cidr_blocks.iter().find(|(own, _)| *own == association).map(|(_, range)| range);
        xml.within("ipv6CidrBlockAssociation", |xml| {
            xml.text("associationId", &association).maybe("ipv6CidrBlock", range);
            write_state(xml, "ipv6CidrBlockState");
        });
    } else {
        let range = params.require("CidrBlock")?;
        let association = vpc::associate(world, place, id, range)?;
        xml.within("cidrBlockAssociation", |xml| {
            xml.text("associationId", &association).text("cidrBlock", range);
            write_state(xml, "cidrBlockState");
        });
    }
    Ok(xml)
}

pub(super) fn disassociate(world: &mut World, request: &Request) -> Answer {
    let id = vpc::disassociate(world, &request.place, request.params.require("AssociationId")?)?;
    let mut xml = Xml::new();
    xml.text("vpcId", id);
    Ok(xml)
}

fn write_state(xml: &mut Xml, name: &str) {
    xml.within(name, |xml| {
        xml.text("state", "associated");
    });
}

fn write(xml: &mut Xml, place: &Place, vpc: &Vpc) {
    xml.text("vpcId", &vpc.id).text("ownerId", &place.account).text("state", "available");
    xml.maybe("cidrBlock", vpc.cidr_block());
    xml.items("cidrBlockAssociationSet", &vpc.cidr_blocks, |xml, (id, range)| {
        xml.text("associationId", id).text("cidrBlock", range);
        write_state(xml, "cidrBlockState");
    });
    xml.items("ipv6CidrBlockAssociationSet", &vpc.ipv6_cidr_blocks, |xml, (id, range)| {
        xml.text("associationId", id).text("ipv6CidrBlock", range);
        write_state(xml, "ipv6CidrBlockState");
    });
    xml.text("dhcpOptionsId", "default").text("instanceTenancy", &vpc.tenancy).text("isDefault", false);
    write_tags(xml, &vpc.tags);
}
