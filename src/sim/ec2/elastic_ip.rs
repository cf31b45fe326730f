//! Elastic IP addresses.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::{Kind, Tags};
use crate::sim::wire::ApiError;
use crate::sim::world::{Place, World};

/// An Elastic IP address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The id of its allocation.
    pub id: String,
    /// The address.
    pub public_ip: Ipv4Addr,
    /// The NAT gateway that uses it.
    pub used_by: Option<String>,
    /// Its tags.
    pub tags: Tags,
}

/// Allocates an address.
pub(crate) fn allocate(world: &mut World, place: &Place, tags: Tags) -> String {
    let id = world.ids().resource(Kind::ADDRESS.prefix);
    let [.., a, b, c] = world.ids().draw().to_be_bytes();
    let address = Address { id: id.clone(), public_ip: Ipv4Addr::new(52, a, b, c), used_by: None, tags };
    world.ec2_mut(place).addresses.insert(id.clone(), address);
    id
}

/// The address of an allocation.
///
/// # Errors
/// `InvalidAllocationID.NotFound`.
pub(crate) fn get<'a>(world: &'a World, place: &Place, id: &str) -> Result<&'a Address, ApiError> {
    world.ec2(place).addresses.get(id).ok_or_else(|| Kind::ADDRESS.not_found(id))
}

/// Gives an address back.
///
/// # Errors
/// `InvalidAllocationID.NotFound`; `InvalidIPAddress.InUse` while a NAT gateway uses it.
pub(crate) fn release(world: &mut World, place: &Place, id: &str) -> Result<(), ApiError> {
    let address = get(world, place, id)?;
    if address.used_by.is_some() {
        let message = format!("Address {} is in use.", address.public_ip);
        return Err(ApiError::new("InvalidIPAddress.InUse", message));
    }
    world.ec2_mut(place).addresses.remove(id);
    Ok(())
}
