//! Clients that all accounts of a region share.

use super::*;
use crate::aws::clients::Clients;
use crate::sim::Call;

/// Who made the calls of an operation.
fn callers(sim: &Sim, operation: &str) -> Vec<String> {
    let own = |call: Call| (call.operation == operation).then(|| call.account.unwrap().to_string());
    sim.calls().into_iter().filter_map(own).collect()
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_under_way_at_once_are_each_made_with_the_credentials_of_its_own_account() {
    // Each call takes its time, and a session of each account is cut short and renewed while the others go on.
    let slow = ["DescribeRouteTables", "DescribeStacks", "AssumeRole"];
    let slow = slow.map(|operation| Fault::slow(Duration::from_millis(700)).on(operation));
    let expired = [DEV, QA].map(|account| Fault::new(Effect::Expired).by(account).on("DescribeStacks").nth(2));
    let sim = Sim::builder().faults(Faults::of(slow.into_iter().chain(expired))).build();
    let accounts = plan([("master", spec(HUB)), ("dev", role(DEV)), ("qa", role(QA))]);
    let sessions = Sessions::open(&accounts, &environment(&sim)).await.unwrap();
    let of = |account: &str| sessions.region(&account.into(), &"us-east-1".into()).unwrap();
    let (master, dev, qa) = (of("master"), of("dev"), of("qa"));
    let tables = ["rtb-00000000000000001".to_owned()];
    for round in 0..4_u64 {
        let all = [&master, &dev, &qa];
        // In one task, polled in turns, as well as in tasks of their own.
        let (one, two, three) = tokio::join!(
            Box::pin(dev.route_tables(&tables)),
            Box::pin(qa.route_tables(&tables)),
            Box::pin(master.route_tables(&tables)),
        );
        assert!([one, two, three].into_iter().all(|found| found.is_ok_and(|found| found.is_empty())));
        let mut tasks = tokio::task::JoinSet::new();
        for (place, regional) in (0_u64..).zip(all) {
            let (regional, pause) = (regional.clone(), Duration::from_millis(300 * ((place + round) % 3)));
            tasks.spawn(async move {
                tokio::time::sleep(pause).await;
                regional.stack("hub").await.map(|found| found.is_none())
            });
        }
        for absent in tasks.join_all().await {
            assert!(absent.unwrap());
        }
    }
    for (operation, repeated) in [("DescribeRouteTables", 0), ("DescribeStacks", 1)] {
        let callers = callers(&sim, operation);
        for (account, renewals) in [(HUB, 0), (DEV, repeated), (QA, repeated)] {
            let own = callers.iter().filter(|caller| *caller == account).count();
            assert_eq!(own, 4 + renewals, "{operation} by {account}: {callers:?}");
        }
    }
    assert_eq!(callers(&sim, "AssumeRole"), [HUB; 4], "in the middle of another account's call, too");
}

#[tokio::test(start_paused = true)]
async fn a_call_on_nobodys_behalf_is_not_sent() {
    let sim = Sim::builder().build();
    let clients = Clients::new(environment(&sim).config().await);
    let local = clients.of(&"us-east-1".into());
    assert!(Arc::ptr_eq(&local, &clients.of(&"us-east-1".into())));
    let error = Box::pin(local.ec2.describe_vpcs().send()).await.unwrap_err();
    let reasons = super::super::call::reasons(&error);
    assert!(reasons.contains("on nobody's behalf"), "{reasons}");
    assert!(sim.calls().is_empty());
}
