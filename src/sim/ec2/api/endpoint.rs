//! Operations on VPC endpoints.

use super::query::{Query, one};
use super::{Answer, write_tags};
use crate::sim::ec2::{Endpoint, EndpointType, Kind, endpoint, tagging};
use crate::sim::wire::{Request, Xml};
use crate::sim::world::{Place, World};

pub(super) fn create(world: &mut World, request: &Request) -> Answer {
    let (params, place) = (&request.params, &request.place);
    let set = |name| params.list(name).into_iter().map(str::to_owned).collect();
    let wanted = endpoint::EndpointRequest {
        vpc: params.require("VpcId")?.to_owned(),
        service: params.require("ServiceName")?.to_owned(),
        endpoint_type: params.get("VpcEndpointType").map(EndpointType::read).transpose()?.unwrap_or_default(),
        route_tables: set("RouteTableId"),
        subnets: set("SubnetId"),
        groups: set("SecurityGroupId"),
        private_dns: params.flag("PrivateDnsEnabled"),
        tags: tagging::specified(params, Kind::ENDPOINT)?,
    };
    let id = endpoint::create(world, place, wanted)?;
    let mut xml = Xml::new();
    if let Some(made) = world.ec2(place).endpoints.get(&id) {
        xml.within("vpcEndpoint", |xml| write(xml, place, made));
    }
    Ok(xml)
}

/// Deletes what can be deleted; the others are listed with the reason.
pub(super) fn delete(world: &mut World, request: &Request) -> Xml {
    let mut failed = Vec::new();
    for id in request.params.list("VpcEndpointId") {
        if let Err(error) = endpoint::delete(world, &request.place, id) {
            failed.push((id, error));
        }
    }
    let mut xml = Xml::new();
    xml.items("unsuccessful", failed, |xml, (id, error)| {
        xml.text("resourceId", id).within("error", |xml| {
            xml.text("code", error.code).text("message", error.message);
        });
    });
    xml
}

pub(super) fn describe(world: &World, request: &Request) -> Answer {
    let place = &request.place;
    let query = Query {
        ids: "VpcEndpointId",
        not_found: |id| Kind::ENDPOINT.not_found(id),
        id: |endpoint: &Endpoint| &endpoint.id,
        tags: &|endpoint| endpoint.tags.clone(),
        field: &|endpoint, name| match name {
            "vpc-endpoint-id" => one(&endpoint.id),
            "vpc-id" => one(&endpoint.vpc),
            "service-name" => one(&endpoint.service),
            "vpc-endpoint-type" => one(endpoint.endpoint_type.as_str()),
            "vpc-endpoint-state" => one(endpoint.state.as_str()),
            _ => None,
        },
    };
    let all = world.ec2(place).endpoints.values();
    query.answer(request, all, "vpcEndpointSet", |xml, endpoint| write(xml, place, endpoint))
}

fn write(xml: &mut Xml, place: &Place, endpoint: &Endpoint) {
    let text = |xml: &mut Xml, id: &String| {
        xml.raw(id);
    };
    xml.text("vpcEndpointId", &endpoint.id).text("vpcEndpointType", endpoint.endpoint_type.as_str());
    xml.text("vpcId", &endpoint.vpc).text("ownerId", &place.account).text("serviceName", &endpoint.service);
    xml.text("state", endpoint.state.as_str()).text("privateDnsEnabled", endpoint.private_dns);
    xml.items("routeTableIdSet", &endpoint.route_tables, text).items("subnetIdSet", &endpoint.subnets, text);
    xml.items("groupSet", &endpoint.groups, |xml, id| {
        xml.text("groupId", id);
    });
    write_tags(xml, &endpoint.tags);
}
