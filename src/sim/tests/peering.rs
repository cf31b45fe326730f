use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    Filter, PeeringConnectionOptionsRequest, ResourceType, Tag, TagSpecification, VpcPeeringConnection,
};

use super::*;

/// Two accounts' clients with a VPC each; the second one's in a region.
async fn two(sim: &Sim, region: &str) -> (Client, String, Client, String) {
    let (spoke, hub) = (sim.ec2(SPOKE, EAST), sim.ec2(HUB, region));
    let (spoke_vpc, hub_vpc) = (vpc(&spoke, "10.1.0.0/16").await, vpc(&hub, "10.0.0.0/16").await);
    (spoke, spoke_vpc, hub, hub_vpc)
}

/// Asks the hub for a peering.
async fn request(spoke: &Client, spoke_vpc: &str, hub_vpc: &str, region: &str) -> String {
    let asked = spoke
        .create_vpc_peering_connection()
        .vpc_id(spoke_vpc)
        .peer_vpc_id(hub_vpc)
        .peer_owner_id(HUB)
        .peer_region(region)
        .send()
        .await
        .unwrap();
    asked.vpc_peering_connection().and_then(|own| own.vpc_peering_connection_id()).unwrap().to_owned()
}

async fn look(client: &Client, id: &str) -> VpcPeeringConnection {
    let found = client.describe_vpc_peering_connections().vpc_peering_connection_ids(id).send().await.unwrap();
    found.vpc_peering_connections()[0].clone()
}

