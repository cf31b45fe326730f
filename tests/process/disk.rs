//! A disk that is full, and a folder that cannot be written.
#![expect(clippy::disallowed_methods, reason = "the tests look at what is left in the folder")]

use std::fs::{self, OpenOptions};
use std::process::{Command, Stdio};

use crate::orch::{Ended, Orch, QUICK};
use crate::server::Served;
use crate::{PLAN, journals};

const UNWRITTEN: &str = "the journal of this run cannot be written";

/// Runs a command that may write no file beyond so many blocks of 1,024 bytes, as on a disk that is full then.
fn on_a_full_disk(served: &Served, orch: &Orch, blocks: u32, args: &[&str]) -> Ended {
    let own = served.command(orch, args);
    let mut command = Command::new("/bin/bash");
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    command.arg("-c").arg(script).arg(own.get_program()).args(own.get_args()).env_clear();
    command.current_dir(own.get_current_dir().unwrap());
    command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.stdin(Stdio::null()).output().unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn where_nothing_can_be_written_the_run_goes_on_and_says_so_once() {
    let (aws, orch) = (Orch::empty(), Orch::with_shipped_plans());
    let served = Served::start(&aws, QUICK, &["--memory"]);
    // The tests may run as root, who may write everywhere; a file in the place of the folder stops him, too.
    orch.write(".orch", "");
    let ended = served.run(&orch, &["apply", PLAN, "--yes"]).code(0).prints(&["17 changed"]);
    for once in [UNWRITTEN, "the inventory .orch/inventory/core-network-us-east-1.json cannot be written"] {
        assert_eq!(ended.stderr.matches(once).count(), 1, "{}", ended.stderr);
    }
    served.run(&orch, &["apply", PLAN, "--yes"]).code(0).prints(&["Nothing changed"]);
}

#[test]
fn on_a_full_disk_the_run_goes_on_and_what_must_be_written_is_an_error() {
    let (aws, orch) = (Orch::empty(), Orch::with_shipped_plans());
    let served = Served::start(&aws, QUICK, &["--memory"]);
    let saving = ["preview", PLAN, "--save", "changes.json"];
    on_a_full_disk(&served, &orch, 0, &saving).code(1).says(&["changes.json cannot be written"]);
    assert!(fs::read_dir(orch.path("")).unwrap().all(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        !name.contains("changes.json")
    }));
    // Full in the middle: what fits is there and can be read, and the process ends as it would have.
    let ended = on_a_full_disk(&served, &orch, 2, &["apply", PLAN, "--yes"]).code(0).prints(&["17 changed"]);
    assert_eq!(ended.stderr.matches(UNWRITTEN).count(), 1, "{}", ended.stderr);
    let (replay, losses) = journals::all(&orch).pop().unwrap();
    assert!(replay.closing.is_none() && losses.torn && !replay.parts[0].nodes.is_empty(), "{replay:?}");
    // From the first byte on.
    let ended = on_a_full_disk(&served, &orch, 0, &["destroy", PLAN, "--yes"]).code(0);
    assert_eq!(ended.stderr.matches(UNWRITTEN).count(), 1, "{}", ended.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn results_that_cannot_be_written_are_told_and_do_not_change_how_a_run_ended() {
    let (aws, orch) = (Orch::empty(), Orch::with_shipped_plans());
    let served = Served::start(&aws, QUICK, &["--memory"]);
    let with_results_lost = |args: &[&str]| {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = served.command(&orch, args).stdin(Stdio::null()).stdout(full).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        Ended { code: output.status.code(), stdout: String::new(), stderr }
    };
    let told = ["standard output cannot be written: No space left on device"];
    with_results_lost(&["apply", PLAN, "--yes"]).code(0).says(&told).says(&["`orch runs show last`"]);
    assert_eq!(journals::created(&journals::last(&orch)), 17);
    // Here they are all that was asked for.
    with_results_lost(&["outputs", PLAN]).code(1).says(&told);
    let silent = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = served.command(&orch, &["destroy", PLAN, "--yes"]);
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(silent).status().unwrap();
    assert_eq!(status.code(), Some(0), "nobody could be told, and it was done");
}
