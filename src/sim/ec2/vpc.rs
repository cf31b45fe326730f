//! VPCs. See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpc.html>.

use std::net::Ipv6Addr;

use ipnet::{Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use super::{Kind, Tags, cidr, peering, route_table, security_group};
use crate::sim::wire::ApiError;
use crate::sim::world::{Place, World};

/// A VPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vpc {
    /// Its id.
    pub id: String,
    /// Its IPv4 ranges with the ids of their associations; the first one is the primary.
    pub cidr_blocks: Vec<(String, Ipv4Net)>,
    /// Its IPv6 ranges with the ids of their associations.
    pub ipv6_cidr_blocks: Vec<(String, Ipv6Net)>,
    /// `default` or `dedicated`.
    pub tenancy: String,
    /// Whether Amazon's DNS server answers in it.
    pub dns_support: bool,
    /// Whether instances get public DNS names.
    pub dns_hostnames: bool,
    /// The route table of subnets that have no other.
    pub main_route_table: String,
    /// The security group that was made with it.
    pub default_security_group: String,
    /// The network ACL that was made with it.
    pub default_network_acl: String,
    /// Its tags.
    pub tags: Tags,
}

impl Vpc {
    /// Its first IPv4 range.
    pub fn cidr_block(&self) -> Option<Ipv4Net> {
        self.cidr_blocks.first().map(|(_, range)| *range)
    }

    /// All its IPv4 ranges.
    pub fn ranges(&self) -> impl Iterator<Item = Ipv4Net> {
        self.cidr_blocks.iter().map(|(_, range)| *range)
    }
}

/// What a new VPC is to be like.
#[derive(Clone, Debug, Default)]
pub(crate) struct VpcRequest {
    /// Its IPv4 range.
    pub(crate) cidr_block: String,
    /// `default` or `dedicated`; `default` if empty.
    pub(crate) tenancy: String,
    /// Whether Amazon is to give it an IPv6 range.
    pub(crate) ipv6: bool,
    /// Its tags.
    pub(crate) tags: Tags,
}

/// Makes a VPC with its main route table and its default security group.
///
/// # Errors
/// `InvalidParameterValue` or `InvalidVpc.Range` for a range that is not one, or not between /16 and /28.
pub(crate) fn create(world: &mut World, place: &Place, wanted: VpcRequest) -> Result<String, ApiError> {
    let range = range(&wanted.cidr_block)?;
    let ids = world.ids();
    let id = ids.resource(Kind::VPC.prefix);
    let vpc = Vpc {
        id: id.clone(),
        cidr_blocks: vec![(ids.resource("vpc-cidr-assoc"), range)],
        ipv6_cidr_blocks: Vec::new(),
        tenancy: if wanted.tenancy.is_empty() { "default".to_owned() } else { wanted.tenancy },
        dns_support: true,
        dns_hostnames: false,
        main_route_table: String::new(),
        default_security_group: String::new(),
        default_network_acl: ids.resource("acl"),
        tags: wanted.tags,
    };
    world.ec2_mut(place).vpcs.insert(id.clone(), vpc);
    let main_route_table = route_table::create_main(world, place, &id)?;
    let default_security_group = security_group::create_default(world, place, &id);
    let vpc = get_mut(world, place, &id)?;
    vpc.main_route_table = main_route_table;
    vpc.default_security_group = default_security_group;
    if wanted.ipv6 {
        associate_ipv6(world, place, &id)?;
    }
    Ok(id)
}

fn range(text: &str) -> Result<Ipv4Net, ApiError> {
    let range = cidr::v4(text, "cidrBlock")?;
    if (16..=28).contains(&range.prefix_len()) {
        Ok(range)
    } else {
        Err(ApiError::new("InvalidVpc.Range", format!("The CIDR '{text}' is invalid.")))
    }
}

/// The VPC of an id.
///
/// # Errors
/// `InvalidVpcID.NotFound`.
pub(crate) fn get<'a>(world: &'a World, place: &Place, id: &str) -> Result<&'a Vpc, ApiError> {
    world.ec2(place).vpcs.get(id).ok_or_else(|| Kind::VPC.not_found(id))
}

/// The VPC of an id, to be changed.
///
/// # Errors
/// `InvalidVpcID.NotFound`.
pub(crate) fn get_mut<'a>(world: &'a mut World, place: &Place, id: &str) -> Result<&'a mut Vpc, ApiError> {
    world.ec2_mut(place).vpcs.get_mut(id).ok_or_else(|| Kind::VPC.not_found(id))
}

/// Adds an IPv4 range, and its local route to every route table. Returns the association's id.
///
/// # Errors
/// `InvalidVpcID.NotFound`, or a range that is not one or is taken.
pub(crate) fn associate(world: &mut World, place: &Place, id: &str, text: &str) -> Result<String, ApiError> {
    let range = range(text)?;
    if get(world, place, id)?.ranges().any(|taken| cidr::overlap_v4(taken, range)) {
        return Err(ApiError::new(
            "InvalidVpc.Range",
            format!("The CIDR '{text}' conflicts with another CIDR of {id}."),
        ));
    }
    let association = world.ids().resource("vpc-cidr-assoc");
    get_mut(world, place, id)?.cidr_blocks.push((association.clone(), range));
    route_table::refresh_local_routes(world, place, id)?;
    Ok(association)
}

