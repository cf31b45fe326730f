//! SIGINT, SIGTERM and SIGHUP, once and twice.

use orch::event::StopReason;

use crate::orch::{Orch, QUICK, Running};
use crate::server::Served;
use crate::{HELD, PLAN, journals, let_go, until, world};

/// A run that is met while its hub is being made, and the AWS that it works on.
fn under_way(aws: &Orch, orch: &Orch) -> (Served, Running) {
    let served = Served::start(aws, &format!("{QUICK}{HELD}"), &[]);
    let mut running = Orch::started(served.command(orch, &["apply", PLAN, "--yes"]));
    running.says("started in master");
    until(|| world::of(aws).holds("us-east-1-master"));
    (served, running)
}

/// Applies again, to the end, and holds that everything stands as planned.
fn is_made_good(aws: &Orch, orch: &Orch, served: &Served) {
    served.run(orch, &["apply", PLAN, "--yes"]).code(0);
    world::of(aws).is_a_hub_with_spokes("us-east-1", "10.0.0.0/20", &world::SPOKES);
}

#[test]
fn each_signal_that_asks_to_stop_lets_running_nodes_settle() {
    for signal in ["INT", "TERM", "HUP"] {
        let (aws, orch) = (Orch::empty(), Orch::with_shipped_plans());
        let (served, mut running) = under_way(&aws, &orch);
        running.signal(signal).says("stopping: ");
        let_go(&aws);
        running.ends().code(130).prints(&["Not started"]);
        let replay = journals::last(&orch);
        let part = &replay.parts[0];
        assert_eq!((replay.closing.unwrap().exit, part.stopped), (130, Some(StopReason::Interrupted)), "{signal}");
        assert!(part.nodes.values().all(|past| past.state.is_end()), "{signal}: what ran has settled");
        assert_eq!((part.tally.aborted, part.tally.failed), (0, 0), "{signal}");
        is_made_good(&aws, &orch, &served);
    }
}

#[test]
fn a_second_one_leaves_at_once_and_the_journal_names_what_goes_on() {
    for signal in ["INT", "TERM"] {
        let (aws, orch) = (Orch::empty(), Orch::with_shipped_plans());
        let (served, mut running) = under_way(&aws, &orch);
        running.signal(signal).says("stopping: ").signal(signal).says("leaving now");
        running.ends().code(130).prints(&["Left while running"]);
        let replay = journals::last(&orch);
        let part = &replay.parts[0];
        assert_eq!((replay.closing.unwrap().exit, part.stopped), (130, Some(StopReason::Aborted)), "{signal}");
        assert!(part.tally.aborted > 0, "{signal}");
        // The next run waits for what goes on, and does not ask for it twice.
        drop(served);
        let served = Served::start(&aws, QUICK, &[]);
        let_go(&aws);
        is_made_good(&aws, &orch, &served);
    }
}
