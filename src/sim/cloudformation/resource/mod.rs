//! What each type of resource is made of: its properties, and how it is made, changed and deleted.
//!
//! Resources of EC2 are really made, in the world's EC2. Those of services that are not embedded are kept as records.
//! See <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html>.

mod assumed;
mod bucket;
mod endpoint;
mod failure;
mod gateway;
mod job;
mod live;
mod nat_gateway;
mod nested;
mod peering;
mod property;
pub(super) mod record;
mod route;
mod route_table;
mod security_group;
mod subnet;
mod transit_gateway;
mod vpc;

use serde_json::Value as Json;

pub(super) use failure::Failure;
pub(super) use job::Job;
pub(super) use live::Live;
pub(super) use property::{Property, Update};
pub use record::Record;

use super::stack::Resource;
use crate::sim::ec2::{Tags, tagging};
use crate::sim::wire::ApiError;
use crate::sim::world::{Place, Register, World};

/// Whether a resource that was made can be used.
pub(super) enum Readiness {
    /// It can.
    Ready,
    /// Not yet.
    Pending,
    /// It never will.
    Failed(Failure),
}

/// A type of resource.
pub(super) trait Provider: Sync {
    /// Its properties. `None` for a type of which only some are known.
    fn properties(&self) -> Option<&'static [Property]>;

    /// The properties that it cannot do without, for a type of which only some are known.
    fn required(&self) -> &'static [&'static str] {
        &[]
    }

    /// What it takes to change a property.
    fn update_of(&self, property: &str) -> Update {
        let known = self.properties().into_iter().flatten().find(|known| known.name == property);
        known.map_or(Update::InPlace, |known| known.update)
    }

    /// Makes a resource and gives its physical id.
    fn create(&self, world: &mut World, job: &Job<'_>) -> Result<String, Failure>;

    /// Changes a resource, whose properties so far are `old`'s, and gives its physical id, which may be a new one.
    fn update(&self, world: &mut World, job: &Job<'_>, old: &Resource) -> Result<String, Failure>;

    /// Deletes a resource.
    fn delete(&self, world: &mut World, place: &Place, resource: &Resource) -> Result<(), ApiError>;

    /// What `Ref` gives.
    fn reference(&self, _place: &Place, resource: &Resource) -> Json {
        resource.id().into()
    }

    /// What `Fn::GetAtt` gives.
    fn attribute(&self, world: &World, place: &Place, resource: &Resource, name: &str) -> Option<Json>;

    /// What really stands. The other resources of the stack tell what of it is theirs.
    fn live(&self, world: &World, place: &Place, resource: &Resource, stack: &Register<Resource>) -> Live;

    /// A property's value in the form that [`Provider::live`] gives it.
    fn normal(&self, _name: &str, value: &Json) -> Json {
        value.clone()
    }

    /// Whether the resource can be used by now.
    fn readiness(&self, _world: &mut World, _place: &Place, _resource: &Resource) -> Readiness {
        Readiness::Ready
    }

    /// Why the resource could not be deleted after all, once its deletion has begun.
    fn undeletable(&self, _world: &World, _place: &Place, _resource: &Resource) -> Option<String> {
        None
    }

    /// Whether the resource is gone, after its deletion has begun.
    fn is_gone(&self, _world: &World, _place: &Place, _resource: &Resource) -> bool {
        true
    }
}

/// The provider of a type; `None` for a type that is not embedded.
pub(super) fn provider(type_name: &str) -> Option<&'static dyn Provider> {
    Some(match type_name {
        "AWS::EC2::VPC" => &vpc::Vpc,
        "AWS::EC2::VPCCidrBlock" => &vpc::VpcCidrBlock,
        "AWS::EC2::Subnet" => &subnet::Subnet,
        "AWS::EC2::RouteTable" => &route_table::RouteTable,
        "AWS::EC2::SubnetRouteTableAssociation" => &route_table::Association,
        "AWS::EC2::Route" => &route::Route,
        "AWS::EC2::InternetGateway" => &gateway::InternetGateway,
        "AWS::EC2::VPCGatewayAttachment" => &gateway::Attachment,
        "AWS::EC2::EgressOnlyInternetGateway" => &gateway::EgressOnly,
        "AWS::EC2::EIP" => &nat_gateway::ElasticIp,
        "AWS::EC2::NatGateway" => &nat_gateway::NatGateway,
        "AWS::EC2::SecurityGroup" => &security_group::SecurityGroup,
        "AWS::EC2::SecurityGroupIngress" => &security_group::INGRESS,
        "AWS::EC2::SecurityGroupEgress" => &security_group::EGRESS,
        "AWS::EC2::VPCEndpoint" => &endpoint::VpcEndpoint,
        "AWS::EC2::TransitGateway" => &transit_gateway::TransitGateway,
        "AWS::EC2::TransitGatewayAttachment" | "AWS::EC2::TransitGatewayVpcAttachment" => &transit_gateway::Attachment,
        "AWS::EC2::VPCPeeringConnection" => &peering::Peering,
        "AWS::S3::Bucket" => &bucket::Bucket,
        crate::sim::cloudformation::nested::TYPE => &nested::Nested,
        other => return record::provider(other),
    })
}

