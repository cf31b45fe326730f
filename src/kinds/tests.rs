//! What the tests of all kinds share: two accounts on the embedded AWS, seen as the program sees them.

use std::sync::{Arc, Mutex};

use aws_sdk_ec2::config::{BehaviorVersion, Region as SdkRegion};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use indexmap::IndexMap;

use super::{Owner, Regional, Step};
use crate::aws::{AccountSpec, Environment, Sessions};
use crate::sim::Sim;

/// The account that holds the hub.
pub(super) const HUB: &str = "111111111111";
/// The account that holds a spoke.
pub(super) const DEV: &str = "222222222222";

/// The node that the tests' resources belong to.
pub(super) fn owner(node: &str) -> Owner {
    Owner::new("network", node.parse().unwrap())
}

/// Sessions for both accounts, named `hub` and `dev`, opened over an embedded AWS.
pub(super) async fn sessions(sim: &Sim) -> Sessions {
    sessions_by(sim, sim.http_client()).await
}

/// The same, by way of another HTTP client.
pub(super) async fn sessions_by(sim: &Sim, http_client: SharedHttpClient) -> Sessions {
    let keys = sim.clone();
    sessions_in(&Environment::given(http_client, sim.time_source(), move |_| Some(keys.credentials(HUB)))).await
}

/// The same, of an environment.
pub(super) async fn sessions_in(environment: &Environment) -> Sessions {
    let hub = AccountSpec::new(HUB.parse().unwrap(), "us-east-1".into());
    let dev = AccountSpec::new(DEV.parse().unwrap(), "us-east-1".into()).with_role("Deploy");
    let accounts: IndexMap<_, _> = [("hub".into(), hub), ("dev".into(), dev)].into();
    Sessions::open(&accounts, environment).await.unwrap()
}

/// One account in one region.
pub(super) fn at(sessions: &Sessions, account: &str, region: &str) -> Regional {
    sessions.region(&account.into(), &region.into()).unwrap()
}

/// EC2 as somebody else uses it, without orch.
pub(super) fn ec2(sim: &Sim, account: &str, region: &str) -> aws_sdk_ec2::Client {
    let config = aws_sdk_ec2::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(sim.http_client())
        .time_source(sim.time_source())
        .credentials_provider(sim.credentials(account))
        .region(SdkRegion::new(region.to_owned()))
        .build();
    aws_sdk_ec2::Client::from_conf(config)
}

/// A new VPC.
pub(super) async fn vpc(client: &aws_sdk_ec2::Client, range: &str) -> String {
    let made = client.create_vpc().cidr_block(range).send().await.unwrap();
    made.vpc.unwrap().vpc_id.unwrap()
}

/// The calls from the `from`th on, by name, without those to STS.
pub(super) fn calls_since(sim: &Sim, from: usize) -> Vec<String> {
    let calls = sim.calls().into_iter().skip(from);
    calls.filter(|call| call.service.name() != "sts").map(|call| call.operation.to_string()).collect()
}

/// Steps, as they are reported.
#[derive(Clone, Default)]
pub(super) struct Steps(Arc<Mutex<Vec<String>>>);

impl Steps {
    /// Takes one step.
    pub(super) fn take(&self, step: Step<'_>) {
        self.0.lock().unwrap().push(format!("{} {}", step.what, step.status));
    }

    /// All steps so far.
    pub(super) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// Nobody watches.
pub(super) fn unseen(_: Step<'_>) {}
