//! Clients that all accounts of a region share.

use super::*;
use crate::aws::clients::Clients;
use crate::sim::Call;
use crate::sim::seed::{self, Seed};
use crate::sim::world::Place;

/// The regions in which each account has something.
const REGIONS: [&str; 2] = ["us-east-1", "us-west-2"];

/// What only the account has, and only in this region: a stack's ARN and a VPC's id.
fn owns(account: &str, region: &str) -> (String, String) {
    let vpc = format!("vpc-{account}{:0>5}", &region[region.len() - 1..]);
    (format!("arn:aws:cloudformation:{region}:{account}:stack/net/{vpc}"), vpc)
}

/// That an account has, in one region, a stack of the name that all have, and a VPC.
fn standing(account: &str, region: &str) -> Seed {
    let (stack, vpc) = owns(account, region);
    Seed {
        place: Place { account: id(account), region: region.into() },
        vpcs: vec![seed::Vpc {
            id: vpc,
            ranges: vec![(String::new(), "10.0.0.0/16".to_owned())],
            ..seed::Vpc::default()
        }],
        route_tables: Vec::new(),
        peerings: Vec::new(),
        exports: Vec::new(),
        objects: Vec::new(),
        stacks: vec![seed::Stack {
            id: stack,
            name: "net".to_owned(),
            status: "CREATE_COMPLETE".to_owned(),
            template: "Resources: {Topic: {Type: 'AWS::SNS::Topic'}}".to_owned(),
            ..seed::Stack::default()
        }],
    }
}

/// The stack, or the VPC, that a client sees.
async fn sees(regional: Regional, stack: bool) -> String {
    if stack {
        return regional.stack("net").await.unwrap().unwrap().id;
    }
    let mut vpcs = regional.vpcs().await.unwrap();
    assert_eq!(vpcs.len(), 1, "{regional}: {vpcs:?}");
    vpcs.remove(0).id
}

