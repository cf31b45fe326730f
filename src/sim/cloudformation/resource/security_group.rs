//! `AWS::EC2::SecurityGroup` and its rules as resources of their own.

use serde_json::{Map, Value as Json};

use super::live::Standing;
use super::property::{Property, fixed, live};
use super::{Failure, Job, Live, Provider, retag};
use crate::sim::cloudformation::stack::{Resource, scalar};
use crate::sim::ec2::security_group::{self, Direction};
use crate::sim::ec2::{Peer, Rule};
use crate::sim::wire::ApiError;
use crate::sim::world::{Place, Register, World};

pub(super) struct SecurityGroup;

const INLINE: [(Direction, &str); 2] =
    [(Direction::Ingress, "SecurityGroupIngress"), (Direction::Egress, "SecurityGroupEgress")];

impl Provider for SecurityGroup {
    fn properties(&self) -> Option<&'static [Property]> {
        const PROPERTIES: &[Property] = &[
            fixed("GroupDescription").required(),
            fixed("GroupName"),
            fixed("VpcId"),
            live("SecurityGroupEgress"),
            live("SecurityGroupIngress"),
            live("Tags"),
        ];
        Some(PROPERTIES)
    }

    fn create(&self, world: &mut World, job: &Job<'_>) -> Result<String, Failure> {
        let vpc = job.text("VpcId").ok_or_else(|| Failure::plain("No default VPC for this user"))?;
        let name = match job.text("GroupName") {
            Some(name) => name,
            None => format!("{}-{}-{}", job.stack, job.logical_id, &world.ids().key()[..12]),
        };
        let description = job.require("GroupDescription")?;
        let id = security_group::create(world, job.place, &vpc, &name, &description, job.tags.clone())?;
        set_rules(world, job, &id)?;
        Ok(id)
    }

    fn update(&self, world: &mut World, job: &Job<'_>, old: &Resource) -> Result<String, Failure> {
        for (direction, property) in INLINE {
            let known = inline(&old.properties, property)?;
            let present = rules_of(world, job.place, old.id(), direction)?;
            let stale: Vec<Rule> = present.into_iter().filter(|rule| known.contains(rule)).collect();
            security_group::revoke(world, job.place, old.id(), direction, &stale)?;
        }
        set_rules(world, job, old.id())?;
        retag(world, job.place, old.id(), &old.tags, job.tags)?;
        Ok(old.id().to_owned())
    }

    fn delete(&self, world: &mut World, place: &Place, resource: &Resource) -> Result<(), ApiError> {
        security_group::delete(world, place, resource.id())
    }

    fn attribute(&self, world: &World, place: &Place, resource: &Resource, name: &str) -> Option<Json> {
        let group = security_group::get(world, place, resource.id()).ok()?;
        match name {
            "GroupId" | "Id" => Some(group.id.as_str().into()),
            "VpcId" => Some(group.vpc.as_str().into()),
            _ => None,
        }
    }

    fn live(&self, world: &World, place: &Place, resource: &Resource, stack: &Register<Resource>) -> Live {
        let Ok(group) = security_group::get(world, place, resource.id()) else { return Live::Gone };
        // Rules that are resources of their own are not the group's.
        let own = |rules: &Register<Rule>, direction| -> Json {
            let own = rules.iter().filter(|(id, _)| !stack.values().any(|other| *id == other.id()));
            own.map(|(_, rule)| written(rule, direction)).collect()
        };
        Live::of([
            ("GroupDescription", group.description.as_str().into()),
            ("GroupName", group.name.as_str().into()),
            ("SecurityGroupEgress", own(&group.egress, Direction::Egress)),
            ("SecurityGroupIngress", own(&group.ingress, Direction::Ingress)),
            ("VpcId", group.vpc.as_str().into()),
        ])
        .tagged(&group.tags)
    }

    fn normal(&self, name: &str, value: &Json) -> Json {
        let Some((direction, _)) = INLINE.into_iter().find(|(_, property)| *property == name) else {
            return value.clone();
        };
        let one = |item: &Json| item.as_object().and_then(|item| rule(item).ok()).map(|rule| written(&rule, direction));
        value.as_array().into_iter().flatten().map(|item| one(item).unwrap_or_else(|| item.clone())).collect()
    }
}

/// Adds the rules that the group's own properties give. Egress rules take the place of the one that lets all out.
fn set_rules(world: &mut World, job: &Job<'_>, id: &str) -> Result<(), Failure> {
    for (direction, property) in INLINE {
        let rules = inline(job.properties, property)?;
        if direction == Direction::Egress && !rules.is_empty() {
            let present = rules_of(world, job.place, id, direction)?;
            let default: Vec<Rule> =
                present.into_iter().filter(|rule| rule.protocol == "-1" && rule.description.is_none()).collect();
            security_group::revoke(world, job.place, id, direction, &default)?;
        }
        security_group::authorize(world, job.place, id, direction, rules)?;
    }
    Ok(())
}

fn rules_of(world: &World, place: &Place, id: &str, direction: Direction) -> Result<Vec<Rule>, ApiError> {
    let group = security_group::get(world, place, id)?;
    let rules = match direction {
        Direction::Ingress => &group.ingress,
        Direction::Egress => &group.egress,
    };
    Ok(rules.values().cloned().collect())
}

fn inline(properties: &Map<String, Json>, name: &str) -> Result<Vec<Rule>, Failure> {
    let items = properties.get(name).and_then(Json::as_array);
    items.into_iter().flatten().filter_map(Json::as_object).map(rule).collect()
}

