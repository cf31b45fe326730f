//! Subnets. See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html>.

use ipnet::{Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use super::{Kind, Tags, cidr, vpc, zone};
use crate::sim::wire::ApiError;
use crate::sim::world::{Place, World};

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// Its id.
    pub id: String,
    /// The VPC it is part of.
    pub vpc: String,
    /// Its IPv4 range.
    pub cidr_block: Ipv4Net,
    /// Its IPv6 range.
    pub ipv6_cidr_block: Option<Ipv6Net>,
    /// The availability zone it lies in.
    pub zone: String,
    /// Whether instances get a public IPv4 address.
    pub map_public_ip: bool,
    /// Whether interfaces get an IPv6 address.
    pub assign_ipv6: bool,
    /// Its tags.
    pub tags: Tags,
}

impl Subnet {
    /// How many addresses can be given out: EC2 keeps five for itself.
    pub fn available_addresses(&self) -> u64 {
        (1_u64 << (32 - u32::from(self.cidr_block.prefix_len()))).saturating_sub(5)
    }
}

/// What a new subnet is to be like.
#[derive(Clone, Debug, Default)]
pub(crate) struct SubnetRequest {
    /// The VPC.
    pub(crate) vpc: String,
    /// The IPv4 range.
    pub(crate) cidr_block: String,
    /// The IPv6 range.
    pub(crate) ipv6_cidr_block: Option<String>,
    /// The zone by name; the region's first if not given.
    pub(crate) zone: Option<String>,
    /// Whether instances get a public IPv4 address.
    pub(crate) map_public_ip: bool,
    /// Whether interfaces get an IPv6 address.
    pub(crate) assign_ipv6: bool,
    /// Its tags.
    pub(crate) tags: Tags,
}

/// Makes a subnet.
///
/// # Errors
/// `InvalidVpcID.NotFound`; `InvalidSubnet.Range` for a range outside the VPC's; `InvalidSubnet.Conflict` for one that
/// is taken; `InvalidParameterValue` for a zone that the region does not have.
pub(crate) fn create(world: &mut World, place: &Place, wanted: SubnetRequest) -> Result<String, ApiError> {
    let owner = vpc::get(world, place, &wanted.vpc)?;
    let range = cidr::v4(&wanted.cidr_block, "cidrBlock")?;
    let outside = |text: &str| ApiError::new("InvalidSubnet.Range", format!("The CIDR '{text}' is invalid."));
    if !(16..=28).contains(&range.prefix_len()) || !owner.ranges().any(|own| own.contains(&range)) {
        return Err(outside(&wanted.cidr_block));
    }
    let ipv6 = wanted.ipv6_cidr_block.as_deref().map(|text| cidr::v6(text, "ipv6CidrBlock")).transpose()?;
    if let Some(ipv6) = ipv6
        && !owner.ipv6_cidr_blocks.iter().any(|(_, own)| own.contains(&ipv6))
    {
        return Err(outside(wanted.ipv6_cidr_block.as_deref().unwrap_or_default()));
    }
    let siblings = || world.ec2(place).subnets.values().filter(|subnet| subnet.vpc == wanted.vpc);
    if siblings().any(|subnet| {
        cidr::overlap_v4(subnet.cidr_block, range)
            || subnet.ipv6_cidr_block.zip(ipv6).is_some_and(|(theirs, ours)| cidr::overlap_v6(theirs, ours))
    }) {
        let message = format!("The CIDR '{}' conflicts with another subnet", wanted.cidr_block);
        return Err(ApiError::new("InvalidSubnet.Conflict", message));
    }
    let zone = match wanted.zone {
        // Which zones an account really has is not known.
        Some(name) if world.assumes() && name.starts_with(place.region.as_str()) => name,
        wanted => zone_name(place, wanted)?,
    };
    let id = world.ids().resource(Kind::SUBNET.prefix);
    let subnet = Subnet {
        id: id.clone(),
        vpc: wanted.vpc,
        cidr_block: range,
        ipv6_cidr_block: ipv6,
        zone,
        map_public_ip: wanted.map_public_ip,
        assign_ipv6: wanted.assign_ipv6,
        tags: wanted.tags,
    };
    world.ec2_mut(place).subnets.insert(id.clone(), subnet);
    Ok(id)
}

fn zone_name(place: &Place, wanted: Option<String>) -> Result<String, ApiError> {
    let zones = zone::zones(&place.region);
    match wanted {
        None => Ok(zones.into_keys().next().unwrap_or_default()),
        Some(name) if zones.contains_key(&name) => Ok(name),
        Some(name) => {
            let names: Vec<_> = zones.into_keys().collect();
            Err(ApiError::invalid(format!(
                "Value ({name}) for parameter availabilityZone is invalid. Subnets can currently only be created in \
                 the following availability zones: {}.",
                names.join(", ")
            )))
        }
    }
}

/// The subnet of an id.
///
/// # Errors
/// `InvalidSubnetID.NotFound`.
pub(crate) fn get<'a>(world: &'a World, place: &Place, id: &str) -> Result<&'a Subnet, ApiError> {
    world.ec2(place).subnets.get(id).ok_or_else(|| Kind::SUBNET.not_found(id))
}

/// The subnet of an id, to be changed.
///
/// # Errors
/// `InvalidSubnetID.NotFound`.
pub(crate) fn get_mut<'a>(world: &'a mut World, place: &Place, id: &str) -> Result<&'a mut Subnet, ApiError> {
    world.ec2_mut(place).subnets.get_mut(id).ok_or_else(|| Kind::SUBNET.not_found(id))
}

/// Deletes a subnet. A route table's association with it goes too.
///
/// # Errors
/// `InvalidSubnetID.NotFound`; `DependencyViolation` while there are interfaces in it.
pub(crate) fn delete(world: &mut World, place: &Place, id: &str) -> Result<(), ApiError> {
    get(world, place, id)?;
    let ec2 = world.ec2_mut(place);
    let used = ec2.nat_gateways.values().any(|gateway| gateway.subnet == id && !gateway.is_gone())
        || ec2.network_interfaces.values().any(|interface| interface.subnet == id)
        || ec2.endpoints.values().any(|endpoint| endpoint.subnets.contains(id))
        || ec2.attachments.values().any(|attachment| attachment.subnets.contains(id));
    if used {
        return Err(Kind::SUBNET.in_use(id));
    }
    for table in ec2.route_tables.values_mut() {
        table.associations.retain(|_, association| association.subnet.as_deref() != Some(id));
    }
    ec2.subnets.remove(id);
    Ok(())
}
