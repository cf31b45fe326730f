//! Events by their operation, and by their stack where that is not to be had.

use std::sync::Mutex;

use super::watching::{STACK, begin, named};
use super::*;
use crate::sim::{Call, ResourceFault, Timing};

/// Three seconds for each resource.
fn world(faults: Faults) -> Sim {
    let timing = Timing { resource: Duration::from_secs(3), ..Timing::instant() };
    Sim::builder().timing(timing).faults(faults).build()
}

fn without(operation: &str) -> Faults {
    Faults::of([Fault::new(Effect::AccessDenied).on(operation)])
}

async fn places(sim: &Sim, script: impl Fn(&Asked<'_>) -> Option<Said> + Send + Sync + 'static) -> Vec<Regional> {
    let keys = sim.clone();
    let environment = Environment::given(between(sim, script), sim.time_source(), move |_| Some(keys.credentials(HUB)));
    let names = plan([("hub", spec(HUB)), ("dev", role(DEV))]);
    let sessions = Sessions::open(&names, &environment).await.unwrap();
    [("hub", "us-east-1"), ("hub", "us-west-2"), ("dev", "us-east-1")]
        .map(|(account, region)| sessions.region(&account.into(), &region.into()).unwrap())
        .into()
}

/// Creates three stacks at once in each place, then three more; the steps of each of these.
async fn created(places: &[Regional]) -> Vec<Vec<String>> {
    let mut told = Vec::new();
    for round in 0..2 {
        let mut waiting = Vec::new();
        for (place, regional) in places.iter().enumerate() {
            for n in 0..3 {
                let (regional, name) = (regional.clone(), format!("s{place}{round}{n}"));
                waiting.push(tokio::spawn(async move {
                    let operation = begin(&regional, &name, Forecast::UNKNOWN).await;
                    assert!(operation.id.is_some());
                    let steps: Mutex<Vec<String>> = Mutex::default();
                    let note = |step: Step<'_>| {
                        let step = format!("{} {} {:?}", step.what, step.status, step.reason);
                        steps.lock().unwrap().push(step);
                    };
                    let (live, events) = regional.settled(&operation, &note).await.unwrap();
                    assert_eq!(live.unwrap().status.as_str(), "CREATE_COMPLETE");
                    assert_eq!(took(&events), Some(Duration::from_secs(3)));
                    assert!(events.iter().all(|event| event.token.as_deref() == Some(name.as_str())));
                    steps.into_inner().unwrap()
                }));
            }
        }
        for task in waiting {
            told.push(task.await.unwrap());
        }
    }
    told
}

/// How often events were asked for by their operation, and by their stack.
fn asked(sim: &Sim) -> (usize, usize) {
    let counts = counts(sim);
    let of = |operation: &str| counts.get(operation).copied().unwrap_or_default();
    (of("DescribeEvents"), of("DescribeStackEvents"))
}

