//! VPC endpoints.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Action, Destination, Kind, Origin, Route, State, Tags, Target, TargetKind};
use super::{after_gateway_time, route_table, security_group, subnet, vpc};
use crate::sim::wire::ApiError;
use crate::sim::world::ids::mix;
use crate::sim::world::{Place, World};

/// A VPC endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its id.
    pub id: String,
    /// Its VPC.
    pub vpc: String,
    /// The service it leads to, such as `com.amazonaws.us-east-1.s3`.
    pub service: String,
    /// How it leads there.
    pub endpoint_type: EndpointType,
    /// The route tables that have its route, of a gateway endpoint.
    pub route_tables: BTreeSet<String>,
    /// The subnets it has interfaces in, of an interface endpoint.
    pub subnets: BTreeSet<String>,
    /// The security groups of its interfaces.
    pub groups: BTreeSet<String>,
    /// Whether the service's own DNS names lead to it.
    pub private_dns: bool,
    /// How far it is.
    pub state: State,
    /// Its tags.
    pub tags: Tags,
}

/// How an endpoint leads to its service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndpointType {
    /// By a route to a prefix list.
    #[default]
    Gateway,
    /// By network interfaces.
    Interface,
    /// By a route to a load balancer of appliances.
    GatewayLoadBalancer,
}

impl EndpointType {
    /// As EC2 writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "Gateway",
            Self::Interface => "Interface",
            Self::GatewayLoadBalancer => "GatewayLoadBalancer",
        }
    }

    /// Reads what [`EndpointType::as_str`] writes.
    ///
    /// # Errors
    /// `InvalidParameterValue`.
    pub(crate) fn read(text: &str) -> Result<Self, ApiError> {
        let all = [Self::Gateway, Self::Interface, Self::GatewayLoadBalancer];
        all.into_iter()
            .find(|one| one.as_str() == text)
            .ok_or_else(|| ApiError::invalid(format!("Value ({text}) for parameter vpcEndpointType is invalid.")))
    }
}

/// What a new endpoint is to be like.
#[derive(Clone, Debug, Default)]
pub(crate) struct EndpointRequest {
    pub(crate) vpc: String,
    pub(crate) service: String,
    pub(crate) endpoint_type: EndpointType,
    pub(crate) route_tables: BTreeSet<String>,
    pub(crate) subnets: BTreeSet<String>,
    pub(crate) groups: BTreeSet<String>,
    pub(crate) private_dns: bool,
    pub(crate) tags: Tags,
}

/// Makes an endpoint; a gateway endpoint adds its route to its tables. It is available after a while.
///
/// # Errors
/// Ids that are nobody's; `InvalidServiceName`; `RouteAlreadyExists`.
pub(crate) fn create(world: &mut World, place: &Place, wanted: EndpointRequest) -> Result<String, ApiError> {
    vpc::get(world, place, &wanted.vpc)?;
    // Endpoint services of one's own are `com.amazonaws.vpce.…`, AWS's are `com.amazonaws.REGION.…` (in China with `cn.`
    // before it); some of the newer ones are `aws.…`.
    let name = wanted.service.strip_prefix("cn.").unwrap_or(&wanted.service);
    if !["com.amazonaws.", "aws."].iter().any(|start| name.starts_with(start)) {
        let message = format!("The Vpc Endpoint Service '{}' does not exist", wanted.service);
        return Err(ApiError::new("InvalidServiceName", message));
    }
    for subnet_id in &wanted.subnets {
        subnet::get(world, place, subnet_id)?;
    }
    for group in &wanted.groups {
        security_group::get(world, place, group)?;
    }
    let destination = prefix_list(&wanted.service);
    for table in &wanted.route_tables {
        if route_table::get(world, place, table)?.routes.contains_key(&destination) {
            let message =
                format!("route table {table} already has a route with destination-prefix-list-id {destination}");
            return Err(ApiError::new("RouteAlreadyExists", message));
        }
    }
    let id = world.ids().resource(Kind::ENDPOINT.prefix);
    for table in &wanted.route_tables {
        let target = Target { kind: TargetKind::Endpoint, id: id.clone() };
        let route = Route { target, origin: Origin::CreateRoute };
        route_table::get_mut(world, place, table)?.routes.insert(destination.clone(), route);
    }
    let EndpointRequest { vpc, service, endpoint_type, route_tables, subnets, groups, private_dns, tags } = wanted;
    let endpoint = Endpoint {
        id: id.clone(),
        vpc,
        service,
        endpoint_type,
        route_tables,
        subnets,
        groups,
        private_dns,
        state: State::Pending,
        tags,
    };
    world.ec2_mut(place).endpoints.insert(id.clone(), endpoint);
    after_gateway_time(world, place, Action::Endpoint(id.clone()));
    Ok(id)
}

/// The prefix list of a service: always the same for its name.
fn prefix_list(service: &str) -> Destination {
    let hash = service.bytes().fold(0, |hash, byte| mix(hash, byte.into()));
    Destination::PrefixList(format!("pl-{:08x}", hash >> 32))
}

/// Begins to delete an endpoint. Its routes go at once.
///
/// # Errors
/// `InvalidVpcEndpointId.NotFound`.
pub(crate) fn delete(world: &mut World, place: &Place, id: &str) -> Result<(), ApiError> {
    let ec2 = world.ec2_mut(place);
    let endpoint = ec2.endpoints.get_mut(id).ok_or_else(|| Kind::ENDPOINT.not_found(id))?;
    if endpoint.state == State::Deleting {
        return Ok(());
    }
    endpoint.state = State::Deleting;
    for table in &endpoint.route_tables {
        if let Some(table) = ec2.route_tables.get_mut(table) {
            table.routes.retain(|_, route| route.target.id != id);
        }
    }
    after_gateway_time(world, place, Action::Endpoint(id.to_owned()));
    Ok(())
}

/// Its time has come: it is available or gone.
pub(super) fn step(world: &mut World, place: &Place, id: &str) {
    let endpoints = &mut world.ec2_mut(place).endpoints;
    let Some(endpoint) = endpoints.get_mut(id) else { return };
    if endpoint.state == State::Pending {
        endpoint.state = State::Available;
    } else if endpoint.state == State::Deleting {
        endpoints.remove(id);
    }
}
