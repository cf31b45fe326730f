//! `AWS::EC2::VPCPeeringConnection`.

use serde_json::Value as Json;

use super::property::{Property, fixed, live};
use super::{Failure, Job, Live, Provider, Readiness, retag};
use crate::ids::Region;
use crate::sim::cloudformation::stack::Resource;
use crate::sim::ec2::{Status, peering};
use crate::sim::wire::ApiError;
use crate::sim::world::{Place, Register, World};

/// A peering. `CloudFormation` accepts it where it may: within the region, in its own account or by `PeerRoleArn`.
/// Otherwise it waits for somebody else to do so.
pub(super) struct Peering;

impl Provider for Peering {
    fn properties(&self) -> Option<&'static [Property]> {
        const PROPERTIES: &[Property] = &[
            fixed("PeerVpcId").required(),
            fixed("VpcId").required(),
            fixed("AssumeRoleRegion"),
            fixed("PeerOwnerId"),
            fixed("PeerRegion"),
            fixed("PeerRoleArn"),
            live("Tags"),
        ];
        Some(PROPERTIES)
    }

    fn create(&self, world: &mut World, job: &Job<'_>) -> Result<String, Failure> {
        let account = match job.text("PeerOwnerId") {
            Some(id) => id.parse().map_err(|_| Failure::plain(format!("{id} is not an account id")))?,
            None => job.place.account.clone(),
        };
        let region = job.text("PeerRegion").map_or_else(|| job.place.region.clone(), Region::from);
        let wanted = peering::PeeringRequest {
            vpc: job.require("VpcId")?,
            peer_vpc: job.require("PeerVpcId")?,
            peer: Place { account, region },
            tags: job.tags.clone(),
        };
        Ok(peering::request(world, job.place, wanted)?)
    }

    fn update(&self, world: &mut World, job: &Job<'_>, old: &Resource) -> Result<String, Failure> {
        retag(world, job.place, old.id(), &old.tags, job.tags)?;
        Ok(old.id().to_owned())
    }

    fn delete(&self, world: &mut World, place: &Place, resource: &Resource) -> Result<(), ApiError> {
        let is_dead = peering::get(world, place, resource.id())?.is_dead();
        if is_dead { Ok(()) } else { peering::delete(world, place, resource.id()) }
    }

    fn attribute(&self, _: &World, _: &Place, resource: &Resource, name: &str) -> Option<Json> {
        (name == "Id").then(|| resource.id().into())
    }

    fn readiness(&self, world: &mut World, place: &Place, resource: &Resource) -> Readiness {
        let found = match peering::get(world, place, resource.id()) {
            Ok(found) => found,
            Err(error) => return Readiness::Failed(error.into()),
        };
        let accepter = found.accepter.place.clone();
        match found.status {
            Status::Active => Readiness::Ready,
            _ if found.is_dead() => Readiness::Failed(Failure::plain(format!(
                "VPC Peering Connection {} is in state {}: {}",
                found.id,
                found.status.as_str(),
                found.message
            ))),
            Status::PendingAcceptance
                if accepter.region == place.region
                    && (accepter.account == place.account || resource.properties.contains_key("PeerRoleArn")) =>
            {
                match peering::accept(world, &accepter, resource.id()) {
                    // Not visible to the other side yet: AWS is eventually consistent.
                    Err(error) if !error.code.ends_with("NotFound") => Readiness::Failed(error.into()),
                    _ => Readiness::Pending,
                }
            }
            _ => Readiness::Pending,
        }
    }

    fn is_gone(&self, world: &World, place: &Place, resource: &Resource) -> bool {
        peering::get(world, place, resource.id()).map_or(true, |found| found.status != Status::Deleting)
    }

    fn live(&self, world: &World, place: &Place, resource: &Resource, _: &Register<Resource>) -> Live {
        match peering::get(world, place, resource.id()) {
            Ok(found) if !found.is_dead() => {
                let standing = Live::of([
                    ("PeerVpcId", found.accepter.vpc.as_str().into()),
                    ("VpcId", found.requester.vpc.as_str().into()),
                ]);
                standing.tagged(&found.requester.tags)
            }
            _ => Live::Gone,
        }
    }
}
