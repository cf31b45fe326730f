//! The calls to EC2: peerings and routes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use aws_sdk_ec2::types::{
    Filter, PeeringConnectionOptionsRequest, ResourceType, Tag, TagSpecification, VpcPeeringConnection,
    VpcPeeringConnectionVpcInfo,
};
use indexmap::IndexMap;
use tokio::time::Instant;

use super::call::CallError;
use super::pairs::Pair;
use super::regional::Regional;
use super::route_target::RouteTarget;
use super::written::{Led, Thing};
use crate::ids::Region;

/// How many values a filter takes.
pub(super) const FILTER_VALUES: usize = 200;

/// How far a peering has come.
///
/// See <https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html#vpc-peering-lifecycle>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeeringState {
    /// AWS is looking at the request.
    Initiating,
    /// The accepter has yet to accept.
    Pending,
    /// It was accepted and is being made.
    Provisioning,
    /// It carries traffic.
    Active,
    /// It will never be more than this: failed, rejected, expired, deleting or deleted. By AWS's word for it.
    Dead(String),
}

impl PeeringState {
    /// A state by AWS's word for it. A word that is newer than this program is taken for a live state in the making.
    pub fn new(code: &str) -> Self {
        match code {
            "initiating-request" => Self::Initiating,
            "pending-acceptance" => Self::Pending,
            "active" => Self::Active,
            "failed" | "rejected" | "expired" | "deleting" | "deleted" => Self::Dead(code.to_owned()),
            _ => Self::Provisioning,
        }
    }

    /// Whether it is still to be accepted.
    pub fn waits(&self) -> bool {
        matches!(self, Self::Initiating | Self::Pending)
    }

    /// Whether it is, or may yet become, a peering.
    pub fn is_live(&self) -> bool {
        !matches!(self, Self::Dead(_))
    }
}

impl fmt::Display for PeeringState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Initiating => "initiating-request",
            Self::Pending => "pending-acceptance",
            Self::Provisioning => "provisioning",
            Self::Active => "active",
            Self::Dead(code) => code,
        })
    }
}

/// One side of a live peering.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeeringSide {
    /// The id of the account that owns the VPC.
    pub account: String,
    /// The VPC's region. EC2 may leave out that of a side which is in the same one as the caller; it is filled in here.
    pub region: String,
    /// The VPC.
    pub vpc: String,
    /// Whether names of this side's hosts resolve to private addresses for the other side; `None` while AWS does not say.
    pub dns: Option<bool>,
}

impl PeeringSide {
    fn read(info: VpcPeeringConnectionVpcInfo, home: &Region) -> Self {
        let region = info.region.filter(|region| !region.is_empty());
        Self {
            account: info.owner_id.unwrap_or_default(),
            region: region.unwrap_or_else(|| home.to_string()),
            vpc: info.vpc_id.unwrap_or_default(),
            dns: info.peering_options.and_then(|options| options.allow_dns_resolution_from_remote_vpc),
        }
    }
}

/// A VPC peering connection, as one of its two accounts sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peering {
    /// Its id: `pcx-…`.
    pub id: String,
    /// How far it has come.
    pub state: PeeringState,
    /// AWS's words about the state.
    pub message: String,
    /// The side that asked for it.
    pub requester: PeeringSide,
    /// The side that was asked.
    pub accepter: PeeringSide,
    /// The tags that the account that looks has given it; the other account's are not visible.
    pub tags: BTreeMap<String, String>,
}

impl Peering {
    /// As the answer to a call in a region tells it.
    fn read(peering: VpcPeeringConnection, home: &Region) -> Option<Self> {
        let (code, message) = peering.status.map(|status| (status.code, status.message)).unwrap_or_default();
        let tags = peering.tags.unwrap_or_default().into_iter().filter_map(|tag| Some((tag.key?, tag.value?)));
        Some(Self {
            id: peering.vpc_peering_connection_id?,
            state: PeeringState::new(code.as_ref().map_or("", |code| code.as_str())),
            message: message.unwrap_or_default(),
            requester: peering.requester_vpc_info.map(|info| PeeringSide::read(info, home)).unwrap_or_default(),
            accepter: peering.accepter_vpc_info.map(|info| PeeringSide::read(info, home)).unwrap_or_default(),
            tags: tags.collect(),
        })
    }

