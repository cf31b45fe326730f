//! Internet gateways.

use serde::{Deserialize, Serialize};

use super::{Kind, Tags, vpc};
use crate::sim::wire::ApiError;
use crate::sim::world::{Place, World};

/// An internet gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InternetGateway {
    /// Its id.
    pub id: String,
    /// The VPC that it is attached to.
    pub vpc: Option<String>,
    /// Its tags.
    pub tags: Tags,
}

/// Makes an internet gateway that is attached to nothing.
pub(crate) fn create(world: &mut World, place: &Place, tags: Tags) -> String {
    let id = world.ids().resource(Kind::INTERNET_GATEWAY.prefix);
    let gateway = InternetGateway { id: id.clone(), vpc: None, tags };
    world.ec2_mut(place).internet_gateways.insert(id.clone(), gateway);
    id
}

/// The internet gateway of an id.
///
/// # Errors
/// `InvalidInternetGatewayID.NotFound`.
pub(crate) fn get<'a>(world: &'a World, place: &Place, id: &str) -> Result<&'a InternetGateway, ApiError> {
    world.ec2(place).internet_gateways.get(id).ok_or_else(|| Kind::INTERNET_GATEWAY.not_found(id))
}

fn get_mut<'a>(world: &'a mut World, place: &Place, id: &str) -> Result<&'a mut InternetGateway, ApiError> {
    world.ec2_mut(place).internet_gateways.get_mut(id).ok_or_else(|| Kind::INTERNET_GATEWAY.not_found(id))
}

/// Attaches a gateway to a VPC.
///
/// # Errors
/// Ids that are nobody's; `Resource.AlreadyAssociated` for a gateway that is attached; `InvalidParameterValue` for a
/// VPC that has one.
pub(crate) fn attach(world: &mut World, place: &Place, id: &str, to: &str) -> Result<(), ApiError> {
    vpc::get(world, place, to)?;
    if let Some(taken) = &get(world, place, id)?.vpc {
        let message = format!("resource {id} is already attached to network {taken}");
        return Err(ApiError::new("Resource.AlreadyAssociated", message));
    }
    if world.ec2(place).internet_gateways.values().any(|gateway| gateway.vpc.as_deref() == Some(to)) {
        return Err(ApiError::invalid(format!("Network {to} already has an internet gateway attached")));
    }
    get_mut(world, place, id)?.vpc = Some(to.to_owned());
    Ok(())
}

/// Detaches a gateway from a VPC.
///
/// # Errors
/// Ids that are nobody's; `Gateway.NotAttached`; `DependencyViolation` while the VPC has a mapped public address.
pub(crate) fn detach(world: &mut World, place: &Place, id: &str, from: &str) -> Result<(), ApiError> {
    vpc::get(world, place, from)?;
    if get(world, place, id)?.vpc.as_deref() != Some(from) {
        let message = format!("resource {id} is not attached to network {from}");
        return Err(ApiError::new("Gateway.NotAttached", message));
    }
    let mapped =
        world.ec2(place).nat_gateways.values().any(|nat| nat.vpc == from && nat.address.is_some() && !nat.is_gone());
    if mapped {
        let message = format!(
            "Network {from} has some mapped public address(es). Please unmap those public address(es) before detaching \
             the gateway."
        );
        return Err(ApiError::new("DependencyViolation", message));
    }
    get_mut(world, place, id)?.vpc = None;
    Ok(())
}

/// Deletes a gateway.
///
/// # Errors
/// `InvalidInternetGatewayID.NotFound`; `DependencyViolation` while it is attached.
pub(crate) fn delete(world: &mut World, place: &Place, id: &str) -> Result<(), ApiError> {
    if get(world, place, id)?.vpc.is_some() {
        return Err(Kind::INTERNET_GATEWAY.in_use(id));
    }
    world.ec2_mut(place).internet_gateways.remove(id);
    Ok(())
}
