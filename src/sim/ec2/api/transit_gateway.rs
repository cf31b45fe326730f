//! Operations on transit gateways.

use super::query::{Query, one};
use super::{Answer, write_tags};
use crate::sim::ec2::{Attachment, Kind, TransitGateway, tagging, transit_gateway};
use crate::sim::wire::{Request, Xml};
use crate::sim::world::{Place, World};

pub(super) fn create(world: &mut World, request: &Request) -> Answer {
    let tags = tagging::specified(&request.params, Kind::TRANSIT_GATEWAY)?;
    let description = request.params.get("Description").unwrap_or_default();
    let id = transit_gateway::create(world, &request.place, description, tags);
    gateway_answer(world, &request.place, &id)
}

pub(super) fn delete(world: &mut World, request: &Request) -> Answer {
    let id = request.params.require("TransitGatewayId")?;
    transit_gateway::delete(world, &request.place, id)?;
    gateway_answer(world, &request.place, id)
}

fn gateway_answer(world: &World, place: &Place, id: &str) -> Answer {
    let gateway = transit_gateway::get(world, place, id)?;
    let mut xml = Xml::new();
    xml.within("transitGateway", |xml| write(xml, place, gateway));
    Ok(xml)
}

pub(super) fn describe(world: &World, request: &Request) -> Answer {
    let place = &request.place;
    let query = Query {
        ids: "TransitGatewayIds",
        not_found: |id| Kind::TRANSIT_GATEWAY.not_found(id),
        id: |gateway: &TransitGateway| &gateway.id,
        tags: &|gateway| gateway.tags.clone(),
        field: &|gateway, name| match name {
            "transit-gateway-id" => one(&gateway.id),
            "state" => one(gateway.state.as_str()),
            "owner-id" => one(&place.account),
            _ => None,
        },
    };
    let all = world.ec2(place).transit_gateways.values();
    query.answer(request, all, "transitGatewaySet", |xml, gateway| write(xml, place, gateway))
}

fn write(xml: &mut Xml, place: &Place, gateway: &TransitGateway) {
    let (partition, region, account) = (place.region.partition(), &place.region, &place.account);
    let arn = format!("arn:{partition}:ec2:{region}:{account}:transit-gateway/{}", gateway.id);
    xml.text("transitGatewayId", &gateway.id).text("transitGatewayArn", arn).text("ownerId", account);
    xml.text("state", gateway.state.as_str()).text("description", &gateway.description);
    write_tags(xml, &gateway.tags);
}

pub(super) fn attach(world: &mut World, request: &Request) -> Answer {
    let (params, place) = (&request.params, &request.place);
    let tags = tagging::specified(params, Kind::ATTACHMENT)?;
    let (gateway, vpc) = (params.require("TransitGatewayId")?, params.require("VpcId")?);
    let id = transit_gateway::attach(world, place, gateway, vpc, &params.list("SubnetIds"), tags)?;
    Ok(attachment_answer(world, place, &id))
}

pub(super) fn detach(world: &mut World, request: &Request) -> Answer {
    let id = request.params.require("TransitGatewayAttachmentId")?;
    transit_gateway::detach(world, &request.place, id)?;
    Ok(attachment_answer(world, &request.place, id))
}

fn attachment_answer(world: &World, place: &Place, id: &str) -> Xml {
    let mut xml = Xml::new();
    if let Some(attachment) = world.ec2(place).attachments.get(id) {
        xml.within("transitGatewayVpcAttachment", |xml| write_attachment(xml, place, attachment));
    }
    xml
}

pub(super) fn describe_attachments(world: &World, request: &Request) -> Answer {
    let place = &request.place;
    let query = Query {
        ids: "TransitGatewayAttachmentIds",
        not_found: |id| Kind::ATTACHMENT.not_found(id),
        id: |attachment: &Attachment| &attachment.id,
        tags: &|attachment| attachment.tags.clone(),
        field: &|attachment, name| match name {
            "transit-gateway-attachment-id" => one(&attachment.id),
            "transit-gateway-id" => one(&attachment.gateway),
            "vpc-id" => one(&attachment.vpc),
            "state" => one(attachment.state.as_str()),
            _ => None,
        },
    };
    let all = world.ec2(place).attachments.values();
    query.answer(request, all, "transitGatewayVpcAttachments", |xml, own| write_attachment(xml, place, own))
}

fn write_attachment(xml: &mut Xml, place: &Place, attachment: &Attachment) {
    xml.text("transitGatewayAttachmentId", &attachment.id).text("transitGatewayId", &attachment.gateway);
    xml.text("vpcId", &attachment.vpc).text("vpcOwnerId", &place.account).text("state", attachment.state.as_str());
    xml.items("subnetIds", &attachment.subnets, |xml, id| {
        xml.raw(id);
    });
    write_tags(xml, &attachment.tags);
}
