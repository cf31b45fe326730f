use super::*;

pub(super) fn event(id: &str, status: &str, token: Option<&str>) -> StackEvent {
    StackEvent {
        id: id.to_owned(),
        stack: "arn".to_owned(),
        resource: "dev".to_owned(),
        physical_id: "arn".to_owned(),
        kind: "AWS::CloudFormation::Stack".to_owned(),
        status: status.to_owned(),
        reason: None,
        token: token.map(str::to_owned),
        at: None,
    }
}

pub(super) fn operation() -> Operation {
    let before = Some((StackStatus::new("UPDATE_COMPLETE"), Some(5)));
    Operation {
        stack: "arn".to_owned(),
        id: None,
        token: Some("ours".to_owned()),
        before,
        forecast: None,
        deletes: false,
    }
}

#[test]
fn an_old_status_is_not_taken_for_the_end() {
    let stack = |status: &str, updated| Stack { updated, ..Stack::sample("dev", status) };
    let operation = operation();
    let second = Duration::from_secs(1);
    assert!(!has_begun(&operation, &stack("UPDATE_COMPLETE", Some(5)), &[], second));
    assert!(has_begun(&operation, &stack("UPDATE_COMPLETE", Some(6)), &[], second));
    assert!(has_begun(&operation, &stack("UPDATE_ROLLBACK_COMPLETE", Some(5)), &[], second));
    let ours = [event("1", "UPDATE_IN_PROGRESS", Some("ours"))];
    assert!(has_begun(&operation, &stack("UPDATE_COMPLETE", Some(5)), &ours, second));
    assert!(has_begun(&operation, &stack("UPDATE_COMPLETE", Some(5)), &[], LAG));
    let created = Operation { before: None, ..operation };
    assert!(has_begun(&created, &stack("CREATE_COMPLETE", None), &[], second));
}

#[test]
fn what_an_operation_took_is_told_by_its_own_events() {
    let at = |mut event: StackEvent, at: i64| {
        event.at = Some(at);
        event
    };
    let events = [
        at(event("1", "UPDATE_IN_PROGRESS", None), 1_000),
        at(StackEvent { physical_id: "vpc-1".to_owned(), ..event("2", "UPDATE_COMPLETE", None) }, 9_999),
        at(event("3", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", None), 5_000),
        at(event("4", "UPDATE_COMPLETE", None), 8_250),
    ];
    assert_eq!(took(&events), Some(Duration::from_millis(7_250)));
    assert_eq!(took(&events[1..]), None, "its begin is not among them");
    assert_eq!(took(&[]), None);
    assert_eq!(took(&events[..3]), None, "it is not known to be over");
    assert!(is_open(&events[..3]) && !is_open(&events));
    assert!(!is_open(&[event("5", "REVIEW_IN_PROGRESS", None)]));
}

#[tokio::test(start_paused = true)]
async fn a_look_that_ends_first_does_not_end_the_reading_of_events_but_waits_for_it_only_so_long() {
    let after = |millis| tokio::time::sleep(Duration::from_millis(millis));
    for (read, seen, told, looked, took) in [
        (100, 500, 1, None, 100),
        // Looks are half a second apart at the closest, and a reading may take longer.
        (600, 500, 1, Some("seen"), 600),
        (60_000, 500, 0, Some("seen"), 2_500),
    ] {
        let began = tokio::time::Instant::now();
        let reading = async {
            after(read).await;
            vec![event("1", "CREATE_COMPLETE", None)]
        };
        let mut look = pin!(async {
            after(seen).await;
            "seen"
        });
        let (fresh, sighting) = with(reading, look.as_mut()).await;
        assert_eq!((fresh.len(), sighting, began.elapsed()), (told, looked, Duration::from_millis(took)));
    }
}

#[test]
fn a_failure_that_is_told_in_two_ways_is_one_step() {
    use std::sync::Mutex;

    let of = |resource: &str, status: &str, physical_id: &str| StackEvent {
        resource: resource.to_owned(),
        physical_id: physical_id.to_owned(),
        reason: Some(physical_id.to_owned()),
        ..event("1", status, None)
    };
    let steps: Mutex<Vec<String>> = Mutex::default();
    let note = |step: Step<'_>| steps.lock().unwrap().push(format!("{} {}", step.what, step.status));
    let mut events = Vec::new();
    let told = [
        of("Vpc", "CREATE_IN_PROGRESS", ""),
        of("Vpc", "CREATE_IN_PROGRESS", "vpc-1"),
        of("Vpc", "CREATE_FAILED", "vpc-1"),
        of("Table", "CREATE_FAILED", "rtb-1"),
    ];
    take(told.to_vec(), &mut events, &Feed::default(), &note);
    // What follows tells the first failure once more, and then another one of the same resource.
    let told =
        [of("Vpc", "CREATE_FAILED", ""), of("Vpc", "DELETE_FAILED", "vpc-1"), of("Vpc", "CREATE_FAILED", "vpc-1")];
    take(told.to_vec(), &mut events, &Feed::default(), &note);
    assert_eq!(events.len(), 7, "all that was read is kept");
    let steps = steps.into_inner().unwrap();
    let [failed, again] = ["Vpc CREATE_FAILED"; 2];
    let begun = ["Vpc CREATE_IN_PROGRESS"; 2];
    assert_eq!(steps, [&begun[..], &[failed, "Table CREATE_FAILED", "Vpc DELETE_FAILED", again]].concat());
}
