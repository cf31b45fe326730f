//! What an operation is seen to do while it is waited for, where that is not plain.

use std::sync::Mutex;

use tokio::time::Instant;

use super::watching::{STACK, begin, named};
use super::*;
use crate::sim::{ResourceFault, Timing};

/// A place whose calls go by way of a script; the sessions keep it.
async fn place(sim: &Sim, script: impl Fn(&Asked<'_>) -> Option<Said> + Send + Sync + 'static) -> (Sessions, Regional) {
    let keys = sim.clone();
    let http = between(sim, script);
    let environment = Environment::given(http, sim.time_source(), move |_| Some(keys.credentials(HUB)));
    let sessions = Sessions::open(&plan([("hub", spec(HUB))]), &environment).await.unwrap();
    let regional = sessions.region(&"hub".into(), &"us-east-1".into()).unwrap();
    (sessions, regional)
}

/// An embedded AWS in which a stack takes a while, whatever is done to it.
fn world(name: &str, takes: Duration) -> Sim {
    Sim::builder().timing(Timing { stacks: [(name.to_owned(), takes)].into(), ..Timing::instant() }).build()
}

async fn create(regional: &Regional, name: &str) {
    let operation = begin(regional, name, Forecast::UNKNOWN).await;
    let live = regional.settled(&operation, &|_| {}).await.unwrap().0.unwrap();
    assert_eq!(live.status.as_str(), "CREATE_COMPLETE");
}

/// Begins to update a stack so that an output tells which update it was; what is to be waited for then.
async fn update(regional: &Regional, name: &str, token: &str, forecast: Forecast) -> Operation {
    let live = regional.stack(name).await.unwrap().unwrap();
    let tagged = STACK.replace("10.0.0.0/24", &format!("10.0.0.0/24, Tags: [{{Key: by, Value: {token}}}]"));
    let template = crate::aws::Template::Text(format!("{tagged}\nOutputs: {{By: {{Value: {token}}}}}").into());
    let stack = StackSpec { template, ..named(name) };
    let change_set = ChangeSetSpec { stack, name: token.to_owned(), nested: false, reverts_drift: false };
    regional.create_change_set(&change_set).await.unwrap();
    let worked_out = loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let found = regional.change_set(name, token).await.unwrap();
        if !found.is_in_progress() {
            break found;
        }
    };
    assert_eq!(worked_out.status, "CREATE_COMPLETE", "{}", worked_out.reason);
    regional.execute_change_set(name, &worked_out.id, &crate::aws::Settings::default(), token).await.unwrap();
    let before = Some((live.status, live.updated));
    Operation {
        stack: live.id,
        id: None,
        token: Some(token.to_owned()),
        before,
        forecast: Some(forecast),
        deletes: false,
    }
}

/// Waits for the end of an operation that takes so long; how much later that was noticed.
async fn lateness(regional: &Regional, operation: &Operation, takes: Duration) -> Duration {
    let began = Instant::now();
    let (live, events) = regional.settled(operation, &|_| {}).await.unwrap();
    assert_eq!(live.unwrap().outputs.get("By"), operation.token.as_ref());
    assert_eq!(took(&events), Some(takes));
    began.elapsed().checked_sub(takes).unwrap()
}

/// A stack that is updated for the first time, as it was before.
fn as_before(xml: String) -> String {
    let begin = xml.find("<LastUpdatedTime>");
    let end = xml.find("</LastUpdatedTime>").map(|at| at + "</LastUpdatedTime>".len());
    let (Some(begin), Some(end)) = (begin, end) else { return xml };
    format!("{}{}", &xml[..begin], &xml[end..]).replace("UPDATE_IN_PROGRESS", "CREATE_COMPLETE")
}

