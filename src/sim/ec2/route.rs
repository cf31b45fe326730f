//! Routes. See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html>.

use std::fmt;
use std::str::FromStr;

use ipnet::{Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use super::{Kind, RouteTable, State, cidr, peering, route_table};
use crate::sim::wire::ApiError;
use crate::sim::world::{Place, World};

/// Where a route leads to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Destination {
    /// An IPv4 range.
    V4(Ipv4Net),
    /// An IPv6 range.
    V6(Ipv6Net),
    /// A prefix list by its id.
    PrefixList(String),
}

impl Destination {
    /// The destination of a request, from whichever of its three parameters was given.
    ///
    /// # Errors
    /// `MissingParameter` when none was given, `InvalidParameterCombination` when several were, `InvalidParameterValue`
    /// for a range that is not one.
    pub(crate) fn read(v4: Option<&str>, v6: Option<&str>, prefix_list: Option<&str>) -> Result<Self, ApiError> {
        match (v4, v6, prefix_list) {
            (Some(text), None, None) => Ok(Self::V4(cidr::v4(text, "destinationCidrBlock")?)),
            (None, Some(text), None) => Ok(Self::V6(cidr::v6(text, "destinationIpv6CidrBlock")?)),
            (None, None, Some(id)) if id.starts_with("pl-") => Ok(Self::PrefixList(id.to_owned())),
            (None, None, Some(id)) => {
                Err(ApiError::new("InvalidPrefixListId.Malformed", format!("Invalid prefix list id: \"{id}\"")))
            }
            (None, None, None) => Err(ApiError::missing("destinationCidrBlock")),
            _ => Err(ApiError::new("InvalidParameterCombination", "Specify exactly one destination for a route.")),
        }
    }

    /// The name of the parameter that gives it, as messages have it.
    fn parameter(&self) -> &'static str {
        match self {
            Self::V4(_) => "destination-cidr-block",
            Self::V6(_) => "destination-ipv6-cidr-block",
            Self::PrefixList(_) => "destination-prefix-list-id",
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(range) => range.fmt(f),
            Self::V6(range) => range.fmt(f),
            Self::PrefixList(id) => f.write_str(id),
        }
    }
}

impl From<Destination> for String {
    fn from(destination: Destination) -> Self {
        destination.to_string()
    }
}

impl TryFrom<String> for Destination {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if let Ok(range) = Ipv4Net::from_str(&text) {
            return Ok(Self::V4(range));
        }
        match Ipv6Net::from_str(&text) {
            Ok(range) => Ok(Self::V6(range)),
            Err(_) if text.starts_with("pl-") => Ok(Self::PrefixList(text)),
            Err(_) => Err(format!("`{text}` is not the destination of a route")),
        }
    }
}

/// What kind of thing a route goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// An internet gateway, or `local`; in a request a virtual private gateway too.
    Gateway,
    /// A NAT gateway.
    NatGateway,
    /// A network interface.
    NetworkInterface,
    /// An instance.
    Instance,
    /// A VPC peering connection.
    Peering,
    /// A transit gateway.
    TransitGateway,
    /// A VPC endpoint.
    Endpoint,
    /// An egress-only internet gateway.
    EgressOnlyGateway,
    /// A carrier gateway.
    CarrierGateway,
    /// A local gateway of an Outpost.
    LocalGateway,
    /// A core network, by its ARN.
    CoreNetwork,
}

impl TargetKind {
    /// Every kind with the name of the request's parameter that gives it. In answers the name starts with a small
    /// letter, and an endpoint is a gateway.
    pub(crate) const ALL: [(Self, &'static str); 11] = [
        (Self::Gateway, "GatewayId"),
        (Self::NatGateway, "NatGatewayId"),
        (Self::NetworkInterface, "NetworkInterfaceId"),
        (Self::Instance, "InstanceId"),
        (Self::Peering, "VpcPeeringConnectionId"),
        (Self::TransitGateway, "TransitGatewayId"),
        (Self::Endpoint, "VpcEndpointId"),
        (Self::EgressOnlyGateway, "EgressOnlyInternetGatewayId"),
        (Self::CarrierGateway, "CarrierGatewayId"),
        (Self::LocalGateway, "LocalGatewayId"),
        (Self::CoreNetwork, "CoreNetworkArn"),
    ];
}

/// What a route goes through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The kind of thing.
    pub kind: TargetKind,
    /// Its id.
    pub id: String,
}

impl Target {
    /// The VPC itself.
    pub(crate) fn local() -> Self {
        Self { kind: TargetKind::Gateway, id: "local".to_owned() }
    }

    /// Whether it is the VPC itself.
    pub fn is_local(&self) -> bool {
        self.kind == TargetKind::Gateway && self.id == "local"
    }