    /// Whether it is between these two VPCs, whichever of them asked for it.
    pub fn is_between(&self, one: &str, other: &str) -> bool {
        let sides = (self.requester.vpc.as_str(), self.accepter.vpc.as_str());
        sides == (one, other) || sides == (other, one)
    }

    /// Whether it bears these tags in the account that looks.
    pub(super) fn is_tagged(&self, tags: &[(&str, &str)]) -> bool {
        tags.iter().all(|(key, value)| self.tags.get(*key).is_some_and(|found| found == value))
    }
}

/// What to ask for when a peering is requested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeeringRequest {
    /// The requester's VPC.
    pub vpc: String,
    /// The accepter's VPC.
    pub peer_vpc: String,
    /// The accepter's account id.
    pub peer_account: String,
    /// The accepter's region.
    pub peer_region: String,
    /// Tags, set by the very call that makes it.
    pub tags: IndexMap<String, String>,
}

impl PeeringRequest {
    /// Whether a peering is between these two VPCs, asked for this way round.
    pub fn is_for(&self, peering: &Peering) -> bool {
        peering.requester.vpc == self.vpc && peering.accepter.vpc == self.peer_vpc
    }
}

/// A route of a live route table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// An IPv4 or IPv6 range in canonical form, or a prefix list's id.
    pub destination: String,
    /// The ids that AWS gives for its target; an instance's route has its network interface's as well.
    pub targets: Vec<String>,
    /// Whether it leads nowhere, because its target is not there, or not yet.
    pub blackhole: bool,
    /// Whether it was learnt from a virtual private gateway rather than made by somebody.
    pub propagated: bool,
}

impl Route {
    fn read(route: aws_sdk_ec2::types::Route) -> Option<Self> {
        use aws_sdk_ec2::types::{RouteOrigin, RouteState};
        let destination =
            route.destination_cidr_block.or(route.destination_ipv6_cidr_block).or(route.destination_prefix_list_id)?;
        let targets = [
            route.vpc_peering_connection_id,
            route.transit_gateway_id,
            route.nat_gateway_id,
            route.gateway_id,
            route.instance_id,
            route.network_interface_id,
            route.egress_only_internet_gateway_id,
            route.local_gateway_id,
            route.carrier_gateway_id,
            route.core_network_arn,
            route.odb_network_arn,
        ];
        Some(Self {
            destination,
            targets: targets.into_iter().flatten().collect(),
            blackhole: route.state == Some(RouteState::Blackhole),
            propagated: route.origin == Some(RouteOrigin::EnableVgwRoutePropagation),
        })
    }
}

/// A live route table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteTable {
    /// Its id.
    pub id: String,
    /// The VPC that it belongs to.
    pub vpc: String,
    /// Its routes.
    pub routes: Vec<Route>,
    /// The ids of its associations, each with its subnet; without one where it makes the table the main one.
    pub associations: Vec<(String, Option<String>)>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl RouteTable {
    fn read(table: aws_sdk_ec2::types::RouteTable) -> Option<Self> {
        // A gateway's association is neither a subnet's nor the main one.
        let associations = table.associations.unwrap_or_default().into_iter().filter_map(|own| {
            let counts = own.subnet_id.is_some() || own.main == Some(true);
            Some((own.route_table_association_id.filter(|_| counts)?, own.subnet_id))
        });
        let tags = table.tags.unwrap_or_default().into_iter().filter_map(|tag| Some((tag.key?, tag.value?)));
        Some(Self {
            id: table.route_table_id?,
            vpc: table.vpc_id.unwrap_or_default(),
            routes: table.routes.unwrap_or_default().into_iter().filter_map(Route::read).collect(),
            associations: associations.collect(),
            tags: tags.collect(),
        })
    }

    /// The same table with these routes and no others.
    pub(super) fn with_routes(&self, routes: impl IntoIterator<Item = Route>) -> Self {
        Self {
            id: self.id.clone(),
            vpc: self.vpc.clone(),
            routes: routes.into_iter().collect(),
            associations: self.associations.clone(),
            tags: self.tags.clone(),
        }
    }
}

fn filter(name: &str, values: impl IntoIterator<Item = impl Into<String>>) -> Filter {
    let values = values.into_iter().map(Into::into).collect();
    Filter::builder().name(name).set_values(Some(values)).build()
}

