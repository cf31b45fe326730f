//! Security groups and their rules.

use std::fmt;

use ipnet::{Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use super::{Kind, Tags, cidr, vpc};
use crate::sim::wire::ApiError;
use crate::sim::world::{Place, Register, World};

/// A security group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// Its id.
    pub id: String,
    /// Its name, unique in the VPC.
    pub name: String,
    /// Its description.
    pub description: String,
    /// Its VPC.
    pub vpc: String,
    /// What may come in, by the rules' ids.
    pub ingress: Register<Rule>,
    /// What may go out, by the rules' ids.
    pub egress: Register<Rule>,
    /// Its tags.
    pub tags: Tags,
}

/// What may pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// `tcp`, `udp`, `icmp`, a number, or `-1` for all.
    pub protocol: String,
    /// The first port, or ICMP type.
    pub from_port: Option<i32>,
    /// The last port, or ICMP code.
    pub to_port: Option<i32>,
    /// Where it comes from, or goes to.
    pub peer: Peer,
    /// What the rule is for.
    pub description: Option<String>,
}

impl Rule {
    /// Everything from or to everywhere.
    fn everything(peer: Peer) -> Self {
        Self { protocol: "-1".to_owned(), from_port: None, to_port: None, peer, description: None }
    }

    /// Whether two rules let the same pass: their descriptions do not matter.
    fn is_same(&self, other: &Self) -> bool {
        (&self.protocol, self.from_port, self.to_port, &self.peer)
            == (&other.protocol, other.from_port, other.to_port, &other.peer)
    }
}

/// The other end of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Peer {
    /// An IPv4 range.
    V4(Ipv4Net),
    /// An IPv6 range.
    V6(Ipv6Net),
    /// A prefix list by its id.
    PrefixList(String),
    /// A security group by its id, of this account or of a peered VPC's.
    Group(String),
}

impl Peer {
    /// Reads a peer that is given by a field of this name: `CidrIp`, `CidrIpv6`, `PrefixListId` or `GroupId`.
    ///
    /// # Errors
    /// `InvalidParameterValue` for a range that is not one, or another field.
    pub(crate) fn read(field: &str, text: &str) -> Result<Self, ApiError> {
        match field {
            "CidrIp" => Ok(Self::V4(cidr::v4(text, "cidrIp")?)),
            "CidrIpv6" => Ok(Self::V6(cidr::v6(text, "cidrIpv6")?)),
            "PrefixListId" => Ok(Self::PrefixList(text.to_owned())),
            "GroupId" => Ok(Self::Group(text.to_owned())),
            _ => Err(ApiError::invalid(format!("{field} does not name the peer of a rule"))),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(range) => range.fmt(f),
            Self::V6(range) => range.fmt(f),
            Self::PrefixList(id) | Self::Group(id) => f.write_str(id),
        }
    }
}

/// In which direction traffic goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Ingress,
    Egress,
}

impl SecurityGroup {
    fn rules_mut(&mut self, direction: Direction) -> &mut Register<Rule> {
        match direction {
            Direction::Ingress => &mut self.ingress,
            Direction::Egress => &mut self.egress,
        }
    }
}

const ANYWHERE: Peer = Peer::V4(Ipv4Net::new_assert(std::net::Ipv4Addr::UNSPECIFIED, 0));

/// Makes a security group that lets everything out and nothing in.
///
/// # Errors
/// `InvalidVpcID.NotFound`; `InvalidGroup.Duplicate` for a name that is taken in the VPC; `InvalidParameterValue` for
/// the name `default`.
pub(crate) fn create(
    world: &mut World,
    place: &Place,
    owner: &str,
    name: &str,
    description: &str,
    tags: Tags,
) -> Result<String, ApiError> {
    vpc::get(world, place, owner)?;
    if name == "default" || name.starts_with("sg-") {
        return Err(ApiError::invalid(format!("Cannot use reserved security group name: {name}")));
    }
    if world.ec2(place).security_groups.values().any(|group| group.vpc == owner && group.name == name) {
        let message = format!("The security group '{name}' already exists for VPC '{owner}'");
        return Err(ApiError::new("InvalidGroup.Duplicate", message));
    }
    Ok(insert(world, place, owner, name, description, tags))
}

