use aws_sdk_ec2::error::SdkError;
use tokio::time::Instant;

use super::*;
use crate::sim::{Effect, Fault, Faults, Outcome, Rate, Rates, Timing};

fn sim(faults: impl IntoIterator<Item = Fault>) -> Sim {
    Sim::builder().faults(Faults::of(faults)).build()
}

#[tokio::test(start_paused = true)]
async fn the_sdk_retries_what_is_throttled_or_broken() {
    for effect in [Effect::Throttle, Effect::ServerError, Effect::Refused, Effect::LostBefore] {
        let sim = sim([Fault::new(effect).on("CreateVpc").first(2)]);
        vpc(&sim.ec2(HUB, EAST), "10.0.0.0/16").await;
        assert_eq!(sim.calls().len(), 3, "{effect:?}");
        assert_eq!(sim.mutations(), 1, "{effect:?}");
        assert_eq!(sim.inspect(|world| world.places().map(|(_, own)| own.ec2.vpcs.len()).sum::<usize>()).unwrap(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttled_caller_is_told_so_when_the_retries_are_used_up() {
    let sim = sim([Fault::new(Effect::Throttle).on("Describe*").by(HUB)]);
    assert_eq!(code(sim.ec2(HUB, EAST).describe_vpcs().send().await), "RequestLimitExceeded");
    assert!(sim.ec2(SPOKE, EAST).describe_vpcs().send().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_answer_is_lost_has_taken_effect() {
    let sim = sim([Fault::new(Effect::LostAfter).on("CreateVpc").nth(1)]);
    vpc(&sim.ec2(HUB, EAST), "10.0.0.0/16").await;
    let found = sim.ec2(HUB, EAST).describe_vpcs().send().await.unwrap();
    assert_eq!(found.vpcs().len(), 2, "the SDK has repeated the call");
    let outcomes: Vec<_> = sim.calls().into_iter().map(|call| call.outcome).collect();
    assert_eq!(outcomes, [Outcome::AnswerLost, Outcome::Succeeded, Outcome::Succeeded]);
}

#[tokio::test(start_paused = true)]
async fn nobody_was_told_of_a_throttle_whose_answer_is_lost() {
    let rates = Rates { ec2_read: Some(Rate::new(1, 1.0)), ..Rates::default() };
    let faults = Faults::of([Fault::new(Effect::LostAfter).on("DescribeVpcs").nth(2)]);
    let sim = Sim::builder().rates(rates).faults(faults).build();
    let client = sim.ec2(HUB, EAST);
    for _ in 0..2 {
        client.describe_vpcs().send().await.unwrap();
    }
    let outcomes: Vec<_> = sim.calls().into_iter().map(|call| call.outcome).collect();
    assert_eq!(outcomes[..2], [Outcome::Succeeded, Outcome::AnswerLost]);
}

#[tokio::test(start_paused = true)]
async fn a_client_token_makes_a_repeated_call_harmless() {
    let sim = sim([Fault::new(Effect::LostAfter).on("CreateRouteTable").nth(1)]);
    let client = sim.ec2(HUB, EAST);
    let id = vpc(&client, "10.0.0.0/16").await;
    client.create_route_table().vpc_id(id).send().await.unwrap();
    let found = client.describe_route_tables().send().await.unwrap();
    assert_eq!(found.route_tables().len(), 2, "the main one and the new one");
}

#[tokio::test(start_paused = true)]
async fn permissions_and_credentials_can_fail() {
    let sim = sim([Fault::new(Effect::AccessDenied).on("CreateVpc"), Fault::new(Effect::Expired).on("DescribeVpcs")]);
    let client = sim.ec2(HUB, EAST);
    let error = client.create_vpc().cidr_block("10.0.0.0/16").send().await.unwrap_err();
    assert_eq!(error.code(), Some("UnauthorizedOperation"));
    assert!(error.message().unwrap().contains("user/orch is not authorized to perform: ec2:CreateVpc"));
    assert_eq!(code(client.describe_vpcs().send().await), "RequestExpired");
    assert_eq!(sim.calls()[0].outcome, Outcome::Failed("UnauthorizedOperation".into()));
}

#[tokio::test(start_paused = true)]
async fn every_call_takes_its_time_and_a_slow_one_more() {
    let timing = Timing { latency: Duration::from_millis(20), ..Timing::default() };
    let faults = Faults::of([Fault::slow(Duration::from_secs(3)).nth(2)]);
    let sim = Sim::builder().timing(timing).faults(faults).build();
    let client = sim.ec2(HUB, EAST);
    for expected in [20, 3020, 20] {
        let before = Instant::now();
        client.describe_vpcs().send().await.unwrap();
        assert_eq!(before.elapsed().as_millis(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_waits_no_longer_gets_a_timeout() {
    let sim = sim([Fault::slow(Duration::from_mins(1))]);
    let timeouts = aws_sdk_ec2::config::timeout::TimeoutConfig::builder().read_timeout(Duration::from_secs(1)).build();
    let config = sim.ec2(HUB, EAST).config().to_builder().timeout_config(timeouts);
    let client = aws_sdk_ec2::Client::from_conf(config.build());
    let error = client.describe_vpcs().send().await.unwrap_err();
    assert!(matches!(error, SdkError::DispatchFailure(failure) if failure.is_timeout()));
}

#[tokio::test(start_paused = true)]
async fn a_client_can_die_right_after_a_call_has_taken_effect() {
    let sim = Sim::builder().build();
    let client = sim.ec2(HUB, EAST);
    vpc(&client, "10.0.0.0/16").await;
    sim.stop_after(2);
    let work = async {
        for number in 1..9 {
            vpc(&client, &format!("10.{number}.0.0/16")).await;
        }
    };
    tokio::select! {
        () = work => panic!("the client lives on"),
        () = sim.stopped() => {}
    }
    assert_eq!(sim.mutations(), 3);
    assert!(tokio::time::timeout(Duration::from_secs(9), client.describe_vpcs().send()).await.is_err());
    sim.resume();
    assert_eq!(client.describe_vpcs().send().await.unwrap().vpcs().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn other_faults_can_be_planned_later_and_count_anew() {
    let sim = sim([]);
    let client = sim.ec2(HUB, EAST);
    for _ in 0..2 {
        client.describe_vpcs().send().await.unwrap();
        sim.set_faults(Faults::of([Fault::new(Effect::AccessDenied).nth(1)]));
        assert_eq!(code(client.describe_vpcs().send().await), "UnauthorizedOperation");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_world() {
    let run = |seed| async move {
        let sim = Sim::builder().seed(seed).build();
        vpc(&sim.ec2(HUB, EAST), "10.0.0.0/16").await
    };
    assert_eq!(run(1).await, run(1).await);
    assert_ne!(run(1).await, run(2).await);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_embedded_is_refused_by_name() {
    let sim = Sim::builder().build();
    let error = sim.ec2(HUB, EAST).describe_instances().send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidAction"));
    assert!(error.message().unwrap().contains("DescribeInstances"));
}

/// A client of EC2 that makes each call once.
fn without_retries(client: &aws_sdk_ec2::Client) -> aws_sdk_ec2::Client {
    aws_sdk_ec2::Client::from_conf(client.config().to_builder().retry_config(RetryConfig::disabled()).build())
}

#[tokio::test(start_paused = true)]
async fn a_call_over_its_rate_is_throttled_and_changes_nothing() {
    let rates = Rates { ec2_write: Some(Rate::new(2, 1.0)), ..Rates::default() };
    let sim = Sim::builder().rates(rates).timing(Timing::instant()).build();
    let client = without_retries(&sim.ec2(HUB, EAST));
    let make = || client.create_vpc().cidr_block("10.0.0.0/16").send();
    assert!(make().await.is_ok() && make().await.is_ok());
    let error = make().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 503);
    assert_eq!(error.code(), Some("RequestLimitExceeded"));
    assert_eq!(sim.calls()[2].outcome, Outcome::Failed("RequestLimitExceeded".into()));
    // Another region, another account and another operation have buckets of their own.
    assert!(without_retries(&sim.ec2(HUB, WEST)).create_vpc().cidr_block("10.0.0.0/16").send().await.is_ok());
    assert!(without_retries(&sim.ec2(SPOKE, EAST)).create_vpc().cidr_block("10.0.0.0/16").send().await.is_ok());
    assert!(client.create_internet_gateway().send().await.is_ok());
    seconds(1).await;
    assert!(make().await.is_ok());
    assert_eq!(client.describe_vpcs().send().await.unwrap().vpcs().len(), 3, "looks have no rate here");
    sim.set_rates(Rates::default());
    for _ in 0..9 {
        make().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn cloudformation_says_that_the_rate_is_exceeded() {
    let rates = Rates { cloudformation_read: Some(Rate::new(1, 0.5)), ..Rates::default() };
    let sim = Sim::builder().rates(rates).timing(Timing::instant()).build();
    let config = aws_sdk_cloudformation::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(sim.http_client())
        .time_source(sim.time_source())
        .retry_config(RetryConfig::disabled())
        .credentials_provider(sim.credentials(HUB))
        .region(Region::from_static(EAST))
        .build();
    let client = aws_sdk_cloudformation::Client::from_conf(config);
    assert!(client.describe_stacks().send().await.is_ok());
    let error = client.list_stacks().send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 400);
    assert_eq!((error.code(), error.message()), (Some("Throttling"), Some("Rate exceeded")));
    seconds(2).await;
    assert!(client.list_stacks().send().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_is_of_a_call_that_arrived_in_time() {
    let sim = sim([Fault::new(Effect::Late).on("CreateVpc").by_ms(2_000)]);
    let began = Instant::now();
    vpc(&sim.ec2(HUB, EAST), "10.0.0.0/16").await;
    assert_eq!(began.elapsed(), Duration::from_millis(2_020));
    let arrived = sim.calls()[0].at;
    assert_eq!(sim.now().duration_since(arrived).as_millis(), 2_010);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_was_revoked_is_unknown() {
    let sim = sim([Fault::new(Effect::Revoked).on("DescribeVpcs").nth(1)]);
    let client = sim.ec2(HUB, EAST);
    assert_eq!(code(client.describe_vpcs().send().await), "AuthFailure");
    assert!(client.describe_vpcs().send().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_look_that_is_behind_shows_neither_a_new_peering_nor_a_new_stack() {
    let timing = Timing { latency: Duration::ZERO, ..Timing::default() };
    let behind = |operation: &str| Fault::new(Effect::Stale).on(operation).by_ms(2_000);
    let looks = ["DescribeVpcPeeringConnections", "DescribeStacks", "ListStacks", "DescribeStackEvents"];
    let sim = Sim::builder().timing(timing).faults(Faults::of(looks.map(behind))).build();
    let (hub, spoke) = (sim.ec2(HUB, EAST), sim.ec2(SPOKE, EAST));
    let (one, other) = (vpc(&hub, "10.0.0.0/16").await, vpc(&spoke, "10.1.0.0/16").await);
    let request = hub.create_vpc_peering_connection().vpc_id(one).peer_vpc_id(other).peer_owner_id(SPOKE);
    request.send().await.unwrap();
    let stacks = client!(aws_sdk_cloudformation, sim, sim.credentials(HUB), EAST);
    let template = "Resources: {Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.2.0.0/16}}}";
    stacks.create_stack().stack_name("net").template_body(template).send().await.unwrap();
    let peerings = async || {
        let found = hub.describe_vpc_peering_connections().send().await.unwrap();
        found.vpc_peering_connections().len()
    };
    let listed = async || stacks.describe_stacks().send().await.unwrap().stacks().len();
    assert_eq!((peerings().await, listed().await), (0, 0));
    assert_eq!(code(stacks.describe_stacks().stack_name("net").send().await), "ValidationError");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!((peerings().await, listed().await), (1, 1));
    // What happens to it from now on is seen as late.
    stacks.delete_stack().stack_name("net").send().await.unwrap();
    let status = async || {
        let found = stacks.describe_stacks().stack_name("net").send().await.unwrap();
        found.stacks()[0].stack_status().unwrap().as_str().to_owned()
    };
    assert_eq!(status().await, "CREATE_IN_PROGRESS");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(status().await, "DELETE_IN_PROGRESS");
}

#[tokio::test(start_paused = true)]
async fn whoever_watches_sees_the_world_after_each_call() {
    let sim = sim([]);
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = seen.clone();
    sim.watch(move |world, call| {
        let vpcs: usize = world.places().map(|(_, own)| own.ec2.vpcs.len()).sum();
        noted.lock().unwrap().push((call.operation.to_string(), vpcs));
    });
    vpc(&sim.ec2(HUB, EAST), "10.0.0.0/16").await;
    sim.ec2(HUB, EAST).describe_vpcs().send().await.unwrap();
    let expected = [("CreateVpc".to_owned(), 1), ("DescribeVpcs".to_owned(), 1)];
    assert_eq!(*seen.lock().unwrap(), expected);
}
