//! `AWS::EC2::VPCEndpoint`.

use serde_json::{Value as Json, json};

use super::property::{Property, fixed, live};
use super::{Failure, Job, Live, Provider, Readiness, retag};
use crate::sim::cloudformation::stack::Resource;
use crate::sim::ec2::{EndpointType, State, endpoint};
use crate::sim::wire::ApiError;
use crate::sim::wire::xml::iso;
use crate::sim::world::{ASSUMED, Place, Register, World};

/// An endpoint. What it serves is fixed here: a change of its tables, subnets or groups makes another one, which AWS
/// would do in place.
pub(super) struct VpcEndpoint;

impl Provider for VpcEndpoint {
    fn properties(&self) -> Option<&'static [Property]> {
        const PROPERTIES: &[Property] = &[
            fixed("VpcId").required(),
            fixed("ServiceName"),
            fixed("VpcEndpointType"),
            fixed("ResourceConfigurationArn"),
            fixed("ServiceNetworkArn"),
            fixed("ServiceRegion"),
            fixed("RouteTableIds"),
            fixed("SecurityGroupIds"),
            fixed("SubnetIds"),
            live("DnsOptions"),
            live("IpAddressType"),
            live("PolicyDocument"),
            live("PrivateDnsEnabled"),
            live("Tags"),
        ];
        Some(PROPERTIES)
    }

    fn create(&self, world: &mut World, job: &Job<'_>) -> Result<String, Failure> {
        let endpoint_type = job.text("VpcEndpointType").map(|text| EndpointType::read(&text)).transpose()?;
        let wanted = endpoint::EndpointRequest {
            vpc: job.require("VpcId")?,
            service: job.require("ServiceName")?,
            endpoint_type: endpoint_type.unwrap_or_default(),
            route_tables: job.list("RouteTableIds").into_iter().collect(),
            subnets: job.list("SubnetIds").into_iter().collect(),
            groups: job.list("SecurityGroupIds").into_iter().collect(),
            private_dns: job.flag("PrivateDnsEnabled").unwrap_or(false),
            tags: job.tags.clone(),
        };
        Ok(endpoint::create(world, job.place, wanted)?)
    }

    fn update(&self, world: &mut World, job: &Job<'_>, old: &Resource) -> Result<String, Failure> {
        retag(world, job.place, old.id(), &old.tags, job.tags)?;
        if let Some(endpoint) = world.ec2_mut(job.place).endpoints.get_mut(old.id()) {
            endpoint.private_dns = job.flag("PrivateDnsEnabled").unwrap_or(false);
        }
        Ok(old.id().to_owned())
    }

    fn delete(&self, world: &mut World, place: &Place, resource: &Resource) -> Result<(), ApiError> {
        endpoint::delete(world, place, resource.id())
    }

    fn attribute(&self, world: &World, place: &Place, resource: &Resource, name: &str) -> Option<Json> {
        let _exists = world.ec2(place).endpoints.get(resource.id())?;
        Some(match name {
            "Id" => resource.id().into(),
            "CreationTimestamp" => iso(resource.at).into(),
            // Only AWS makes these.
            "DnsEntries" | "NetworkInterfaceIds" if world.assumes() => {
                json!([format!("{name}{ASSUMED}{}", resource.id())])
            }
            "DnsEntries" | "NetworkInterfaceIds" => Json::Array(Vec::new()),
            _ => return None,
        })
    }

    fn readiness(&self, world: &mut World, place: &Place, resource: &Resource) -> Readiness {
        match world.ec2(place).endpoints.get(resource.id()).map(|endpoint| endpoint.state) {
            Some(State::Available) => Readiness::Ready,
            Some(State::Pending) => Readiness::Pending,
            _ => Readiness::Failed(Failure::plain(format!("VPC endpoint {} is gone", resource.id()))),
        }
    }

    fn is_gone(&self, world: &World, place: &Place, resource: &Resource) -> bool {
        !world.ec2(place).endpoints.contains_key(resource.id())
    }

    fn live(&self, world: &World, place: &Place, resource: &Resource, _: &Register<Resource>) -> Live {
        match world.ec2(place).endpoints.get(resource.id()) {
            Some(endpoint) if endpoint.state != State::Deleting => Live::of([
                ("PrivateDnsEnabled", endpoint.private_dns.into()),
                ("RouteTableIds", json!(endpoint.route_tables)),
                ("SecurityGroupIds", json!(endpoint.groups)),
                ("ServiceName", endpoint.service.as_str().into()),
                ("SubnetIds", json!(endpoint.subnets)),
                ("VpcEndpointType", endpoint.endpoint_type.as_str().into()),
                ("VpcId", endpoint.vpc.as_str().into()),
            ])
            .tagged(&endpoint.tags),
            _ => Live::Gone,
        }
    }
}