/// Gives a VPC an IPv6 range of Amazon's. Returns the association's id.
///
/// # Errors
/// `InvalidVpcID.NotFound`.
pub(crate) fn associate_ipv6(world: &mut World, place: &Place, id: &str) -> Result<String, ApiError> {
    get(world, place, id)?;
    let association = world.ids().resource("vpc-cidr-assoc");
    let draw = world.ids().draw();
    let segment = |shift: u32| u16::try_from((draw >> shift) & 0xffff).unwrap_or_default();
    let address = Ipv6Addr::new(0x2600, 0x1f00 | (segment(32) & 0xff), segment(16), segment(0) & 0xff00, 0, 0, 0, 0);
    let range = Ipv6Net::new_assert(address, 56);
    get_mut(world, place, id)?.ipv6_cidr_blocks.push((association.clone(), range));
    route_table::refresh_local_routes(world, place, id)?;
    Ok(association)
}

/// Takes a range away. Returns the VPC's id.
///
/// # Errors
/// `InvalidVpcCidrBlockAssociationID.NotFound`; `OperationNotPermitted` for the primary range; `InvalidCidrBlock.InUse`
/// while a subnet lies in it.
pub(crate) fn disassociate(world: &mut World, place: &Place, association: &str) -> Result<String, ApiError> {
    let ec2 = world.ec2_mut(place);
    let is_it = |id: &str| id == association;
    let holds = |vpc: &&mut Vpc| {
        vpc.cidr_blocks.iter().any(|(id, _)| is_it(id)) || vpc.ipv6_cidr_blocks.iter().any(|(id, _)| is_it(id))
    };
    let Some(vpc) = ec2.vpcs.values_mut().find(holds) else {
        let message = format!("The vpc CIDR block association ID '{association}' does not exist");
        return Err(ApiError::new("InvalidVpcCidrBlockAssociationID.NotFound", message));
    };
    if vpc.cidr_blocks.first().is_some_and(|(id, _)| is_it(id)) {
        let message = format!(
            "The vpc CIDR block with association ID {association} may not be disassociated. It is the primary IPv4 CIDR block of the VPC"
        );
        return Err(ApiError::new("OperationNotPermitted", message));
    }
    let (v4, v6) = (
        vpc.cidr_blocks.iter().find(|(id, _)| is_it(id)).map(|(_, range)| *range),
        vpc.ipv6_cidr_blocks.iter().find(|(id, _)| is_it(id)).map(|(_, range)| *range),
    );
    let in_use = ec2.subnets.values().filter(|subnet| subnet.vpc == vpc.id).any(|subnet| {
        v4.is_some_and(|range| range.contains(&subnet.cidr_block))
            || v6.zip(subnet.ipv6_cidr_block).is_some_and(|(range, own)| range.contains(&own))
    });
    if in_use {
        let message = format!("The vpc CIDR block with association ID {association} is in use by a subnet");
        return Err(ApiError::new("InvalidCidrBlock.InUse", message));
    }
    vpc.cidr_blocks.retain(|(id, _)| !is_it(id));
    vpc.ipv6_cidr_blocks.retain(|(id, _)| !is_it(id));
    let id = vpc.id.clone();
    route_table::refresh_local_routes(world, place, &id)?;
    Ok(id)
}

/// Deletes a VPC with what was made with it.
///
/// # Errors
/// `InvalidVpcID.NotFound`; `DependencyViolation` while anything else is in it, or a peering of it lives.
pub(crate) fn delete(world: &mut World, place: &Place, id: &str) -> Result<(), ApiError> {
    let vpc = get(world, place, id)?;
    let ec2 = world.ec2(place);
    let used = ec2.subnets.values().any(|subnet| subnet.vpc == id)
        || ec2.route_tables.values().any(|table| table.vpc == id && table.id != vpc.main_route_table)
        || ec2.security_groups.values().any(|group| group.vpc == id && group.id != vpc.default_security_group)
        || ec2.internet_gateways.values().any(|gateway| gateway.vpc.as_deref() == Some(id))
        || ec2.egress_only_gateways.values().any(|gateway| gateway.vpc == id)
        || ec2.endpoints.values().any(|endpoint| endpoint.vpc == id)
        || ec2.attachments.values().any(|attachment| attachment.vpc == id)
        || peering::lives_at(world, place, id);
    if used {
        return Err(Kind::VPC.in_use(id));
    }
    let (table, group) = (vpc.main_route_table.clone(), vpc.default_security_group.clone());
    let ec2 = world.ec2_mut(place);
    ec2.route_tables.remove(&table);
    ec2.security_groups.remove(&group);
    ec2.vpcs.remove(id);
    Ok(())
}
