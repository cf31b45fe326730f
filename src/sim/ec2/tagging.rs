//! Tags of EC2's resources.

use super::{Ec2, Kind, Tags};
use crate::sim::wire::{ApiError, Params};
use crate::sim::world::{Place, World};

/// The most tags that a resource may have.
const MOST: usize = 50;

/// The tags that a create call gives to the resource it makes.
///
/// # Errors
/// `InvalidParameterValue` for a specification of another kind of resource, or what [`check`] says.
pub(crate) fn specified(params: &Params, kind: Kind) -> Result<Tags, ApiError> {
    let mut tags = Tags::new();
    // One operation, CreateTransitGatewayVpcAttachment, has its list in the plural.
    let specifications = ["TagSpecification", "TagSpecifications"].map(|name| params.structures(name)).concat();
    for specification in specifications {
        let wanted = specification.get("ResourceType").unwrap_or_default();
        if wanted != kind.tagged {
            return Err(ApiError::invalid(format!(
                "'{wanted}' is not a valid taggable resource type for this operation."
            )));
        }
        tags.extend(&read(&specification));
    }
    check(&tags)?;
    Ok(tags)
}

/// Every tag that a place sees, with the id and the kind of its resource.
pub(crate) fn all<'a>(world: &'a World, place: &'a Place) -> Vec<(&'a str, Kind, &'a Tags)> {
    let ec2 = world.ec2(place);
    let mut all: Vec<(&str, Kind, &Tags)> = Vec::new();
    /// Adds those of one of the maps.
    macro_rules! add {
        ($map:ident, $kind:ident) => {
            all.extend(ec2.$map.values().map(|found| (found.id.as_str(), Kind::$kind, &found.tags)));
        };
    }
    add!(vpcs, VPC);
    add!(subnets, SUBNET);
    add!(route_tables, ROUTE_TABLE);
    add!(security_groups, SECURITY_GROUP);
    add!(internet_gateways, INTERNET_GATEWAY);
    add!(egress_only_gateways, EGRESS_ONLY_GATEWAY);
    add!(nat_gateways, NAT_GATEWAY);
    add!(addresses, ADDRESS);
    add!(network_interfaces, NETWORK_INTERFACE);
    add!(endpoints, ENDPOINT);
    add!(transit_gateways, TRANSIT_GATEWAY);
    add!(attachments, ATTACHMENT);
    let peerings = super::peering::seen_from(world, place);
    all.extend(peerings.filter_map(|peering| Some((peering.id.as_str(), Kind::PEERING, peering.tags(place)?))));
    all
}

/// The tags in a list of `Tag` structures.
pub(crate) fn read(params: &Params) -> Tags {
    let pair = |tag: &Params| Some((tag.get("Key")?.to_owned(), tag.get("Value").unwrap_or_default().to_owned()));
    params.structures("Tag").iter().filter_map(pair).collect()
}

/// Whether a resource may have these tags.
///
/// # Errors
/// `InvalidParameterValue` for keys that are AWS's own or too long, `TagLimitExceeded` for too many.
pub(crate) fn check(tags: &Tags) -> Result<(), ApiError> {
    for (key, value) in tags {
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(ApiError::invalid(format!(
                "Tag keys starting with 'aws:' are reserved for internal use: {key}"
            )));
        }
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(ApiError::invalid(format!(
                "Tag key must be 1 to 128 and its value at most 256 characters long: {key}"
            )));
        }
    }
    // `aws:` tags do not count, and there are none here.
    if tags.len() > MOST {
        return Err(ApiError::new("TagLimitExceeded", "The maximum number of Tags for a resource has been reached."));
    }
    Ok(())
}

/// Adds tags to resources, or replaces their values. All or none are changed.
///
/// # Errors
/// An id that is nobody's, or too many tags.
pub(crate) fn create(world: &mut World, place: &Place, ids: &[&str], tags: &Tags) -> Result<(), ApiError> {
    check(tags)?;
    for id in ids {
        let mut merged = of_mut(world, place, id)?.clone();
        merged.extend(tags);
        check_size(&merged)?;
    }
    for id in ids {
        of_mut(world, place, id)?.extend(tags);
    }
    Ok(())
}

fn check_size(tags: &Tags) -> Result<(), ApiError> {
    let own = tags.keys().filter(|key| !key.starts_with("aws:")).count();
    if own > MOST {
        return Err(ApiError::new("TagLimitExceeded", "The maximum number of Tags for a resource has been reached."));
    }
    Ok(())
}

/// Removes tags from resources. A tag that is given with a value is removed only if it has that value; without any tag
/// given, all are removed but AWS's own.
///
/// # Errors
/// An id that is nobody's.
pub(crate) fn delete(
    world: &mut World,
    place: &Place,
    ids: &[&str],
    doomed: &[(String, Option<String>)],
) -> Result<(), ApiError> {
    for id in ids {
        of_mut(world, place, id)?;
    }
    for id in ids {
        let tags = of_mut(world, place, id)?;
        if doomed.is_empty() {
            tags.retain(|key, _| key.starts_with("aws:"));
        }
        for (key, value) in doomed {
            if value.as_ref().is_none_or(|value| tags.get(key).is_some_and(|own| own == value)) {
                tags.remove(key);
            }
        }
    }
    Ok(())
}

/// A resource's tags as a place sees them, to be changed. CloudFormation sets its `aws:` tags through this.
///
/// # Errors
/// An id that is nobody's, or of a kind that has no tags.
pub(crate) fn of_mut<'a>(world: &'a mut World, place: &Place, id: &str) -> Result<&'a mut Tags, ApiError> {
    if id.starts_with("pcx-") {
        let seen = super::peering::is_visible(world, place, id);
        let peering = world.peerings.get_mut(id).filter(|_| seen);
        return peering.and_then(|peering| peering.tags_mut(place)).ok_or_else(|| Kind::PEERING.not_found(id));
    }
    let ec2 = world.ec2_mut(place);
    let (tags, kind) = find(ec2, id);
    tags.ok_or_else(|| match kind {
        Some(kind) => kind.not_found(id),
        None => ApiError::new("InvalidID", format!("The ID '{id}' is not valid")),
    })
}

fn find<'a>(ec2: &'a mut Ec2, id: &str) -> (Option<&'a mut Tags>, Option<Kind>) {
    /// Looks in one of the maps.
    macro_rules! within {
        ($map:ident, $kind:ident) => {
            (ec2.$map.get_mut(id).map(|found| &mut found.tags), Some(Kind::$kind))
        };
    }
    match id.rsplit_once('-').map(|(prefix, _)| prefix) {
        Some("vpc") => within!(vpcs, VPC),
        Some("subnet") => within!(subnets, SUBNET),
        Some("rtb") => within!(route_tables, ROUTE_TABLE),
        Some("sg") => within!(security_groups, SECURITY_GROUP),
        Some("igw") => within!(internet_gateways, INTERNET_GATEWAY),
        Some("eigw") => within!(egress_only_gateways, EGRESS_ONLY_GATEWAY),
        Some("nat") => within!(nat_gateways, NAT_GATEWAY),
        Some("eipalloc") => within!(addresses, ADDRESS),
        Some("eni") => within!(network_interfaces, NETWORK_INTERFACE),
        Some("vpce") => within!(endpoints, ENDPOINT),
        Some("tgw") => within!(transit_gateways, TRANSIT_GATEWAY),
        Some("tgw-attach") => within!(attachments, ATTACHMENT),
        _ => (None, None),
    }
}