#[tokio::test(start_paused = true)]
async fn what_a_creation_tells_is_asked_for_by_its_operation_where_that_is_to_be_had_and_is_the_same_both_ways() {
    let sim = world(Faults::default());
    let by_operation = created(&places(&sim, |_| None).await).await;
    assert_eq!(asked(&sim), (18, 0), "one page for each");
    let sim = world(without("DescribeEvents"));
    let by_stack = created(&places(&sim, |_| None).await).await;
    assert_eq!(asked(&sim), (3, 18), "each account in each region has refused once");
    assert_eq!(by_operation, by_stack);
    assert!(by_stack[0].len() >= 5, "{by_stack:?}");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_does_not_know_the_call_or_never_answers_it_is_asked_once() {
    let errors: [fn() -> Said; 4] = [
        || Said::error("InvalidAction", "Could not find operation DescribeEvents"),
        || Said::error("ValidationError", "One of ChangeSetName, OperationId or StackName must be specified"),
        || Said::Error(crate::sim::wire::ApiError::new("InternalFailure", "not implemented").with_status(501)),
        || Said::Nothing,
    ];
    for error in errors {
        let times: Arc<AtomicUsize> = Arc::default();
        let sim = world(Faults::default());
        let counter = Arc::clone(&times);
        let places = places(&sim, move |asked| {
            (asked.operation == "DescribeEvents").then(|| {
                counter.fetch_add(1, Ordering::Relaxed);
                error()
            })
        })
        .await;
        created(&places).await;
        assert_eq!((times.load(Ordering::Relaxed), asked(&sim)), (3, (0, 18)));
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_is_not_known_yet_or_an_outage_sends_only_those_who_ask_then_to_the_stack() {
    let errors: [fn() -> Said; 2] = [
        || Said::error("ValidationError", "Operation [x] does not exist"),
        || Said::Error(crate::sim::wire::ApiError::new("InternalFailure", "try again").with_status(500)),
    ];
    for error in errors {
        let sim = world(Faults::default());
        let places = places(&sim, move |asked| {
            // Of each of the first accounts' stacks that is the second.
            (asked.operation == "DescribeEvents" && asked.nth == 2).then(error)
        })
        .await;
        created(&places[..1]).await;
        assert_eq!(asked(&sim), (5, 1));
    }
}

/// What `DescribeEvents` tells, without what it tells of the stack itself.
fn without_the_stack(text: &str) -> String {
    let members = text.split_inclusive("</member>");
    members.filter(|member| !member.contains("<ResourceType>AWS::CloudFormation::Stack<")).collect()
}

#[tokio::test(start_paused = true)]
async fn where_an_operations_events_do_not_tell_its_end_the_stack_alone_is_asked_for_the_next_ones() {
    let sim = world(Faults::default());
    let changed = |asked: &Asked<'_>| {
        (asked.operation == "DescribeEvents").then_some(Said::Changed(|text| without_the_stack(&text)))
    };
    created(&places(&sim, changed).await).await;
    assert_eq!(asked(&sim), (3, 18), "the first of each account in each region has asked both ways");
}

#[tokio::test(start_paused = true)]
async fn what_takes_a_creation_back_is_told_though_it_is_another_operation() {
    let fails = ResourceFault {
        logical_id: Some("Table".to_owned()),
        reason: "there are too many".to_owned(),
        ..ResourceFault::default()
    };
    let failing = || Faults { resources: vec![fails.clone()], ..Faults::default() };
    let text = STACK.replacen("Resources: {", "Resources:\n  ", 1);
    let table = "  Table: {Type: 'AWS::EC2::RouteTable', Properties: {VpcId: !Ref Vpc}}\n";
    let text = format!("{}\n{table}", text.strip_suffix('}').unwrap());
    let template = Template::Text(text.into());
    let mut told = Vec::new();
    for refused in [false, true] {
        let sim =
            world(if refused { Faults { calls: without("DescribeEvents").calls, ..failing() } } else { failing() });
        let places = places(&sim, |_| None).await;
        let spec = StackSpec { template: template.clone(), ..named("net") };
        let Begun { stack, operation: id } = places[0].create_stack(&spec, "net").await.unwrap();
        let operation = Operation {
            stack,
            id,
            token: Some("net".to_owned()),
            before: None,
            forecast: Some(Forecast::UNKNOWN),
            deletes: false,
        };
        // It fails after six seconds; whoever follows it hears at once that it is taken back.
        tokio::time::sleep(Duration::from_millis(6_500)).await;
        let early = places[0].events_of(&operation).await.unwrap();
        let last = early.iter().rev().find(|event| event.is_stack()).unwrap();
        assert_eq!(last.status, "ROLLBACK_IN_PROGRESS", "{early:#?}");
        let (live, events) = places[0].settled(&operation, &|_| {}).await.unwrap();
        assert_eq!(live.unwrap().status.as_str(), "ROLLBACK_COMPLETE");
        assert_eq!(took(&events), Some(Duration::from_secs(9)));
        assert_eq!(first_failure(&events).unwrap().resource, "Table");
        let calls = sim.calls();
        let is_events = |call: &&Call| matches!(&*call.operation.to_string(), "DescribeEvents" | "DescribeStackEvents");
        let own: Vec<String> = calls.iter().filter(is_events).map(|call| call.operation.to_string()).collect();
        // Once when it is seen to go back, and again at its end.
        let by_stack = ["DescribeStackEvents"; 3];
        assert_eq!(own, [&["DescribeEvents"][..], &by_stack].concat(), "refused: {refused}");
        let plain = |event: &StackEvent| (event.resource.clone(), event.status.clone(), event.reason.clone());
        told.push(events.iter().map(plain).collect::<Vec<_>>());
    }
    assert_eq!(told[0], told[1]);
}
