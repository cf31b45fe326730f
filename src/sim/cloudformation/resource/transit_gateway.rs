//! `AWS::EC2::TransitGateway` and its attachments to VPCs.

use serde_json::{Value as Json, json};

use super::property::{Property, fixed, live};
use super::{Failure, Job, Live, Provider, Readiness, retag};
use crate::sim::cloudformation::stack::Resource;
use crate::sim::ec2::{State, transit_gateway};
use crate::sim::wire::ApiError;
use crate::sim::world::{Place, Register, World};

pub(super) struct TransitGateway;

impl Provider for TransitGateway {
    fn properties(&self) -> Option<&'static [Property]> {
        const PROPERTIES: &[Property] = &[
            fixed("AmazonSideAsn"),
            fixed("MulticastSupport"),
            live("AssociationDefaultRouteTableId"),
            live("AutoAcceptSharedAttachments"),
            live("DefaultRouteTableAssociation"),
            live("DefaultRouteTablePropagation"),
            live("Description"),
            live("DnsSupport"),
            live("EncryptionSupport"),
            live("PropagationDefaultRouteTableId"),
            live("SecurityGroupReferencingSupport"),
            live("Tags"),
            live("TransitGatewayCidrBlocks"),
            live("VpnEcmpSupport"),
        ];
        Some(PROPERTIES)
    }

    fn create(&self, world: &mut World, job: &Job<'_>) -> Result<String, Failure> {
        let description = job.text("Description").unwrap_or_default();
        Ok(transit_gateway::create(world, job.place, &description, job.tags.clone()))
    }

    fn update(&self, world: &mut World, job: &Job<'_>, old: &Resource) -> Result<String, Failure> {
        if let Some(gateway) = world.ec2_mut(job.place).transit_gateways.get_mut(old.id()) {
            gateway.description = job.text("Description").unwrap_or_default();
        }
        retag(world, job.place, old.id(), &old.tags, job.tags)?;
        Ok(old.id().to_owned())
    }

    fn delete(&self, world: &mut World, place: &Place, resource: &Resource) -> Result<(), ApiError> {
        transit_gateway::delete(world, place, resource.id())
    }

    fn attribute(&self, _: &World, place: &Place, resource: &Resource, name: &str) -> Option<Json> {
        match name {
            "Id" => Some(resource.id().into()),
            "TransitGatewayArn" => {
                let (partition, region, account) = (place.region.partition(), &place.region, &place.account);
                Some(format!("arn:{partition}:ec2:{region}:{account}:transit-gateway/{}", resource.id()).into())
            }
            _ => None,
        }
    }

    fn readiness(&self, world: &mut World, place: &Place, resource: &Resource) -> Readiness {
        ready(world.ec2(place).transit_gateways.get(resource.id()).map(|gateway| gateway.state), resource)
    }

    fn is_gone(&self, world: &World, place: &Place, resource: &Resource) -> bool {
        let gateway = world.ec2(place).transit_gateways.get(resource.id());
        gateway.is_none_or(|gateway| gateway.state == State::Deleted)
    }

    fn live(&self, world: &World, place: &Place, resource: &Resource, _: &Register<Resource>) -> Live {
        match world.ec2(place).transit_gateways.get(resource.id()) {
            Some(gateway) if gateway.state != State::Deleting => {
                Live::of([("Description", gateway.description.as_str().into())]).tagged(&gateway.tags)
            }
            _ => Live::Gone,
        }
    }
}

pub(super) struct Attachment;

impl Provider for Attachment {
    fn properties(&self) -> Option<&'static [Property]> {
        const PROPERTIES: &[Property] = &[
            fixed("TransitGatewayId").required(),
            fixed("VpcId").required(),
            fixed("SubnetIds").required(),
            live("AddSubnetIds"),
            live("Options"),
            live("RemoveSubnetIds"),
            live("Tags"),
        ];
        Some(PROPERTIES)
    }

    fn create(&self, world: &mut World, job: &Job<'_>) -> Result<String, Failure> {
        let (gateway, vpc, subnets) = (job.require("TransitGatewayId")?, job.require("VpcId")?, job.list("SubnetIds"));
        let subnets: Vec<&str> = subnets.iter().map(String::as_str).collect();
        Ok(transit_gateway::attach(world, job.place, &gateway, &vpc, &subnets, job.tags.clone())?)
    }

    fn update(&self, world: &mut World, job: &Job<'_>, old: &Resource) -> Result<String, Failure> {
        retag(world, job.place, old.id(), &old.tags, job.tags)?;
        Ok(old.id().to_owned())
    }

    fn delete(&self, world: &mut World, place: &Place, resource: &Resource) -> Result<(), ApiError> {
        transit_gateway::detach(world, place, resource.id())
    }

    fn attribute(&self, _: &World, _: &Place, resource: &Resource, name: &str) -> Option<Json> {
        (name == "Id").then(|| resource.id().into())
    }

    fn readiness(&self, world: &mut World, place: &Place, resource: &Resource) -> Readiness {
        ready(world.ec2(place).attachments.get(resource.id()).map(|attachment| attachment.state), resource)
    }

    fn is_gone(&self, world: &World, place: &Place, resource: &Resource) -> bool {
        let attachment = world.ec2(place).attachments.get(resource.id());
        attachment.is_none_or(|attachment| attachment.state == State::Deleted)
    }

    fn live(&self, world: &World, place: &Place, resource: &Resource, _: &Register<Resource>) -> Live {
        match world.ec2(place).attachments.get(resource.id()) {
            Some(attachment) if attachment.state != State::Deleting => Live::of([
                ("SubnetIds", json!(attachment.subnets)),
                ("TransitGatewayId", attachment.gateway.as_str().into()),
                ("VpcId", attachment.vpc.as_str().into()),
            ])
            .tagged(&attachment.tags),
            _ => Live::Gone,
        }
    }
}

fn ready(state: Option<State>, resource: &Resource) -> Readiness {
    match state {
        Some(State::Available) => Readiness::Ready,
        Some(State::Pending) => Readiness::Pending,
        _ => Readiness::Failed(Failure::plain(format!("{} is gone", resource.id()))),
    }
}