    /// The target of a request: exactly one of its parameters must give one. `get` gives a parameter by the names of
    /// [`TargetKind::ALL`], which CloudFormation's properties have too.
    ///
    /// # Errors
    /// `MissingParameter` when none was given, `InvalidParameterCombination` when several were.
    pub(crate) fn read<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Self, ApiError> {
        let mut given = TargetKind::ALL.into_iter().filter_map(|(kind, name)| Some((kind, get(name)?)));
        match (given.next(), given.next()) {
            // Endpoints may be given as gateways, which is how they are shown.
            (Some((TargetKind::Gateway, id)), None) if id.starts_with("vpce-") => {
                Ok(Self { kind: TargetKind::Endpoint, id: id.to_owned() })
            }
            (Some((kind, id)), None) => Ok(Self { kind, id: id.to_owned() }),
            (None, _) => Err(ApiError::missing("gatewayId")),
            (Some(_), Some(_)) => {
                Err(ApiError::new("InvalidParameterCombination", "Specify exactly one target for a route."))
            }
        }
    }
}

/// How a route came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// With its table.
    CreateRouteTable,
    /// By itself.
    CreateRoute,
}

impl Origin {
    /// As EC2 writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CreateRouteTable => "CreateRouteTable",
            Self::CreateRoute => "CreateRoute",
        }
    }
}

/// A route of a table. Its destination is its key there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// What it goes through.
    pub target: Target,
    /// How it came to be.
    pub origin: Origin,
}

/// Makes a route.
///
/// # Errors
/// Ids that are nobody's; `RouteAlreadyExists` when the destination has a route; `InvalidParameterValue` for a target
/// that does not touch the VPC, or a destination inside it.
pub(crate) fn create(
    world: &mut World,
    place: &Place,
    table: &str,
    destination: Destination,
    target: Target,
) -> Result<(), ApiError> {
    let found = route_table::get(world, place, table)?;
    if found.routes.contains_key(&destination) {
        let message = format!("The route identified by {destination} already exists.");
        return Err(ApiError::new("RouteAlreadyExists", message));
    }
    check_destination(found, &destination, &target)?;
    check_target(world, place, found, &target)?;
    let route = Route { target, origin: Origin::CreateRoute };
    route_table::get_mut(world, place, table)?.routes.insert(destination, route);
    Ok(())
}

/// Gives the route of a destination another target.
///
/// # Errors
/// As [`create`], but `InvalidParameterValue` when the destination has no route.
pub(crate) fn replace(
    world: &mut World,
    place: &Place,
    table: &str,
    destination: Destination,
    target: Target,
) -> Result<(), ApiError> {
    let found = route_table::get(world, place, table)?;
    let Some(route) = found.routes.get(&destination) else {
        return Err(ApiError::invalid(format!(
            "There is no route defined for '{destination}' in the route table. Use CreateRoute instead."
        )));
    };
    if route.target.is_local() && !may_lie_inside(&target) && !target.is_local() {
        return Err(ApiError::invalid(format!("cannot replace local route {destination} in route table {table}")));
    }
    let origin = route.origin;
    check_target(world, place, found, &target)?;
    route_table::get_mut(world, place, table)?.routes.insert(destination, Route { target, origin });
    Ok(())
}

/// Deletes the route of a destination.
///
/// # Errors
/// `InvalidRouteTableID.NotFound`; `InvalidRoute.NotFound`; `InvalidParameterValue` for a local route.
pub(crate) fn delete(world: &mut World, place: &Place, table: &str, destination: &Destination) -> Result<(), ApiError> {
    let found = route_table::get_mut(world, place, table)?;
    match found.routes.get(destination) {
        None => {
            let parameter = destination.parameter();
            let message = format!("no route with {parameter} {destination} in route table {table}");
            Err(ApiError::new("InvalidRoute.NotFound", message))
        }
        Some(route) if route.target.is_local() => {
            Err(ApiError::invalid(format!("cannot remove local route {destination} in route table {table}")))
        }
        Some(_) => {
            found.routes.remove(destination);
            Ok(())
        }
    }
}

/// Whether a target may have a route inside its own VPC: only what inspects traffic may.
fn may_lie_inside(target: &Target) -> bool {
    use TargetKind::{Endpoint, Instance, NatGateway, NetworkInterface};
    matches!(target.kind, Endpoint | Instance | NatGateway | NetworkInterface)
}

fn check_destination(table: &RouteTable, destination: &Destination, target: &Target) -> Result<(), ApiError> {
    let mut local = table.routes.iter().filter(|(_, route)| route.target.is_local());
    let inside = local.any(|(own, _)| match (own, destination) {
        (Destination::V4(own), Destination::V4(range)) => own.contains(range),
        (Destination::V6(own), Destination::V6(range)) => own.contains(range),
        _ => false,
    });
    if inside && !may_lie_inside(target) {
        return Err(ApiError::invalid(format!(
            "The destination CIDR block {destination} is equal to or more specific than one of this VPC's CIDR blocks. \
             This route can target only an interface or an instance."
        )));
    }
    Ok(())
}

