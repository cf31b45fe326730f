use aws_credential_types::Credentials;
use aws_sdk_sts::types::Tag;

use super::*;
use crate::sim::Trust;

/// The credentials in an answer of STS.
fn credentials(given: Option<&aws_sdk_sts::types::Credentials>) -> Credentials {
    let given = given.unwrap();
    Credentials::new(
        given.access_key_id(),
        given.secret_access_key(),
        Some(given.session_token().to_owned()),
        None,
        "t",
    )
}

async fn assume(sim: &Sim, by: Credentials, role: &str) -> Credentials {
    let answer = sim.sts(by).assume_role().role_arn(role).role_session_name("test").send().await.unwrap();
    credentials(answer.credentials())
}

const ROLE: &str = "arn:aws:iam::222222222222:role/path/Builder";

#[tokio::test(start_paused = true)]
async fn a_role_assumed_in_another_account_acts_there() {
    let sim = Sim::builder().build();
    let hub = sim.credentials(HUB);
    let me = sim.sts(hub.clone()).get_caller_identity().send().await.unwrap();
    assert_eq!(me.account(), Some(HUB));
    assert_eq!(me.arn(), Some("arn:aws:iam::111111111111:user/orch"));

    let spoke = assume(&sim, hub, ROLE).await;
    let me = sim.sts(spoke.clone()).get_caller_identity().send().await.unwrap();
    assert_eq!(me.account(), Some(SPOKE));
    assert_eq!(me.arn(), Some("arn:aws:sts::222222222222:assumed-role/Builder/test"));

    let id = vpc(&ec2_with(&sim, spoke), "10.0.0.0/16").await;
    let seen = |account| {
        let client = sim.ec2(account, EAST);
        async move { client.describe_vpcs().send().await.unwrap().vpcs().len() }
    };
    assert_eq!((seen(SPOKE).await, seen(HUB).await), (1, 0));
    assert_eq!(code(sim.ec2(SPOKE, WEST).describe_vpcs().vpc_ids(id).send().await), "InvalidVpcID.NotFound");
}

#[tokio::test(start_paused = true)]
async fn credentials_expire_and_each_service_says_it_in_its_own_way() {
    let sim = Sim::builder().build();
    let answer = sim
        .sts(sim.credentials(HUB))
        .assume_role()
        .role_arn(ROLE)
        .role_session_name("test")
        .duration_seconds(900)
        .send()
        .await
        .unwrap();
    let spoke = credentials(answer.credentials());
    seconds(890).await;
    assert!(sim.sts(spoke.clone()).get_caller_identity().send().await.is_ok());
    seconds(11).await;
    assert_eq!(code(sim.sts(spoke.clone()).get_caller_identity().send().await), "ExpiredToken");
    assert_eq!(code(ec2_with(&sim, spoke).describe_vpcs().send().await), "RequestExpired");
}

