//! Network interfaces, as far as routes and security groups care about them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Kind, Tags, security_group, subnet, vpc};
use crate::sim::wire::ApiError;
use crate::sim::world::{Place, World};

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkInterface {
    /// Its id.
    pub id: String,
    /// Its subnet.
    pub subnet: String,
    /// Its VPC.
    pub vpc: String,
    /// Its security groups.
    pub groups: BTreeSet<String>,
    /// Its tags.
    pub tags: Tags,
}

/// Makes a network interface; without groups it is in the VPC's default one.
///
/// # Errors
/// Ids that are nobody's.
pub(crate) fn create(
    world: &mut World,
    place: &Place,
    subnet_id: &str,
    groups: &[&str],
    tags: Tags,
) -> Result<String, ApiError> {
    let owner = subnet::get(world, place, subnet_id)?.vpc.clone();
    for group in groups {
        security_group::get(world, place, group)?;
    }
    let mut groups: BTreeSet<_> = groups.iter().map(|group| (*group).to_owned()).collect();
    if groups.is_empty() {
        groups.insert(vpc::get(world, place, &owner)?.default_security_group.clone());
    }
    let id = world.ids().resource(Kind::NETWORK_INTERFACE.prefix);
    let interface = NetworkInterface { id: id.clone(), subnet: subnet_id.to_owned(), vpc: owner, groups, tags };
    world.ec2_mut(place).network_interfaces.insert(id.clone(), interface);
    Ok(id)
}

/// Deletes a network interface.
///
/// # Errors
/// `InvalidNetworkInterfaceID.NotFound`.
pub(crate) fn delete(world: &mut World, place: &Place, id: &str) -> Result<(), ApiError> {
    let gone = world.ec2_mut(place).network_interfaces.remove(id);
    gone.map(drop).ok_or_else(|| Kind::NETWORK_INTERFACE.not_found(id))
}
