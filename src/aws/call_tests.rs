use std::cell::Cell;

use super::*;

fn patience(outages: Outages, attempts: u32) -> Patience<'static> {
    Patience { outages, throttles: Throttles::HoldBack, in_turn: false, attempts, share: &|| 1.0 }
}

fn error(class: Class) -> CallError {
    CallError::sample("CreateStack", class)
}

#[test]
fn codes_have_their_class() {
    for (code, message, status, class) in [
        ("Throttling", "Rate exceeded", 400, Class::Throttled),
        ("RequestLimitExceeded", "", 503, Class::Throttled),
        ("LimitExceededException", "", 400, Class::Other),
        ("ExpiredToken", "", 403, Class::Expired),
        ("AccessDenied", "", 403, Class::Denied),
        ("UnauthorizedOperation", "", 403, Class::Denied),
        ("InvalidVpcPeeringConnectionID.NotFound", "", 400, Class::NotFound),
        ("ValidationError", "Stack with id x does not exist", 400, Class::NotFound),
        ("ValidationError", "No updates are to be performed.", 400, Class::Other),
        ("RouteAlreadyExists", "", 400, Class::Conflict),
        ("InternalFailure", "", 500, Class::Lost),
        ("Unheard", "", 502, Class::Lost),
        ("Unheard", "", 400, Class::Other),
    ] {
        assert_eq!(classify("CreateStack", code, message, Some(status)), class, "{code} {message}");
    }
    assert_eq!(classify("DescribeStacks", "InternalFailure", "", Some(500)), Class::Transient, "it changes nothing");
}

#[test]
fn a_break_on_the_way_may_have_changed_something_if_the_operation_does() {
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_types::retry::ErrorKind;
    use std::io;

    type Sent = SdkError<aws_sdk_cloudformation::operation::create_stack::CreateStackError>;
    let broken = |kind: io::ErrorKind| io::Error::from(kind).into();
    let failures = || {
        [
            Sent::dispatch_failure(ConnectorError::io(broken(io::ErrorKind::ConnectionReset))),
            Sent::dispatch_failure(ConnectorError::io(broken(io::ErrorKind::ConnectionRefused))),
            Sent::dispatch_failure(ConnectorError::timeout("too long".into())),
            // What hyper calls an incomplete message: the connection ended before the answer did.
            Sent::dispatch_failure(ConnectorError::other("incomplete".into(), Some(ErrorKind::TransientError))),
            Sent::timeout_error("too long"),
        ]
    };
    for error in failures() {
        let class = |operation| CallError::new(operation, &"dev".into(), &"us-east-1".into(), &error).class;
        assert_eq!(class("CreateStack"), Class::Lost, "{error:?}");
        assert_eq!(class("DescribeStacks"), Class::Transient, "{error:?}");
    }
    let ours = Sent::dispatch_failure(ConnectorError::user("no such URI".into()));
    let error = CallError::new("CreateStack", &"dev".into(), &"us-east-1".into(), &ours);
    assert_eq!(error.class, Class::Other, "it was never sent");
}

#[tokio::test(start_paused = true)]
async fn a_throttled_call_is_repeated_until_it_is_let_through() {
    let left = Cell::new(500);
    let answer = patiently(
        "CreateStack",
        patience(Outages::Outlast, 1),
        || {
            let now = left.get();
            left.set(now - 1);
            async move { if now == 0 { Ok("done") } else { Err(error(Class::Throttled)) } }
        },
        || unreachable!("nothing expired"),
    );
    assert_eq!(answer.await, Ok("done"));
}

