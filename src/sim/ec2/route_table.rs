//! Route tables and what they are associated with.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::route::{Destination, Origin, Route, Target};
use super::{Kind, Tags, subnet, vpc};
use crate::sim::wire::ApiError;
use crate::sim::world::{Place, Register, World};

/// A route table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTable {
    /// Its id.
    pub id: String,
    /// Its VPC.
    pub vpc: String,
    /// Its routes by destination, the local ones among them.
    pub routes: BTreeMap<Destination, Route>,
    /// Its associations by id.
    pub associations: Register<Association>,
    /// Its tags.
    pub tags: Tags,
}

/// What a route table applies to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Association {
    /// Whether it applies to the subnets that have no table of their own.
    pub main: bool,
    /// The subnet.
    pub subnet: Option<String>,
}

/// Makes a route table with its VPC's local routes.
///
/// # Errors
/// `InvalidVpcID.NotFound`.
pub(crate) fn create(world: &mut World, place: &Place, owner: &str, tags: Tags) -> Result<String, ApiError> {
    vpc::get(world, place, owner)?;
    let id = world.ids().resource(Kind::ROUTE_TABLE.prefix);
    let table = RouteTable {
        id: id.clone(),
        vpc: owner.to_owned(),
        routes: BTreeMap::new(),
        associations: Register::new(),
        tags,
    };
    world.ec2_mut(place).route_tables.insert(id.clone(), table);
    refresh_local_routes(world, place, owner)?;
    Ok(id)
}

/// Makes the main route table of a new VPC.
pub(super) fn create_main(world: &mut World, place: &Place, owner: &str) -> Result<String, ApiError> {
    let id = create(world, place, owner, Tags::new())?;
    let association = world.ids().resource(Kind::ASSOCIATION.prefix);
    get_mut(world, place, &id)?.associations.insert(association, Association { main: true, subnet: None });
    Ok(id)
}

/// Gives every route table of a VPC a local route for each of its ranges, and for no other.
pub(super) fn refresh_local_routes(world: &mut World, place: &Place, owner: &str) -> Result<(), ApiError> {
    let vpc = vpc::get(world, place, owner)?;
    let v4 = vpc.cidr_blocks.iter().map(|(_, range)| Destination::V4(*range));
    let v6 = vpc.ipv6_cidr_blocks.iter().map(|(_, range)| Destination::V6(*range));
    let ranges: BTreeSet<_> = v4.chain(v6).collect();
    let local = || Route { target: Target::local(), origin: Origin::CreateRouteTable };
    for table in world.ec2_mut(place).route_tables.values_mut().filter(|table| table.vpc == owner) {
        table.routes.retain(|destination, route| !route.target.is_local() || ranges.contains(destination));
        for range in &ranges {
            table.routes.entry(range.clone()).or_insert_with(local);
        }
    }
    Ok(())
}

/// The route table of an id.
///
/// # Errors
/// `InvalidRouteTableID.NotFound`.
pub(crate) fn get<'a>(world: &'a World, place: &Place, id: &str) -> Result<&'a RouteTable, ApiError> {
    world.ec2(place).route_tables.get(id).ok_or_else(|| Kind::ROUTE_TABLE.not_found(id))
}

/// The route table of an id, to be changed.
///
/// # Errors
/// `InvalidRouteTableID.NotFound`.
pub(crate) fn get_mut<'a>(world: &'a mut World, place: &Place, id: &str) -> Result<&'a mut RouteTable, ApiError> {
    world.ec2_mut(place).route_tables.get_mut(id).ok_or_else(|| Kind::ROUTE_TABLE.not_found(id))
}

/// Lets a subnet use a route table. Returns the association's id; the same one when it uses it already.
///
/// # Errors
/// Ids that are nobody's; `InvalidParameterValue` for a subnet of another VPC; `Resource.AlreadyAssociated` for a
/// subnet that uses another table.
pub(crate) fn associate(world: &mut World, place: &Place, id: &str, subnet_id: &str) -> Result<String, ApiError> {
    let table = get(world, place, id)?;
    if subnet::get(world, place, subnet_id)?.vpc != table.vpc {
        return Err(ApiError::invalid(format!("route table {id} and subnet {subnet_id} belong to different networks")));
    }
    let taken = world.ec2(place).route_tables.values().find_map(|table| {
        let mut own = table.associations.iter();
        own.find(|(_, association)| association.subnet.as_deref() == Some(subnet_id)).map(|(it, _)| (table, it))
    });
    if let Some((table, association)) = taken {
        if table.id == id {
            return Ok(association.to_string());
        }
        let message = format!(
            "the specified association for route table {id} conflicts with an existing association {association}"
        );
        return Err(ApiError::new("Resource.AlreadyAssociated", message));
    }
    let association = world.ids().resource(Kind::ASSOCIATION.prefix);
    let new = Association { main: false, subnet: Some(subnet_id.to_owned()) };
    get_mut(world, place, id)?.associations.insert(association.clone(), new);
    Ok(association)
}

/// Ends an association.
///
/// # Errors
/// `InvalidAssociationID.NotFound`; `InvalidParameterValue` for the main one.
pub(crate) fn disassociate(world: &mut World, place: &Place, association: &str) -> Result<(), ApiError> {
    let table = holder(world, place, association)?;
    if get(world, place, &table)?.associations[association].main {
        let message = format!("cannot disassociate the main route table association {association}");
        return Err(ApiError::invalid(message));
    }
    get_mut(world, place, &table)?.associations.remove(association);
    Ok(())
}

/// Moves an association, the main one too, to another table of the VPC. Returns its new id.
///
/// # Errors
/// Ids that are nobody's; `InvalidParameterValue` for a table of another VPC.
pub(crate) fn replace_association(
    world: &mut World,
    place: &Place,
    association: &str,
    to: &str,
) -> Result<String, ApiError> {
    let from = holder(world, place, association)?;
    let owner = get(world, place, to)?.vpc.clone();
    if get(world, place, &from)?.vpc != owner {
        return Err(ApiError::invalid(format!("route table {to} and route table {from} belong to different networks")));
    }
    let id = world.ids().resource(Kind::ASSOCIATION.prefix);
    if let Some(moved) = get_mut(world, place, &from)?.associations.remove(association) {
        if moved.main {
            to.clone_into(&mut vpc::get_mut(world, place, &owner)?.main_route_table);
        }
        get_mut(world, place, to)?.associations.insert(id.clone(), moved);
    }
    Ok(id)
}

/// The table that an association belongs to.
fn holder(world: &World, place: &Place, association: &str) -> Result<String, ApiError> {
    let mut tables = world.ec2(place).route_tables.values();
    let table = tables.find(|table| table.associations.contains_key(association));
    table.map(|table| table.id.clone()).ok_or_else(|| Kind::ASSOCIATION.not_found(association))
}

/// Deletes a route table.
///
/// # Errors
/// `InvalidRouteTableID.NotFound`; `DependencyViolation` while it is associated with anything, as a main table always
/// is.
pub(crate) fn delete(world: &mut World, place: &Place, id: &str) -> Result<(), ApiError> {
    if !get(world, place, id)?.associations.is_empty() {
        return Err(Kind::ROUTE_TABLE.in_use(id));
    }
    world.ec2_mut(place).route_tables.remove(id);
    Ok(())
}
