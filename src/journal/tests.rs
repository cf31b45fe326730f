//! Journals that are whole, that grow, that are torn, and that another orch has written.

use jiff::Timestamp;

use super::*;
use crate::event::{Change, Command, Event, Failure, Record, StopReason, Tally};
use crate::ids::NodeId;

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_796_054_701_000 + milliseconds).unwrap()
}

fn node(id: &str) -> NodeId {
    id.parse().unwrap()
}

fn header() -> Header {
    Header {
        journal: VERSION,
        id: RunId::new(at(0), Command::Apply, 0x1a2b),
        plan: "core".to_owned(),
        file: "plans/core.toml".to_owned(),
        changes: None,
        command: Command::Apply,
        prune: false,
        local: true,
        only: Vec::new(),
        skip: vec!["routes".to_owned()],
        by: Some("alice@laptop".to_owned()),
        pid: 7,
        orch: "0.1.0".to_owned(),
        started: at(0),
        locked: true,
    }
}

fn began(id: &str) -> Event {
    Event::NodeStarted { node: node(id), account: "dev".into(), region: "us-east-1".into() }
}

fn done(id: &str, change: Change) -> Event {
    Event::NodeDone { node: node(id), change, details: vec![], outputs: [].into(), took_ms: 5 }
}

fn finished(tally: Tally) -> Event {
    Event::RunFinished { tally, took_ms: 60, saved_ms: None }
}

/// An apply in which each sort of end has a node, and the deletion of what left the plan behind it.
fn story() -> Vec<Event> {
    let failed = node("stacks.bad");
    let because = || failed.clone();
    vec![
        Event::RunStarted { plan: "core".to_owned(), command: Command::Apply, nodes: 6 },
        began("stacks.good"),
        began("stacks.bad"),
        began("stacks.left"),
        done("stacks.good", Change::Created),
        Event::RollOutHeld { group: "stacks".to_owned(), failed: vec![because()], left: 1 },
        Event::NodeFailed { node: because(), error: Failure::new("no", "limit").request("1-2"), took_ms: 9 },
        Event::NodeWithdrawn { node: node("routes.a"), because: because(), details: vec![], took_ms: 3 },
        Event::NodeSkipped { node: node("peerings.a"), because: because() },
        Event::Stopping { reason: StopReason::Aborted, left: 1, running: 1 },
        Event::NodeNotStarted { node: node("stacks.late") },
        Event::NodeAborted { node: node("stacks.left"), took_ms: 50 },
        finished(Tally { done: 1, changed: 1, failed: 1, skipped: 2, not_started: 1, aborted: 1 }),
        Event::RunStarted { plan: "core".to_owned(), command: Command::Prune, nodes: 1 },
        began("stacks.good"),
        done("stacks.good", Change::Deleted),
        finished(Tally { done: 1, changed: 1, ..Tally::default() }),
    ]
}

fn text() -> String {
    let records = story().into_iter().zip(1..).map(|(event, time)| record_line(&Record::new(at(time), event)));
    let closing = Closing { closed: at(99), exit: 1, lost: 0 };
    [header().line()].into_iter().chain(records).chain([closing.line()]).collect()
}

fn read(text: &[u8]) -> Result<(Header, Replay, Losses), Unreadable> {
    let mut entries = Entries::open(text)?;
    let replay = Replay::of(&mut entries)?;
    Ok((entries.header().clone(), replay, entries.losses()))
}

#[test]
fn what_is_written_is_what_is_read() {
    let (read_header, replay, losses) = read(text().as_bytes()).unwrap();
    assert_eq!((read_header, losses), (header(), Losses::default()));
    let [apply, prune] = &replay.parts[..] else { panic!("{:?}", replay.parts) };
    let state = |id: &str| apply.nodes[&node(id)].state.clone();
    assert_eq!(state("stacks.good"), NodeState::Done(Change::Created));
    assert_eq!(state("stacks.bad"), NodeState::Failed(Failure::new("no", "limit").request("1-2")));
    assert_eq!(state("routes.a"), NodeState::Withdrawn(node("stacks.bad")));
    assert_eq!(state("peerings.a"), NodeState::Skipped(node("stacks.bad")));
    assert_eq!(state("stacks.left"), NodeState::Aborted);
    assert_eq!(state("stacks.late"), NodeState::NotStarted);
    for part in [apply, prune] {
        assert_eq!(Some(part.tally), part.finished.map(|finished| finished.tally), "counted as it was told");
        assert!(part.nodes.values().all(|past| past.ends == 1 && past.state.is_end()));
    }
    assert_eq!(apply.nodes[&node("stacks.good")].place, Some(("dev".into(), "us-east-1".into())));
    assert_eq!(apply.nodes[&node("stacks.good")].started, Some(at(2)));
    assert_eq!(apply.stopped, Some(StopReason::Aborted));
    // The same node is a part of both.
    assert_eq!(prune.nodes[&node("stacks.good")].state, NodeState::Done(Change::Deleted));
    assert_eq!(replay.tally().done, 2);
    assert!(replay.is_finished(true) && replay.running() == 0);
    assert_eq!(apply.held, [Held { group: "stacks".to_owned(), failed: vec![node("stacks.bad")] }]);
    assert_eq!((replay.closing.unwrap().exit, replay.last), (1, Some(at(99))));
    assert_eq!(replay.failures().count(), 1);
}

