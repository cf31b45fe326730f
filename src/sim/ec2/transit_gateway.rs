//! Transit gateways and their attachments to VPCs, within one account.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Action, Kind, State, Tags, after_gateway_time, subnet, vpc};
use crate::sim::wire::ApiError;
use crate::sim::world::{Place, World};

/// A transit gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransitGateway {
    /// Its id.
    pub id: String,
    /// Its description.
    pub description: String,
    /// How far it is.
    pub state: State,
    /// Its tags.
    pub tags: Tags,
}

/// A transit gateway's attachment to a VPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its id.
    pub id: String,
    /// The transit gateway.
    pub gateway: String,
    /// The VPC.
    pub vpc: String,
    /// The subnets that it has interfaces in.
    pub subnets: BTreeSet<String>,
    /// How far it is.
    pub state: State,
    /// Its tags.
    pub tags: Tags,
}

/// Makes a transit gateway. It is available after a while.
pub(crate) fn create(world: &mut World, place: &Place, description: &str, tags: Tags) -> String {
    let id = world.ids().resource(Kind::TRANSIT_GATEWAY.prefix);
    let gateway = TransitGateway { id: id.clone(), description: description.to_owned(), state: State::Pending, tags };
    world.ec2_mut(place).transit_gateways.insert(id.clone(), gateway);
    after_gateway_time(world, place, Action::TransitGateway(id.clone()));
    id
}

/// The transit gateway of an id.
///
/// # Errors
/// `InvalidTransitGatewayID.NotFound`.
pub(crate) fn get<'a>(world: &'a World, place: &Place, id: &str) -> Result<&'a TransitGateway, ApiError> {
    world.ec2(place).transit_gateways.get(id).ok_or_else(|| Kind::TRANSIT_GATEWAY.not_found(id))
}

/// Begins to delete a transit gateway.
///
/// # Errors
/// `InvalidTransitGatewayID.NotFound`; `IncorrectState` while it is attached.
pub(crate) fn delete(world: &mut World, place: &Place, id: &str) -> Result<(), ApiError> {
    get(world, place, id)?;
    let ec2 = world.ec2_mut(place);
    let attached: Vec<_> =
        ec2.attachments.values().filter(|attachment| attachment.gateway == id).map(|it| it.id.as_str()).collect();
    if !attached.is_empty() {
        let message = format!("{id} has non-deleted VPC Attachments: {}.", attached.join(", "));
        return Err(ApiError::new("IncorrectState", message));
    }
    if let Some(gateway) = ec2.transit_gateways.get_mut(id) {
        gateway.state = State::Deleting;
    }
    after_gateway_time(world, place, Action::TransitGateway(id.to_owned()));
    Ok(())
}

/// Attaches a VPC. The attachment is available after a while.
///
/// # Errors
/// Ids that are nobody's; `IncorrectState` before the gateway is available; `DuplicateTransitGatewayAttachment`.
pub(crate) fn attach(
    world: &mut World,
    place: &Place,
    gateway: &str,
    to: &str,
    subnets: &[&str],
    tags: Tags,
) -> Result<String, ApiError> {
    vpc::get(world, place, to)?;
    for subnet_id in subnets {
        subnet::get(world, place, subnet_id)?;
    }
    if get(world, place, gateway)?.state != State::Available {
        return Err(ApiError::new("IncorrectState", format!("{gateway} is in invalid state")));
    }
    if world.ec2(place).attachments.values().any(|other| other.gateway == gateway && other.vpc == to) {
        let message = format!("{gateway} has non-deleted Transit Gateway Attachments with same VPC ID.");
        return Err(ApiError::new("DuplicateTransitGatewayAttachment", message));
    }
    let id = world.ids().resource(Kind::ATTACHMENT.prefix);
    let attachment = Attachment {
        id: id.clone(),
        gateway: gateway.to_owned(),
        vpc: to.to_owned(),
        subnets: subnets.iter().map(|subnet| (*subnet).to_owned()).collect(),
        state: State::Pending,
        tags,
    };
    world.ec2_mut(place).attachments.insert(id.clone(), attachment);
    after_gateway_time(world, place, Action::Attachment(id.clone()));
    Ok(id)
}

/// Begins to detach a VPC.
///
/// # Errors
/// `InvalidTransitGatewayAttachmentID.NotFound`.
pub(crate) fn detach(world: &mut World, place: &Place, id: &str) -> Result<(), ApiError> {
    let attachments = &mut world.ec2_mut(place).attachments;
    attachments.get_mut(id).ok_or_else(|| Kind::ATTACHMENT.not_found(id))?.state = State::Deleting;
    after_gateway_time(world, place, Action::Attachment(id.to_owned()));
    Ok(())
}

/// A gateway's time has come: it is available or gone.
pub(super) fn step(world: &mut World, place: &Place, id: &str) {
    let gateways = &mut world.ec2_mut(place).transit_gateways;
    let Some(gateway) = gateways.get_mut(id) else { return };
    if gateway.state == State::Pending {
        gateway.state = State::Available;
    } else if gateway.state == State::Deleting {
        gateways.remove(id);
    }
}

/// An attachment's time has come: it is available or gone.
pub(super) fn step_attachment(world: &mut World, place: &Place, id: &str) {
    let attachments = &mut world.ec2_mut(place).attachments;
    let Some(attachment) = attachments.get_mut(id) else { return };
    if attachment.state == State::Pending {
        attachment.state = State::Available;
    } else if attachment.state == State::Deleting {
        attachments.remove(id);
    }
}