/// Asserts that a client sees what is its own.
async fn sees_its_own(regional: Regional, stack: bool) {
    let (own_stack, own_vpc) = owns(regional.account_id().as_str(), regional.region().as_str());
    let (whose, seen) = (regional.to_string(), sees(regional, stack).await);
    assert_eq!(seen, if stack { own_stack } else { own_vpc }, "{whose}");
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_under_way_at_once_are_each_made_for_their_own_account_in_their_own_region() {
    // Each call takes its time, and a session of each account is cut short and renewed while the others go on.
    let slow = ["DescribeVpcs", "DescribeStacks", "AssumeRole"];
    let slow = slow.map(|operation| Fault::slow(Duration::from_millis(700)).on(operation));
    let expired = |account: &str, nth| Fault::new(Effect::Expired).by(account).on("DescribeStacks").nth(nth);
    let expired = [expired(DEV, 2), expired(QA, 3)];
    // What is out of order is tried again, with credentials that are asked for anew.
    let broken = [(HUB, 3), (DEV, 6), (QA, 5), (HUB, 9)]
        .map(|(account, nth)| Fault::new(Effect::ServerError).by(account).on("Describe*").nth(nth));
    let seeds = [HUB, DEV, QA].iter().flat_map(|account| REGIONS.map(|region| standing(account, region)));
    let faults = Faults::of(slow.into_iter().chain(expired).chain(broken));
    let sim = Sim::builder().faults(faults).seeded(&seeds.collect::<Vec<_>>());
    let accounts = plan([("master", spec(HUB)), ("dev", role(DEV)), ("qa", role(QA))]);
    let sessions = Sessions::open(&accounts, &environment(&sim)).await.unwrap();
    let of = |account: &str, region: &str| sessions.region(&account.into(), &region.into()).unwrap();
    let all = ["master", "dev", "qa"].map(|account| REGIONS.map(|region| of(account, region)));
    for round in 0..4_u64 {
        let stack = round.is_multiple_of(2);
        let [[hub_east, hub_west], [dev_east, dev_west], [qa_east, qa_west]] = all.clone();
        // In one task, where they are polled in turns; one of each account is given up half-way, before and after it is sent.
        let given_up = |regional: Regional, after: u64| async move {
            let look = sees(regional, stack);
            assert!(tokio::time::timeout(Duration::from_millis(after), Box::pin(look)).await.is_err());
        };
        tokio::join!(
            Box::pin(sees_its_own(hub_east.clone(), stack)),
            Box::pin(given_up(dev_west.clone(), 100 * round)),
            Box::pin(sees_its_own(dev_east.clone(), !stack)),
            Box::pin(sees_its_own(qa_west.clone(), stack)),
            Box::pin(given_up(hub_east, 300)),
            Box::pin(sees_its_own(hub_west, !stack)),
            Box::pin(sees_its_own(dev_west, stack)),
            Box::pin(given_up(qa_east.clone(), 650)),
            Box::pin(sees_its_own(qa_east, stack)),
            Box::pin(sees_its_own(dev_east, stack)),
            Box::pin(sees_its_own(qa_west, !stack)),
        );
        // In tasks of their own, some of which are dropped.
        let mut tasks = tokio::task::JoinSet::new();
        for (place, regional) in (0_u64..).zip(all.as_flattened()) {
            let pause = Duration::from_millis(300 * ((place + round) % 3));
            let (one, other) = (regional.clone(), regional.clone());
            tasks.spawn(async move {
                tokio::time::sleep(pause).await;
                sees_its_own(one, stack).await;
            });
            let dropped = tokio::spawn(sees(other, !stack));
            tasks.spawn(async move {
                tokio::time::sleep(pause).await;
                dropped.abort();
            });
        }
        tasks.join_all().await;
    }
    for account in [DEV, QA] {
        let refused = |call: &Call| call.outcome == Outcome::Failed("ExpiredToken".into());
        let of_account = |call: &Call| call.account.as_ref().is_some_and(|own| own.as_str() == account);
        assert_eq!(sim.calls().iter().filter(|call| of_account(call) && refused(call)).count(), 1, "{account}");
    }
    let opened = sim.calls().into_iter().filter(|call| call.operation == "AssumeRole");
    let openers: Vec<_> = opened.map(|call| call.account.unwrap().to_string()).collect();
    assert_eq!(openers, [HUB; 4], "in the middle of another account's call, too");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_was_renewed_during_a_call_and_is_refused_in_turn_is_renewed_once_more() {
    // The look at VPCs is tried again after the one at stacks has renewed the session.
    let broken = Fault::new(Effect::ServerError).on("DescribeVpcs").nth(1);
    let refused = [("DescribeStacks", 1), ("DescribeVpcs", 2)];
    let refused = refused.map(|(operation, nth)| Fault::new(Effect::Expired).on(operation).nth(nth));
    let sim = Sim::builder().faults(Faults::of(refused.into_iter().chain([broken]))).build();
    let sessions = Sessions::open(&plan([("dev", role(DEV))]), &environment(&sim)).await.unwrap();
    let dev = sessions.region(&"dev".into(), &"us-east-1".into()).unwrap();
    let (vpcs, stack) = tokio::join!(Box::pin(dev.vpcs()), Box::pin(dev.stack("hub")));
    assert!(vpcs.unwrap().is_empty() && stack.unwrap().is_none());
    let calls = [("AssumeRole", 3), ("DescribeStacks", 2), ("DescribeVpcs", 3)];
    assert_eq!(counts(&sim), counted(&calls), "a session that AWS takes no longer is not taken for a newer one");
}

/// Sees a stack a moment from now, when a call that was sent before is about to be tried again.
async fn sees_a_moment_later(regional: &Regional) {
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(regional.stack("net").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_renewed_between_attempts_at_sts_and_refused_in_turn_is_renewed_once_more() {
    // QA's session is refused. Of the attempts at another one, by dev's session, the first fails and the second is refused: dev's
    // has been renewed between the two.
    let refused = [(QA, "DescribeVpcs", 1), (DEV, "DescribeStacks", 1), (DEV, "AssumeRole", 3)];
    let refused = refused.map(|(by, operation, nth)| Fault::new(Effect::Expired).by(by).on(operation).nth(nth));
    let broken = Fault::new(Effect::ServerError).by(DEV).on("AssumeRole").nth(2);
    let sim = Sim::builder().faults(Faults::of(refused.into_iter().chain([broken]))).build();
    let accounts = plan([("dev", role(DEV)), ("qa", AccountSpec { through: Some("dev".into()), ..role(QA) })]);
    let sessions = Sessions::open(&accounts, &environment(&sim)).await.unwrap();
    let of = |account: &str| sessions.region(&account.into(), &"us-east-1".into()).unwrap();
    let (dev, qa) = (of("dev"), of("qa"));
    let (vpcs, ()) = tokio::join!(Box::pin(qa.vpcs()), Box::pin(sees_a_moment_later(&dev)));
    assert!(vpcs.unwrap().is_empty());
    let mut opened = BTreeMap::new();
    for call in sim.calls().into_iter().filter(|call| call.operation == "AssumeRole") {
        *opened.entry(call.account.unwrap().to_string()).or_default() += 1;
    }
    assert_eq!(opened, counted(&[(HUB, 3), (DEV, 4)]), "what refused it is dev's second session, and not its first");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_renewed_between_the_sdks_attempts_at_s3_and_refused_in_turn_is_renewed_once_more() {
    let refused = [("DescribeStacks", 1), ("PutObject", 2)];
    let refused = refused.map(|(operation, nth)| Fault::new(Effect::Expired).on(operation).nth(nth));
    let broken = Fault::new(Effect::ServerError).on("PutObject").nth(1);
    let object = seed::Object { bucket: "acme".to_owned(), ..seed::Object::default() };
    let seed = Seed { objects: vec![object], ..standing(HUB, "us-east-1") };
    let sim = Sim::builder().faults(Faults::of(refused.into_iter().chain([broken]))).seeded(&[seed]);
    let sessions = Sessions::open(&plan([("dev", role(DEV))]), &environment(&sim)).await.unwrap();
    let dev = sessions.region(&"dev".into(), &"us-east-1".into()).unwrap();
    let bucket = Bucket { name: "acme".to_owned(), owner: None, kms_key: None };
    let put = dev.put_if_absent(&bucket, "net", "Resources: {}");
    let (put, ()) = tokio::join!(Box::pin(put), Box::pin(sees_a_moment_later(&dev)));
    put.unwrap();
    let calls = [("AssumeRole", 3), ("DescribeStacks", 2), ("PutObject", 3)];
    assert_eq!(counts(&sim), counted(&calls), "a session that AWS takes no longer is not taken for a newer one");
}

#[tokio::test(start_paused = true)]
async fn a_call_on_nobodys_behalf_is_not_sent() {
    let sim = Sim::builder().build();
    let clients = Clients::new(environment(&sim).config().await);
    let local = clients.of(&"us-east-1".into());
    assert!(Arc::ptr_eq(&local, &clients.of(&"us-east-1".into())));
    let vpcs = Box::pin(local.ec2.describe_vpcs().send()).await.unwrap_err();
    let buckets = Box::pin(clients.s3(&"us-east-1".into()).list_buckets().send()).await.unwrap_err();
    for reasons in [super::super::call::reasons(&vpcs), super::super::call::reasons(&buckets)] {
        assert!(reasons.contains("on nobody's behalf"), "{reasons}");
    }
    assert!(sim.calls().is_empty());
}
