//! The real process against an AWS in another process: killed, interrupted, without a terminal, a reader, a disk or files.
//!
//! Everything here takes real time. So nothing is held against a clock: what is waited for is told by the process itself, what has
//! to be met in the middle is held until its test lets go, and a limit is there only so that a process that hangs fails its test
//! instead of stopping all.
#![cfg(unix)]
#![expect(unreachable_pub, reason = "the modules of this binary share their helpers, and nobody else can")]

#[cfg(target_os = "linux")]
mod disk;
#[cfg(target_os = "linux")]
mod files;
#[path = "../acceptance/journal_files.rs"]
mod journal_files;
mod journals;
mod killed;
#[expect(dead_code, reason = "the other suite uses the rest")]
#[path = "../acceptance/orch.rs"]
mod orch;
#[expect(dead_code, reason = "the other suite uses the rest")]
#[path = "../acceptance/server.rs"]
mod server;
mod signals;
#[cfg(target_os = "linux")]
mod terminal;
#[expect(dead_code, reason = "the other suite uses the rest")]
#[path = "../acceptance/world.rs"]
mod world;

use std::time::Duration;

use crate::orch::Orch;

/// The plan of most tests, with seventeen nodes.
const PLAN: &str = "plans/us-east-1.toml";

/// An AWS at which the hub is not made before its test lets go, however slow the machine is.
const HELD: &str = "[timing.stack_ms]\n\"us-east-1-master\" = 1800000\n";

/// Lets the hub be made, once it was begun: time passes in the world, and in no clock of the machine.
fn let_go(aws: &Orch) {
    until(|| world::of(aws).holds("us-east-1-master"));
    world::of(aws).let_time_pass(Duration::from_mins(45));
}

/// Waits until something is so, but not for ever.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "another process keeps the real time")]
fn until(is_so: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_mins(10), "it does not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}
