use super::*;

const ROUTE: &str = "CreateRoute";
const ACCEPT: &str = "AcceptVpcPeeringConnection";

fn secs(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn next(allowance: &mut Allowance, waiting: &[&'static str], now: f64) -> Next {
    let waiting: Vec<_> = waiting.iter().map(|operation| (*operation, 1)).collect();
    allowance.next(&waiting, secs(now))
}

fn send(allowance: &mut Allowance, waiting: &[&'static str], now: f64) -> Ticket {
    match next(allowance, waiting, now) {
        Next::Send(ticket) => ticket,
        next => panic!("{next:?} at {now} s"),
    }
}

#[test]
fn a_few_calls_are_under_way_at_first_and_more_the_more_are_let_through() {
    let mut allowance = Allowance::new(Class::Ec2Write, Duration::ZERO);
    let mut tickets: Vec<Ticket> = (0..3).map(|_| send(&mut allowance, &[ROUTE], 0.0)).collect();
    assert_eq!(next(&mut allowance, &[ROUTE], 0.0), Next::Later);
    for _ in 0..16 {
        allowance.granted(tickets.pop().unwrap(), Duration::ZERO);
        tickets.push(send(&mut allowance, &[ROUTE], 0.0));
    }
    assert!(matches!(next(&mut allowance, &[ROUTE], 0.0), Next::Send(_)), "one more");
    assert_eq!(next(&mut allowance, &[ROUTE], 0.0), Next::Later);
}

#[test]
fn what_has_no_rate_of_its_own_is_counted_with_all() {
    let mut allowance = Allowance::new(Class::CloudFormationWrite, Duration::ZERO);
    for operation in ["CreateStack", "DeleteStack", "CreateStack", "DeleteStack", "CreateStack"] {
        let ticket = send(&mut allowance, &[operation], 0.0);
        allowance.granted(ticket, Duration::ZERO);
    }
    assert!(matches!(next(&mut allowance, &["DeleteStack"], 0.0), Next::At(at) if at > secs(0.4)));
    assert_eq!(next(&mut allowance, &[], 9.0), Next::Later);
}

#[test]
fn an_operation_whose_tokens_are_used_up_lets_the_others_pass() {
    let mut allowance = Allowance::new(Class::Ec2Write, Duration::ZERO);
    for _ in 0..50 {
        let ticket = send(&mut allowance, &[ROUTE], 0.0);
        allowance.granted(ticket, Duration::ZERO);
    }
    assert!(matches!(next(&mut allowance, &[ROUTE], 0.0), Next::At(at) if at <= secs(0.21)));
    assert_eq!(send(&mut allowance, &[ROUTE, ACCEPT], 0.0).operation, ACCEPT);
}

#[test]
fn of_calls_that_were_under_way_together_one_teaches() {
    let mut allowance = Allowance::new(Class::CloudFormationWrite, Duration::ZERO);
    let tickets: Vec<Ticket> = (0..3).map(|_| send(&mut allowance, &["CreateStack"], 0.0)).collect();
    for ticket in tickets {
        allowance.throttled(ticket, secs(0.02));
    }
    assert_eq!(allowance.lessons, 1);
    // One at once from here on, and none before there is a token again.
    assert!(matches!(next(&mut allowance, &["CreateStack"], 0.02), Next::At(at) if at > secs(0.5)));
    let ticket = send(&mut allowance, &["CreateStack"], 0.6);
    allowance.throttled(ticket, secs(0.62));
    assert_eq!(allowance.lessons, 2);
}

#[test]
fn operations_that_are_granted_less_than_they_have_by_themselves_are_counted_together() {
    let mut allowance = Allowance::new(Class::Ec2Write, Duration::ZERO);
    for operation in [ROUTE, ACCEPT] {
        for _ in 0..50 {
            let ticket = send(&mut allowance, &[operation], 0.0);
            allowance.granted(ticket, Duration::ZERO);
        }
    }
    // Both wait; each is let through once, and by then AWS would have given the first one two tokens.
    assert!(matches!(next(&mut allowance, &[ROUTE, ACCEPT], 0.0), Next::At(_)));
    for (operation, other) in [(ROUTE, ACCEPT), (ACCEPT, ROUTE)] {
        let ticket = send(&mut allowance, &[operation, other], 0.25);
        allowance.granted(ticket, Duration::ZERO);
    }
    let ticket = send(&mut allowance, &[ROUTE, ACCEPT], 0.5);
    allowance.throttled(ticket, secs(0.5));
    assert!(allowance.all.is_none(), "somebody else may make routes");
    let ticket = send(&mut allowance, &[ACCEPT], 0.6);
    allowance.throttled(ticket, secs(0.6));
    let together = allowance.all.as_ref().expect("what one is granted, the other has not").per_second();
    assert!((together - 5.0).abs() < 1e-9, "{together} a second");
}

#[test]
fn another_clients_calls_of_one_operation_take_nothing_from_the_others() {
    let mut allowance = Allowance::new(Class::Ec2Write, Duration::ZERO);
    // Accepts are let through all the while; of routes somebody else uses most.
    for n in 0..200 {
        let now = f64::from(n);
        let ticket = send(&mut allowance, &[ACCEPT], now);
        allowance.granted(ticket, Duration::ZERO);
        while let Next::Send(ticket) = next(&mut allowance, &[ROUTE], now) {
            allowance.throttled(ticket, secs(now));
        }
    }
    assert!(allowance.all.is_none());
    for _ in 0..20 {
        let ticket = send(&mut allowance, &[ACCEPT], 300.0);
        allowance.granted(ticket, Duration::ZERO);
    }
}

#[test]
fn that_few_calls_may_be_under_way_is_forgotten_with_time() {
    let mut allowance = Allowance::new(Class::Ec2Write, Duration::ZERO);
    for n in 0..9 {
        let ticket = send(&mut allowance, &[ROUTE], f64::from(n) * 60.0);
        allowance.throttled(ticket, secs(f64::from(n) * 60.0));
    }
    assert!(allowance.at_once < 1.5, "{}", allowance.at_once);
    next(&mut allowance, &[], 480.0 + 300.0);
    assert!((1.4..1.6).contains(&allowance.at_once), "{}", allowance.at_once);
    next(&mut allowance, &[], 480.0 + 601.0);
    assert!(allowance.at_once >= AT_ONCE && allowance.throttled.is_none());
}

#[test]
fn two_operations_that_are_throttled_with_tokens_left_share_a_bucket_unless_one_was_granted_meanwhile() {
    let after = |meanwhile: &dyn Fn(&mut Allowance)| {
        let mut allowance = Allowance::new(Class::Ec2Write, Duration::ZERO);
        let ticket = send(&mut allowance, &[ROUTE], 0.0);
        allowance.throttled(ticket, secs(0.02));
        assert!(allowance.all.is_none(), "its own bucket may be smaller than is documented");
        meanwhile(&mut allowance);
        let ticket = send(&mut allowance, &[ACCEPT], 0.02);
        allowance.throttled(ticket, secs(0.04));
        allowance.all.map(|all| all.per_second())
    };
    assert_eq!(after(&|_| {}), Some(5.0));
    let granted = |operation: &'static str| {
        move |allowance: &mut Allowance| {
            let ticket = send(allowance, &[operation], 0.02);
            allowance.granted(ticket, Duration::ZERO);
        }
    };
    assert_eq!(after(&granted("CreateTags")), None, "what is empty for one is not for the other");
}

#[test]
fn whether_others_are_throttled_too_is_tried_by_one_call_at_once() {
    let mut allowance = Allowance::new(Class::Ec2Write, Duration::ZERO);
    let ticket = send(&mut allowance, &[ROUTE], 0.0);
    allowance.throttled(ticket, secs(0.02));
    allowance.at_once = 9.0;
    let tried = send(&mut allowance, &[ACCEPT, "CreateTags"], 0.02);
    assert_eq!(next(&mut allowance, &[ACCEPT, "CreateTags"], 0.02), Next::Later, "one tells as well as many");
    // What was throttled itself goes on by its own tokens, beside it or alone.
    let own = send(&mut allowance, &[ACCEPT, ROUTE], 3.0);
    allowance.give_back(own);
    // Be it without an answer: another one is tried.
    allowance.unanswered(tried);
    let tried = send(&mut allowance, &[ACCEPT], 3.0);
    allowance.granted(tried, secs(3.02));
    for _ in 0..9 {
        send(&mut allowance, &[ACCEPT, "CreateTags"], 3.02);
    }
}

#[test]
fn that_operations_share_a_bucket_is_forgotten_after_ten_minutes_without_a_throttle() {
    let mut allowance = Allowance::new(Class::Ec2Write, Duration::ZERO);
    for operation in [ROUTE, ACCEPT] {
        let ticket = send(&mut allowance, &[operation], 0.0);
        allowance.throttled(ticket, secs(0.02));
    }
    next(&mut allowance, &[], 500.0);
    assert!(allowance.all.is_some());
    next(&mut allowance, &[], 601.0);
    assert!(allowance.all.is_none());
}

#[test]
fn a_call_that_is_not_sent_or_not_answered_counts_for_nothing() {
    let mut allowance = Allowance::new(Class::CloudFormationWrite, Duration::ZERO);
    for _ in 0..99 {
        let ticket = send(&mut allowance, &["CreateStack"], 0.0);
        allowance.give_back(ticket);
    }
    for _ in 0..5 {
        let ticket = send(&mut allowance, &["CreateStack"], 0.0);
        allowance.unanswered(ticket);
    }
    assert!(matches!(next(&mut allowance, &["CreateStack"], 0.0), Next::At(_)), "they may have arrived");
    assert_eq!((allowance.under_way, allowance.granted), (0, 0));
}