/// Whether a target exists and touches the table's VPC. In a world that assumes, one that is not known does; peerings are
/// all known there.
fn check_target(world: &World, place: &Place, table: &RouteTable, target: &Target) -> Result<(), ApiError> {
    match find_target(world, place, table, target) {
        Err(error) if world.assumes() && target.kind != TargetKind::Peering && error.code.ends_with("NotFound") => {
            Ok(())
        }
        found => found,
    }
}

fn find_target(world: &World, place: &Place, table: &RouteTable, target: &Target) -> Result<(), ApiError> {
    let id = target.id.as_str();
    let ec2 = world.ec2(place);
    let no_gateway = || ApiError::new("InvalidGatewayID.NotFound", format!("The gateway ID '{id}' does not exist"));
    let touches = match target.kind {
        TargetKind::Gateway if target.is_local() => true,
        TargetKind::Gateway => {
            let gateway = ec2.internet_gateways.get(id).ok_or_else(no_gateway)?;
            gateway.vpc.as_ref() == Some(&table.vpc)
        }
        TargetKind::NatGateway => {
            let gateway = ec2.nat_gateways.get(id).filter(|gateway| !gateway.is_gone());
            gateway.ok_or_else(|| Kind::NAT_GATEWAY.not_found(id))?.vpc == table.vpc
        }
        TargetKind::NetworkInterface => {
            let interface = ec2.network_interfaces.get(id).ok_or_else(|| Kind::NETWORK_INTERFACE.not_found(id))?;
            interface.vpc == table.vpc
        }
        TargetKind::Instance => {
            let message = format!("The instance ID '{id}' does not exist");
            return Err(ApiError::new("InvalidInstanceID.NotFound", message));
        }
        TargetKind::Peering => {
            let peering = peering::get(world, place, id)?;
            if peering.is_dead() {
                return Err(Kind::PEERING.not_found(id));
            }
            peering.side_of(place, &table.vpc).is_some()
        }
        TargetKind::TransitGateway => {
            let attached = ec2.attachments.values().filter(|attachment| attachment.gateway == id);
            let mut usable = attached.filter(|attachment| attachment.state == State::Available);
            if usable.any(|attachment| attachment.vpc == table.vpc) {
                true
            } else {
                let message = format!("Transit Gateway {id} was deleted or does not exist.");
                return Err(ApiError::new("InvalidTransitGatewayID.NotFound", message));
            }
        }
        TargetKind::Endpoint => ec2.endpoints.get(id).ok_or_else(|| Kind::ENDPOINT.not_found(id))?.vpc == table.vpc,
        TargetKind::EgressOnlyGateway => ec2.egress_only_gateways.get(id).ok_or_else(no_gateway)?.vpc == table.vpc,
        TargetKind::CarrierGateway | TargetKind::LocalGateway | TargetKind::CoreNetwork => return Err(no_gateway()),
    };
    if touches {
        Ok(())
    } else {
        let message = format!("route table {} and network gateway {id} belong to different networks", table.id);
        Err(ApiError::invalid(message))
    }
}

/// Whether traffic gets through: a route whose target is not (or no more) there is a black hole.
pub(crate) fn is_active(world: &World, place: &Place, table: &RouteTable, route: &Route) -> bool {
    let id = route.target.id.as_str();
    let ec2 = world.ec2(place);
    if world.assumes() && route.target.kind != TargetKind::Peering {
        return true;
    }
    match route.target.kind {
        TargetKind::Gateway => {
            route.target.is_local()
                || ec2.internet_gateways.get(id).is_some_and(|gateway| gateway.vpc.as_ref() == Some(&table.vpc))
        }
        TargetKind::NatGateway => ec2.nat_gateways.get(id).is_some_and(|gateway| gateway.state == State::Available),
        TargetKind::NetworkInterface => ec2.network_interfaces.contains_key(id),
        TargetKind::Peering => world.peerings.get(id).is_some_and(|peering| peering.status == super::Status::Active),
        TargetKind::TransitGateway => ec2.attachments.values().any(|attachment| {
            attachment.gateway == id && attachment.vpc == table.vpc && attachment.state == State::Available
        }),
        TargetKind::Endpoint => ec2.endpoints.get(id).is_some_and(|endpoint| endpoint.state == State::Available),
        TargetKind::EgressOnlyGateway => ec2.egress_only_gateways.contains_key(id),
        TargetKind::Instance | TargetKind::CarrierGateway | TargetKind::LocalGateway | TargetKind::CoreNetwork => false,
    }
}
