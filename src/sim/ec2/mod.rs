//! Amazon EC2: VPCs and what is in them, and the peerings between them.
//!
//! Each file beside this one is the *model* of one resource: what exists and what may be done to it, as functions over
//! the [`World`] and a [`Place`]. They know no protocol, so CloudFormation's resources use them too. The protocol is in
//! `api`.

mod api;
mod cidr;
pub(crate) mod egress_only_gateway;
pub(crate) mod elastic_ip;
pub(crate) mod endpoint;
pub(crate) mod internet_gateway;
mod kind;
pub(crate) mod nat_gateway;
pub(crate) mod network_interface;
pub(crate) mod peering;
pub(crate) mod route;
pub(crate) mod route_table;
pub(crate) mod security_group;
pub(crate) mod seed;
pub(crate) mod subnet;
mod tag;
pub(crate) mod tagging;
pub(crate) mod transit_gateway;
mod unseen;
pub(crate) mod vpc;
pub(crate) mod zone;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use api::handle;
pub use egress_only_gateway::EgressOnlyGateway;
pub use elastic_ip::Address;
pub use endpoint::{Endpoint, EndpointType};
pub use internet_gateway::InternetGateway;
pub(crate) use kind::Kind;
pub use nat_gateway::NatGateway;
pub use network_interface::NetworkInterface;
pub use peering::{Peering, Side, Status, Step};
pub use route::{Destination, Origin, Route, Target, TargetKind};
pub use route_table::{Association, RouteTable};
pub use security_group::{Peer, Rule, SecurityGroup};
pub use subnet::Subnet;
pub use tag::Tags;
pub use transit_gateway::{Attachment, TransitGateway};
pub use vpc::Vpc;

use crate::sim::world::{Action as TimerAction, Place, Register, World};

/// What EC2 holds for one account in one region.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ec2 {
    /// VPCs by id.
    pub vpcs: Register<Vpc>,
    /// Subnets by id.
    pub subnets: Register<Subnet>,
    /// Route tables by id, the main ones among them.
    pub route_tables: Register<RouteTable>,
    /// Security groups by id, the default ones among them.
    pub security_groups: Register<SecurityGroup>,
    /// Internet gateways by id.
    pub internet_gateways: Register<InternetGateway>,
    /// Egress-only internet gateways by id.
    pub egress_only_gateways: Register<EgressOnlyGateway>,
    /// NAT gateways by id; deleted ones are shown for a while.
    pub nat_gateways: Register<NatGateway>,
    /// Elastic IP addresses by allocation id.
    pub addresses: Register<Address>,
    /// Network interfaces by id.
    pub network_interfaces: Register<NetworkInterface>,
    /// VPC endpoints by id.
    pub endpoints: Register<Endpoint>,
    /// Transit gateways by id.
    pub transit_gateways: Register<TransitGateway>,
    /// Transit gateways' attachments to VPCs, by id.
    pub attachments: Register<Attachment>,
    /// The ids of the peerings that a VPC of this place is a side of. The peerings are the [`World`]'s.
    pub peerings: BTreeSet<String>,
    /// Answers to calls that came with a client token, which a repeated call gets again, each with a digest of what was
    /// asked.
    answers: BTreeMap<String, (u64, String)>,
    /// The ids of resources that calls do not find yet, and until when.
    unseen: BTreeMap<String, Timestamp>,
}

impl Ec2 {
    /// Whether nothing is left. What AWS makes with a VPC goes with it.
    pub fn is_empty(&self) -> bool {
        let Self {
            vpcs,
            subnets,
            route_tables,
            security_groups,
            internet_gateways,
            egress_only_gateways,
            nat_gateways,
            addresses,
            network_interfaces,
            endpoints,
            transit_gateways,
            attachments,
            peerings: _,
            answers: _,
            unseen: _,
        } = self;
        vpcs.is_empty()
            && subnets.is_empty()
            && route_tables.is_empty()
            && security_groups.is_empty()
            && internet_gateways.is_empty()
            && egress_only_gateways.is_empty()
            && nat_gateways.values().all(NatGateway::is_gone)
            && addresses.is_empty()
            && network_interfaces.is_empty()
            && endpoints.is_empty()
            && transit_gateways.is_empty()
            && attachments.is_empty()
    }
}

/// Something that EC2 does by itself at a later time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A peering goes on to its next state.
    Peering(String, Step),
    /// A NAT gateway becomes available, is deleted, or is forgotten.
    NatGateway(String),
    /// An endpoint becomes available or is gone.
    Endpoint(String),
    /// A transit gateway becomes available or is gone.
    TransitGateway(String),
    /// A transit gateway's attachment becomes available or is gone.
    Attachment(String),
    /// The answer to a call with a client token is forgotten.
    ForgetAnswer(String),
}

impl Action {
    /// Does it.
    pub(crate) fn run(self, world: &mut World, place: &Place) {
        match self {
            Self::Peering(id, step) => peering::step(world, &id, step),
            Self::NatGateway(id) => nat_gateway::step(world, place, &id),
            Self::Endpoint(id) => endpoint::step(world, place, &id),
            Self::TransitGateway(id) => transit_gateway::step(world, place, &id),
            Self::Attachment(id) => transit_gateway::step_attachment(world, place, &id),
            Self::ForgetAnswer(token) => {
                world.ec2_mut(place).answers.remove(&token);
            }
        }
    }
}

/// The state of something that takes a while to be made and to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is being made.
    Pending,
    /// It can be used.
    Available,
    /// It could not be made.
    Failed,
    /// It is being deleted.
    Deleting,
    /// It is gone, and still shown for a while.
    Deleted,
}

impl State {
    /// As EC2 writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Available => "available",
            Self::Failed => "failed",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
        }
    }
}

/// Lets something of EC2 happen in a place after a gateway's time.
fn after_gateway_time(world: &mut World, place: &Place, action: Action) {
    let wait = world.rules.timing.gateway;
    world.after(wait, TimerAction::Ec2(place.clone(), action));
}
