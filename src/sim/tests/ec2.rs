use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, IpPermission, IpRange, ResourceType, Tag, TagSpecification};

use super::*;

async fn table(client: &Client, vpc: &str) -> String {
    let made = client.create_route_table().vpc_id(vpc).send().await.unwrap();
    made.route_table().and_then(|table| table.route_table_id()).unwrap().to_owned()
}

async fn subnet(client: &Client, vpc: &str, range: &str) -> String {
    let made = client.create_subnet().vpc_id(vpc).cidr_block(range).send().await.unwrap();
    made.subnet().and_then(|subnet| subnet.subnet_id()).unwrap().to_owned()
}

/// An internet gateway that is attached to a VPC.
async fn internet(client: &Client, vpc: &str) -> String {
    let made = client.create_internet_gateway().send().await.unwrap();
    let id = made.internet_gateway().unwrap().internet_gateway_id().unwrap().to_owned();
    client.attach_internet_gateway().internet_gateway_id(&id).vpc_id(vpc).send().await.unwrap();
    id
}

fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

#[tokio::test(start_paused = true)]
async fn a_vpc_is_described_as_it_was_made_and_deleted_when_it_is_empty() {
    let sim = Sim::builder().build();
    let client = sim.ec2(HUB, EAST);
    let tag = Tag::builder().key("Name").value("a <b> & c").build();
    let specification = TagSpecification::builder().resource_type(ResourceType::Vpc).tags(tag.clone()).build();
    let made = client.create_vpc().cidr_block("10.0.0.0/16").tag_specifications(specification).send().await.unwrap();
    let made = made.vpc().unwrap();
    let id = made.vpc_id().unwrap();
    assert_eq!(made.tags(), [tag]);
    let found = client.describe_vpcs().filters(filter("cidr", "10.0.*")).send().await.unwrap();
    assert_eq!(found.vpcs(), std::slice::from_ref(made));

    let subnet = subnet(&client, id, "10.0.1.0/24").await;
    assert_eq!(code(client.delete_vpc().vpc_id(id).send().await), "DependencyViolation");
    client.delete_subnet().subnet_id(subnet).send().await.unwrap();
    assert!(!sim.is_empty().unwrap());
    client.delete_vpc().vpc_id(id).send().await.unwrap();
    assert!(sim.is_empty().unwrap());
    assert_eq!(code(client.delete_vpc().vpc_id(id).send().await), "InvalidVpcID.NotFound");
}

#[tokio::test(start_paused = true)]
async fn ranges_must_fit() {
    let sim = Sim::builder().build();
    let client = sim.ec2(HUB, EAST);
    for (range, expected) in [("10.0.0.0/8", "InvalidVpc.Range"), ("ten", "InvalidParameterValue")] {
        assert_eq!(code(client.create_vpc().cidr_block(range).send().await), expected);
    }
    let id = vpc(&client, "10.0.0.0/16").await;
    subnet(&client, &id, "10.0.1.0/24").await;
    for (range, expected) in [("10.0.1.128/25", "InvalidSubnet.Conflict"), ("10.1.0.0/24", "InvalidSubnet.Range")] {
        assert_eq!(code(client.create_subnet().vpc_id(&id).cidr_block(range).send().await), expected);
    }
    let mars = client.create_subnet().vpc_id(&id).cidr_block("10.0.2.0/24").availability_zone("mars-1a");
    assert_eq!(code(mars.send().await), "InvalidParameterValue");
}

#[tokio::test(start_paused = true)]
async fn pages_cover_everything_once() {
    let sim = Sim::builder().build();
    let client = sim.ec2(HUB, EAST);
    for number in 0..12 {
        vpc(&client, &format!("10.{number}.0.0/16")).await;
    }
    let pages: Vec<_> =
        client.describe_vpcs().max_results(5).into_paginator().send().collect::<Result<Vec<_>, _>>().await.unwrap();
    assert_eq!(pages.iter().map(|page| page.vpcs().len()).collect::<Vec<_>>(), [5, 5, 2]);
    let mut ids: Vec<_> = pages
        .iter()
        .flat_map(aws_sdk_ec2::operation::describe_vpcs::DescribeVpcsOutput::vpcs)
        .map(|vpc| vpc.vpc_id())
        .collect();
    ids.dedup();
    assert_eq!(ids.len(), 12);
    assert_eq!(code(client.describe_vpcs().max_results(4).send().await), "InvalidParameterValue");
    assert_eq!(code(client.describe_vpcs().next_token("nonsense").send().await), "InvalidPaginationToken");
    assert_eq!(code(client.describe_vpcs().filters(filter("mood", "good")).send().await), "InvalidParameterValue");
}