fn tags<'a>(tags: impl IntoIterator<Item = (&'a String, &'a String)>) -> Vec<Tag> {
    tags.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// Puts a target's id where a request's builder wants it. `CreateRoute` and `ReplaceRoute` have the same fields and share no
/// type.
macro_rules! to_target {
    ($request:expr, $kind:expr, $id:expr) => {
        match $kind {
            RouteTarget::Peering => $request.vpc_peering_connection_id($id),
            RouteTarget::TransitGateway => $request.transit_gateway_id($id),
            RouteTarget::NatGateway => $request.nat_gateway_id($id),
            RouteTarget::Gateway => $request.gateway_id($id),
            RouteTarget::NetworkInterface => $request.network_interface_id($id),
            RouteTarget::VpcEndpoint => $request.vpc_endpoint_id($id),
            RouteTarget::EgressOnlyGateway => $request.egress_only_internet_gateway_id($id),
            RouteTarget::LocalGateway => $request.local_gateway_id($id),
            RouteTarget::CarrierGateway => $request.carrier_gateway_id($id),
            RouteTarget::Instance => $request.instance_id($id),
            RouteTarget::CoreNetwork => $request.core_network_arn($id),
        }
    };
}

/// Puts a destination where a request's builder wants it: a prefix list by its id, IPv6 by its colons, else IPv4.
macro_rules! to_destination {
    ($request:expr, $destination:expr) => {
        if $destination.starts_with("pl-") {
            $request.destination_prefix_list_id($destination)
        } else if $destination.contains(':') {
            $request.destination_ipv6_cidr_block($destination)
        } else {
            $request.destination_cidr_block($destination)
        }
    };
}

impl Regional {
    /// Peerings by filters; `page` is how many an answer may hold, and without it AWS decides.
    pub(super) async fn peerings(&self, filters: Vec<Filter>, page: Option<i32>) -> Result<Vec<Peering>, CallError> {
        Ok(self.peerings_by_pages(filters, page).await?.0)
    }