async fn status(client: &Client, id: &str) -> String {
    look(client, id).await.status().and_then(|status| status.code()).unwrap().as_str().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_peering_between_accounts_and_regions_goes_from_request_to_active() {
    for region in [EAST, WEST] {
        let sim = Sim::builder().build();
        let (spoke, spoke_vpc, hub, hub_vpc) = two(&sim, region).await;
        let id = request(&spoke, &spoke_vpc, &hub_vpc, region).await;
        assert_eq!(status(&spoke, &id).await, "initiating-request");
        let early = hub.accept_vpc_peering_connection().vpc_peering_connection_id(&id).send().await;
        assert_eq!(code(early), "InvalidVpcPeeringConnectionID.NotFound");
        seconds(1).await;
        assert_eq!(status(&spoke, &id).await, "pending-acceptance");
        let by_requester = spoke.accept_vpc_peering_connection().vpc_peering_connection_id(&id).send().await;
        assert_eq!(code(by_requester), "OperationNotPermitted");
        hub.accept_vpc_peering_connection().vpc_peering_connection_id(&id).send().await.unwrap();
        assert_eq!(status(&hub, &id).await, "provisioning");
        let again = hub.accept_vpc_peering_connection().vpc_peering_connection_id(&id).send().await;
        assert_eq!(code(again), "InvalidStateTransition");
        seconds(2).await;
        let seen = look(&spoke, &id).await;
        assert_eq!(seen.status().and_then(|status| status.code()).unwrap().as_str(), "active");
        let (requester, accepter) = (seen.requester_vpc_info().unwrap(), seen.accepter_vpc_info().unwrap());
        assert_eq!((requester.owner_id(), requester.region()), (Some(SPOKE), Some(EAST)));
        assert_eq!((accepter.owner_id(), accepter.region()), (Some(HUB), Some(region)));
        assert_eq!(accepter.cidr_block(), Some("10.0.0.0/16"));
        assert_eq!(seen, look(&hub, &id).await);
    }
}

#[tokio::test(start_paused = true)]
async fn tags_belong_to_the_side_that_has_set_them() {
    let sim = Sim::builder().build();
    let (spoke, spoke_vpc, hub, hub_vpc) = two(&sim, EAST).await;
    let tag = |value: &str| Tag::builder().key("owner").value(value).build();
    let specification =
        TagSpecification::builder().resource_type(ResourceType::VpcPeeringConnection).tags(tag("spoke")).build();
    let asked = spoke
        .create_vpc_peering_connection()
        .vpc_id(&spoke_vpc)
        .peer_vpc_id(&hub_vpc)
        .peer_owner_id(HUB)
        .tag_specifications(specification)
        .send()
        .await
        .unwrap();
    let id = asked.vpc_peering_connection().unwrap().vpc_peering_connection_id().unwrap();
    seconds(1).await;
    assert_eq!(look(&spoke, id).await.tags(), [tag("spoke")]);
    assert!(look(&hub, id).await.tags().is_empty());
    hub.create_tags().resources(id).tags(tag("hub")).send().await.unwrap();
    assert_eq!(look(&spoke, id).await.tags(), [tag("spoke")]);
    assert_eq!(look(&hub, id).await.tags(), [tag("hub")]);
    let filter = Filter::builder().name("tag:owner").values("h*").build();
    let found = |client: &Client| {
        let query = client.describe_vpc_peering_connections().filters(filter.clone());
        async move { query.send().await.unwrap().vpc_peering_connections().len() }
    };
    assert_eq!((found(&spoke).await, found(&hub).await), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn repeating_a_request_gives_the_same_peering_and_the_reverse_fails_at_accept() {
    let sim = Sim::builder().build();
    let (spoke, spoke_vpc, hub, hub_vpc) = two(&sim, EAST).await;
    let id = request(&spoke, &spoke_vpc, &hub_vpc, EAST).await;
    assert_eq!(request(&spoke, &spoke_vpc, &hub_vpc, EAST).await, id);
    seconds(1).await;
    hub.accept_vpc_peering_connection().vpc_peering_connection_id(&id).send().await.unwrap();
    seconds(2).await;
    assert_eq!(request(&spoke, &spoke_vpc, &hub_vpc, EAST).await, id);

    let reverse = hub
        .create_vpc_peering_connection()
        .vpc_id(&hub_vpc)
        .peer_vpc_id(&spoke_vpc)
        .peer_owner_id(SPOKE)
        .send()
        .await
        .unwrap();
    let reverse = reverse.vpc_peering_connection().unwrap().vpc_peering_connection_id().unwrap();
    assert_ne!(reverse, id);
    seconds(1).await;
    let accepted = spoke.accept_vpc_peering_connection().vpc_peering_connection_id(reverse).send().await;
    assert_eq!(code(accepted), "VpcPeeringConnectionAlreadyExists");
}

#[tokio::test(start_paused = true)]
async fn overlapping_ranges_and_unknown_vpcs_fail_after_the_request() {
    let sim = Sim::builder().build();
    let (spoke, spoke_vpc, hub, _) = two(&sim, EAST).await;
    let twin = vpc(&hub, "10.1.128.0/17").await;
    for peer in [&*twin, "vpc-00000000000000000"] {
        let id = request(&spoke, &spoke_vpc, peer, EAST).await;
        seconds(1).await;
        assert_eq!(status(&spoke, &id).await, "failed");
        let deleted = spoke.delete_vpc_peering_connection().vpc_peering_connection_id(&id).send().await;
        assert_eq!(code(deleted), "InvalidStateTransition");
        seconds(3 * 3600).await;
        let gone = spoke.describe_vpc_peering_connections().vpc_peering_connection_ids(&id).send().await;
        assert_eq!(code(gone), "InvalidVpcPeeringConnectionID.NotFound");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_can_be_rejected_or_expires_after_seven_days() {
    let sim = Sim::builder().build();
    let (spoke, spoke_vpc, hub, hub_vpc) = two(&sim, EAST).await;
    let id = request(&spoke, &spoke_vpc, &hub_vpc, EAST).await;
    seconds(1).await;
    hub.reject_vpc_peering_connection().vpc_peering_connection_id(&id).send().await.unwrap();
    assert_eq!(status(&spoke, &id).await, "rejected");
    let next = request(&spoke, &spoke_vpc, &hub_vpc, EAST).await;
    assert_ne!(next, id);
    seconds(7 * 24 * 3600 - 60).await;
    assert_eq!(status(&spoke, &next).await, "pending-acceptance");
    seconds(60).await;
    assert_eq!(status(&spoke, &next).await, "expired");
    let accepted = hub.accept_vpc_peering_connection().vpc_peering_connection_id(&next).send().await;
    assert_eq!(code(accepted), "InvalidStateTransition");
}

#[tokio::test(start_paused = true)]
async fn dns_resolution_is_set_side_by_side_and_only_once_active() {
    let sim = Sim::builder().build();
    let (spoke, spoke_vpc, hub, hub_vpc) = two(&sim, EAST).await;
    let id = request(&spoke, &spoke_vpc, &hub_vpc, EAST).await;
    let on = PeeringConnectionOptionsRequest::builder().allow_dns_resolution_from_remote_vpc(true).build();
    let modify = |client: &Client| client.modify_vpc_peering_connection_options().vpc_peering_connection_id(&id);
    seconds(1).await;
    let early = modify(&spoke).requester_peering_connection_options(on.clone()).send().await;
    assert_eq!(code(early), "OperationNotPermitted");
    hub.accept_vpc_peering_connection().vpc_peering_connection_id(&id).send().await.unwrap();
    seconds(2).await;
    let others = modify(&hub).requester_peering_connection_options(on.clone()).send().await;
    assert_eq!(code(others), "OperationNotPermitted");
    let answer = modify(&spoke).requester_peering_connection_options(on).send().await.unwrap();
    let set = answer.requester_peering_connection_options().unwrap();
    assert_eq!(set.allow_dns_resolution_from_remote_vpc(), Some(true));
    let seen = look(&hub, &id).await;
    let dns = |side: Option<&aws_sdk_ec2::types::VpcPeeringConnectionVpcInfo>| {
        side?.peering_options()?.allow_dns_resolution_from_remote_vpc()
    };
    assert_eq!((dns(seen.requester_vpc_info()), dns(seen.accepter_vpc_info())), (Some(true), Some(false)));
}

#[tokio::test(start_paused = true)]
async fn a_route_is_a_black_hole_before_its_peering_is_active_and_after() {
    let sim = Sim::builder().build();
    let (spoke, spoke_vpc, hub, hub_vpc) = two(&sim, EAST).await;
    let id = request(&spoke, &spoke_vpc, &hub_vpc, EAST).await;
    let table = spoke.create_route_table().vpc_id(&spoke_vpc).send().await.unwrap();
    let table = table.route_table().unwrap().route_table_id().unwrap();
    let route =
        spoke.create_route().route_table_id(table).destination_cidr_block("10.0.0.0/16").vpc_peering_connection_id(&id);
    route.clone().send().await.unwrap();
    assert_eq!(code(route.send().await), "RouteAlreadyExists");
    let state = || async {
        let found = spoke.describe_route_tables().route_table_ids(table).send().await.unwrap();
        let routes = found.route_tables()[0].routes().to_vec();
        let route = routes.iter().find(|route| route.vpc_peering_connection_id() == Some(&id)).unwrap();
        assert_eq!(route.destination_cidr_block(), Some("10.0.0.0/16"));
        route.state().unwrap().as_str().to_owned()
    };
    assert_eq!(state().await, "blackhole");
    seconds(1).await;
    hub.accept_vpc_peering_connection().vpc_peering_connection_id(&id).send().await.unwrap();
    assert_eq!(state().await, "blackhole");
    seconds(2).await;
    assert_eq!(state().await, "active");
    let kept = code(hub.delete_vpc().vpc_id(&hub_vpc).send().await);
    assert_eq!(kept, "DependencyViolation");
    hub.delete_vpc_peering_connection().vpc_peering_connection_id(&id).send().await.unwrap();
    assert_eq!(state().await, "blackhole");
    hub.delete_vpc().vpc_id(&hub_vpc).send().await.unwrap();
}
