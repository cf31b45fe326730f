//! Egress-only internet gateways: the way out for IPv6.

use serde::{Deserialize, Serialize};

use super::{Kind, Tags, vpc};
use crate::sim::wire::ApiError;
use crate::sim::world::{Place, World};

/// An egress-only internet gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EgressOnlyGateway {
    /// Its id.
    pub id: String,
    /// Its VPC.
    pub vpc: String,
    /// Its tags.
    pub tags: Tags,
}

/// Makes a gateway for a VPC.
///
/// # Errors
/// `InvalidVpcID.NotFound`.
pub(crate) fn create(world: &mut World, place: &Place, owner: &str, tags: Tags) -> Result<String, ApiError> {
    vpc::get(world, place, owner)?;
    let id = world.ids().resource(Kind::EGRESS_ONLY_GATEWAY.prefix);
    let gateway = EgressOnlyGateway { id: id.clone(), vpc: owner.to_owned(), tags };
    world.ec2_mut(place).egress_only_gateways.insert(id.clone(), gateway);
    Ok(id)
}

/// Deletes a gateway.
///
/// # Errors
/// `InvalidGatewayID.NotFound`.
pub(crate) fn delete(world: &mut World, place: &Place, id: &str) -> Result<(), ApiError> {
    let gone = world.ec2_mut(place).egress_only_gateways.remove(id);
    gone.map(drop).ok_or_else(|| Kind::EGRESS_ONLY_GATEWAY.not_found(id))
}
