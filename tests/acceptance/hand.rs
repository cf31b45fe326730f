//! What somebody does by hand in the world that commands with `--local` have left in a folder.

use std::time::Duration;

use indexmap::IndexMap;
use orch::aws::{AccountSpec, Environment, Regional, Sessions};
use orch::sim::s3::Bucket;
use orch::sim::{Place, Sim, Timing};

use crate::orch::Orch;

/// Makes a bucket in us-east-1.
pub fn make_bucket(orch: &Orch, account: &str, name: &str) {
    let sim = Sim::builder().open(orch.path(".orch/local/world.json")).unwrap();
    let place = Place { account: account.parse().unwrap(), region: "us-east-1".into() };
    sim.change(|world| {
        world.buckets.insert(name.to_owned(), Bucket { place, created: world.now });
    })
    .unwrap();
}

/// What is in an object, by its bucket and key.
pub fn object(orch: &Orch, at: &str) -> Option<String> {
    let sim = Sim::builder().open(orch.path(".orch/local/world.json")).unwrap();
    sim.inspect(|world| world.objects.get(at).map(|object| object.text.clone())).unwrap()
}

/// An account in us-east-1, by its own credentials, where everything happens at once.
pub async fn at(orch: &Orch, account: &str) -> Regional {
    let now = Duration::ZERO;
    let timing = Timing {
        latency: now,
        peering_request: now,
        peering_visible: now,
        peering_accept: now,
        peering_delete: now,
        resource: now,
        ..Timing::default()
    };
    let sim = Sim::builder().timing(timing).open(orch.path(".orch/local/world.json")).unwrap();
    let (keys, own) = (sim.clone(), account.to_owned());
    let environment = Environment::given(sim.http_client(), sim.time_source(), move |_| Some(keys.credentials(&own)));
    let spec = AccountSpec::new(account.parse().unwrap(), "us-east-1".into());
    let accounts = IndexMap::from([("hand".into(), spec)]);
    let sessions = Sessions::open(&accounts, &environment).await.unwrap();
    sessions.region(&"hand".into(), &"us-east-1".into()).unwrap()
}