#[test]
fn wherever_it_is_cut_off_all_that_was_whole_before_is_read() {
    let text = text();
    let whole_lines = |length: usize| text[..length].matches('\n').count();
    for length in (0..=text.len()).filter(|length| text.is_char_boundary(*length)) {
        let cut = &text.as_bytes()[..length];
        match read(cut) {
            Err(Unreadable::Empty) => assert_eq!(whole_lines(length), 0, "{length}"),
            Err(error) => panic!("{length}: {error}"),
            Ok((_, replay, losses)) => {
                assert_eq!(losses.torn, !text[..length].ends_with('\n'), "{length}");
                assert_eq!((losses.damaged, losses.unknown), (0, 0));
                let ends: usize = replay.parts.iter().flat_map(|part| part.nodes.values()).map(|past| past.ends).sum();
                let told = story().iter().take(whole_lines(length) - 1).filter(|event| is_end(event)).count();
                assert_eq!(ends, told, "{length}");
                assert_eq!(replay.closing.is_some(), length == text.len(), "{length}");
            }
        }
    }
}

fn is_end(event: &Event) -> bool {
    let mut tally = Tally::default();
    tally.count(event);
    tally.nodes() > 0
}

#[test]
fn half_a_line_in_between_costs_no_other() {
    let whole = text();
    let second = whole.match_indices('\n').nth(1).unwrap().0 + 1;
    let damaged = format!("{}{{\"version\":1,\"at\":17,\"eve\n{}", &whole[..second], &whole[second..]);
    let (_, replay, losses) = read(damaged.as_bytes()).unwrap();
    assert_eq!(losses, Losses { damaged: 1, ..Losses::default() });
    assert_eq!(replay, read(whole.as_bytes()).unwrap().1);
}

#[test]
fn a_later_form_is_refused_and_a_later_event_is_passed_over() {
    let whole = text();
    let later = whole.replacen("{\"journal\":1,", "{\"journal\":2,", 1);
    let error = read(later.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("version 2") && error.contains("orch 0.1.0"), "{error}");
    let later = whole.replacen("\"version\":1,", "\"version\":9,", 1);
    let error = read(later.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("line 2") && error.contains("version 9"), "{error}");
    let more = format!("{whole}{{\"version\":1,\"at\":7,\"event\":\"node_sang\",\"node\":\"stacks.a\"}}\n");
    let (_, replay, losses) = read(more.as_bytes()).unwrap();
    assert_eq!(losses, Losses { unknown: 1, ..Losses::default() });
    assert_eq!(replay, read(whole.as_bytes()).unwrap().1);
    // A word of a later orch for what a node did: it has ended, and is not in the middle of anything.
    let more = whole.replacen("\"change\":\"created\"", "\"change\":\"imported\"", 1);
    let (_, replay, losses) = read(more.as_bytes()).unwrap();
    assert_eq!(losses, Losses { unknown: 1, ..Losses::default() });
    let past = &replay.parts[0].nodes[&node("stacks.good")];
    assert_eq!((&past.state, past.ends, past.started), (&NodeState::DoneOtherwise, 1, Some(at(2))));
    assert_eq!(replay.parts[0].tally.done, 1);
    // A header with a field that this orch does not know is one all the same.
    let more = whole.replacen("{\"journal\":1,", "{\"journal\":1,\"mood\":\"fine\",", 1);
    assert_eq!(read(more.as_bytes()).unwrap().0, header());
}

#[test]
fn a_line_without_end_costs_no_other() {
    let whole = text();
    let second = whole.match_indices('\n').nth(1).unwrap().0 + 1;
    let mut damaged = whole.as_bytes()[..second].to_vec();
    damaged.resize(damaged.len() + 17 * 1024 * 1024, 0);
    let cut = damaged.clone();
    damaged.extend_from_slice(b"\n\n");
    damaged.extend_from_slice(&whole.as_bytes()[second..]);
    let (_, replay, losses) = read(&damaged).unwrap();
    assert_eq!(losses, Losses { damaged: 1, ..Losses::default() }, "an empty line is none");
    assert_eq!(replay, read(whole.as_bytes()).unwrap().1);
    assert!(read(&cut).unwrap().2.torn);
}