/// The provider of what is only taken to work.
pub(super) static ASSUMED: assumed::Assumed = assumed::Assumed;

/// The provider of a type, if a world makes such resources. One that was seeded makes no nested stacks: their templates are
/// where it cannot read them.
pub(super) fn embedded(world: &World, type_name: &str) -> Option<&'static dyn Provider> {
    provider(type_name).filter(|_| !(world.assumes() && type_name == "AWS::CloudFormation::Stack"))
}

/// The same in a world that may assume that what is not embedded works.
pub(super) fn provider_in(world: &World, type_name: &str) -> Option<&'static dyn Provider> {
    embedded(world, type_name).or_else(|| world.assumes().then_some(&ASSUMED as &dyn Provider))
}

/// The provider that works on a resource: what is assumed is nowhere but in its stack.
pub(super) fn provider_of(world: &World, resource: &Resource) -> Option<&'static dyn Provider> {
    if resource.assumed { Some(&ASSUMED) } else { provider_in(world, &resource.type_name) }
}

/// Whether resources of a type get the stack's tags.
pub(super) fn is_taggable(type_name: &str) -> bool {
    match provider(type_name).map(Provider::properties) {
        Some(Some(known)) => known.iter().any(|property| property.name == "Tags"),
        Some(None) => type_name == "AWS::S3::Bucket" || record::is_taggable(type_name),
        None => false,
    }
}

/// Checks properties against those that their type has.
///
/// # Errors
///
/// The first that the type does not have, or that it needs and did not get.
pub(super) fn check(provider: &dyn Provider, job: &Job<'_>) -> Result<(), Failure> {
    let refuse = |what: String| {
        let message = format!("Properties validation failed for resource {} with message:\n{what}", job.logical_id);
        Err(Failure::plain(message))
    };
    let Some(known) = provider.properties() else {
        let missing = provider.required().iter().find(|name| !job.properties.contains_key(**name));
        return missing.map_or(Ok(()), |name| refuse(format!("#: required key [{name}] not found")));
    };
    if let Some(name) = job.properties.keys().find(|name| !known.iter().any(|property| property.name == *name)) {
        return refuse(format!("#: extraneous key [{name}] is not permitted"));
    }
    match known.iter().find(|property| property.required && !job.properties.contains_key(property.name)) {
        Some(property) => refuse(format!("#: required key [{}] not found", property.name)),
        None => Ok(()),
    }
}

/// Brings the tags of one of EC2's resources from what the stack gave it before to what it gives now. Tags of others stay.
fn retag(world: &mut World, place: &Place, id: &str, old: &Tags, new: &Tags) -> Result<(), ApiError> {
    let tags = tagging::of_mut(world, place, id)?;
    tags.retain(|key, _| !old.contains_key(key) || new.contains_key(key));
    tags.extend(new);
    Ok(())
}
