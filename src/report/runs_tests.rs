use super::*;
use crate::event::{Change, Command, Event, Failure, Record};
use crate::ids::NodeId;
use crate::journal::{Closing, Replay, RunId, Unread, VERSION as JOURNAL};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_796_054_701 + seconds).unwrap()
}

fn node(id: &str) -> NodeId {
    id.parse().unwrap()
}

fn started(id: &str) -> Event {
    Event::NodeStarted { node: node(id), account: "dev".into(), region: "us-east-1".into() }
}

fn run(command: Command, began: i64, alive: bool, exit: Option<u8>, events: Vec<Event>) -> PastRun {
    let header = Header {
        journal: JOURNAL,
        id: RunId::new(at(began), command, 7),
        plan: "core\x1b[31m".to_owned(),
        file: "plans/core.toml".to_owned(),
        changes: None,
        command,
        prune: false,
        local: began > 0,
        only: vec!["account:dev".to_owned()],
        skip: Vec::new(),
        by: Some("alice@laptop".to_owned()),
        pid: 42,
        orch: "0.1.0".to_owned(),
        started: at(began),
        locked: true,
    };
    let records = events.into_iter().zip(began + 1..).map(|(event, time)| Record::new(at(time), event));
    let mut replay = Replay::of_records(records);
    replay.closing = exit.map(|exit| Closing { closed: at(began + 60), exit, lost: 0 });
    let ending = Ending::of(&header, &replay, Some(alive));
    PastRun { header, replay, ending, losses: Losses::default(), bytes: 1_250 }
}

fn runs() -> Vec<PastRun> {
    let told = |nodes| Event::RunStarted { plan: "core".to_owned(), command: Command::Apply, nodes };
    let done = |id: &str| Event::NodeDone {
        node: node(id),
        change: Change::Created,
        details: vec![],
        outputs: [].into(),
        took_ms: 5,
    };
    let failed = |id: &str| Event::NodeFailed {
        node: node(id),
        error: Failure::new("stack dev ended in ROLLBACK_COMPLETE", "limit\n\x1b[1m").help("ask for more"),
        took_ms: 5,
    };
    vec![
        run(Command::Destroy, 5_000, true, None, vec![told(2), started("stacks.a")]),
        run(
            Command::Apply,
            600,
            false,
            None,
            vec![told(2), started("stacks.a"), done("stacks.a"), started("stacks.b")],
        ),
        run(
            Command::Apply,
            0,
            false,
            Some(1),
            vec![told(2), started("stacks.b"), done("stacks.a"), failed("stacks.b")],
        ),
    ]
}

fn listing() -> Listing {
    Listing { runs: runs().iter().map(PastRun::brief).collect(), ..Listing::default() }
}