    /// The same, and how many pages they took.
    async fn peerings_by_pages(
        &self,
        filters: Vec<Filter>,
        page: Option<i32>,
    ) -> Result<(Vec<Peering>, u32), CallError> {
        let (mut found, mut pages) = (Vec::new(), 0);
        let mut next: Option<String> = None;
        loop {
            let send = || {
                let request = self.ec2().describe_vpc_peering_connections().set_filters(Some(filters.clone()));
                request.set_max_results(page).set_next_token(next.clone()).send()
            };
            let answer = self.call("DescribeVpcPeeringConnections", send).await?;
            let page = answer.vpc_peering_connections.unwrap_or_default();
            found.extend(page.into_iter().filter_map(|peering| Peering::read(peering, self.region())));
            pages += 1;
            next = answer.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok((found, pages));
            }
        }
    }

    /// All peerings between two VPCs that this account sees here, dead ones too, either way round.
    ///
    /// # Errors
    ///
    /// The call was refused or did not come through; the same goes for all calls here.
    pub async fn peerings_between(&self, one: &str, other: &str) -> Result<Vec<Peering>, CallError> {
        // One call for both directions: neither VPC peers with itself.
        let both = [one, other];
        let filters = vec![filter("requester-vpc-info.vpc-id", both), filter("accepter-vpc-info.vpc-id", both)];
        let mut found = self.peerings(filters, None).await?;
        found.retain(|peering| peering.is_between(one, other));
        Ok(found)
    }

    /// The same for so many pairs of VPCs at once, together with what links VPCs of different pairs.
    pub(super) async fn peerings_between_all(&self, pairs: Vec<Pair>) -> Result<Vec<Peering>, CallError> {
        let vpcs: BTreeSet<String> = pairs.into_iter().flat_map(|(one, other)| [one, other]).collect();
        let names = ["requester-vpc-info.vpc-id", "accepter-vpc-info.vpc-id"];
        self.peerings(names.map(|name| filter(name, &vpcs)).into(), None).await
    }

    /// All peerings that bear these tags in this account, dead ones too.
    ///
    /// # Errors
    ///
    /// As for [`Regional::peerings_between`].
    pub async fn peerings_tagged(&self, tags: &[(&str, &str)]) -> Result<Vec<Peering>, CallError> {
        let filters = tags.iter().map(|(key, value)| filter(&format!("tag:{key}"), [*value])).collect();
        let mut found = self.peerings(filters, None).await?;
        found.retain(|peering| peering.is_tagged(tags));
        Ok(found)
    }

    /// One peering by its id; `None` if this account does not see it here.
    ///
    /// # Errors
    ///
    /// As for [`Regional::peerings_between`].
    pub async fn peering(&self, id: &str) -> Result<Option<Peering>, CallError> {
        Ok(self.peerings_by_ids(&[id]).await?.0.into_iter().find(|peering| peering.id == id))
    }

    /// Peerings by their ids, those left out that this account does not see here, and how many calls that took.
    pub(super) async fn peerings_by_ids(&self, ids: &[impl AsRef<str>]) -> Result<(Vec<Peering>, u32), CallError> {
        let (mut all, mut calls) = (Vec::new(), 0);
        // By ids it would be an error if one is not known here yet.
        for ids in ids.chunks(FILTER_VALUES) {
            let ids = ids.iter().map(AsRef::as_ref);
            let (found, pages) = self.peerings_by_pages(vec![filter("vpc-peering-connection-id", ids)], None).await?;
            all.extend(found);
            calls += pages;
        }
        Ok((all, calls))
    }

    /// Asks for a peering and gives it. AWS gives the one that exists already between the two VPCs, even if somebody else
    /// asked for that.
    ///
    /// # Errors
    ///
    /// As for [`Regional::peerings_between`].
    pub async fn request_peering(&self, request: &PeeringRequest) -> Result<Peering, CallError> {
        const OPERATION: &str = "CreateVpcPeeringConnection";
        let tags = TagSpecification::builder()
            .resource_type(ResourceType::VpcPeeringConnection)
            .set_tags(Some(tags(&request.tags)))
            .build();
        let send = || {
            self.ec2()
                .create_vpc_peering_connection()
                .vpc_id(&request.vpc)
                .peer_vpc_id(&request.peer_vpc)
                .peer_owner_id(&request.peer_account)
                .peer_region(&request.peer_region)
                .tag_specifications(tags.clone())
                .send()
        };
        let answer = self.change(OPERATION, Thing::Peerings, send).await?;
        let peering = answer.vpc_peering_connection.and_then(|peering| Peering::read(peering, self.region()));
        peering.ok_or_else(|| self.odd_answer(OPERATION, "peering's id"))
    }

    /// Accepts a peering; only the accepter's account can, in the accepter's region. Gives it as far as the answer tells.
    ///
    /// # Errors
    ///
    /// As for [`Regional::peerings_between`].
    pub async fn accept_peering(&self, id: &str) -> Result<Option<Peering>, CallError> {
        let send = || self.ec2().accept_vpc_peering_connection().vpc_peering_connection_id(id).send();
        let answer = self.change("AcceptVpcPeeringConnection", Thing::Peering(id.to_owned()), send).await?;
        Ok(answer.vpc_peering_connection.and_then(|peering| Peering::read(peering, self.region())))
    }

    /// Deletes a peering; either side can.
    ///
    /// # Errors
    ///
    /// As for [`Regional::peerings_between`].
    pub async fn delete_peering(&self, id: &str) -> Result<(), CallError> {
        let send = || self.ec2().delete_vpc_peering_connection().vpc_peering_connection_id(id).send();
        self.change("DeleteVpcPeeringConnection", Thing::Peering(id.to_owned()), send).await.map(|_| ())
    }

    /// Sets whether names of a side's hosts resolve to private addresses for the other side. Each side is set by its own
    /// account, once the peering is active.
    ///
    /// # Errors
    ///
    /// As for [`Regional::peerings_between`].
    pub async fn set_peering_dns(
        &self,
        id: &str,
        requester: Option<bool>,
        accepter: Option<bool>,
    ) -> Result<(), CallError> {
        let options = |dns: Option<bool>| {
            dns.map(|dns| PeeringConnectionOptionsRequest::builder().allow_dns_resolution_from_remote_vpc(dns).build())
        };
        let send = || {
            self.ec2()
                .modify_vpc_peering_connection_options()
                .vpc_peering_connection_id(id)
                .set_requester_peering_connection_options(options(requester))
                .set_accepter_peering_connection_options(options(accepter))
                .send()
        };
        self.change("ModifyVpcPeeringConnectionOptions", Thing::Peering(id.to_owned()), send).await.map(|_| ())
    }

    /// Sets tags of a resource; others that it has stay.
    ///
    /// # Errors
    ///
    /// As for [`Regional::peerings_between`].
    pub async fn set_tags(&self, resource: &str, wanted: &BTreeMap<String, String>) -> Result<(), CallError> {
        let tags = tags(wanted);
        let send = || self.ec2().create_tags().resources(resource).set_tags(Some(tags.clone())).send();
        self.change("CreateTags", Thing::Peering(resource.to_owned()), send).await.map(|_| ())
    }

    /// Route tables by their ids, in no particular order. Ids that are not known here are left out.
    ///
    /// # Errors
    ///
    /// As for [`Regional::peerings_between`].
    pub async fn route_tables(&self, ids: &[String]) -> Result<Vec<RouteTable>, CallError> {
        let since = Instant::now();
        loop {
            // A filter takes 200 values, and gives the known ones where asking by id would fail over one that is not.
            let mut found = Vec::new();
            for ids in ids.chunks(200) {
                found.extend(self.route_tables_by(&[filter("route-table-id", ids)], None).await?);
            }
            found.retain(|table| ids.contains(&table.id));
            let all = ids.iter().all(|id| found.iter().any(|table| table.id == *id));
            if all || !self.waits_on(since).await {
                return Ok(found);
            }
        }
    }

    /// Route tables by filters; `page` is how many an answer may hold, and without it AWS decides.
    pub(super) async fn route_tables_by(
        &self,
        filters: &[Filter],
        page: Option<i32>,
    ) -> Result<Vec<RouteTable>, CallError> {
        let mut found = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let send = || {
                let request = self.ec2().describe_route_tables().set_filters(Some(filters.to_vec()));
                request.set_max_results(page).set_next_token(next.clone()).send()
            };
            let answer = self.call("DescribeRouteTables", send).await?;
            found.extend(answer.route_tables.unwrap_or_default().into_iter().filter_map(RouteTable::read));
            next = answer.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(found);
            }
        }
    }

    /// Makes a route. The destination is an IPv4 or IPv6 range or a prefix list's id.
    ///
    /// # Errors
    ///
    /// As for [`Regional::peerings_between`].
    pub async fn create_route(
        &self,
        table: &str,
        destination: &str,
        kind: RouteTarget,
        target: &str,
    ) -> Result<(), CallError> {
        let send = || {
            let request = self.ec2().create_route().route_table_id(table);
            to_target!(to_destination!(request, destination), kind, target).send()
        };
        self.lead("CreateRoute", (table, destination), Led::To(target.to_owned()), send).await
    }

    /// Leads a route elsewhere.
    ///
    /// # Errors
    ///
    /// As for [`Regional::peerings_between`].
    pub async fn replace_route(
        &self,
        table: &str,
        destination: &str,
        kind: RouteTarget,
        target: &str,
    ) -> Result<(), CallError> {
        let send = || {
            let request = self.ec2().replace_route().route_table_id(table);
            to_target!(to_destination!(request, destination), kind, target).send()
        };
        self.lead("ReplaceRoute", (table, destination), Led::To(target.to_owned()), send).await
    }

    /// Deletes a route.
    ///
    /// # Errors
    ///
    /// As for [`Regional::peerings_between`].
    pub async fn delete_route(&self, table: &str, destination: &str) -> Result<(), CallError> {
        let send = || {
            let request = self.ec2().delete_route().route_table_id(table);
            to_destination!(request, destination).send()
        };
        self.lead("DeleteRoute", (table, destination), Led::Nowhere, send).await
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::VpcPeeringConnectionStateReasonCode as Code;

    use super::*;

    #[test]
    fn every_state_of_the_sdk_is_known_and_shown_as_aws_says_it() {
        for code in Code::values() {
            assert_eq!(PeeringState::new(code).to_string(), *code);
        }
        let live: Vec<_> = Code::values().iter().filter(|code| PeeringState::new(code).is_live()).collect();
        assert_eq!(live, [&"active", &"initiating-request", &"pending-acceptance", &"provisioning"]);
    }
}
