//! The journals that runs leave behind, and `orch runs`. The real binary, in a folder of its own.
#![expect(clippy::disallowed_methods, reason = "the tests look at the journals' files")]

use std::fs;
use std::path::Path;

use orch::event::{Change, Command};
use orch::journal::{Losses, NodeState, Replay};
use serde_json::Value;

use crate::journal_files::{self, files};
use crate::orch::{Orch, QUICK};

const LOCAL: [&str; 4] = ["plans/us-east-1.toml", "--local", "--local-config", "aws.toml"];

/// Stacks that are met in the middle however slow the machine is: each of their resources takes hours.
const HELD: &str = "[timing]\nresource_ms = 36000000\n";

fn orch(timing: &str) -> Orch {
    let orch = Orch::with_shipped_plans();
    orch.write("aws.toml", timing);
    orch
}

fn args<'a>(command: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&[command], &LOCAL[..], more].concat()
}

/// The runs as the document tells of them, the newest first.
#[track_caller]
fn listed(orch: &Orch) -> Vec<Value> {
    let ended = orch.run(&["runs", "--format", "json"]).code(0);
    assert_eq!(ended.stderr, "");
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    document["runs"].as_array().unwrap().clone()
}

fn replay(journal: &Path) -> Replay {
    let (replay, losses) = journal_files::read(journal);
    assert_eq!(losses, Losses::default());
    replay
}

#[test]
fn every_run_leaves_a_journal_and_what_only_looks_leaves_none() {
    let orch = orch(QUICK);
    orch.run(&["runs"]).code(0).prints(&["no runs"]);
    orch.run(&args("preview", &[])).code(5);
    orch.run(&args("apply", &["--dry-run"])).code(5);
    orch.run(&["runs"]).code(0).prints(&["no runs"]);
    orch.run(&args("apply", &[])).code(0);
    orch.run(&args("outputs", &[])).code(0);
    orch.run(&args("status", &[])).code(0);
    orch.run(&args("destroy", &["--only", "routes"])).code(0);
    let [destroy, apply] = &listed(&orch)[..] else { panic!("two runs") };
    for (run, command, done) in [(destroy, "destroy", 8), (apply, "apply", 17)] {
        assert_eq!((&run["command"], &run["ended"], &run["exit"]), (&command.into(), &"done".into(), &0.into()));
        assert_eq!((&run["done"], &run["changed"], &run["local"]), (&done.into(), &done.into(), &true.into()));
        assert_eq!((&run["plan"], &run["file"]), (&"core-network-us-east-1".into(), &LOCAL[0].into()));
    }
    assert_eq!(destroy["only"], serde_json::json!(["routes"]));
    orch.run(&["runs"]).code(0).prints(&["destroy --local", "8 done, 8 changed", "2 runs, "]);
    orch.run(&["runs", "show"]).code(0).prints(&[
        "destroy --local --only routes",
        "destroy of 8 nodes",
        "deleted routes.",
        "done in",
    ]);
    orch.run(&["runs", "--limit", "1"]).code(0).prints(&["1 run, ", "; 1 older not read"]);
    let id = apply["id"].as_str().unwrap();
    let file = format!(".orch/runs/{id}/events.jsonl");
    orch.run(&["runs", "show", id]).code(0).prints(&["apply of 17 nodes: 17 done, 17 changed", &file]);
    orch.run(&["runs", "show", "1999"]).code(1).says(&["there is no run `1999`", "`orch runs` lists them"]);
    // What is in it is enough for whoever wants to know later what happened where, and when.
    let replay = replay(&orch.path(&file));
    let [part] = &replay.parts[..] else { panic!("one part") };
    assert_eq!(part.nodes.len(), 17);
    for (node, past) in &part.nodes {
        assert_eq!((&past.state, past.ends), (&NodeState::Done(Change::Created), 1), "{node}");
        assert!(past.place.is_some() && past.started <= past.ended, "{node}");
    }
}

#[cfg(unix)]
#[test]
fn a_journal_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let orch = orch(QUICK);
    orch.run(&args("apply", &["--only", "stacks.master"])).code(0);
    let journal = files(&orch).remove(0);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&journal), mode(journal.parent().unwrap())), (0o600, 0o700));
    assert_eq!(mode(&orch.path(".orch/runs")), 0o700);
}

#[test]
fn a_run_that_goes_on_is_told_from_one_that_was_killed() {
    let orch = orch(HELD);
    let mut running = orch.start(&args("apply", &[]));
    running.says("started in qa");
    let run = listed(&orch).remove(0);
    assert_eq!((&run["ended"], run["running"].as_u64() >= Some(1)), (&"running".into(), true), "{run:#}");
    orch.run(&["runs", "show"]).code(0).prints(&["in the middle of", "running, for"]);
    orch.run(&["runs", "prune", "--keep", "0"]).code(0).prints(&["it goes on", "0 runs deleted, 1 kept"]);
    running.kill();
    let run = listed(&orch).remove(0);
    assert_eq!((&run["ended"], &run["exit"]), (&"killed".into(), &Value::Null));
    orch.run(&["runs", "show"]).code(0).prints(&["killed: its process is gone", "apply again"]);
    orch.run(&["runs", "prune", "--keep", "0"]).code(0).prints(&["deleted ", "1 run deleted, 0 kept"]);
    orch.run(&["runs"]).code(0).prints(&["no runs"]);
}