#[test]
fn what_is_no_journal_says_so() {
    for text in ["{}\n", "hello\n", "{\"version\":1,\"at\":7,\"event\":\"node_not_started\",\"node\":\"routes.a\"}\n"] {
        assert!(matches!(read(text.as_bytes()), Err(Unreadable::NoHeader(_))), "{text}");
    }
    assert!(matches!(read(b""), Err(Unreadable::Empty)));
}

#[test]
fn the_end_that_is_written_weighs_more_than_whether_a_process_is_there() {
    let of = |exit: Option<u8>, alive| {
        let closing = exit.map(|exit| Closing { closed: at(1), exit, lost: 0 });
        Ending::of(&header(), &Replay { closing, ..Replay::default() }, alive)
    };
    assert_eq!(of(Some(0), Some(true)), Ending::Done);
    assert_eq!(of(Some(1), None), Ending::Failed);
    assert_eq!(of(Some(130), Some(false)), Ending::Interrupted);
    assert_eq!(of(None, Some(true)), Ending::Running);
    assert_eq!(of(None, Some(false)), Ending::Killed);
    assert_eq!(of(None, None), Ending::Unknown);
    // A process that could not get the lock may be there, though nobody holds it.
    let unlocked = Header { locked: false, ..header() };
    assert_eq!(Ending::of(&unlocked, &Replay::default(), Some(false)), Ending::Unknown);
}

#[test]
fn a_run_that_was_over_and_could_not_write_its_last_line_was_not_killed() {
    let of = |tallies: &[Tally], prune, alive| {
        let start = || Event::RunStarted { plan: "core".to_owned(), command: Command::Apply, nodes: 1 };
        let mut replay = Replay::of_records(
            tallies.iter().flat_map(|tally| [start(), finished(*tally)]).map(|event| Record::new(at(1), event)),
        );
        for (part, tally) in replay.parts.iter_mut().zip(tallies) {
            part.tally = *tally;
        }
        Ending::of(&Header { prune, ..header() }, &replay, alive)
    };
    let good = Tally { done: 1, ..Tally::default() };
    let failed = Tally { failed: 1, ..good };
    assert_eq!(of(&[good], false, Some(false)), Ending::Done);
    assert_eq!(of(&[good], false, None), Ending::Done);
    assert_eq!(of(&[good], false, Some(true)), Ending::Running);
    assert_eq!(of(&[failed], false, Some(false)), Ending::Failed);
    assert_eq!(of(&[Tally { not_started: 1, ..good }], false, Some(false)), Ending::Interrupted);
    // What left the plan was still to be deleted; after a failure it is not.
    assert_eq!(of(&[good], true, Some(false)), Ending::Killed);
    assert_eq!(of(&[good, good], true, Some(false)), Ending::Done);
    assert_eq!(of(&[failed], true, Some(false)), Ending::Failed);
}

#[test]
fn failures_are_told_in_the_order_in_which_they_happened() {
    let fails = |id: &str| Event::NodeFailed { node: node(id), error: Failure::new(id, ""), took_ms: 1 };
    let start = Event::RunStarted { plan: "core".to_owned(), command: Command::Apply, nodes: 3 };
    let events = [start, began("stacks.a"), began("stacks.b"), began("stacks.c"), fails("stacks.c"), fails("stacks.a")];
    let replay = Replay::of_records(events.map(|event| Record::new(at(1), event)));
    let told: Vec<String> = replay.failures().map(|(node, _)| node.to_string()).collect();
    assert_eq!(told, ["stacks.c", "stacks.a"]);
}

#[test]
fn a_run_takes_what_it_has_measured_and_not_what_a_clock_says_that_was_set() {
    let (header, replay, losses) = read(text().as_bytes()).unwrap();
    let mut run = PastRun { header, replay, ending: Ending::Failed, losses, bytes: 0 };
    assert_eq!(run.took_ms(), 120, "two parts of 60");
    run.replay.closing = Some(Closing { closed: at(3_600_000), exit: 1, lost: 0 });
    run.replay.last = Some(at(3_600_000));
    assert_eq!(run.took_ms(), 120);
    run.replay.parts[1].finished = None;
    assert_eq!(run.took_ms(), 3_600_000, "the times are all that there is");
}

#[test]
fn the_lines_are_stable() {
    insta::assert_snapshot!(header().line() + &Closing { closed: at(99), exit: 1, lost: 3 }.line(), @r#"
    {"journal":1,"id":"20261130T160501.000Z-apply-1a2b","plan":"core","file":"plans/core.toml","command":"apply","local":true,"skip":["routes"],"by":"alice@laptop","pid":7,"orch":"0.1.0","started":1796054701000,"locked":true}
    {"closed":1796054701099,"exit":1,"lost":3}
    "#);
}