#[tokio::test(start_paused = true)]
async fn while_the_events_go_on_an_old_status_is_not_taken_for_the_end() {
    let takes = Duration::from_secs(12);
    let sim = world("net", takes);
    // The events tell at once that the update has begun, the stack itself five seconds later.
    let executed: Arc<Mutex<Option<Instant>>> = Arc::default();
    let (_sessions, regional) = place(&sim, move |asked| {
        let mut executed = executed.lock().unwrap();
        if asked.operation == "ExecuteChangeSet" {
            *executed = Some(Instant::now());
        }
        let lags = executed.is_some_and(|at| at.elapsed() < Duration::from_secs(5));
        (lags && asked.operation == "DescribeStacks").then_some(Said::Changed(as_before))
    })
    .await;
    create(&regional, "net").await;
    let operation = update(&regional, "net", "first", Forecast::UNKNOWN).await;
    let late = lateness(&regional, &operation, takes).await;
    assert!(late <= Duration::from_secs(2), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_guessed_to_take_long_is_looked_for_by_what_the_last_such_operation_took() {
    let takes = Duration::from_secs(43);
    let sim = world("net", takes);
    let (_sessions, regional) = place(&sim, |_| None).await;
    create(&regional, "net").await;
    let guess = Forecast::guessed(Duration::from_mins(5));
    let first = update(&regional, "net", "first", guess).await;
    let late = lateness(&regional, &first, takes).await;
    assert_eq!(late, Duration::from_secs(7), "a creation tells nothing of an update: there is a look in ten seconds");
    let second = update(&regional, "net", "second", guess).await;
    let late = lateness(&regional, &second, takes).await;
    assert!(late <= Duration::from_secs(2), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn a_hint_that_does_not_come_is_not_waited_for() {
    let takes = Duration::from_secs(43);
    let sim = world("net", takes);
    let executed: Arc<Mutex<Option<Instant>>> = Arc::default();
    let (_sessions, regional) = place(&sim, move |asked| {
        let mut executed = executed.lock().unwrap();
        if asked.operation == "ExecuteChangeSet" {
            *executed = Some(Instant::now());
        }
        let is_deaf = executed.is_some_and(|at| at.elapsed() < Duration::from_secs(1));
        (is_deaf && asked.operation == "DescribeStackEvents").then_some(Said::Nothing)
    })
    .await;
    create(&regional, "net").await;
    let operation = update(&regional, "net", "first", Forecast::guessed(Duration::from_mins(5))).await;
    let late = lateness(&regional, &operation, takes).await;
    assert!(late <= Duration::from_secs(10), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn what_goes_back_is_looked_for_from_then_on_whatever_was_expected() {
    // It fails at the second resource, after 94 s, and has deleted the first one 47 s later.
    let takes = Duration::from_secs(141);
    let sim = Sim::builder().timing(Timing { resource: takes / 3, ..Timing::instant() }).build();
    let fails = ResourceFault {
        logical_id: Some("Table".to_owned()),
        reason: "there are too many".to_owned(),
        ..ResourceFault::default()
    };
    sim.set_faults(Faults { resources: vec![fails], ..Faults::default() });
    let (_sessions, regional) = place(&sim, |_| None).await;
    let table = "  Table: {Type: 'AWS::EC2::RouteTable', Properties: {VpcId: !Ref Vpc}}\n";
    let text = STACK.replacen("Resources: {", "Resources:\n  ", 1);
    let text = format!("{}\n{table}", text.strip_suffix('}').unwrap());
    let stack = StackSpec { template: crate::aws::Template::Text(text.into()), ..named("net") };
    let began = Instant::now();
    let Begun { stack, operation: id } = regional.create_stack(&stack, "net").await.unwrap();
    let forecast = Some(Forecast::known(Duration::from_mins(5), Duration::ZERO, 5));
    let operation = Operation { stack, id, token: Some("net".to_owned()), before: None, forecast, deletes: false };
    let (live, events) = regional.settled(&operation, &|_| {}).await.unwrap();
    assert_eq!(live.unwrap().status.as_str(), "ROLLBACK_COMPLETE");
    assert_eq!(took(&events), Some(takes));
    let late = began.elapsed().checked_sub(takes).unwrap();
    assert!(late <= Duration::from_secs(2), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn two_who_wait_for_one_stack_are_told_by_the_same_looks() {
    let mut described = Vec::new();
    for waiters in [1, 2] {
        let takes = Duration::from_secs(9);
        let sim = world("net", takes);
        let (_sessions, regional) = place(&sim, |_| None).await;
        let operation = begin(&regional, "net", Forecast::UNKNOWN).await;
        let began = Instant::now();
        let waiting: Vec<_> = (0..waiters)
            .map(|_| {
                let (regional, operation) = (regional.clone(), operation.clone());
                tokio::spawn(async move { regional.settled(&operation, &|_| {}).await.unwrap() })
            })
            .collect();
        for task in waiting {
            let (live, events) = task.await.unwrap();
            assert_eq!(live.unwrap().status.as_str(), "CREATE_COMPLETE");
            assert_eq!(took(&events), Some(takes));
        }
        assert!(began.elapsed() <= takes + Duration::from_secs(2), "{:?}", began.elapsed());
        described.push(counts(&sim)["DescribeStacks"]);
    }
    assert_eq!(described[0], described[1]);
}

#[tokio::test(start_paused = true)]
async fn that_a_stack_is_gone_is_believed_at_once_whatever_its_events_tell() {
    let sim = world("net", Duration::ZERO);
    let (_sessions, regional) = place(&sim, |asked| {
        let is_events = asked.operation == "DescribeStackEvents";
        is_events.then_some(Said::Changed(|xml| xml.replace("DELETE_COMPLETE", "DELETE_IN_PROGRESS")))
    })
    .await;
    create(&regional, "net").await;
    let live = regional.stack("net").await.unwrap().unwrap();
    regional.delete_stack(&live.id, "gone").await.unwrap();
    let (before, token) = (Some((live.status, live.updated)), Some("gone".to_owned()));
    let operation =
        Operation { stack: live.id, id: None, token, before, forecast: Some(Forecast::UNKNOWN), deletes: true };
    let began = Instant::now();
    let (live, _) = regional.settled(&operation, &|_| {}).await.unwrap();
    assert_eq!(live, None);
    assert!(began.elapsed() <= Duration::from_secs(2), "{:?}", began.elapsed());
}
