//! How many calls are under way at once.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use super::*;
use crate::sim::wire::request::Incoming;

/// The regions of two STS.
const BOTH: [&str; 2] = ["us-east-1", "us-west-2"];

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

/// Two hundred accounts, whose STS is that of these regions in turns, beside the one that some of them are reached by way of.
fn many(through: Option<&str>, regions: &[&str]) -> IndexMap<AccountName, AccountSpec> {
    let through = through.map(AccountName::from);
    let spec = |n: usize| {
        let region = regions[n % regions.len()].into();
        AccountSpec { through: through.clone(), region, ..role(&format!("{:012}", 100 + n)) }
    };
    let many = (0..200).map(|n| (format!("a{n}").into(), spec(n)));
    plan([("dev", role(DEV))]).into_iter().chain(many).collect()
}

fn slow(operation: &str) -> Fault {
    Fault::slow(Duration::from_secs(1)).on(operation)
}

#[tokio::test(start_paused = true)]
async fn no_more_than_128_calls_to_sts_are_under_way_at_once_half_of_them_in_one_region() {
    for (regions, most) in [(&BOTH[..], 128), (&BOTH[..1], 64)] {
        let sim = Sim::builder().faults(Faults::of([slow("AssumeRole")])).build();
        let way = Way::to(&sim, "AssumeRole");
        Sessions::open(&many(None, regions), &way.environment()).await.unwrap();
        assert_eq!((counts(&sim)["AssumeRole"], way.most()), (201, most));
    }
}

#[tokio::test(start_paused = true)]
async fn an_sts_that_does_not_answer_leaves_room_to_that_of_another_region() {
    let sim = Sim::builder().build();
    let accounts = many(None, &["us-west-2"]);
    let sessions = Sessions::open(&accounts, &environment(&sim)).await.unwrap();
    let hangs = Fault { region: Some("us-west-2".to_owned()), ..Fault::slow(Duration::from_secs(25)).on("AssumeRole") };
    sim.set_faults(Faults::of([hangs]));
    tokio::time::sleep(Duration::from_mins(56)).await;
    let mut looks = tokio::task::JoinSet::new();
    for account in accounts.keys().filter(|account| account.as_str() != "dev") {
        let regional = sessions.region(account, &"us-east-1".into()).unwrap();
        looks.spawn(async move { regional.stack("net").await });
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let dev = sessions.region(&"dev".into(), &"us-east-1".into()).unwrap();
    let look = tokio::time::timeout(Duration::from_secs(2), Box::pin(dev.stack("net"))).await;
    assert!(look.expect("dev's STS answers").unwrap().is_none());
    assert_eq!(looks.len(), 200);
}

/// Takes all the room that there is in a region, by waiting for it so many times.
async fn all_of<T, F: Future<Output = T>>(times: usize, room: impl Fn() -> F) -> Vec<T> {
    let mut taken = Vec::new();
    for _ in 0..times {
        taken.push(room().await);
    }
    taken
}

#[tokio::test(start_paused = true)]
async fn what_waited_so_long_that_its_session_has_run_out_holds_no_place_while_another_is_fetched() {
    let (sim, east) = (Sim::builder().build(), "us-east-1".into());
    let environment = environment(&sim);
    let sessions = Sessions::open(&plan([("dev", role(DEV))]), &environment).await.unwrap();
    sim.set_faults(Faults::of([Fault::slow(Duration::from_secs(20)).on("AssumeRole")]));
    let (dev, slots) = (sessions.region(&"dev".into(), &east).unwrap(), environment.rates().slots(&east));
    let places = all_of(128, || slots.take()).await;
    let turns = Turns::of("CreateStack");
    let others = async {
        tokio::time::sleep(Duration::from_mins(57)).await;
        drop(places);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let all = tokio::time::timeout(Duration::from_secs(1), all_of(128, || slots.take())).await;
        assert_eq!(all.expect("each place is free").len(), 128);
    };
    let (turn, vpcs, ()) = tokio::join!(Box::pin(dev.in_turn(&turns)), Box::pin(dev.vpcs()), others);
    assert!(vpcs.unwrap().is_empty());
    drop(turn);
    assert_eq!(counts(&sim), counted(&[("AssumeRole", 2), ("DescribeVpcs", 1)]));
}

#[tokio::test(start_paused = true)]
async fn what_waited_so_long_for_room_at_sts_that_its_session_has_run_out_is_signed_with_another() {
    let (sim, east) = (Sim::builder().build(), "us-east-1".into());
    let environment = environment(&sim);
    let accounts = plan([("dev", role(DEV)), ("qa", AccountSpec { through: Some("dev".into()), ..role(QA) })]);
    let sessions = Sessions::open(&accounts, &environment).await.unwrap();
    sim.set_faults(Faults::of([Fault::new(Effect::Expired).by(QA).on("DescribeStacks").nth(1)]));
    let (qa, room) = (sessions.region(&"qa".into(), &east).unwrap(), environment.rates().sts(&east));
    let all = all_of(64, || room.take()).await;
    let waited = async {
        tokio::time::sleep(Duration::from_mins(70)).await;
        drop(all);
    };
    let (look, ()) = tokio::join!(Box::pin(qa.stack("net")), waited);
    assert!(look.unwrap().is_none());
    let refused = sim.calls().into_iter().filter(|call| call.outcome == Outcome::Failed("ExpiredToken".into()));
    let refused: Vec<_> = refused.map(|call| call.operation).collect();
    assert_eq!(refused, ["DescribeStacks"], "no session that has ended is used");
}

#[tokio::test(start_paused = true)]
async fn sessions_that_are_opened_by_anothers_are_renewed_all_at_once() {
    // Dev's is refused twice in the middle of it.
    let refused = [230, 240].map(|nth| Fault::new(Effect::Expired).by(DEV).on("AssumeRole").nth(nth));
    let sim = Sim::builder().faults(Faults::of([slow("AssumeRole")].into_iter().chain(refused))).build();
    let way = Way::to(&sim, "AssumeRole");
    let accounts = many(Some("dev"), &BOTH[..1]);
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
    // What was refused is asked for again, and dev's once: both were signed by the same.
    assert_eq!((again, way.most()), (201 + 2 + 1, 64));
}

#[tokio::test(start_paused = true)]
async fn reads_of_events_leave_room_for_changes_whichever_way_they_are_asked_for() {
    for operation in ["DescribeEvents", "DescribeStackEvents"] {
        let sim = Sim::builder().faults(Faults::of([slow(operation)])).build();
        let way = Way::to(&sim, operation);
        let accounts = many(None, &BOTH);
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