/// Makes the security group that comes with a VPC: its members reach each other.
pub(super) fn create_default(world: &mut World, place: &Place, owner: &str) -> String {
    let id = insert(world, place, owner, "default", "default VPC security group", Tags::new());
    let rule = world.ids().resource("sgr");
    if let Some(group) = world.ec2_mut(place).security_groups.get_mut(&id) {
        group.ingress.insert(rule, Rule::everything(Peer::Group(id.clone())));
    }
    id
}

fn insert(world: &mut World, place: &Place, owner: &str, name: &str, description: &str, tags: Tags) -> String {
    let id = world.ids().resource(Kind::SECURITY_GROUP.prefix);
    let rule = world.ids().resource("sgr");
    let group = SecurityGroup {
        id: id.clone(),
        name: name.to_owned(),
        description: description.to_owned(),
        vpc: owner.to_owned(),
        ingress: Register::new(),
        egress: Register::from_iter([(rule, Rule::everything(ANYWHERE))]),
        tags,
    };
    world.ec2_mut(place).security_groups.insert(id.clone(), group);
    id
}

/// The security group of an id.
///
/// # Errors
/// `InvalidGroup.NotFound`.
pub(crate) fn get<'a>(world: &'a World, place: &Place, id: &str) -> Result<&'a SecurityGroup, ApiError> {
    world.ec2(place).security_groups.get(id).ok_or_else(|| Kind::SECURITY_GROUP.not_found(id))
}

fn get_mut<'a>(world: &'a mut World, place: &Place, id: &str) -> Result<&'a mut SecurityGroup, ApiError> {
    world.ec2_mut(place).security_groups.get_mut(id).ok_or_else(|| Kind::SECURITY_GROUP.not_found(id))
}

/// Adds rules, all or none. Returns their ids.
///
/// # Errors
/// `InvalidGroup.NotFound`; `InvalidPermission.Duplicate` for a rule that is there.
pub(crate) fn authorize(
    world: &mut World,
    place: &Place,
    id: &str,
    direction: Direction,
    rules: Vec<Rule>,
) -> Result<Vec<String>, ApiError> {
    let present = get_mut(world, place, id)?.rules_mut(direction);
    if let Some(rule) = rules.iter().find(|rule| present.values().any(|own| own.is_same(rule))) {
        let message = format!("the specified rule \"peer: {}, {}, ALLOW\" already exists", rule.peer, rule.protocol);
        return Err(ApiError::new("InvalidPermission.Duplicate", message));
    }
    let mut ids = Vec::with_capacity(rules.len());
    for rule in rules {
        let rule_id = world.ids().resource("sgr");
        get_mut(world, place, id)?.rules_mut(direction).insert(rule_id.clone(), rule);
        ids.push(rule_id);
    }
    Ok(ids)
}

/// Removes rules, all or none.
///
/// # Errors
/// `InvalidGroup.NotFound`; `InvalidPermission.NotFound` for a rule that is not there.
pub(crate) fn revoke(
    world: &mut World,
    place: &Place,
    id: &str,
    direction: Direction,
    rules: &[Rule],
) -> Result<(), ApiError> {
    let present = get_mut(world, place, id)?.rules_mut(direction);
    if !rules.iter().all(|rule| present.values().any(|own| own.is_same(rule))) {
        let message = "The specified rule does not exist in this security group.";
        return Err(ApiError::new("InvalidPermission.NotFound", message));
    }
    present.retain(|_, own| !rules.iter().any(|rule| rule.is_same(own)));
    Ok(())
}

/// Deletes a security group.
///
/// # Errors
/// `InvalidGroup.NotFound`; `CannotDelete` for a VPC's default group; `DependencyViolation` while another group's rule,
/// an interface or an endpoint names it.
pub(crate) fn delete(world: &mut World, place: &Place, id: &str) -> Result<(), ApiError> {
    let group = get(world, place, id)?;
    if group.name == "default" {
        let message = format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user");
        return Err(ApiError::new("CannotDelete", message));
    }
    let ec2 = world.ec2(place);
    let names_it = |rule: &Rule| rule.peer == Peer::Group(id.to_owned());
    let used =
        ec2.security_groups.values().any(|other| {
            other.id != id && (other.ingress.values().any(names_it) || other.egress.values().any(names_it))
        }) || ec2.network_interfaces.values().any(|interface| interface.groups.contains(id))
            || ec2.endpoints.values().any(|endpoint| endpoint.groups.contains(id));
    if used {
        return Err(ApiError::new("DependencyViolation", format!("resource {id} has a dependent object")));
    }
    world.ec2_mut(place).security_groups.remove(id);
    Ok(())
}