#[tokio::test(start_paused = true)]
async fn expired_credentials_are_renewed_once() {
    let renewed = Cell::new(0);
    let sent = Cell::new(0);
    let answer: Result<(), _> = patiently(
        "CreateStack",
        patience(Outages::Outlast, 1),
        || {
            sent.set(sent.get() + 1);
            async { Err(error(Class::Expired)) }
        },
        || renewed.set(renewed.get() + 1),
    )
    .await;
    assert_eq!(answer.unwrap_err().class, Class::Expired);
    assert_eq!((sent.get(), renewed.get()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_says_whether_an_attempt_before_it_had_no_answer() {
    for (before, is_after_silence) in [(Class::Lost, true), (Class::Transient, false), (Class::Throttled, false)] {
        let sent = Cell::new(0);
        let answer: Result<(), _> = patiently(
            "CreateStack",
            patience(Outages::Outlast, 2),
            || {
                sent.set(sent.get() + 1);
                let class = if sent.get() == 1 { before } else { Class::NotFound };
                async move { Err(error(class)) }
            },
            || unreachable!("nothing expired"),
        )
        .await;
        let error = answer.unwrap_err();
        assert_eq!((error.class, error.is_after_silence, sent.get()), (Class::NotFound, is_after_silence, 2));
    }
}

/// How long a call of an operation goes on while every attempt at `failing` meets an outage.
async fn patient(operation: &str, failing: &'static str, class: Class, outages: Outages) -> Duration {
    let began = Instant::now();
    let answer: Result<(), _> = patiently(
        operation,
        patience(outages, 1),
        || async { Err(CallError { operation: failing, ..error(class) }) },
        || unreachable!("nothing expired"),
    )
    .await;
    assert_eq!(answer.unwrap_err().class, class);
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_outlasted_for_some_minutes_by_what_changes_nothing() {
    let minutes = Duration::from_mins(5)..Duration::from_mins(6);
    for class in [Class::Transient, Class::Lost] {
        assert!(minutes.contains(&patient("DescribeStacks", "DescribeStacks", class, Outages::Outlast).await));
        // The way to the credentials is out of order: the operation itself was not sent.
        assert!(minutes.contains(&patient("CreateStack", "AssumeRole", class, Outages::Outlast).await));
        for (operation, outages) in [("CreateStack", Outages::Outlast), ("AssumeRole", Outages::Report)] {
            let reported = if operation == "CreateStack" { "CreateStack" } else { "AssumeRole" };
            assert_eq!(patient(operation, reported, class, outages).await, Duration::ZERO, "{operation}");
        }
    }
    assert_eq!(patient("DescribeStacks", "DescribeStacks", Class::Other, Outages::Outlast).await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_comes_to_nothing_for_a_moment_is_tried_five_times_whatever_it_does() {
    for (fails, sent, seconds) in [(1, 2, 1), (4, 5, 1 + 2 + 4 + 8), (9, 5, 1 + 2 + 4 + 8)] {
        let (began, attempts) = (Instant::now(), Cell::new(0));
        let answer = patiently(
            "CreateStack",
            patience(Outages::Outlast, ATTEMPTS),
            || {
                attempts.set(attempts.get() + 1);
                let now = attempts.get();
                async move { if now > fails { Ok(()) } else { Err(error(Class::Lost)) } }
            },
            || unreachable!("nothing expired"),
        );
        assert_eq!(answer.await.is_ok(), fails < 5);
        assert_eq!((attempts.get(), began.elapsed().as_secs()), (sent, seconds));
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttle_is_reported_only_where_nothing_can_have_been_done() {
    for (first, sent) in [(Class::Throttled, 1), (Class::Lost, 4)] {
        let attempts = Cell::new(0);
        let answer = patiently(
            "CreateStack",
            Patience { throttles: Throttles::Report, ..patience(Outages::Outlast, ATTEMPTS) },
            || {
                attempts.set(attempts.get() + 1);
                let now = attempts.get();
                async move {
                    match now {
                        1 => Err(error(first)),
                        2 | 3 => Err(error(Class::Throttled)),
                        _ => Ok(()),
                    }
                }
            },
            || unreachable!("nothing expired"),
        );
        let throttled = answer.await.is_err_and(|error| error.class == Class::Throttled);
        assert_eq!((attempts.get(), throttled), (sent, first == Class::Throttled));
    }
}

#[tokio::test(start_paused = true)]
async fn in_a_turn_a_refused_session_is_reported_where_nothing_can_have_been_done() {
    for (first, sent) in [(Class::Expired, 1), (Class::Lost, 3)] {
        let (attempts, renewed) = (Cell::new(0), Cell::new(0));
        let answer = patiently(
            "CreateStack",
            Patience { in_turn: true, ..patience(Outages::Report, ATTEMPTS) },
            || {
                attempts.set(attempts.get() + 1);
                let now = attempts.get();
                async move {
                    match now {
                        1 => Err(error(first)),
                        2 => Err(error(Class::Expired)),
                        _ => Ok(()),
                    }
                }
            },
            || renewed.set(renewed.get() + 1),
        );
        let expired = answer.await.is_err_and(|error| error.class == Class::Expired);
        assert_eq!((attempts.get(), renewed.get(), expired), (sent, 1, first == Class::Expired));
    }
}

#[test]
fn a_request_is_never_part_of_a_message() {
    let text =
        "failed to apply endpoint `x` to request `Request { body: \"Password=s3cret\" }`: endpoint must contain scheme";
    assert_eq!(without_request(text), "failed to apply endpoint `x`: endpoint must contain scheme");
    assert_eq!(without_request("a to request `Request { b"), "a");
    assert_eq!(without_request("io error"), "io error");
}

#[test]
fn the_sentence_names_operation_place_and_code() {
    let mut error = error(Class::Denied);
    error.code = Some("AccessDenied".to_owned());
    insta::assert_snapshot!(error, @"CreateStack in account dev, us-east-1, was refused: no (AccessDenied)");
}
