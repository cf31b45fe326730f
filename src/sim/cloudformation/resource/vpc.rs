//! `AWS::EC2::VPC` and `AWS::EC2::VPCCidrBlock`.

use serde_json::{Value as Json, json};

use super::property::{Property, fixed, live};
use super::{Failure, Job, Live, Provider, retag};
use crate::sim::cloudformation::stack::Resource;
use crate::sim::ec2::vpc;
use crate::sim::wire::ApiError;
use crate::sim::world::{Place, Register, World};

pub(super) struct Vpc;

impl Provider for Vpc {
    fn properties(&self) -> Option<&'static [Property]> {
        const PROPERTIES: &[Property] = &[
            fixed("CidrBlock"),
            fixed("Ipv4IpamPoolId"),
            fixed("Ipv4NetmaskLength"),
            live("EnableDnsHostnames"),
            live("EnableDnsSupport"),
            live("InstanceTenancy"),
            live("Tags"),
        ];
        Some(PROPERTIES)
    }

    fn create(&self, world: &mut World, job: &Job<'_>) -> Result<String, Failure> {
        let wanted = vpc::VpcRequest {
            cidr_block: job.require("CidrBlock")?,
            tenancy: job.text("InstanceTenancy").unwrap_or_default(),
            ipv6: false,
            tags: job.tags.clone(),
        };
        let id = vpc::create(world, job.place, wanted)?;
        set_dns(world, job, &id)?;
        Ok(id)
    }

    fn update(&self, world: &mut World, job: &Job<'_>, old: &Resource) -> Result<String, Failure> {
        set_dns(world, job, old.id())?;
        vpc::get_mut(world, job.place, old.id())?.tenancy =
            job.text("InstanceTenancy").unwrap_or_else(|| "default".to_owned());
        retag(world, job.place, old.id(), &old.tags, job.tags)?;
        Ok(old.id().to_owned())
    }

    fn delete(&self, world: &mut World, place: &Place, resource: &Resource) -> Result<(), ApiError> {
        vpc::delete(world, place, resource.id())
    }

    fn attribute(&self, world: &World, place: &Place, resource: &Resource, name: &str) -> Option<Json> {
        let vpc = vpc::get(world, place, resource.id()).ok()?;
        Some(match name {
            "VpcId" => vpc.id.as_str().into(),
            "CidrBlock" => vpc.cidr_block()?.to_string().into(),
            "DefaultSecurityGroup" => vpc.default_security_group.as_str().into(),
            "DefaultNetworkAcl" => vpc.default_network_acl.as_str().into(),
            "CidrBlockAssociations" => vpc.cidr_blocks.iter().map(|(id, _)| id.as_str()).collect(),
            "Ipv6CidrBlocks" => vpc.ipv6_cidr_blocks.iter().map(|(_, range)| range.to_string()).collect(),
            _ => return None,
        })
    }

    fn live(&self, world: &World, place: &Place, resource: &Resource, _: &Register<Resource>) -> Live {
        let Ok(vpc) = vpc::get(world, place, resource.id()) else { return Live::Gone };
        Live::of([
            ("CidrBlock", json!(vpc.cidr_block().map(|range| range.to_string()))),
            ("EnableDnsHostnames", vpc.dns_hostnames.into()),
            ("EnableDnsSupport", vpc.dns_support.into()),
            ("InstanceTenancy", vpc.tenancy.as_str().into()),
        ])
        .tagged(&vpc.tags)
    }
}

fn set_dns(world: &mut World, job: &Job<'_>, id: &str) -> Result<(), Failure> {
    let vpc = vpc::get_mut(world, job.place, id)?;
    vpc.dns_support = job.flag("EnableDnsSupport").unwrap_or(true);
    vpc.dns_hostnames = job.flag("EnableDnsHostnames").unwrap_or(false);
    Ok(())
}

pub(super) struct VpcCidrBlock;

impl Provider for VpcCidrBlock {
    fn properties(&self) -> Option<&'static [Property]> {
        const PROPERTIES: &[Property] = &[
            fixed("VpcId").required(),
            fixed("CidrBlock"),
            fixed("AmazonProvidedIpv6CidrBlock"),
            fixed("Ipv4IpamPoolId"),
            fixed("Ipv4NetmaskLength"),
            fixed("Ipv6CidrBlock"),
            fixed("Ipv6CidrBlockNetworkBorderGroup"),
            fixed("Ipv6IpamPoolId"),
            fixed("Ipv6NetmaskLength"),
            fixed("Ipv6Pool"),
        ];
        Some(PROPERTIES)
    }

    fn create(&self, world: &mut World, job: &Job<'_>) -> Result<String, Failure> {
        let owner = job.require("VpcId")?;
        if job.flag("AmazonProvidedIpv6CidrBlock") == Some(true) {
            Ok(vpc::associate_ipv6(world, job.place, &owner)?)
        } else {
            Ok(vpc::associate(world, job.place, &owner, &job.require("CidrBlock")?)?)
        }
    }

    fn update(&self, _: &mut World, _: &Job<'_>, old: &Resource) -> Result<String, Failure> {
        Ok(old.id().to_owned())
    }

    fn delete(&self, world: &mut World, place: &Place, resource: &Resource) -> Result<(), ApiError> {
        vpc::disassociate(world, place, resource.id()).map(drop)
    }

    fn attribute(&self, _: &World, _: &Place, resource: &Resource, name: &str) -> Option<Json> {
        (name == "Id").then(|| json!(resource.id()))
    }

    fn live(&self, world: &World, place: &Place, resource: &Resource, _: &Register<Resource>) -> Live {
        let owner = resource.text("VpcId").unwrap_or_default();
        let Ok(vpc) = vpc::get(world, place, &owner) else { return Live::Gone };
        let v4 = vpc.cidr_blocks.iter().find(|(id, _)| id == resource.id());
        if v4.is_none() && !vpc.ipv6_cidr_blocks.iter().any(|(id, _)| id == resource.id()) {
            return Live::Gone;
        }
        Live::of([("CidrBlock", json!(v4.map(|(_, range)| range.to_string()))), ("VpcId", owner.into())])
    }
}
