//! NAT gateways.

use serde::{Deserialize, Serialize};

use super::{Action, Kind, State, Tags, after_gateway_time, elastic_ip, subnet};
use crate::sim::wire::ApiError;
use crate::sim::world::{Place, World};

/// A NAT gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NatGateway {
    /// Its id.
    pub id: String,
    /// Its subnet.
    pub subnet: String,
    /// Its VPC.
    pub vpc: String,
    /// The allocation id of its address; a private one has none.
    pub address: Option<String>,
    /// How far it is.
    pub state: State,
    /// Its tags.
    pub tags: Tags,
}

impl NatGateway {
    /// Whether it is deleted or was never made, and is only still shown.
    pub fn is_gone(&self) -> bool {
        matches!(self.state, State::Deleted | State::Failed)
    }

    /// Why it could not be made, as EC2 says it: the code and the message.
    pub fn failure(&self) -> Option<(&'static str, String)> {
        let message = || format!("Network {} has no Internet gateway attached", self.vpc);
        (self.state == State::Failed).then(|| ("Gateway.NotAttached", message()))
    }
}

/// Makes a NAT gateway; it is private without an address. It is available after a while, or has failed by then: a public
/// one needs a VPC with an internet gateway.
///
/// # Errors
/// Ids that are nobody's; `Resource.AlreadyAssociated` for an address that is in use.
pub(crate) fn create(
    world: &mut World,
    place: &Place,
    subnet_id: &str,
    address: Option<&str>,
    tags: Tags,
) -> Result<String, ApiError> {
    let vpc = subnet::get(world, place, subnet_id)?.vpc.clone();
    if let Some(address) = address
        && elastic_ip::get(world, place, address)?.used_by.is_some()
    {
        let message = format!("Elastic IP address [{address}] is already associated");
        return Err(ApiError::new("Resource.AlreadyAssociated", message));
    }
    let id = world.ids().resource(Kind::NAT_GATEWAY.prefix);
    let ec2 = world.ec2_mut(place);
    if let Some(address) = address.and_then(|address| ec2.addresses.get_mut(address)) {
        address.used_by = Some(id.clone());
    }
    let gateway = NatGateway {
        id: id.clone(),
        subnet: subnet_id.to_owned(),
        vpc,
        address: address.map(str::to_owned),
        state: State::Pending,
        tags,
    };
    ec2.nat_gateways.insert(id.clone(), gateway);
    after_gateway_time(world, place, Action::NatGateway(id.clone()));
    Ok(id)
}

/// The NAT gateway of an id.
///
/// # Errors
/// `NatGatewayNotFound`.
pub(crate) fn get<'a>(world: &'a World, place: &Place, id: &str) -> Result<&'a NatGateway, ApiError> {
    world.ec2(place).nat_gateways.get(id).ok_or_else(|| not_found(id))
}

pub(super) fn not_found(id: &str) -> ApiError {
    ApiError::new("NatGatewayNotFound", format!("NAT gateway {id} was not found"))
}

/// Begins to delete a NAT gateway. Its address is free when it is gone.
///
/// # Errors
/// `NatGatewayNotFound`.
pub(crate) fn delete(world: &mut World, place: &Place, id: &str) -> Result<(), ApiError> {
    let gateway = world.ec2_mut(place).nat_gateways.get_mut(id).ok_or_else(|| not_found(id))?;
    if matches!(gateway.state, State::Pending | State::Available) {
        gateway.state = State::Deleting;
        after_gateway_time(world, place, Action::NatGateway(id.to_owned()));
    }
    Ok(())
}

/// Its time has come: it is available, gone, or forgotten.
pub(super) fn step(world: &mut World, place: &Place, id: &str) {
    let linger = world.rules.timing.linger;
    let ec2 = world.ec2_mut(place);
    let Some(gateway) = ec2.nat_gateways.get_mut(id) else { return };
    let leads_out = gateway.address.is_none()
        || ec2.internet_gateways.values().any(|internet| internet.vpc.as_ref() == Some(&gateway.vpc));
    match gateway.state {
        State::Pending if leads_out => gateway.state = State::Available,
        State::Available => {}
        State::Pending | State::Deleting => {
            gateway.state = if gateway.state == State::Pending { State::Failed } else { State::Deleted };
            if let Some(address) = gateway.address.take().and_then(|address| ec2.addresses.get_mut(&address)) {
                address.used_by = None;
            }
            let forget = Action::NatGateway(id.to_owned());
            world.after(linger, crate::sim::world::Action::Ec2(place.clone(), forget));
        }
        State::Deleted | State::Failed => {
            ec2.nat_gateways.remove(id);
        }
    }
}
