//! A disk that is full, and a folder that cannot be written.

use std::fs;

use orch::journal::Losses;

use crate::orch::{Ended, Orch, QUICK};
use crate::server::Served;
use crate::{HELD, PLAN, journals, let_go};

const UNWRITTEN: &str = "the journal of this run cannot be written";

/// Runs a command that may write no file beyond so many blocks of 1,024 bytes, as on a disk that is full then.
fn on_a_full_disk(served: &Served, orch: &Orch, blocks: u32, args: &[&str]) -> Ended {
    Ended::of(Orch::under(&format!("trap '' XFSZ; ulimit -f {blocks}"), &served.command(orch, args)))
}

#[test]
fn where_nothing_can_be_written_the_run_goes_on_and_says_so_once() {
    let (aws, orch) = (Orch::empty(), Orch::with_shipped_plans());
    let served = Served::start(&aws, QUICK, &["--memory"]);
    // The tests may run as root, who may write nearly everywhere; a file in the place of the folder stops him, too.
    orch.write(".orch", "");
    let ended = served.run(&orch, &["apply", PLAN, "--yes"]).code(0).prints(&["17 changed"]);
    for once in [UNWRITTEN, "the inventory .orch/inventory/core-network-us-east-1.json cannot be written"] {
        assert_eq!(ended.stderr.matches(once).count(), 1, "{}", ended.stderr);
    }
    served.run(&orch, &["apply", PLAN, "--yes"]).code(0).prints(&["Nothing changed"]);
    // And a folder in which nobody may make anything, root or not.
    let plan = orch.path(PLAN).display().to_string();
    let mut command = served.command(&orch, &["destroy", &plan, "--yes"]);
    command.current_dir("/sys");
    let ended = Ended::of(command).code(0).prints(&["17 changed"]);
    assert_eq!(ended.stderr.matches(UNWRITTEN).count(), 1, "{}", ended.stderr);
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
    let ended = on_a_full_disk(&served, &orch, 4, &["apply", PLAN, "--yes"]).code(0).prints(&["17 changed"]);
    assert_eq!(ended.stderr.matches(UNWRITTEN).count(), 1, "{}", ended.stderr);
    let (replay, losses) = journals::all(&orch).pop().unwrap();
    assert_eq!(losses, Losses::default(), "the last line has taken the place of those that did not fit");
    let closing = replay.closing.unwrap();
    assert!(closing.exit == 0 && closing.lost > 0 && !replay.parts[0].nodes.is_empty(), "{replay:?}");
    orch.run(&["runs", "show"]).code(0).prints(&["done in", "lines could not be written"]);
    // From the first byte on.
    let ended = on_a_full_disk(&served, &orch, 0, &["destroy", PLAN, "--yes"]).code(0);
    assert_eq!(ended.stderr.matches(UNWRITTEN).count(), 1, "{}", ended.stderr);
}

#[test]
fn results_that_cannot_be_written_are_told_and_make_no_other_run_fail_than_one_that_went_well() {
    let (aws, orch) = (Orch::empty(), Orch::with_shipped_plans());
    let served = Served::start(&aws, &format!("{QUICK}{HELD}"), &[]);
    let lost = |args: &[&str]| Orch::under("exec >/dev/full", &served.command(&orch, args));
    let told = ["standard output cannot be written: No space left on device"];
    let mut running = Orch::started(lost(&["apply", PLAN, "--yes"]));
    running.says("started in master").signal("INT").says("stopping: ");
    let_go(&aws);
    running.ends().code(130).says(&told).says(&["warning: ", "`orch runs show 2"]);
    let ended = Ended::of(lost(&["apply", PLAN, "--yes"])).code(1).says(&told);
    ended.says(&["error: the run went well, but", "`orch runs show 2", "`orch outputs plans/us-east-1.toml`"]);
    let replay = journals::last(&orch);
    assert_eq!((replay.closing.unwrap().exit, replay.tally().failed), (0, 0), "of itself it says how it went");
    // Here they are all that was asked for.
    Ended::of(lost(&["outputs", PLAN])).code(1).says(&told);
    drop(served);
    let served = Served::start(&aws, QUICK, &[]);
    let silent = Orch::under("exec 2>/dev/full", &served.command(&orch, &["destroy", PLAN, "--yes"]));
    Ended::of(silent).code(0).prints(&["17 changed"]);
}
