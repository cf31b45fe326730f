//! Operations on VPC peering connections.

use super::query::{Query, Values, many, one};
use super::{Answer, done, write_tags};
use crate::ids::AccountId;
use crate::sim::ec2::{Kind, Peering, Side, Status, Tags, peering, tagging};
use crate::sim::wire::xml::iso;
use crate::sim::wire::{ApiError, Request, Xml};
use crate::sim::world::{Place, World};

pub(super) fn create(world: &mut World, request: &Request) -> Answer {
    let (params, place) = (&request.params, &request.place);
    let account = match params.get("PeerOwnerId") {
        None => place.account.clone(),
        Some(text) => text
            .parse::<AccountId>()
            .map_err(|_| ApiError::invalid(format!("Value ({text}) for parameter peerOwnerId is invalid.")))?,
    };
    let region = params.get("PeerRegion").map_or_else(|| place.region.clone(), Into::into);
    let wanted = peering::PeeringRequest {
        vpc: params.require("VpcId")?.to_owned(),
        peer_vpc: params.require("PeerVpcId")?.to_owned(),
        peer: Place { account, region },
        tags: tagging::specified(params, Kind::PEERING)?,
    };
    let id = peering::request(world, place, wanted)?;
    answer(world, place, &id)
}

pub(super) fn accept(world: &mut World, request: &Request) -> Answer {
    let id = request.params.require("VpcPeeringConnectionId")?;
    peering::accept(world, &request.place, id)?;
    answer(world, &request.place, id)
}

pub(super) fn reject(world: &mut World, request: &Request) -> Answer {
    peering::reject(world, &request.place, request.params.require("VpcPeeringConnectionId")?)?;
    Ok(done())
}

pub(super) fn delete(world: &mut World, request: &Request) -> Answer {
    peering::delete(world, &request.place, request.params.require("VpcPeeringConnectionId")?)?;
    Ok(done())
}

pub(super) fn modify_options(world: &mut World, request: &Request) -> Answer {
    const DNS: &str = "AllowDnsResolutionFromRemoteVpc";
    let (params, place) = (&request.params, &request.place);
    let id = params.require("VpcPeeringConnectionId")?;
    let requester = params.structure("RequesterPeeringConnectionOptions").parsed(DNS)?;
    let accepter = params.structure("AccepterPeeringConnectionOptions").parsed(DNS)?;
    peering::set_dns(world, place, id, requester, accepter)?;
    let mut xml = Xml::new();
    for (name, option) in
        [("requesterPeeringConnectionOptions", requester), ("accepterPeeringConnectionOptions", accepter)]
    {
        if let Some(option) = option {
            xml.within(name, |xml| {
                xml.text("allowDnsResolutionFromRemoteVpc", option);
            });
        }
    }
    Ok(xml)
}

pub(super) fn describe(world: &World, request: &Request) -> Answer {
    let place = &request.place;
    let query = Query {
        ids: "VpcPeeringConnectionId",
        not_found: |id| Kind::PEERING.not_found(id),
        id: |peering: &Peering| &peering.id,
        tags: &|peering| peering.tags(place).cloned().unwrap_or_default(),
        field: &field,
    };
    let all = peering::seen_from(world, place);
    query.answer(request, all, "vpcPeeringConnectionSet", |xml, peering| write(xml, place, peering))
}

fn field(peering: &Peering, name: &str) -> Values {
    if let Some((side, name)) = name.split_once("-vpc-info.") {
        let side = match side {
            "accepter" => &peering.accepter,
            "requester" => &peering.requester,
            _ => return None,
        };
        return match name {
            "vpc-id" => one(&side.vpc),
            "owner-id" => one(&side.place.account),
            "cidr-block" => many(&side.cidr_blocks),
            _ => None,
        };
    }
    match name {
        "vpc-peering-connection-id" => one(&peering.id),
        "status-code" => one(peering.status.as_str()),
        "status-message" => one(&peering.message),
        "expiration-time" => one(&iso(peering.expires)),
        _ => None,
    }
}

fn answer(world: &World, place: &Place, id: &str) -> Answer {
    let peering = peering::get(world, place, id)?;
    let mut xml = Xml::new();
    xml.within("vpcPeeringConnection", |xml| write(xml, place, peering));
    Ok(xml)
}

fn write(xml: &mut Xml, place: &Place, peering: &Peering) {
    let active = matches!(peering.status, Status::Active | Status::Provisioning | Status::Deleting | Status::Deleted);
    xml.text("vpcPeeringConnectionId", &peering.id);
    xml.within("requesterVpcInfo", |xml| write_side(xml, &peering.requester, true, active));
    // The requester does not get to know the other's ranges before they are accepted.
    xml.within("accepterVpcInfo", |xml| write_side(xml, &peering.accepter, active, active));
    xml.within("status", |xml| {
        xml.text("code", peering.status.as_str()).text("message", &peering.message);
    });
    if matches!(peering.status, Status::InitiatingRequest | Status::PendingAcceptance) {
        xml.time("expirationTime", peering.expires);
    }
    write_tags(xml, peering.tags(place).unwrap_or(&Tags::new()));
}

fn write_side(xml: &mut Xml, side: &Side, ranges: bool, options: bool) {
    xml.text("ownerId", &side.place.account).text("vpcId", &side.vpc).text("region", &side.place.region);
    if ranges {
        xml.maybe("cidrBlock", side.cidr_blocks.first());
        xml.items("cidrBlockSet", &side.cidr_blocks, |xml, range| {
            xml.text("cidrBlock", range);
        });
        xml.items("ipv6CidrBlockSet", &side.ipv6_cidr_blocks, |xml, range| {
            xml.text("ipv6CidrBlock", range);
        });
    }
    if options {
        xml.within("peeringOptions", |xml| {
            xml.text("allowDnsResolutionFromRemoteVpc", side.dns);
            xml.text("allowEgressFromLocalClassicLinkToRemoteVpc", false);
            xml.text("allowEgressFromLocalVpcToRemoteClassicLink", false);
        });
    }
}
