//! `AWS::EC2::InternetGateway`, `AWS::EC2::VPCGatewayAttachment` and `AWS::EC2::EgressOnlyInternetGateway`.

use serde_json::Value as Json;

use super::property::{Property, fixed, live};
use super::{Failure, Job, Live, Provider, retag};
use crate::sim::cloudformation::stack::Resource;
use crate::sim::ec2::{egress_only_gateway, internet_gateway};
use crate::sim::wire::ApiError;
use crate::sim::world::{Place, Register, World};

pub(super) struct InternetGateway;

impl Provider for InternetGateway {
    fn properties(&self) -> Option<&'static [Property]> {
        const PROPERTIES: &[Property] = &[live("Tags")];
        Some(PROPERTIES)
    }

    fn create(&self, world: &mut World, job: &Job<'_>) -> Result<String, Failure> {
        Ok(internet_gateway::create(world, job.place, job.tags.clone()))
    }

    fn update(&self, world: &mut World, job: &Job<'_>, old: &Resource) -> Result<String, Failure> {
        retag(world, job.place, old.id(), &old.tags, job.tags)?;
        Ok(old.id().to_owned())
    }

    fn delete(&self, world: &mut World, place: &Place, resource: &Resource) -> Result<(), ApiError> {
        internet_gateway::delete(world, place, resource.id())
    }

    fn attribute(&self, _: &World, _: &Place, resource: &Resource, name: &str) -> Option<Json> {
        (name == "InternetGatewayId").then(|| resource.id().into())
    }

    fn live(&self, world: &World, place: &Place, resource: &Resource, _: &Register<Resource>) -> Live {
        match internet_gateway::get(world, place, resource.id()) {
            Ok(gateway) => Live::of([]).tagged(&gateway.tags),
            Err(_) => Live::Gone,
        }
    }
}

/// An internet gateway's attachment to a VPC. VPN gateways are not embedded.
pub(super) struct Attachment;

impl Provider for Attachment {
    fn properties(&self) -> Option<&'static [Property]> {
        const PROPERTIES: &[Property] = &[fixed("VpcId").required(), live("InternetGatewayId"), live("VpnGatewayId")];
        Some(PROPERTIES)
    }

    fn create(&self, world: &mut World, job: &Job<'_>) -> Result<String, Failure> {
        let vpc = job.require("VpcId")?;
        internet_gateway::attach(world, job.place, &job.require("InternetGatewayId")?, &vpc)?;
        Ok(format!("IGW|{vpc}"))
    }

    fn update(&self, world: &mut World, job: &Job<'_>, old: &Resource) -> Result<String, Failure> {
        self.delete(world, job.place, old)?;
        self.create(world, job)
    }

    fn delete(&self, world: &mut World, place: &Place, resource: &Resource) -> Result<(), ApiError> {
        let (gateway, vpc) = (resource.text("InternetGatewayId"), resource.text("VpcId"));
        internet_gateway::detach(world, place, &gateway.unwrap_or_default(), &vpc.unwrap_or_default())
    }

    fn attribute(&self, _: &World, _: &Place, _: &Resource, name: &str) -> Option<Json> {
        (name == "AttachmentType").then(|| "IGW".into())
    }

    fn live(&self, world: &World, place: &Place, resource: &Resource, _: &Register<Resource>) -> Live {
        let (id, vpc) = (resource.text("InternetGatewayId").unwrap_or_default(), resource.text("VpcId"));
        match internet_gateway::get(world, place, &id) {
            Ok(gateway) if gateway.vpc == vpc => Live::of([("InternetGatewayId", id.into()), ("VpcId", vpc.into())]),
            _ => Live::Gone,
        }
    }
}

pub(super) struct EgressOnly;

impl Provider for EgressOnly {
    fn properties(&self) -> Option<&'static [Property]> {
        const PROPERTIES: &[Property] = &[fixed("VpcId").required(), live("Tags")];
        Some(PROPERTIES)
    }

    fn create(&self, world: &mut World, job: &Job<'_>) -> Result<String, Failure> {
        Ok(egress_only_gateway::create(world, job.place, &job.require("VpcId")?, job.tags.clone())?)
    }

    fn update(&self, world: &mut World, job: &Job<'_>, old: &Resource) -> Result<String, Failure> {
        retag(world, job.place, old.id(), &old.tags, job.tags)?;
        Ok(old.id().to_owned())
    }

    fn delete(&self, world: &mut World, place: &Place, resource: &Resource) -> Result<(), ApiError> {
        egress_only_gateway::delete(world, place, resource.id())
    }

    fn attribute(&self, _: &World, _: &Place, resource: &Resource, name: &str) -> Option<Json> {
        (name == "Id").then(|| resource.id().into())
    }

    fn live(&self, world: &World, place: &Place, resource: &Resource, _: &Register<Resource>) -> Live {
        match world.ec2(place).egress_only_gateways.get(resource.id()) {
            Some(gateway) => Live::of([("VpcId", gateway.vpc.as_str().into())]).tagged(&gateway.tags),
            None => Live::Gone,
        }
    }
}