#[test]
fn a_list_has_a_line_for_each_run() {
    insta::assert_snapshot!(runs_text(at(9_000), &listing(), Palette::PLAIN), @r"
    20261130T172821.000Z-destroy-0007  running  core\u{1b}[31m  destroy --local  66 min ago  2.0s
    20261130T161501.000Z-apply-0007    killed   core\u{1b}[31m  apply --local    2 h ago     4.0s  1 done, 1 changed
    20261130T160501.000Z-apply-0007    failed   core\u{1b}[31m  apply            2 h ago     4.0s  1 done, 1 changed, 1 failed
    3 runs, 3.7 KB
    ");
    assert_eq!(runs_text(at(0), &Listing::default(), Palette::PLAIN), "no runs\n");
    let limited = Listing { older: 40, ..listing() };
    assert!(runs_text(at(9_000), &limited, Palette::PLAIN).ends_with("\n3 runs, 3.7 KB; 40 older not read\n"));
}

#[test]
fn one_run_tells_what_failed_and_what_it_was_in_the_middle_of() {
    let all: Vec<String> = runs().iter().map(|run| run_text(at(9_000), run, Palette::PLAIN)).collect();
    insta::assert_snapshot!(all.join("----\n"), @r"
    run      20261130T172821.000Z-destroy-0007
    plan     core\u{1b}[31m (plans/core.toml)
    command  destroy --local --only account:dev
    began    2026-11-30T17:28:21Z, 66 min ago
    by       alice@laptop, process 42, orch 0.1.0

    apply of 2 nodes
      in the middle of stacks.a

    running, for 2.0s so far
    ----
    run      20261130T161501.000Z-apply-0007
    plan     core\u{1b}[31m (plans/core.toml)
    command  apply --local --only account:dev
    began    2026-11-30T16:15:01Z, 2 h ago
    by       alice@laptop, process 42, orch 0.1.0

    apply of 2 nodes: 1 done, 1 changed
      in the middle of stacks.b
      created stacks.a

    killed: its process is gone before all of it was over, 4.0s after it began; apply again, which takes up what AWS shows
    ----
    run      20261130T160501.000Z-apply-0007
    plan     core\u{1b}[31m (plans/core.toml)
    command  apply --only account:dev
    began    2026-11-30T16:05:01Z, 2 h ago
    by       alice@laptop, process 42, orch 0.1.0

    apply of 2 nodes: 1 done, 1 changed, 1 failed
      stacks.b  stack dev ended in ROLLBACK_COMPLETE
        cause    limit \u{1b}[1m
        help     ask for more
      created stacks.a

    failed in 4.0s, exit code 1
    ");
}

#[test]
fn the_document_has_what_the_list_has() {
    let document: serde_json::Value = serde_json::from_str(&runs_json(at(9_000), &listing())).unwrap();
    let ended: Vec<&str> =
        document["runs"].as_array().unwrap().iter().map(|run| run["ended"].as_str().unwrap()).collect();
    assert_eq!(ended, ["running", "killed", "failed"]);
    assert_eq!(document["runs"][2]["exit"], 1);
    assert_eq!((&document["runs"][1]["running"], &document["runs"][2]["failed"]), (&1.into(), &1.into()));
    assert_eq!(document["runs"][0]["id"], "20261130T172821.000Z-destroy-0007");
    assert_eq!((&document["version"], &document["at"]), (&1.into(), &1_796_063_701_000_i64.into()));
    assert_eq!((&document["unreadable"], &document["older"]), (&serde_json::json!([]), &0.into()));
    let unread = Unread { id: runs().remove(0).header.id, why: "it is empty".to_owned() };
    let damaged = Listing { unreadable: vec![unread], ..Listing::default() };
    let document: serde_json::Value = serde_json::from_str(&runs_json(at(9_000), &damaged)).unwrap();
    let told = serde_json::json!([{ "id": "20261130T172821.000Z-destroy-0007", "why": "it is empty" }]);
    assert_eq!(document["unreadable"], told);
}

#[test]
fn a_run_tells_who_was_held_back_and_why_and_what_of_others_is_harmless() {
    let events = vec![
        Event::RunStarted { plan: "core".to_owned(), command: Command::Apply, nodes: 6 },
        started("stacks.spoke[a\x1b[2J]"),
        Event::NodeFailed { node: node("stacks.spoke[a\x1b[2J]"), error: Failure::new("no", ""), took_ms: 5 },
        Event::RollOutHeld { group: "stacks.spoke".to_owned(), failed: vec![node("stacks.spoke[a\x1b[2J]")], left: 1 },
        Event::NodeSkipped { node: node("peerings.a"), because: node("stacks.spoke[a\x1b[2J]") },
        Event::NodeNotStarted { node: node("stacks.spoke[b]") },
        Event::RunFinished {
            tally: Tally { failed: 1, skipped: 1, not_started: 1, ..Tally::default() },
            took_ms: 61_000,
            saved_ms: None,
        },
    ];
    let mut run = run(Command::Apply, 0, false, None, events);
    run.header.prune = true;
    run.header.changes = Some("changes.json".to_owned());
    let text = run_text(at(9_000), &run, Palette::PLAIN);
    insta::assert_snapshot!(text, @r"
    run      20261130T160501.000Z-apply-0007
    plan     core\u{1b}[31m (plans/core.toml, as changes.json had it)
    command  apply --prune --only account:dev
    began    2026-11-30T16:05:01Z, 2 h ago
    by       alice@laptop, process 42, orch 0.1.0

    apply of 6 nodes: 1 failed, 1 skipped, 1 not started
      no more was started of stacks.spoke, since stacks.spoke[a\u{1b}[2J] did not end well
      stacks.spoke[a\u{1b}[2J]  no
      skipped peerings.a
      not started stacks.spoke[b]

    failed in 1m01s: every node had ended, and only the last line of the journal is missing
    ");
}

#[test]
fn what_is_missing_of_a_journal_is_told() {
    let mut run = runs().remove(2);
    run.losses = Losses { torn: true, damaged: 2, unknown: 1 };
    let text = run_text(at(9_000), &run, Palette::PLAIN);
    for said in ["half a one", "2 lines of the journal cannot be read", "1 event of the journal known to a later orch"]
    {
        assert!(text.contains(said), "{text}");
    }
}

#[test]
fn sizes_have_one_unit() {
    let shown = [0, 999, 1_000, 1_250, 999_999, 1_000_000, 5_300_000_000].map(size);
    assert_eq!(shown, ["0 B", "999 B", "1.0 KB", "1.2 KB", "999.9 KB", "1.0 MB", "5.3 GB"]);
}
