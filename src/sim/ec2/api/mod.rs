//! EC2's operations in its protocol.

mod address;
mod endpoint;
mod gateway;
mod peering;
mod query;
mod region;
mod route;
mod route_table;
mod security_group;
mod subnet;
mod tags;
mod transit_gateway;
mod vpc;

use crate::sim::dispatch::unknown_operation;
use crate::sim::wire::{ApiError, Request, Xml};
use crate::sim::world::{Action as TimerAction, World};

use super::{Action, Tags, unseen};

/// What an operation gives back.
type Answer = Result<Xml, ApiError>;

/// Handles a request. One that repeats a client token gets the first one's answer.
pub(crate) fn handle(world: &mut World, request: &Request) -> Answer {
    /// How long a client token is remembered.
    const MEMORY: std::time::Duration = std::time::Duration::from_hours(24);
    if request.params.flag("DryRun") {
        let message = "Request would have succeeded, but DryRun flag is set.";
        return Err(ApiError::new("DryRunOperation", message).with_status(412));
    }
    let answered = unseen::check(world, request)?;
    let request = answered.as_ref().unwrap_or(request);
    let token = request.params.get("ClientToken").map(|token| format!("{} {token}", request.operation));
    let Some(token) = token else { return route_to_handler(world, request) };
    let asked = request.params.digest();
    if let Some((before, answer)) = world.ec2(&request.place).answers.get(&token) {
        if *before != asked {
            let message = "The client token has been used before with other parameters.";
            return Err(ApiError::new("IdempotentParameterMismatch", message));
        }
        let mut xml = Xml::new();
        xml.raw(answer);
        return Ok(xml);
    }
    let answer = route_to_handler(world, request)?;
    world.ec2_mut(&request.place).answers.insert(token.clone(), (asked, answer.as_str().to_owned()));
    world.after(MEMORY, TimerAction::Ec2(request.place.clone(), Action::ForgetAnswer(token)));
    Ok(answer)
}

fn route_to_handler(world: &mut World, request: &Request) -> Answer {
    match request.operation.as_str() {
        "CreateVpc" => vpc::create(world, request),
        "DeleteVpc" => vpc::delete(world, request),
        "DescribeVpcs" => vpc::describe(world, request),
        "DescribeVpcAttribute" => vpc::describe_attribute(world, request),
        "ModifyVpcAttribute" => vpc::modify_attribute(world, request),
        "AssociateVpcCidrBlock" => vpc::associate(world, request),
        "DisassociateVpcCidrBlock" => vpc::disassociate(world, request),

        "CreateSubnet" => subnet::create(world, request),
        "DeleteSubnet" => subnet::delete(world, request),
        "DescribeSubnets" => subnet::describe(world, request),
        "ModifySubnetAttribute" => subnet::modify_attribute(world, request),

        "CreateInternetGateway" => gateway::create(world, request),
        "AttachInternetGateway" => gateway::attach(world, request),
        "DetachInternetGateway" => gateway::detach(world, request),
        "DeleteInternetGateway" => gateway::delete(world, request),
        "DescribeInternetGateways" => gateway::describe(world, request),
        "CreateEgressOnlyInternetGateway" => gateway::create_egress_only(world, request),
        "DeleteEgressOnlyInternetGateway" => gateway::delete_egress_only(world, request),
        "CreateNatGateway" => gateway::create_nat(world, request),
        "DeleteNatGateway" => gateway::delete_nat(world, request),
        "DescribeNatGateways" => gateway::describe_nat(world, request),

        "CreateRouteTable" => route_table::create(world, request),
        "DeleteRouteTable" => route_table::delete(world, request),
        "DescribeRouteTables" => route_table::describe(world, request),
        "AssociateRouteTable" => route_table::associate(world, request),
        "DisassociateRouteTable" => route_table::disassociate(world, request),
        "ReplaceRouteTableAssociation" => route_table::replace_association(world, request),
        "CreateRoute" => route::create(world, request),
        "ReplaceRoute" => route::replace(world, request),
        "DeleteRoute" => route::delete(world, request),

        "CreateSecurityGroup" => security_group::create(world, request),
        "DeleteSecurityGroup" => security_group::delete(world, request),
        "DescribeSecurityGroups" => security_group::describe(world, request),
        "AuthorizeSecurityGroupIngress"
        | "AuthorizeSecurityGroupEgress"
        | "RevokeSecurityGroupIngress"
        | "RevokeSecurityGroupEgress" => security_group::change_rules(world, request),

        "CreateVpcPeeringConnection" => peering::create(world, request),
        "AcceptVpcPeeringConnection" => peering::accept(world, request),
        "RejectVpcPeeringConnection" => peering::reject(world, request),
        "DeleteVpcPeeringConnection" => peering::delete(world, request),
        "DescribeVpcPeeringConnections" => peering::describe(world, request),
        "ModifyVpcPeeringConnectionOptions" => peering::modify_options(world, request),

        "AllocateAddress" => address::allocate(world, request),
        "ReleaseAddress" => address::release(world, request),
        "DescribeAddresses" => address::describe(world, request),
        "CreateNetworkInterface" => address::create_interface(world, request),
        "DeleteNetworkInterface" => address::delete_interface(world, request),

        "CreateVpcEndpoint" => endpoint::create(world, request),
        "DeleteVpcEndpoints" => Ok(endpoint::delete(world, request)),
        "DescribeVpcEndpoints" => endpoint::describe(world, request),
        "CreateTransitGateway" => transit_gateway::create(world, request),
        "DeleteTransitGateway" => transit_gateway::delete(world, request),
        "DescribeTransitGateways" => transit_gateway::describe(world, request),
        "CreateTransitGatewayVpcAttachment" => transit_gateway::attach(world, request),
        "DeleteTransitGatewayVpcAttachment" => transit_gateway::detach(world, request),
        "DescribeTransitGatewayVpcAttachments" => transit_gateway::describe_attachments(world, request),

        "CreateTags" => tags::create(world, request),
        "DeleteTags" => tags::delete(world, request),
        "DescribeTags" => tags::describe(world, request),
        "DescribeAvailabilityZones" => region::describe_zones(request),
        "DescribeRegions" => region::describe_regions(request),
        _ => Err(unknown_operation(request)),
    }
}

/// `<return>true</return>`: it is done.
fn done() -> Xml {
    let mut xml = Xml::new();
    xml.text("return", true);
    xml
}

fn write_tags(xml: &mut Xml, tags: &Tags) {
    xml.items("tagSet", tags, |xml, (key, value)| {
        xml.text("key", key).text("value", value);
    });
}