#[tokio::test(start_paused = true)]
async fn credentials_of_nobody_are_refused() {
    let sim = Sim::builder().callers([HUB.parse().unwrap()]).build();
    let stranger = Credentials::new("AKIASTRANGER", "x", None, None, "t");
    assert_eq!(code(sim.sts(stranger.clone()).get_caller_identity().send().await), "InvalidClientTokenId");
    assert_eq!(code(ec2_with(&sim, stranger).describe_vpcs().send().await), "AuthFailure");
    assert_eq!(code(sim.sts(sim.credentials(SPOKE)).get_caller_identity().send().await), "InvalidClientTokenId");
    let spoke = assume(&sim, sim.credentials(HUB), ROLE).await;
    let forged = Credentials::new(spoke.access_key_id(), "x", Some("another token".to_owned()), None, "t");
    assert_eq!(code(sim.sts(forged).get_caller_identity().send().await), "InvalidClientTokenId");
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_missing_or_wants_an_external_id_is_refused_alike() {
    let account = SPOKE.parse().unwrap();
    let sim = Sim::builder()
        .role(&account, "Gone", Trust::missing())
        .role(&account, "Strict", Trust::with_external_id("secret"))
        .build();
    let sts = sim.sts(sim.credentials(HUB));
    let assume = |role: &str| {
        let arn = format!("arn:aws:iam::{SPOKE}:role/{role}");
        sts.assume_role().role_arn(arn).role_session_name("test")
    };
    let error = assume("Gone").send().await.unwrap_err();
    assert_eq!(
        error.message(),
        Some(
            "User: arn:aws:iam::111111111111:user/orch is not authorized to perform: sts:AssumeRole on resource: \
             arn:aws:iam::222222222222:role/Gone"
        )
    );
    assert_eq!(code(assume("Strict").send().await), "AccessDenied");
    assert_eq!(code(assume("Strict").external_id("wrong").send().await), "AccessDenied");
    assert!(assume("Strict").external_id("secret").send().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_length_of_sessions_has_limits_and_chained_ones_are_shorter() {
    let long = Trust { max_duration: 43_200, ..Trust::default() };
    let sim = Sim::builder().role(&SPOKE.parse().unwrap(), "Builder", long).build();
    let assume = |by: Credentials, seconds| {
        sim.sts(by).assume_role().role_arn(ROLE).role_session_name("test").duration_seconds(seconds)
    };
    let hub = sim.credentials(HUB);
    assert_eq!(code(assume(hub.clone(), 899).send().await), "ValidationError");
    assert_eq!(code(assume(hub.clone(), 43_201).send().await), "ValidationError");
    let long = assume(hub, 43_200).send().await.unwrap();
    let spoke = credentials(long.credentials());
    let error = assume(spoke.clone(), 3601).send().await.unwrap_err();
    assert!(error.message().unwrap().contains("role chaining"), "{error:?}");
    assert!(assume(spoke, 3600).send().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_new_roles_sessions_last_an_hour_at_most() {
    let sim = Sim::builder().build();
    let sts = sim.sts(sim.credentials(HUB));
    let assume = sts.assume_role().role_arn(ROLE).role_session_name("test");
    let error = assume.clone().duration_seconds(3601).send().await.unwrap_err();
    assert!(error.message().unwrap().contains("MaxSessionDuration"), "{error:?}");
    assert!(assume.duration_seconds(3600).send().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_second_factor_does_not_outlive_the_session_that_has_shown_it() {
    let strict = Trust { mfa: true, ..Trust::default() };
    let sim = Sim::builder().role(&SPOKE.parse().unwrap(), "Strict", strict).build();
    let sts = sim.sts(sim.credentials(HUB));
    let serial = "arn:aws:iam::111111111111:mfa/me";
    let first = sts.assume_role().role_arn(ROLE).role_session_name("test").serial_number(serial).token_code("123456");
    let session = credentials(first.send().await.unwrap().credentials());
    let strict = format!("arn:aws:iam::{SPOKE}:role/Strict");
    let chained = sim.sts(session).assume_role().role_arn(strict).role_session_name("test");
    assert_eq!(code(chained.send().await), "AccessDenied");
}

#[tokio::test(start_paused = true)]
async fn sessions_keep_their_tags_and_a_bad_name_is_refused() {
    let sim = Sim::builder().build();
    let sts = sim.sts(sim.credentials(HUB));
    let tag = Tag::builder().key("team").value("network").build().unwrap();
    let assume = sts.assume_role().role_arn(ROLE).tags(tag);
    assert_eq!(code(assume.clone().role_session_name("with space").send().await), "ValidationError");
    assume.role_session_name("fine").send().await.unwrap();
    let tags = sim.inspect(|world| world.sessions.values().next().unwrap().tags.clone()).unwrap();
    assert_eq!(tags["team"], "network");
}

#[tokio::test(start_paused = true)]
async fn a_second_factor_makes_a_session_that_a_strict_role_accepts() {
    let trust = Trust { mfa: true, ..Trust::default() };
    let sim = Sim::builder().role(&SPOKE.parse().unwrap(), "Builder", trust).build();
    let sts = sim.sts(sim.credentials(HUB));
    let plain = sts.assume_role().role_arn(ROLE).role_session_name("test");
    assert_eq!(code(plain.clone().send().await), "AccessDenied");
    let serial = "arn:aws:iam::111111111111:mfa/me";
    assert_eq!(code(plain.clone().serial_number(serial).token_code("000000").send().await), "AccessDenied");
    assert!(plain.serial_number(serial).token_code("123456").send().await.is_ok());

    let answer = sts.get_session_token().serial_number(serial).token_code("123456").send().await.unwrap();
    assume(&sim, credentials(answer.credentials()), ROLE).await;
}

#[tokio::test(start_paused = true)]
async fn arns_follow_the_partition_of_the_region() {
    let sim = Sim::builder().build();
    let sts = client!(aws_sdk_sts, sim, sim.credentials(HUB), "us-gov-west-1");
    let me = sts.get_caller_identity().send().await.unwrap();
    assert_eq!(me.arn(), Some("arn:aws-us-gov:iam::111111111111:user/orch"));
    let role = "arn:aws-us-gov:iam::222222222222:role/Builder";
    let assumed = sts.assume_role().role_arn(role).role_session_name("test").send().await.unwrap();
    let arn = assumed.assumed_role_user().unwrap().arn();
    assert_eq!(arn, "arn:aws-us-gov:sts::222222222222:assumed-role/Builder/test");
    assert_eq!(code(sts.assume_role().role_arn(ROLE).role_session_name("test").send().await), "AccessDenied");
}