/// A rule from the properties that inline rules and rules as resources have in common.
fn rule(properties: &Map<String, Json>) -> Result<Rule, Failure> {
    let text = |name: &str| properties.get(name).and_then(scalar);
    let port = |name: &str| text(name).and_then(|text| text.parse().ok());
    let group = ["SourceSecurityGroupId", "DestinationSecurityGroupId"].into_iter().find_map(text);
    let prefix_list = ["SourcePrefixListId", "DestinationPrefixListId"].into_iter().find_map(text);
    let refuse = |range: &str| Failure::plain(format!("Invalid value '{range}' for a CIDR of a security group's rule"));
    let peer = match (text("CidrIp"), text("CidrIpv6"), group, prefix_list) {
        (Some(range), ..) => Peer::V4(range.parse().map_err(|_| refuse(&range))?),
        (_, Some(range), ..) => Peer::V6(range.parse().map_err(|_| refuse(&range))?),
        (_, _, Some(group), _) => Peer::Group(group),
        (.., Some(list)) => Peer::PrefixList(list),
        _ => return Err(Failure::plain("A security group's rule needs a CIDR, a prefix list or a group")),
    };
    Ok(Rule {
        protocol: text("IpProtocol").unwrap_or_else(|| "-1".to_owned()),
        from_port: port("FromPort"),
        to_port: port("ToPort"),
        peer,
        description: text("Description"),
    })
}

/// A rule as the properties that it is made from.
fn written(rule: &Rule, direction: Direction) -> Json {
    let side = if direction == Direction::Ingress { "Source" } else { "Destination" };
    let (name, peer) = match &rule.peer {
        Peer::V4(range) => ("CidrIp".to_owned(), range.to_string()),
        Peer::V6(range) => ("CidrIpv6".to_owned(), range.to_string()),
        Peer::Group(id) => (format!("{side}SecurityGroupId"), id.clone()),
        Peer::PrefixList(id) => (format!("{side}PrefixListId"), id.clone()),
    };
    let mut written = Map::from_iter([(name, peer.into()), ("IpProtocol".to_owned(), rule.protocol.as_str().into())]);
    let ports = [("FromPort", rule.from_port), ("ToPort", rule.to_port)];
    written.extend(ports.into_iter().filter_map(|(name, port)| Some((name.to_owned(), port?.into()))));
    written.extend(rule.description.iter().map(|text| ("Description".to_owned(), text.as_str().into())));
    written.into()
}

/// A rule as a resource of its own. Its physical id is the rule's.
pub(super) struct SecurityGroupRule {
    direction: Direction,
}

pub(super) static INGRESS: SecurityGroupRule = SecurityGroupRule { direction: Direction::Ingress };
pub(super) static EGRESS: SecurityGroupRule = SecurityGroupRule { direction: Direction::Egress };

impl Provider for SecurityGroupRule {
    fn properties(&self) -> Option<&'static [Property]> {
        const INGRESS: &[Property] = &[
            fixed("IpProtocol").required(),
            fixed("CidrIp"),
            fixed("CidrIpv6"),
            fixed("FromPort"),
            fixed("GroupId").required(),
            fixed("SourcePrefixListId"),
            fixed("SourceSecurityGroupId"),
            fixed("SourceSecurityGroupOwnerId"),
            fixed("ToPort"),
            live("Description"),
        ];
        const EGRESS: &[Property] = &[
            fixed("IpProtocol").required(),
            fixed("CidrIp"),
            fixed("CidrIpv6"),
            fixed("DestinationPrefixListId"),
            fixed("DestinationSecurityGroupId"),
            fixed("FromPort"),
            fixed("GroupId").required(),
            fixed("ToPort"),
            live("Description"),
        ];
        Some(match self.direction {
            Direction::Ingress => INGRESS,
            Direction::Egress => EGRESS,
        })
    }

    fn create(&self, world: &mut World, job: &Job<'_>) -> Result<String, Failure> {
        let rules = vec![rule(job.properties)?];
        let ids = security_group::authorize(world, job.place, &job.require("GroupId")?, self.direction, rules)?;
        ids.into_iter().next().ok_or_else(|| Failure::plain("No rule was made"))
    }

    fn update(&self, _: &mut World, _: &Job<'_>, old: &Resource) -> Result<String, Failure> {
        // Only the description can change, which no call of the embedded EC2 shows to differ.
        Ok(old.id().to_owned())
    }

    fn delete(&self, world: &mut World, place: &Place, resource: &Resource) -> Result<(), ApiError> {
        let group = resource.text("GroupId").unwrap_or_default();
        match rule(&resource.properties) {
            Ok(rule) => security_group::revoke(world, place, &group, self.direction, &[rule]),
            Err(_) => Ok(()),
        }
    }

    fn attribute(&self, _: &World, _: &Place, resource: &Resource, name: &str) -> Option<Json> {
        (name == "Id").then(|| resource.id().into())
    }

    fn live(&self, world: &World, place: &Place, resource: &Resource, _: &Register<Resource>) -> Live {
        let group = resource.text("GroupId").unwrap_or_default();
        let Ok(found) = security_group::get(world, place, &group) else { return Live::Gone };
        let rules = match self.direction {
            Direction::Ingress => &found.ingress,
            Direction::Egress => &found.egress,
        };
        let Some(Json::Object(mut properties)) = rules.get(resource.id()).map(|rule| written(rule, self.direction))
        else {
            return Live::Gone;
        };
        properties.insert("GroupId".to_owned(), group.into());
        Live::Stands(Standing { properties, tags: None })
    }
}
