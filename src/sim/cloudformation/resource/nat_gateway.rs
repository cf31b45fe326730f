//! `AWS::EC2::EIP` and `AWS::EC2::NatGateway`.

use serde_json::Value as Json;

use super::property::{Property, fixed, live};
use super::{Failure, Job, Live, Provider, Readiness, retag};
use crate::sim::cloudformation::stack::Resource;
use crate::sim::ec2::{self, Address, Kind, State, elastic_ip, nat_gateway};
use crate::sim::wire::ApiError;
use crate::sim::world::{Place, Register, World};

/// An address, whose physical id is the address itself and not its allocation's id.
pub(super) struct ElasticIp;

impl Provider for ElasticIp {
    fn properties(&self) -> Option<&'static [Property]> {
        const PROPERTIES: &[Property] = &[
            fixed("Address"),
            fixed("Domain"),
            fixed("IpamPoolId"),
            fixed("NetworkBorderGroup"),
            fixed("TransferAddress"),
            live("InstanceId"),
            live("PublicIpv4Pool"),
            live("Tags"),
        ];
        Some(PROPERTIES)
    }

    fn create(&self, world: &mut World, job: &Job<'_>) -> Result<String, Failure> {
        let id = elastic_ip::allocate(world, job.place, job.tags.clone());
        Ok(elastic_ip::get(world, job.place, &id)?.public_ip.to_string())
    }

    fn update(&self, world: &mut World, job: &Job<'_>, old: &Resource) -> Result<String, Failure> {
        let allocation = address(world, job.place, old).ok_or_else(|| Kind::ADDRESS.not_found(old.id()))?.id.clone();
        retag(world, job.place, &allocation, &old.tags, job.tags)?;
        Ok(old.id().to_owned())
    }

    fn delete(&self, world: &mut World, place: &Place, resource: &Resource) -> Result<(), ApiError> {
        match address(world, place, resource).map(|address| address.id.clone()) {
            Some(id) => elastic_ip::release(world, place, &id),
            None => Ok(()),
        }
    }

    fn attribute(&self, world: &World, place: &Place, resource: &Resource, name: &str) -> Option<Json> {
        match name {
            "AllocationId" => Some(address(world, place, resource)?.id.as_str().into()),
            "PublicIp" => Some(resource.id().into()),
            _ => None,
        }
    }

    fn live(&self, world: &World, place: &Place, resource: &Resource, _: &Register<Resource>) -> Live {
        match address(world, place, resource) {
            Some(address) => Live::of([("Domain", "vpc".into())]).tagged(&address.tags),
            None => Live::Gone,
        }
    }
}

fn address<'a>(world: &'a World, place: &Place, resource: &Resource) -> Option<&'a Address> {
    world.ec2(place).addresses.values().find(|address| address.public_ip.to_string() == resource.id())
}

pub(super) struct NatGateway;

impl Provider for NatGateway {
    fn properties(&self) -> Option<&'static [Property]> {
        const PROPERTIES: &[Property] = &[
            fixed("SubnetId").required(),
            fixed("AllocationId"),
            fixed("ConnectivityType"),
            fixed("PrivateIpAddress"),
            live("MaxDrainDurationSeconds"),
            live("SecondaryAllocationIds"),
            live("SecondaryPrivateIpAddressCount"),
            live("SecondaryPrivateIpAddresses"),
            live("Tags"),
        ];
        Some(PROPERTIES)
    }

    fn create(&self, world: &mut World, job: &Job<'_>) -> Result<String, Failure> {
        let is_private = job.text("ConnectivityType").as_deref() == Some("private");
        let allocation = match job.text("AllocationId") {
            Some(_) if is_private => {
                let message = "The parameter AllocationId cannot be used with a private NAT gateway";
                return Err(ApiError::new("InvalidParameterCombination", message).into());
            }
            None if !is_private => return Err(ApiError::missing("AllocationId").into()),
            allocation => allocation,
        };
        Ok(nat_gateway::create(world, job.place, &job.require("SubnetId")?, allocation.as_deref(), job.tags.clone())?)
    }

    fn update(&self, world: &mut World, job: &Job<'_>, old: &Resource) -> Result<String, Failure> {
        retag(world, job.place, old.id(), &old.tags, job.tags)?;
        Ok(old.id().to_owned())
    }

    fn delete(&self, world: &mut World, place: &Place, resource: &Resource) -> Result<(), ApiError> {
        nat_gateway::delete(world, place, resource.id())
    }

    fn attribute(&self, _: &World, _: &Place, resource: &Resource, name: &str) -> Option<Json> {
        (name == "NatGatewayId").then(|| resource.id().into())
    }

    fn readiness(&self, world: &mut World, place: &Place, resource: &Resource) -> Readiness {
        match nat_gateway::get(world, place, resource.id()) {
            Ok(gateway) if gateway.state == State::Available => Readiness::Ready,
            Ok(gateway) if gateway.state == State::Pending => Readiness::Pending,
            Ok(gateway) => Readiness::Failed(Failure::plain(format!(
                "NatGateway {} is in state {} and hence failed to stabilize. Detailed failure message: {}",
                gateway.id,
                gateway.state.as_str(),
                gateway.failure().map(|(_, message)| message).unwrap_or_default()
            ))),
            Err(error) => Readiness::Failed(error.into()),
        }
    }

    fn is_gone(&self, world: &World, place: &Place, resource: &Resource) -> bool {
        nat_gateway::get(world, place, resource.id()).map_or(true, ec2::NatGateway::is_gone)
    }

    fn live(&self, world: &World, place: &Place, resource: &Resource, _: &Register<Resource>) -> Live {
        match nat_gateway::get(world, place, resource.id()) {
            Ok(gateway) if !gateway.is_gone() && gateway.state != State::Deleting => Live::of([
                ("AllocationId", gateway.address.as_deref().into()),
                ("SubnetId", gateway.subnet.as_str().into()),
            ])
            .tagged(&gateway.tags),
            _ => Live::Gone,
        }
    }
}