#[test]
fn failures_and_interruptions_are_in_the_journal_as_they_were_told() {
    let failing =
        "\n[[resource]]\nstack = \"us-east-1-dev\"\nlogical_id = \"PublicSubnetA\"\nreason = \"no more subnets\"\n";
    let orch = orch(&format!("{QUICK}{failing}"));
    orch.run(&args("apply", &[])).code(1);
    assert_eq!(listed(&orch)[0]["ended"], "failed");
    orch.run(&["runs", "show"]).code(0).prints(&[
        "1 failed, 3 skipped",
        "no more subnets",
        "stacks.spoke[dev]",
        "help",
    ]);
    let replay = replay(&files(&orch)[0]);
    let (node, failure) = replay.failures().next().unwrap();
    assert_eq!(node.to_string(), "stacks.spoke[dev]");
    assert!(failure.place.as_ref().is_some_and(|place| place.starts_with("plans/hub-and-spoke.toml:")), "{failure:?}");
}

#[test]
fn what_left_the_plan_is_deleted_in_the_same_run() {
    let orch = orch(QUICK);
    orch.run(&args("apply", &[])).code(0);
    orch.edit("plans/us-east-1.toml", ", qa = \"10.0.64.0/20\"", "");
    orch.edit("plans/hub-and-spoke.toml", "qa      = { id = \"555555555555\", role = \"MasterAcctRole\" }\n", "");
    orch.run(&args("apply", &["--prune"])).code(0);
    assert_eq!(listed(&orch).len(), 2);
    let replay = replay(&files(&orch)[1]);
    assert_eq!(replay.parts.iter().map(|part| part.command).collect::<Vec<_>>(), [Command::Apply, Command::Prune]);
    assert!(replay.parts[1].nodes.values().all(|past| past.state == NodeState::Done(Change::Deleted)));
    orch.run(&["runs", "show"]).code(0).prints(&["apply of 13 nodes", "prune of 8 nodes: 8 done, 8 changed"]);
}

#[test]
fn a_saved_preview_that_was_applied_is_told_with_its_plan_and_what_it_had_chosen() {
    let orch = orch(QUICK);
    orch.run(&args("preview", &["--only", "stacks.master", "--save", "changes.json"])).code(5);
    orch.run(&["apply", "changes.json", "--local", "--local-config", "aws.toml"]).code(0);
    let run = listed(&orch).remove(0);
    assert_eq!((&run["file"], &run["changes"]), (&LOCAL[0].into(), &"changes.json".into()), "{run:#}");
    assert_eq!(run["only"], serde_json::json!(["stacks.master"]));
    let shown = ["(plans/us-east-1.toml, as changes.json had it)", "apply --local --only stacks.master"];
    orch.run(&["runs", "show"]).code(0).prints(&shown).prints(&["created stacks.master"]);
}

#[test]
fn pruning_keeps_the_newest_and_what_is_young_enough() {
    let orch = orch(QUICK);
    for _ in 0..3 {
        orch.run(&args("apply", &["--only", "stacks.master"])).code(0);
    }
    orch.run(&["runs", "prune"]).code(2).says(&["--keep", "--older-than"]);
    orch.run(&["runs", "prune", "--older-than", "1h"]).code(0).prints(&["0 runs deleted, 3 kept"]);
    let newest = listed(&orch)[0]["id"].clone();
    orch.write(".orch/runs/notes.txt", "mine");
    orch.run(&["runs", "prune", "--keep", "1"]).code(0).prints(&["2 runs deleted, 1 kept"]);
    assert_eq!(listed(&orch).iter().map(|run| &run["id"]).collect::<Vec<_>>(), [&newest]);
    assert!(orch.path(".orch/runs/notes.txt").exists());
    let old = orch.path(".orch/runs/20200101T000000.000Z-apply-0000");
    fs::create_dir(&old).unwrap();
    orch.run(&["runs"]).code(1).says(&["20200101T000000.000Z-apply-0000"]);
    fs::write(old.join("events.jsonl"), "{\"journal\":9,\"orch\":\"3.0.0\"}\n").unwrap();
    orch.run(&["runs"]).code(1).says(&["version 9", "orch 3.0.0"]).prints(&["1 run, "]);
    let ended = orch.run(&["runs", "--format", "json"]).code(1);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(document["unreadable"][0]["id"], "20200101T000000.000Z-apply-0000");
    // What somebody has put there is shown and not obeyed.
    fs::write(old.join("events.jsonl"), "{\"journal\":9,\"orch\":\"\\u001b]0;x\\u0007\"}\n").unwrap();
    let ended = orch.run(&["runs"]).code(1).says(&["version 9"]);
    assert!(!ended.stderr.contains('\u{1b}'), "{}", ended.stderr);
    orch.run(&["runs", "show", "2020"]).code(1).says(&["version 9"]);
    orch.run(&["runs", "prune", "--older-than", "30d"]).code(0).prints(&["1 run deleted, 1 kept"]);
}

#[test]
fn a_journal_that_cannot_be_written_is_told_once_and_the_run_goes_on() {
    let orch = orch(QUICK);
    orch.write(".orch/runs", "a file in the place of the folder");
    let ended = orch.run(&args("apply", &[])).code(0).prints(&["17 changed"]);
    assert_eq!(ended.stderr.matches("the journal of this run cannot be written").count(), 1, "{}", ended.stderr);
    ended.says(&[".orch/runs: ", "help: the run goes on"]);
    fs::remove_file(orch.path(".orch/runs")).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(orch.path("nowhere/at/all"), orch.path(".orch/runs")).unwrap();
        orch.run(&args("destroy", &[])).code(0).says(&["the journal of this run cannot be written"]);
    }
}
