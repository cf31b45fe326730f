//! How many calls are under way at once.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use super::*;
use crate::sim::wire::request::Incoming;

/// A way to the embedded AWS on which calls of one operation are counted while they are under way.
#[derive(Clone, Debug)]
struct Way {
    sim: Sim,
    operation: &'static str,
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Way {
    fn to(sim: &Sim, operation: &'static str) -> Self {
        Self { sim: sim.clone(), operation, now: Arc::default(), most: Arc::default() }
    }

    /// The most calls that were under way at once since this was asked last.
    fn most(&self) -> usize {
        self.most.swap(0, Ordering::Relaxed)
    }

    fn environment(&self) -> Environment {
        let keys = self.sim.clone();
        let http_client = SharedHttpClient::new(self.clone());
        Environment::given(http_client, self.sim.time_source(), move |_| Some(keys.credentials(HUB)))
    }
}

impl HttpClient for Way {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let beyond = self.sim.http_client().http_connector(settings, components);
        SharedHttpConnector::new(Connector { way: self.clone(), beyond })
    }
}

#[derive(Debug)]
struct Connector {
    way: Way,
    beyond: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let is_counted = Incoming::read(&request).unwrap().operation == self.way.operation;
        let (way, answer) = (self.way.clone(), self.beyond.call(request));
        if !is_counted {
            return answer;
        }
        HttpConnectorFuture::new(async move {
            way.most.fetch_max(way.now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            let answer = answer.await;
            way.now.fetch_sub(1, Ordering::Relaxed);
            answer
        })
    }
}

/// Two hundred accounts, beside the one that some of them are reached by way of.
fn many(through: Option<&str>) -> IndexMap<AccountName, AccountSpec> {
    let through = through.map(AccountName::from);
    let spec = |n: u32| AccountSpec { through: through.clone(), ..role(&format!("{:012}", 100 + n)) };
    let many = (0..200).map(|n| (format!("a{n}").into(), spec(n)));
    plan([("dev", role(DEV))]).into_iter().chain(many).collect()
}

fn slow(operation: &str) -> Fault {
    Fault::slow(Duration::from_secs(1)).on(operation)
}

#[tokio::test(start_paused = true)]
async fn no_more_than_64_calls_to_sts_are_under_way_at_once() {
    let sim = Sim::builder().faults(Faults::of([slow("AssumeRole")])).build();
    let way = Way::to(&sim, "AssumeRole");
    Sessions::open(&many(None), &way.environment()).await.unwrap();
    assert_eq!((counts(&sim)["AssumeRole"], way.most()), (201, 64));
}

#[tokio::test(start_paused = true)]
async fn sessions_that_are_opened_by_anothers_are_renewed_all_at_once() {
    // Dev's is refused twice in the middle of it.
    let refused = [230, 300].map(|nth| Fault::new(Effect::Expired).by(DEV).on("AssumeRole").nth(nth));
    let sim = Sim::builder().faults(Faults::of([slow("AssumeRole")].into_iter().chain(refused))).build();
    let way = Way::to(&sim, "AssumeRole");
    let accounts = many(Some("dev"));
    let sessions = Sessions::open(&accounts, &way.environment()).await.unwrap();
    assert_eq!(way.most(), 64);
    // All of them, dev's among them, end within moments of each other.
    tokio::time::sleep(Duration::from_mins(58)).await;
    let began = tokio::time::Instant::now();
    let mut looks = tokio::task::JoinSet::new();
    for account in accounts.keys() {
        let regional = sessions.region(account, &"us-east-1".into()).unwrap();
        looks.spawn(async move { regional.stack("net").await });
    }
    let looks = tokio::time::timeout(Duration::from_mins(5), looks.join_all()).await.expect("none waits for itself");
    assert!(looks.into_iter().all(|look| look.unwrap().is_none()));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let again = counts(&sim)["AssumeRole"] - 201;
    // What was refused is asked for again, and dev's once: the second had waited for room since before it was renewed.
    assert_eq!((again, way.most()), (201 + 2 + 1, 64));
}

#[tokio::test(start_paused = true)]
async fn reads_of_events_leave_room_for_changes_whichever_way_they_are_asked_for() {
    for operation in ["DescribeEvents", "DescribeStackEvents"] {
        let sim = Sim::builder().faults(Faults::of([slow(operation)])).build();
        let way = Way::to(&sim, operation);
        let accounts = many(None);
        let sessions = Sessions::open(&accounts, &way.environment()).await.unwrap();
        let mut reads = tokio::task::JoinSet::new();
        for account in accounts.keys() {
            let regional = sessions.region(account, &"us-east-1".into()).unwrap();
            let operation = Operation {
                stack: "net".to_owned(),
                id: Some("unknown".to_owned()).filter(|_| operation == "DescribeEvents"),
                token: None,
                before: None,
                forecast: None,
                deletes: false,
            };
            reads.spawn(async move { regional.events_of(&operation).await });
        }
        assert!(reads.join_all().await.into_iter().all(|events| events.unwrap().is_empty()));
        assert_eq!(way.most(), 96, "{operation}");
    }
}