#[tokio::test(start_paused = true)]
async fn route_tables_have_a_main_one_and_associations() {
    let sim = Sim::builder().build();
    let client = sim.ec2(HUB, EAST);
    let id = vpc(&client, "10.0.0.0/16").await;
    let main = client.describe_route_tables().filters(filter("association.main", "true")).send().await.unwrap();
    assert_eq!(main.route_tables().len(), 1);
    let local = &main.route_tables()[0].routes()[0];
    assert_eq!((local.gateway_id(), local.destination_cidr_block()), (Some("local"), Some("10.0.0.0/16")));

    let (table, subnet) = (table(&client, &id).await, subnet(&client, &id, "10.0.1.0/24").await);
    let associate = client.associate_route_table().route_table_id(&table).subnet_id(&subnet);
    let first = associate.clone().send().await.unwrap().association_id().unwrap().to_owned();
    assert_eq!(associate.send().await.unwrap().association_id(), Some(&*first));
    let found = client.describe_route_tables().filters(filter("association.subnet-id", &subnet)).send().await.unwrap();
    assert_eq!(found.route_tables()[0].route_table_id(), Some(&*table));
    assert_eq!(code(client.delete_route_table().route_table_id(&table).send().await), "DependencyViolation");
    client.disassociate_route_table().association_id(&first).send().await.unwrap();
    client.delete_route_table().route_table_id(&table).send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn routes_are_checked_against_the_vpc_and_its_targets() {
    let sim = Sim::builder().build();
    let client = sim.ec2(HUB, EAST);
    let id = vpc(&client, "10.0.0.0/16").await;
    let table = table(&client, &id).await;
    let gateway = client.create_internet_gateway().send().await.unwrap();
    let gateway = gateway.internet_gateway().unwrap().internet_gateway_id().unwrap();
    let create = |destination: &str| {
        client.create_route().route_table_id(&table).destination_cidr_block(destination).gateway_id(gateway)
    };
    assert_eq!(code(create("0.0.0.0/0").send().await), "InvalidParameterValue", "it is not attached");
    client.attach_internet_gateway().internet_gateway_id(gateway).vpc_id(&id).send().await.unwrap();
    create("0.0.0.0/0").send().await.unwrap();
    assert_eq!(code(create("10.0.3.0/24").send().await), "InvalidParameterValue", "it lies inside the VPC");
    let six = client.create_route().route_table_id(&table).destination_ipv6_cidr_block("::/0").gateway_id(gateway);
    six.send().await.unwrap();
    let list = client.create_route().route_table_id(&table).destination_prefix_list_id("pl-12345678");
    list.gateway_id(gateway).send().await.unwrap();

    let replace = client.replace_route().route_table_id(&table).gateway_id(gateway);
    assert_eq!(code(replace.clone().destination_cidr_block("9.9.9.0/24").send().await), "InvalidParameterValue");
    replace.destination_cidr_block("0.0.0.0/0").send().await.unwrap();
    let delete = |destination: &str| client.delete_route().route_table_id(&table).destination_cidr_block(destination);
    assert_eq!(code(delete("10.0.0.0/16").send().await), "InvalidParameterValue", "it is local");
    delete("0.0.0.0/0").send().await.unwrap();
    assert_eq!(code(delete("0.0.0.0/0").send().await), "InvalidRoute.NotFound");
    let missing = client.create_route().route_table_id(&table).destination_cidr_block("9.9.9.0/24");
    assert_eq!(code(missing.nat_gateway_id("nat-00000000000000000").send().await), "InvalidNatGatewayID.NotFound");
}

#[tokio::test(start_paused = true)]
async fn a_nat_gateway_becomes_available_and_holds_its_address_until_it_is_gone() {
    let sim = Sim::builder().build();
    let client = sim.ec2(HUB, EAST);
    let id = vpc(&client, "10.0.0.0/16").await;
    let subnet = subnet(&client, &id, "10.0.1.0/24").await;
    internet(&client, &id).await;
    let address = client.allocate_address().send().await.unwrap().allocation_id().unwrap().to_owned();
    let create = client.create_nat_gateway().subnet_id(&subnet).allocation_id(&address).client_token("once");
    let made = create.clone().send().await.unwrap();
    assert_eq!(create.clone().send().await.unwrap().nat_gateway(), made.nat_gateway(), "the token is the same");
    let other = create.subnet_id("subnet-00000000000000000");
    assert_eq!(code(other.send().await), "IdempotentParameterMismatch");
    let nat = made.nat_gateway().unwrap().nat_gateway_id().unwrap();
    let state = || async {
        let found = client.describe_nat_gateways().nat_gateway_ids(nat).send().await.unwrap();
        found.nat_gateways()[0].state().unwrap().as_str().to_owned()
    };
    assert_eq!(state().await, "pending");
    seconds(2).await;
    assert_eq!(state().await, "available");
    assert_eq!(code(client.release_address().allocation_id(&address).send().await), "InvalidIPAddress.InUse");
    assert_eq!(code(client.delete_subnet().subnet_id(&subnet).send().await), "DependencyViolation");
    client.delete_nat_gateway().nat_gateway_id(nat).send().await.unwrap();
    seconds(2).await;
    assert_eq!(state().await, "deleted");
    client.release_address().allocation_id(&address).send().await.unwrap();
    client.delete_subnet().subnet_id(&subnet).send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_public_nat_gateway_without_a_way_out_fails() {
    let sim = Sim::builder().build();
    let client = sim.ec2(HUB, EAST);
    let id = vpc(&client, "10.0.0.0/16").await;
    let subnet = subnet(&client, &id, "10.0.1.0/24").await;
    let create = client.create_nat_gateway().subnet_id(&subnet);
    assert_eq!(code(create.clone().send().await), "MissingParameter");
    let address = client.allocate_address().send().await.unwrap().allocation_id().unwrap().to_owned();
    let made = create.allocation_id(&address).send().await.unwrap();
    seconds(2).await;
    let nat = made.nat_gateway().unwrap().nat_gateway_id().unwrap();
    let found = client.describe_nat_gateways().nat_gateway_ids(nat).send().await.unwrap();
    let found = &found.nat_gateways()[0];
    assert_eq!(found.state().unwrap().as_str(), "failed");
    assert_eq!(found.failure_code(), Some("Gateway.NotAttached"));
    client.release_address().allocation_id(&address).send().await.unwrap();
    client.delete_subnet().subnet_id(&subnet).send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_security_group_keeps_its_rules() {
    let sim = Sim::builder().build();
    let client = sim.ec2(HUB, EAST);
    let id = vpc(&client, "10.0.0.0/16").await;
    let make = client.create_security_group().vpc_id(&id).group_name("web").description("Web");
    let group = make.clone().send().await.unwrap().group_id().unwrap().to_owned();
    assert_eq!(code(make.send().await), "InvalidGroup.Duplicate");
    let rule = IpPermission::builder()
        .ip_protocol("tcp")
        .from_port(443)
        .to_port(443)
        .ip_ranges(IpRange::builder().cidr_ip("10.0.0.0/8").description("inside").build())
        .build();
    let allow = client.authorize_security_group_ingress().group_id(&group).ip_permissions(rule.clone());
    allow.clone().send().await.unwrap();
    assert_eq!(code(allow.send().await), "InvalidPermission.Duplicate");
    let found = client.describe_security_groups().group_ids(&group).send().await.unwrap();
    let found = &found.security_groups()[0];
    assert_eq!(found.ip_permissions().len(), 1);
    assert_eq!(found.ip_permissions()[0].ip_ranges()[0].cidr_ip(), Some("10.0.0.0/8"));
    assert_eq!(found.ip_permissions_egress()[0].ip_protocol(), Some("-1"));
    client.revoke_security_group_ingress().group_id(&group).ip_permissions(rule).send().await.unwrap();
    assert_eq!(code(client.delete_vpc().vpc_id(&id).send().await), "DependencyViolation");
    client.delete_security_group().group_id(&group).send().await.unwrap();
    client.delete_vpc().vpc_id(&id).send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn tags_are_set_found_and_removed() {
    let sim = Sim::builder().build();
    let client = sim.ec2(HUB, EAST);
    let (one, two) = (vpc(&client, "10.0.0.0/16").await, vpc(&client, "10.1.0.0/16").await);
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
    let both = client.create_tags().resources(&one).resources(&two);
    both.tags(tag("team", "net")).tags(tag("stage", "dev")).send().await.unwrap();
    client.delete_tags().resources(&two).tags(Tag::builder().key("team").build()).send().await.unwrap();
    client.delete_tags().resources(&one).tags(tag("stage", "other")).send().await.unwrap();
    let found = client.describe_tags().filters(filter("resource-type", "vpc")).send().await.unwrap();
    let mut rows: Vec<_> = found.tags().iter().map(|row| (row.resource_id(), row.key(), row.value())).collect();
    rows.sort_unstable();
    let mut expected = vec![
        (Some(&*one), Some("stage"), Some("dev")),
        (Some(&*one), Some("team"), Some("net")),
        (Some(&*two), Some("stage"), Some("dev")),
    ];
    expected.sort_unstable();
    assert_eq!(rows, expected);
    let reserved = client.create_tags().resources(&one).tags(tag("aws:x", "y")).send().await;
    assert_eq!(code(reserved), "InvalidParameterValue");
}

#[tokio::test(start_paused = true)]
async fn attributes_zones_and_regions_are_told() {
    let sim = Sim::builder().build();
    let client = sim.ec2(HUB, WEST);
    let id = vpc(&client, "10.0.0.0/16").await;
    let on = aws_sdk_ec2::types::AttributeBooleanValue::builder().value(true).build();
    client.modify_vpc_attribute().vpc_id(&id).enable_dns_hostnames(on).send().await.unwrap();
    let attribute = aws_sdk_ec2::types::VpcAttributeName::EnableDnsHostnames;
    let told = client.describe_vpc_attribute().vpc_id(&id).attribute(attribute).send().await.unwrap();
    assert_eq!(told.enable_dns_hostnames().and_then(aws_sdk_ec2::types::AttributeBooleanValue::value), Some(true));
    let zones = client.describe_availability_zones().send().await.unwrap();
    let names: Vec<_> = zones.availability_zones().iter().filter_map(|zone| zone.zone_name()).collect();
    assert_eq!(names, ["us-west-2a", "us-west-2b", "us-west-2c"]);
    let regions = client.describe_regions().region_names("eu-west-1").send().await.unwrap();
    assert_eq!(regions.regions()[0].endpoint(), Some("ec2.eu-west-1.amazonaws.com"));
}

#[tokio::test(start_paused = true)]
async fn routes_go_through_every_kind_of_gateway_that_touches_the_vpc() {
    let sim = Sim::builder().build();
    let client = sim.ec2(HUB, EAST);
    let id = vpc(&client, "10.0.0.0/16").await;
    let (table, subnet) = (table(&client, &id).await, subnet(&client, &id, "10.0.1.0/24").await);
    let create = || client.create_route().route_table_id(&table);

    let transit = client.create_transit_gateway().description("hub").send().await.unwrap();
    let transit = transit.transit_gateway().unwrap().transit_gateway_id().unwrap();
    let attach = client.create_transit_gateway_vpc_attachment().transit_gateway_id(transit).vpc_id(&id);
    assert_eq!(code(attach.clone().subnet_ids(&subnet).send().await), "IncorrectState", "it is pending");
    seconds(2).await;
    let attached = attach.subnet_ids(&subnet).send().await.unwrap();
    let attachment = attached.transit_gateway_vpc_attachment().unwrap().transit_gateway_attachment_id().unwrap();
    let through_transit = create().destination_cidr_block("10.8.0.0/16").transit_gateway_id(transit);
    assert_eq!(code(through_transit.clone().send().await), "InvalidTransitGatewayID.NotFound");
    seconds(2).await;
    through_transit.send().await.unwrap();

    let interface = client.create_network_interface().subnet_id(&subnet).send().await.unwrap();
    let interface = interface.network_interface().unwrap().network_interface_id().unwrap();
    create().destination_cidr_block("10.0.1.0/25").network_interface_id(interface).send().await.unwrap();
    let egress = client.create_egress_only_internet_gateway().vpc_id(&id).send().await.unwrap();
    let egress = egress.egress_only_internet_gateway().unwrap().egress_only_internet_gateway_id().unwrap();
    let six = create().destination_ipv6_cidr_block("::/0").egress_only_internet_gateway_id(egress);
    six.send().await.unwrap();
    let endpoint = client.create_vpc_endpoint().vpc_id(&id).service_name("com.amazonaws.us-east-1.s3");
    let endpoint = endpoint.route_table_ids(&table).send().await.unwrap();
    let endpoint = endpoint.vpc_endpoint().unwrap().vpc_endpoint_id().unwrap();
    seconds(2).await;

    let found = client.describe_route_tables().route_table_ids(&table).send().await.unwrap();
    let routes = found.route_tables()[0].routes();
    assert_eq!(routes.len(), 5);
    assert!(routes.iter().all(|route| route.state().unwrap().as_str() == "active"), "{routes:?}");
    let to_list = routes.iter().find(|route| route.destination_prefix_list_id().is_some()).unwrap();
    assert_eq!(to_list.gateway_id(), Some(endpoint));

    client.delete_vpc_endpoints().vpc_endpoint_ids(endpoint).send().await.unwrap();
    client.delete_egress_only_internet_gateway().egress_only_internet_gateway_id(egress).send().await.unwrap();
    client.delete_network_interface().network_interface_id(interface).send().await.unwrap();
    assert_eq!(code(client.delete_transit_gateway().transit_gateway_id(transit).send().await), "IncorrectState");
    client.delete_transit_gateway_vpc_attachment().transit_gateway_attachment_id(attachment).send().await.unwrap();
    seconds(2).await;
    client.delete_transit_gateway().transit_gateway_id(transit).send().await.unwrap();
    client.delete_route_table().route_table_id(&table).send().await.unwrap();
    client.delete_subnet().subnet_id(&subnet).send().await.unwrap();
    client.delete_vpc().vpc_id(&id).send().await.unwrap();
    seconds(2).await;
    assert!(sim.is_empty().unwrap());
}

#[tokio::test(start_paused = true)]
async fn another_table_can_become_the_main_one() {
    let sim = Sim::builder().build();
    let client = sim.ec2(HUB, EAST);
    let id = vpc(&client, "10.0.0.0/16").await;
    let new = table(&client, &id).await;
    let found = client.describe_route_tables().filters(filter("association.main", "true")).send().await.unwrap();
    let old = found.route_tables()[0].route_table_id().unwrap();
    let association = found.route_tables()[0].associations()[0].route_table_association_id().unwrap();
    let replace = client.replace_route_table_association().association_id(association).route_table_id(&new);
    let association = replace.send().await.unwrap().new_association_id().unwrap().to_owned();
    let ended = client.disassociate_route_table().association_id(association).send().await;
    assert_eq!(code(ended), "InvalidParameterValue");
    client.delete_route_table().route_table_id(old).send().await.unwrap();
    client.delete_vpc().vpc_id(&id).send().await.unwrap();
    assert!(sim.is_empty().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_vpc_gets_further_ranges_and_their_local_routes() {
    let sim = Sim::builder().build();
    let client = sim.ec2(HUB, EAST);
    let id = vpc(&client, "10.0.0.0/16").await;
    let more = client.associate_vpc_cidr_block().vpc_id(&id);
    let second = more.clone().cidr_block("10.1.0.0/16").send().await.unwrap();
    let second = second.cidr_block_association().unwrap().association_id().unwrap();
    assert_eq!(code(more.clone().cidr_block("10.1.2.0/24").send().await), "InvalidVpc.Range");
    let six = more.amazon_provided_ipv6_cidr_block(true).send().await.unwrap();
    assert!(six.ipv6_cidr_block_association().unwrap().ipv6_cidr_block().unwrap().ends_with("::/56"));
    let locals = || async { client.describe_route_tables().send().await.unwrap().route_tables()[0].routes().len() };
    assert_eq!(locals().await, 3);
    let inside = subnet(&client, &id, "10.1.1.0/24").await;
    let end = client.disassociate_vpc_cidr_block().association_id(second);
    assert_eq!(code(end.clone().send().await), "InvalidCidrBlock.InUse");
    client.delete_subnet().subnet_id(inside).send().await.unwrap();
    end.send().await.unwrap();
    assert_eq!(locals().await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_changes_nothing() {
    let sim = Sim::builder().build();
    let dry = sim.ec2(HUB, EAST).create_vpc().cidr_block("10.0.0.0/16").dry_run(true);
    assert_eq!(code(dry.send().await), "DryRunOperation");
    assert!(sim.is_empty().unwrap());
    assert_eq!(sim.mutations(), 0);
}
