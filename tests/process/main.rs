//! The real process against an AWS in another process: killed, interrupted, without a terminal, a reader, a disk or files.
//!
//! Everything here takes real time. So nothing is held against a clock: what is waited for is told by the process itself, and
//! a limit is there only so that a process that hangs fails its test instead of stopping all.
#![cfg(unix)]
#![expect(unreachable_pub, reason = "the modules of this binary share their helpers, and nobody else can")]

mod disk;
mod files;
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

use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

/// How long a process may hang before its test fails: far more than any takes, on any machine.
const HANGS: Duration = Duration::from_secs(180);

/// The plan of most tests, with seventeen nodes.
const PLAN: &str = "plans/us-east-1.toml";

/// Waits for the end of a process, but not for ever.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "another process keeps the real time")]
fn ended(child: &mut Child) -> ExitStatus {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if began.elapsed() > HANGS {
            child.kill().unwrap();
            panic!("it hangs");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
