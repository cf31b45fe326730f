//! Operations on Elastic IP addresses and network interfaces.

use super::query::{Query, many, one};
use super::{Answer, done, write_tags};
use crate::sim::ec2::{Address, Kind, elastic_ip, network_interface, tagging};
use crate::sim::wire::{Request, Xml};
use crate::sim::world::World;

pub(super) fn allocate(world: &mut World, request: &Request) -> Answer {
    let tags = tagging::specified(&request.params, Kind::ADDRESS)?;
    let id = elastic_ip::allocate(world, &request.place, tags);
    let address = elastic_ip::get(world, &request.place, &id)?;
    let mut xml = Xml::new();
    xml.text("allocationId", &address.id).text("publicIp", address.public_ip).text("domain", "vpc");
    Ok(xml)
}

pub(super) fn release(world: &mut World, request: &Request) -> Answer {
    elastic_ip::release(world, &request.place, request.params.require("AllocationId")?)?;
    Ok(done())
}

pub(super) fn describe(world: &World, request: &Request) -> Answer {
    let query = Query {
        ids: "AllocationId",
        not_found: |id| Kind::ADDRESS.not_found(id),
        id: |address: &Address| &address.id,
        tags: &|address| address.tags.clone(),
        field: &|address, name| match name {
            "allocation-id" => one(&address.id),
            "public-ip" => one(&address.public_ip),
            "association-id" => many(address.used_by.as_ref().map(|_| association(address))),
            "domain" => one("vpc"),
            _ => None,
        },
    };
    let all = world.ec2(&request.place).addresses.values();
    query.answer(request, all, "addressesSet", |xml, address| {
        xml.text("allocationId", &address.id).text("publicIp", address.public_ip).text("domain", "vpc");
        xml.maybe("associationId", address.used_by.as_ref().map(|_| association(address)));
        write_tags(xml, &address.tags);
    })
}

/// The id of the association of an address that is in use.
fn association(address: &Address) -> String {
    address.id.replacen("eipalloc", "eipassoc", 1)
}

pub(super) fn create_interface(world: &mut World, request: &Request) -> Answer {
    let params = &request.params;
    let tags = tagging::specified(params, Kind::NETWORK_INTERFACE)?;
    let (subnet, groups) = (params.require("SubnetId")?, params.list("SecurityGroupId"));
    let id = network_interface::create(world, &request.place, subnet, &groups, tags.clone())?;
    let mut xml = Xml::new();
    xml.within("networkInterface", |xml| {
        xml.text("networkInterfaceId", &id).text("subnetId", subnet).text("status", "available");
        write_tags(xml, &tags);
    });
    Ok(xml)
}

pub(super) fn delete_interface(world: &mut World, request: &Request) -> Answer {
    network_interface::delete(world, &request.place, request.params.require("NetworkInterfaceId")?)?;
    Ok(done())
}
