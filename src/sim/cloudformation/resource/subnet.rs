//! `AWS::EC2::Subnet`.

use serde_json::{Value as Json, json};

use super::property::{Property, fixed, live};
use super::{Failure, Job, Live, Provider, retag};
use crate::sim::cloudformation::stack::Resource;
use crate::sim::ec2::{subnet, zone};
use crate::sim::wire::ApiError;
use crate::sim::world::{Place, Register, World};

pub(super) struct Subnet;

impl Provider for Subnet {
    fn properties(&self) -> Option<&'static [Property]> {
        const PROPERTIES: &[Property] = &[
            fixed("VpcId").required(),
            fixed("AvailabilityZone"),
            fixed("AvailabilityZoneId"),
            fixed("CidrBlock"),
            fixed("Ipv4IpamPoolId"),
            fixed("Ipv4NetmaskLength"),
            fixed("Ipv6CidrBlock"),
            fixed("Ipv6IpamPoolId"),
            fixed("Ipv6Native"),
            fixed("Ipv6NetmaskLength"),
            fixed("OutpostArn"),
            live("AssignIpv6AddressOnCreation"),
            live("EnableDns64"),
            live("EnableLniAtDeviceIndex"),
            live("MapPublicIpOnLaunch"),
            live("PrivateDnsNameOptionsOnLaunch"),
            live("Tags"),
        ];
        Some(PROPERTIES)
    }

    fn create(&self, world: &mut World, job: &Job<'_>) -> Result<String, Failure> {
        let by_id = |id: String| {
            let found = zone::zones(&job.place.region).into_iter().find(|(_, own)| *own == id);
            let refuse = || ApiError::invalid(format!("Value ({id}) for parameter availabilityZoneId is invalid."));
            found.map(|(name, _)| name).ok_or_else(refuse)
        };
        let zone_of_id = match job.text("AvailabilityZoneId") {
            // Which zones an account really has is not known.
            Some(id) if world.assumes() => {
                Some(by_id(id.clone()).unwrap_or_else(|_| format!("{}:{id}", job.place.region)))
            }
            id => id.map(by_id).transpose()?,
        };
        let wanted = subnet::SubnetRequest {
            vpc: job.require("VpcId")?,
            cidr_block: job.require("CidrBlock")?,
            ipv6_cidr_block: job.text("Ipv6CidrBlock"),
            zone: job.text("AvailabilityZone").or(zone_of_id),
            map_public_ip: job.flag("MapPublicIpOnLaunch").unwrap_or(false),
            assign_ipv6: job.flag("AssignIpv6AddressOnCreation").unwrap_or(false),
            tags: job.tags.clone(),
        };
        Ok(subnet::create(world, job.place, wanted)?)
    }

    fn update(&self, world: &mut World, job: &Job<'_>, old: &Resource) -> Result<String, Failure> {
        let subnet = subnet::get_mut(world, job.place, old.id())?;
        subnet.map_public_ip = job.flag("MapPublicIpOnLaunch").unwrap_or(false);
        subnet.assign_ipv6 = job.flag("AssignIpv6AddressOnCreation").unwrap_or(false);
        retag(world, job.place, old.id(), &old.tags, job.tags)?;
        Ok(old.id().to_owned())
    }

    fn delete(&self, world: &mut World, place: &Place, resource: &Resource) -> Result<(), ApiError> {
        subnet::delete(world, place, resource.id())
    }

    fn attribute(&self, world: &World, place: &Place, resource: &Resource, name: &str) -> Option<Json> {
        let subnet = subnet::get(world, place, resource.id()).ok()?;
        Some(match name {
            "SubnetId" => subnet.id.as_str().into(),
            "VpcId" => subnet.vpc.as_str().into(),
            "CidrBlock" => subnet.cidr_block.to_string().into(),
            "AvailabilityZone" => subnet.zone.as_str().into(),
            "AvailabilityZoneId" if resource.properties.contains_key(name) => resource.text(name)?.into(),
            "AvailabilityZoneId" => zone::zones(&place.region).remove(&subnet.zone)?.into(),
            "Ipv6CidrBlocks" => subnet.ipv6_cidr_block.iter().map(ToString::to_string).collect(),
            _ => return None,
        })
    }

    fn live(&self, world: &World, place: &Place, resource: &Resource, _: &Register<Resource>) -> Live {
        let Ok(subnet) = subnet::get(world, place, resource.id()) else { return Live::Gone };
        Live::of([
            ("AssignIpv6AddressOnCreation", subnet.assign_ipv6.into()),
            ("AvailabilityZone", subnet.zone.as_str().into()),
            ("CidrBlock", subnet.cidr_block.to_string().into()),
            ("Ipv6CidrBlock", json!(subnet.ipv6_cidr_block.map(|range| range.to_string()))),
            ("MapPublicIpOnLaunch", subnet.map_public_ip.into()),
            ("VpcId", subnet.vpc.as_str().into()),
        ])
        .tagged(&subnet.tags)
    }
}
