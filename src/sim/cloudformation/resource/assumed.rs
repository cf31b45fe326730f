//! What is taken to work, in a world that is seeded with what stands elsewhere: types that are not embedded, and what needs
//! something that the world does not know.

use serde_json::Value as Json;

use super::property::Property;
use super::{Failure, Job, Live, Provider};
use crate::sim::cloudformation::stack::Resource;
use crate::sim::wire::ApiError;
use crate::sim::world::{ASSUMED, Place, Register, World};

/// A resource that exists in its stack alone.
pub(in crate::sim::cloudformation) struct Assumed;

/// The types whose ids others look at, with what these begin with.
const PREFIXES: [(&str, &str); 14] = [
    ("AWS::EC2::CarrierGateway", "cagw"),
    ("AWS::EC2::EgressOnlyInternetGateway", "eigw"),
    ("AWS::EC2::Instance", "i"),
    ("AWS::EC2::InternetGateway", "igw"),
    ("AWS::EC2::NatGateway", "nat"),
    ("AWS::EC2::NetworkInterface", "eni"),
    ("AWS::EC2::PrefixList", "pl"),
    ("AWS::EC2::RouteTable", "rtb"),
    ("AWS::EC2::SecurityGroup", "sg"),
    ("AWS::EC2::Subnet", "subnet"),
    ("AWS::EC2::TransitGateway", "tgw"),
    ("AWS::EC2::VPC", "vpc"),
    ("AWS::EC2::VPCEndpoint", "vpce"),
    ("AWS::EC2::VPNGateway", "vgw"),
];

impl Provider for Assumed {
    fn properties(&self) -> Option<&'static [Property]> {
        None
    }

    fn create(&self, world: &mut World, job: &Job<'_>) -> Result<String, Failure> {
        let id = match PREFIXES.iter().find(|(name, _)| *name == job.type_name) {
            Some((_, prefix)) => world.ids().resource(prefix),
            None => format!("{}-{}-{}", job.stack, job.logical_id, world.ids().hexadecimal()),
        };
        world.made_up(&id);
        Ok(id)
    }

    fn update(&self, _: &mut World, _: &Job<'_>, old: &Resource) -> Result<String, Failure> {
        Ok(old.id().to_owned())
    }

    fn delete(&self, _: &mut World, _: &Place, _: &Resource) -> Result<(), ApiError> {
        Ok(())
    }

    fn live(&self, _: &World, _: &Place, _: &Resource, _: &Register<Resource>) -> Live {
        Live::Unsupported
    }

    fn attribute(&self, world: &World, place: &Place, resource: &Resource, name: &str) -> Option<Json> {
        if let Some(told) = resource.told.get(name) {
            return Some(told.as_str().into());
        }
        // It may be known all the same, of a resource that stands and of which only the change was taken to work.
        let embedded = super::provider(&resource.type_name);
        if let Some(known) = embedded.and_then(|provider| provider.attribute(world, place, resource, name)) {
            return Some(known);
        }
        // Of the form that whoever uses it may insist on, and such that it is known for made up.
        let id = resource.id();
        let Place { account, region } = place;
        Some(match name {
            "Arn" if id.starts_with("arn:") => id.into(),
            _ if name.ends_with("Arn") => format!("arn:{}{ASSUMED}{region}:{account}:{id}", region.partition()).into(),
            _ if name.ends_with("Id") => id.into(),
            _ => format!("{name}{ASSUMED}{id}").into(),
        })
    }
}
