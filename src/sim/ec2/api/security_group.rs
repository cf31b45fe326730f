//! Operations on security groups.

use super::query::{Query, many, one};
use super::{Answer, done, write_tags};
use crate::sim::ec2::security_group::{self, Direction};
use crate::sim::ec2::{Kind, Peer, Rule, SecurityGroup, tagging};
use crate::sim::wire::{ApiError, Params, Request, Xml};
use crate::sim::world::{Place, World};

pub(super) fn create(world: &mut World, request: &Request) -> Answer {
    let params = &request.params;
    let tags = tagging::specified(params, Kind::SECURITY_GROUP)?;
    let (vpc, name) = (params.require("VpcId")?, params.require("GroupName")?);
    let description = params.require("GroupDescription")?;
    let id = security_group::create(world, &request.place, vpc, name, description, tags.clone())?;
    let mut xml = Xml::new();
    xml.text("groupId", id);
    write_tags(&mut xml, &tags);
    Ok(xml)
}

pub(super) fn delete(world: &mut World, request: &Request) -> Answer {
    security_group::delete(world, &request.place, request.params.require("GroupId")?)?;
    Ok(done())
}

/// Adds rules to a group or removes them, as the operation's name says.
pub(super) fn change_rules(world: &mut World, request: &Request) -> Answer {
    let (params, place) = (&request.params, &request.place);
    let id = params.require("GroupId")?;
    let direction = if request.operation.ends_with("Ingress") { Direction::Ingress } else { Direction::Egress };
    let rules = read_rules(params)?;
    if request.operation.starts_with("Revoke") {
        security_group::revoke(world, place, id, direction, &rules)?;
        return Ok(done());
    }
    let ids = security_group::authorize(world, place, id, direction, rules.clone())?;
    let mut xml = done();
    xml.items("securityGroupRuleSet", ids.iter().zip(&rules), |xml, (rule_id, rule)| {
        xml.text("securityGroupRuleId", rule_id).text("groupId", id).text("groupOwnerId", &place.account);
        xml.text("isEgress", direction == Direction::Egress).text("ipProtocol", &rule.protocol);
        xml.maybe("fromPort", rule.from_port).maybe("toPort", rule.to_port);
        xml.maybe("description", rule.description.as_ref());
    });
    Ok(xml)
}

fn read_rules(params: &Params) -> Result<Vec<Rule>, ApiError> {
    let mut rules = Vec::new();
    for permission in params.structures("IpPermissions") {
        rules.extend(read_permission(&permission)?);
    }
    if rules.is_empty() {
        return Err(ApiError::missing("ipPermissions"));
    }
    Ok(rules)
}

/// A permission stands for one rule for each of its peers.
fn read_permission(permission: &Params) -> Result<Vec<Rule>, ApiError> {
    let protocol = permission.require("IpProtocol")?;
    let (from_port, to_port) = (permission.parsed("FromPort")?, permission.parsed("ToPort")?);
    let mut rules = Vec::new();
    for (list, field) in
        [("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6"), ("PrefixListIds", "PrefixListId"), ("Groups", "GroupId")]
    {
        for peer in permission.structures(list) {
            let text = peer.require(field)?;
            rules.push(Rule {
                protocol: protocol.to_owned(),
                from_port,
                to_port,
                peer: Peer::read(field, text)?,
                description: peer.get("Description").map(str::to_owned),
            });
        }
    }
    Ok(rules)
}

pub(super) fn describe(world: &World, request: &Request) -> Answer {
    let place = &request.place;
    let query = Query {
        ids: "GroupId",
        not_found: |id| Kind::SECURITY_GROUP.not_found(id),
        id: |group: &SecurityGroup| &group.id,
        tags: &|group| group.tags.clone(),
        field: &|group, name| match name {
            "group-id" => one(&group.id),
            "group-name" => one(&group.name),
            "description" => one(&group.description),
            "vpc-id" => one(&group.vpc),
            "owner-id" => one(&place.account),
            "ip-permission.group-id" => many(group.ingress.values().filter_map(|rule| match &rule.peer {
                Peer::Group(id) => Some(id),
                _ => None,
            })),
            _ => None,
        },
    };
    let all = world.ec2(place).security_groups.values();
    query.answer(request, all, "securityGroupInfo", |xml, group| write(xml, place, group))
}

fn write(xml: &mut Xml, place: &Place, group: &SecurityGroup) {
    xml.text("groupId", &group.id).text("groupName", &group.name).text("groupDescription", &group.description);
    xml.text("vpcId", &group.vpc).text("ownerId", &place.account);
    xml.items("ipPermissions", group.ingress.values(), |xml, rule| write_rule(xml, place, rule));
    xml.items("ipPermissionsEgress", group.egress.values(), |xml, rule| write_rule(xml, place, rule));
    write_tags(xml, &group.tags);
}

fn write_rule(xml: &mut Xml, place: &Place, rule: &Rule) {
    xml.text("ipProtocol", &rule.protocol).maybe("fromPort", rule.from_port).maybe("toPort", rule.to_port);
    let (list, field) = match rule.peer {
        Peer::V4(_) => ("ipRanges", "cidrIp"),
        Peer::V6(_) => ("ipv6Ranges", "cidrIpv6"),
        Peer::PrefixList(_) => ("prefixListIds", "prefixListId"),
        Peer::Group(_) => ("groups", "groupId"),
    };
    xml.items(list, [rule], |xml, rule| {
        xml.text(field, &rule.peer).maybe("description", rule.description.as_ref());
        if matches!(rule.peer, Peer::Group(_)) {
            xml.text("userId", &place.account);
        }
    });
}
