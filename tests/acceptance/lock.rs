//! Two runs of one plan at once: without a lock, and with one. The latter with the real binary, in a folder of its own.

use std::time::Duration;

use orch::sim::Sim;

use crate::hand;
use crate::in_process::shipped;
use crate::orch::{Orch, QUICK};
use crate::world::{self, Look};

const LOCAL: [&str; 4] = ["plans/us-east-1.toml", "--local", "--local-config", "aws.toml"];
const OBJECT: &str = "acme-orch/orch/locks/core-network-us-east-1.json";

fn args<'a>(command: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&[command], &LOCAL[..], more].concat()
}

/// The shipped plan with a lock, and the bucket of that.
fn orch(timing: &str) -> Orch {
    let orch = Orch::with_shipped_plans().env("USER", "alice");
    orch.write("aws.toml", timing);
    orch.edit("plans/us-east-1.toml", "[vars]", "lock = { account = \"master\", name = \"acme-orch\" }\n\n[vars]");
    // Something must stand before somebody can do something by hand.
    orch.run(&args("apply", &["--no-lock", "--only", "stacks.spoke[qa]"])).code(0).says(&["without the lock"]);
    hand::make_bucket(&orch, "111111111111", "acme-orch");
    orch
}

/// A hub that is not made before its test has time pass at AWS, so that a run is met in the middle on any machine.
fn slow_hub() -> String {
    format!("{QUICK}[timing.stack_ms]\n\"us-east-1-master\" = 1200000\n")
}

/// Has the hub be made, once it was begun.
#[expect(clippy::disallowed_methods, reason = "another process keeps the real time")]
fn hub_is_made(orch: &Orch) {
    while !world::of(orch).holds("us-east-1-master") {
        std::thread::sleep(Duration::from_millis(50));
    }
    world::of(orch).let_time_pass(Duration::from_mins(25));
}

#[test]
fn a_second_run_is_kept_out_and_told_by_whom_unless_it_waits() {
    let orch = orch(&slow_hub());
    let mut running = orch.start(&args("apply", &[]));
    running.says("started in master");
    for command in ["apply", "destroy"] {
        let ended = orch.run(&args(command, &[])).code(7);
        ended.says(&[
            "plan core-network-us-east-1 is locked: orch apply of alice@",
            "renewed",
            "--wait-lock 10m",
            "orch unlock plans/us-east-1.toml",
            "nothing was changed",
        ]);
    }
    orch.run(&args("adopt", &["stacks.master"])).code(7);
    // What only looks does not ask, and what breaks off is not kept out.
    orch.run(&args("status", &[])).code(1);
    orch.run(&args("preview", &["--only", "stacks.spoke[dev]"]));
    let mut waiting = orch.start(&args("apply", &["--wait-lock", "1h"]));
    waiting.says("waiting for the lock of plan core-network-us-east-1, which orch apply of alice@");
    hub_is_made(&orch);
    running.ends().code(0);
    waiting.ends().code(0).prints(&["Nothing changed"]);
    // It is given back by then, and the object stays.
    assert!(!hand::object(&orch, OBJECT).unwrap().contains("holder"));
    orch.run(&["unlock", LOCAL[0], LOCAL[1]]).code(0).says(&["nobody holds the lock"]);
}

#[test]
fn the_lock_of_a_killed_run_is_broken_on_purpose() {
    let orch = orch(&slow_hub());
    let mut running = orch.start(&args("apply", &[]));
    running.says("started in master");
    running.kill();
    orch.run(&args("apply", &[])).code(7);
    orch.run(&["unlock", LOCAL[0], LOCAL[1]]).code(0).says(&["orch apply of alice@", "the lock is free"]);
    // Whether the hub was begun by then is up to the machine.
    orch.write("aws.toml", QUICK);
    world::of(&orch).let_time_pass(Duration::from_mins(25));
    orch.run(&args("apply", &[])).code(0);
    orch.run(&args("destroy", &["--only", "routes"])).code(0);
    orch.run(&["unlock", "plans/us-west-2.toml", "--local"]).code(2).says(&["has no lock", "docs/runs.md"]);
}

#[test]
fn a_run_whose_lock_is_taken_away_begins_nothing_new_and_lets_what_runs_settle() {
    let orch = orch(&slow_hub());
    let mut running = orch.start(&args("apply", &[]));
    running.says("started in master");
    orch.run(&["unlock", LOCAL[0], LOCAL[1]]).code(0);
    running.says("was taken away from this run; nothing new is begun").says("stopping: ");
    hub_is_made(&orch);
    let ended = running.ends().code(130).prints(&["Not started"]);
    assert!(!ended.stdout.contains("Left while running"), "{}", ended.stdout);
    assert!(!hand::object(&orch, OBJECT).unwrap().contains("holder"), "nor is it taken back");
}

#[test]
fn a_lock_that_cannot_be_had_stops_the_run_unless_it_is_to_go_without() {
    let orch = Orch::with_shipped_plans();
    orch.write("aws.toml", QUICK);
    orch.edit("plans/us-east-1.toml", "[vars]", "lock = { account = \"master\", name = \"acme-orch\" }\n\n[vars]");
    let ended = orch.run(&args("apply", &[])).code(3);
    ended.says(&["the lock of plan core-network-us-east-1 cannot be had", "bucket acme-orch must exist", "--no-lock"]);
    orch.run(&args("apply", &["--no-lock"])).code(0).prints(&["17 changed"]);
}

#[tokio::test(start_paused = true)]
async fn two_applies_at_once_without_a_lock_end_in_the_same_world() {
    let plan = shipped("plans/us-east-1.toml");
    let alone = Sim::builder().build();
    let (tally, told) = plan.apply(&alone).await;
    assert!(tally.is_success(), "{told:#?}");
    let (wanted, length) = (Look::from(&alone).shape(), u64::try_from(told.last().unwrap().0).unwrap());
    // The second begins with the first, right behind it, and at moments all over its run.
    for behind in (0..2_000).step_by(100).chain((2_000..length).step_by(usize::try_from(length / 40).unwrap())) {
        let sim = Sim::builder().build();
        let second = async {
            tokio::time::sleep(Duration::from_millis(behind)).await;
            plan.apply(&sim).await
        };
        for (tally, told) in <[_; 2]>::from(tokio::join!(plan.apply(&sim), second)) {
            assert!(tally.is_success(), "{behind} ms behind: {told:#?}");
        }
        assert_eq!(Look::from(&sim).shape(), wanted, "{behind} ms behind");
        let (tally, _) = plan.apply(&sim).await;
        assert_eq!((tally.done, tally.changed), (17, 0), "{behind} ms behind");
    }
}
