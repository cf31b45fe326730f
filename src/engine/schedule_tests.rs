use std::num::NonZeroUsize;

use super::*;
use crate::graph::samples::graph;

pub(super) fn limits(total: usize, per_lane: usize) -> Limits {
    let limit = |limit| NonZeroUsize::new(limit).unwrap();
    Limits { total: limit(total), per_lane: limit(per_lane) }
}

const FREE: Settings = Settings { limits: Limits::UNLIMITED, fail_fast: false };

/// A schedule of a sample graph, all in one lane and of equal weight, after its beginning.
fn begun(nodes: u32, edges: &[(u32, u32)], settings: Settings) -> (Schedule, Vec<Command>) {
    let mut schedule = Schedule::new(Arc::new(graph(nodes, edges)), |_| [()], |_| 1, settings);
    let commands = schedule.step(Input::Begin).unwrap();
    (schedule, commands)
}

fn done(node: u32) -> Input {
    Input::Finished(Ix(node), Outcome::Done)
}

fn failed(node: u32) -> Input {
    Input::Finished(Ix(node), Outcome::Failed)
}

fn start(node: u32) -> Command {
    Command::Start(Ix(node))
}

fn skip(node: u32, because: u32) -> Command {
    Command::Skip { node: Ix(node), because: Ix(because) }
}

fn withdraw(node: u32, because: u32) -> Command {
    Command::Withdraw { node: Ix(node), because: Ix(because), later: false }
}

/// Others are taken back first.
fn withdraw_later(node: u32, because: u32) -> Command {
    Command::Withdraw { node: Ix(node), because: Ix(because), later: true }
}

fn take_back(node: u32, because: u32) -> Command {
    Command::TakeBack { node: Ix(node), because: Ix(because) }
}

fn released(node: u32, to: u32) -> Input {
    Input::Released { node: Ix(node), to: Ix(to) }
}

fn halted(node: u32) -> Input {
    Input::Halted(Ix(node))
}

fn withdrawn(node: u32) -> Input {
    Input::Withdrawn(Ix(node), Outcome::Done)
}

/// A run in which every node has released to all that need it, and all but the first are done.
fn standing(nodes: u32, edges: &[(u32, u32)], at_once: &[u32]) -> Schedule {
    let schedule = Schedule::new(Arc::new(graph(nodes, edges)), |_| [()], |_| 1, FREE);
    let mut schedule = schedule.taking_back_at_once(|node| at_once.contains(&node.0));
    schedule.step(Input::Begin).unwrap();
    for node in 0..nodes {
        for (from, to) in edges.iter().filter(|(from, _)| *from == node) {
            schedule.step(released(*from, *to)).unwrap();
        }
        if node > 0 {
            assert_eq!(schedule.step(done(node)), Ok(vec![]));
        }
    }
    schedule
}

#[test]
fn a_node_starts_the_moment_the_last_that_it_needs_is_done() {
    let (mut schedule, commands) = begun(4, &[(0, 2), (1, 2), (0, 3)], FREE);
    assert_eq!(commands, [start(0), start(1)]);
    assert_eq!(schedule.step(done(0)), Ok(vec![start(3)]));
    assert_eq!(schedule.step(done(1)), Ok(vec![start(2)]));
    assert_eq!(schedule.summary(), None);
    assert_eq!(schedule.step(done(3)), Ok(vec![]));
    assert_eq!(schedule.step(done(2)), Ok(vec![]));
    assert!(schedule.summary().unwrap().is_success());
}

#[test]
fn the_longest_remaining_path_goes_first() {
    // 2 → 3 weighs more than 0 and 1 by themselves.
    let settings = Settings { limits: limits(1, 1), fail_fast: false };
    let (_, commands) = begun(4, &[(2, 3)], settings);
    assert_eq!(commands, [start(2)]);
}

#[test]
fn a_lane_has_a_limit_of_its_own() {
    let settings = Settings { limits: limits(3, 1), fail_fast: false };
    let mut schedule = Schedule::new(Arc::new(graph(4, &[])), |node| [node.0 / 2], |_| 1, settings);
    assert_eq!(schedule.step(Input::Begin), Ok(vec![start(0), start(2)]));
    assert_eq!(schedule.step(done(2)), Ok(vec![start(3)]));
}

#[test]
fn a_failure_skips_all_that_needs_it_and_nothing_else() {
    let (mut schedule, _) = begun(6, &[(0, 1), (1, 2), (3, 2), (3, 4), (4, 5)], FREE);
    assert_eq!(schedule.step(failed(0)), Ok(vec![skip(1, 0), skip(2, 0)]));
    assert_eq!(schedule.step(done(3)), Ok(vec![start(4)]));
    assert_eq!(schedule.step(failed(4)), Ok(vec![skip(5, 4)]));
    let summary = schedule.summary().unwrap();
    assert_eq!(summary.fate(Ix(2)), Fate::Skipped { because: Ix(0) });
    assert_eq!(summary.count(|fate| fate == Fate::Failed), 2);
    assert_eq!(summary.count(|fate| fate == Fate::Done), 1);
}

#[test]
fn a_node_behind_two_failures_is_skipped_once_for_the_first() {
    let (mut schedule, _) = begun(3, &[(0, 2), (1, 2)], FREE);
    assert_eq!(schedule.step(failed(1)), Ok(vec![skip(2, 1)]));
    assert_eq!(schedule.step(failed(0)), Ok(vec![]));
    assert_eq!(schedule.summary().unwrap().fate(Ix(2)), Fate::Skipped { because: Ix(1) });
}

#[test]
fn fail_fast_starts_nothing_new_and_lets_the_running_end() {
    let settings = Settings { limits: limits(2, 2), fail_fast: true };
    let (mut schedule, commands) = begun(5, &[(0, 3), (1, 4)], settings);
    assert_eq!(commands, [start(0), start(1)]);
    let stop = Command::Stop { reason: StopReason::FailFast, left: 2, running: 1 };
    assert_eq!(schedule.step(failed(0)), Ok(vec![skip(3, 0), stop, Command::Leave(Ix(2)), Command::Leave(Ix(4))]));
    assert_eq!(schedule.step(done(1)), Ok(vec![]));
    let fates: Vec<_> = schedule.summary().unwrap().fates().map(|(_, fate)| fate).collect();
    assert_eq!(fates, [Fate::Failed, Fate::Done, Fate::NotStarted, Fate::Skipped { because: Ix(0) }, Fate::NotStarted]);
}

#[test]
fn a_drain_is_told_once_and_an_abort_after_it_again() {
    let (mut schedule, _) = begun(3, &[(0, 1), (1, 2)], FREE);
    assert_eq!(
        schedule.step(Input::Drain),
        Ok(vec![
            Command::Stop { reason: StopReason::Interrupted, left: 2, running: 1 },
            Command::Leave(Ix(1)),
            Command::Leave(Ix(2)),
        ])
    );
    assert_eq!(schedule.step(Input::Drain), Ok(vec![]));
    let stop = Command::Stop { reason: StopReason::Aborted, left: 0, running: 1 };
    assert_eq!(schedule.step(Input::Abort), Ok(vec![stop, Command::Cancel]));
    assert_eq!(schedule.step(Input::Aborted(Ix(0))), Ok(vec![]));
    assert_eq!(schedule.summary().unwrap().fate(Ix(0)), Fate::Aborted);
}

#[test]
fn what_ends_faster_than_the_abort_reaches_it_counts_as_it_ended() {
    let (mut schedule, _) = begun(2, &[(0, 1)], FREE);
    schedule.step(Input::Abort).unwrap();
    assert_eq!(schedule.step(done(0)), Ok(vec![]));
    let summary = schedule.summary().unwrap();
    assert_eq!((summary.fate(Ix(0)), summary.fate(Ix(1))), (Fate::Done, Fate::NotStarted));
}

#[test]
fn a_node_that_is_dropped_unasked_stops_the_run_instead_of_hanging_it() {
    let (mut schedule, _) = begun(2, &[(0, 1)], FREE);
    schedule.step(Input::Aborted(Ix(0))).unwrap();
    assert_eq!(schedule.summary().unwrap().fate(Ix(1)), Fate::NotStarted);
}

#[test]
fn an_end_of_a_node_that_does_not_run_is_refused_and_changes_nothing() {
    let (mut schedule, _) = begun(2, &[(0, 1)], FREE);
    let error = schedule.step(done(1)).unwrap_err();
    assert_eq!(error, Illegal { node: Ix(1), status: Status::Waiting, step: Step::Finish(Outcome::Done) });
    assert_eq!(schedule.step(done(0)), Ok(vec![start(1)]));
    assert!(schedule.step(done(0)).is_err());
    assert_eq!(schedule.step(done(1)), Ok(vec![]));
}

#[test]
fn an_empty_run_has_ended_when_it_begins() {
    let (schedule, commands) = begun(0, &[], FREE);
    assert_eq!(commands, []);
    assert!(schedule.summary().unwrap().is_success());
}

#[test]
fn a_hundred_thousand_nodes_take_one_step_each_and_a_linear_number_of_moves() {
    // A fleet: hubs, spokes behind them, a peering for each spoke and its hub, a route for each peering.
    let (hubs, spokes) = (100, 33_300);
    let nodes = hubs + 3 * spokes;
    let edges: Vec<_> = (0..spokes)
        .flat_map(|spoke| {
            let [stack, peering, route] = [0, 1, 2].map(|kind| hubs + kind * spokes + spoke);
            [(spoke % hubs, peering), (stack, peering), (peering, route)]
        })
        .collect();
    let settings = Settings { limits: limits(1_000, 2), fail_fast: false };
    let mut schedule = Schedule::new(Arc::new(graph(nodes, &edges)), |node| [node.0 % 997], |_| 1, settings);
    let mut running = std::collections::VecDeque::new();
    let (mut steps, mut commands) = (0_u32, 0_u32);
    let mut input = Some(Input::Begin);
    while let Some(next) = input {
        for command in schedule.step(next).unwrap() {
            let Command::Start(node) = command else { panic!("unexpected {command:?}") };
            running.push_back(node);
            commands += 1;
        }
        steps += 1;
        input = running.pop_front().map(|node| Input::Finished(node, Outcome::Done));
    }
    assert_eq!((steps, commands), (nodes + 1, nodes));
    assert!(schedule.summary().unwrap().is_success());
    assert!(schedule.ready.moves <= 3 * nodes as usize, "{} moves", schedule.ready.moves);
}

#[test]
fn a_chain_of_a_hundred_thousand_is_skipped_without_recursion() {
    let chain: Vec<_> = (1..100_000).map(|to| (to - 1, to)).collect();
    let (mut schedule, _) = begun(100_000, &chain, FREE);
    assert_eq!(schedule.step(failed(0)).unwrap().len(), 99_999);
    assert!(schedule.summary().is_some());
}

#[test]
fn what_has_nothing_to_do_is_not_counted_when_a_stop_is_told() {
    // 1 and 3 have no lane: 0 → 1 → 2, and 3 behind 0.
    let lanes = |node: Ix| if node.0.is_multiple_of(2) { vec![()] } else { vec![] };
    let settings = Settings { limits: Limits::UNLIMITED, fail_fast: true };
    let schedule = |edges| Schedule::new(Arc::new(graph(5, edges)), lanes, |_| 1, settings);
    let mut run = schedule(&[(0, 1), (1, 2), (0, 3)]);
    run.step(Input::Begin).unwrap();
    let told = run.step(Input::Drain).unwrap();
    assert_eq!(told[0], Command::Stop { reason: StopReason::Interrupted, left: 1, running: 2 });
    // A failure that leaves nothing undone but such nodes stops nothing.
    let mut run = schedule(&[(4, 1), (4, 3)]);
    run.step(Input::Begin).unwrap();
    assert!(!run.step(failed(0)).unwrap().iter().any(|command| matches!(command, Command::Stop { .. })));
}

#[test]
fn what_is_done_after_its_ground_has_failed_while_all_is_left_is_left_too() {
    let (mut schedule, _) = begun(2, &[(0, 1)], FREE);
    assert_eq!(schedule.step(Input::Released { node: Ix(0), to: Ix(1) }), Ok(vec![start(1)]));
    schedule.step(Input::Abort).unwrap();
    // Both are faster than the wish.
    assert_eq!(schedule.step(failed(0)), Ok(vec![]));
    assert_eq!(schedule.step(done(1)), Ok(vec![]));
    let summary = schedule.summary().expect("nothing runs any more");
    assert_eq!((summary.fate(Ix(0)), summary.fate(Ix(1))), (Fate::Failed, Fate::Aborted));
}

#[test]
fn a_stop_waits_for_what_is_taken_back() {
    let (mut schedule, _) = begun(3, &[(0, 1), (1, 2)], FREE);
    schedule.step(Input::Released { node: Ix(0), to: Ix(1) }).unwrap();
    assert_eq!(schedule.step(failed(1)), Ok(vec![withdraw(1, 1), skip(2, 1), take_back(1, 1)]));
    schedule.step(done(0)).unwrap();
    let stop = |running| Ok(vec![Command::Stop { reason: StopReason::Interrupted, left: 0, running }]);
    assert_eq!(schedule.step(Input::Drain), stop(1));
    schedule.step(Input::Withdrawn(Ix(1), Outcome::Done)).unwrap();
    let told = schedule.step(Input::Abort).unwrap();
    assert_eq!(told[0], Command::Stop { reason: StopReason::Aborted, left: 0, running: 0 });
}

#[test]
fn a_chain_is_taken_back_from_its_end_on() {
    let mut schedule = standing(3, &[(0, 1), (1, 2)], &[]);
    assert_eq!(schedule.step(failed(0)), Ok(vec![withdraw_later(1, 0), withdraw(2, 0), take_back(2, 0)]));
    let early = schedule.step(withdrawn(1)).unwrap_err();
    assert_eq!(early.step, Step::Withdrawn(Outcome::Done), "that has not begun");
    // Whether or not it could be.
    assert_eq!(schedule.step(Input::Withdrawn(Ix(2), Outcome::Failed)), Ok(vec![take_back(1, 0)]));
    assert_eq!(schedule.step(withdrawn(1)), Ok(vec![]));
    let fates: Vec<_> = schedule.summary().unwrap().fates().map(|(_, fate)| fate).collect();
    assert_eq!(fates, [Fate::Failed, Fate::Withdrawn { because: Ix(0) }, Fate::Failed]);
}

#[test]
fn a_node_waits_for_all_that_need_it_and_for_nothing_else() {
    // 1 is needed by 2 and 3, 2 by 3, and 4 by nothing.
    let mut schedule = standing(5, &[(0, 1), (1, 2), (1, 3), (2, 3), (0, 4)], &[]);
    let told = [withdraw_later(1, 0), withdraw(4, 0), withdraw_later(2, 0), withdraw(3, 0)];
    let begun = [take_back(4, 0), take_back(3, 0)];
    assert_eq!(schedule.step(failed(0)), Ok([&told[..], &begun].concat()));
    assert_eq!(schedule.step(withdrawn(3)), Ok(vec![take_back(2, 0)]));
    assert_eq!(schedule.step(withdrawn(4)), Ok(vec![]));
    assert_eq!(schedule.step(withdrawn(2)), Ok(vec![take_back(1, 0)]));
}

#[test]
fn what_nothing_holds_is_taken_back_at_once_and_holds_up_what_it_needs() {
    // A peering, 2, of a stack, 1, with a route, 3, through it.
    let mut schedule = standing(4, &[(0, 1), (1, 2), (2, 3)], &[2, 3]);
    let told = [withdraw_later(1, 0), withdraw(2, 0), withdraw(3, 0)];
    assert_eq!(schedule.step(failed(0)), Ok([&told[..], &[take_back(2, 0), take_back(3, 0)]].concat()));
    assert_eq!(schedule.step(withdrawn(2)), Ok(vec![take_back(1, 0)]));
    assert_eq!(schedule.step(withdrawn(3)), Ok(vec![]));
}

#[test]
fn what_runs_is_stopped_at_once_and_taken_back_when_it_has_ended() {
    let (mut schedule, _) = begun(3, &[(0, 1), (1, 2)], FREE);
    schedule.step(released(0, 1)).unwrap();
    schedule.step(released(1, 2)).unwrap();
    assert_eq!(schedule.step(Input::Recalled(Ix(0))), Ok(vec![withdraw_later(1, 0), withdraw(2, 0)]));
    assert!(schedule.step(withdrawn(2)).is_err(), "its work has not ended");
    assert_eq!(schedule.step(halted(1)), Ok(vec![]));
    assert!(schedule.step(halted(1)).is_err(), "it has ended once");
    assert_eq!(schedule.step(halted(2)), Ok(vec![take_back(2, 0)]));
    assert_eq!(schedule.step(withdrawn(2)), Ok(vec![take_back(1, 0)]));
    assert!(schedule.step(halted(0)).is_err(), "it is not to be taken back");
}

#[test]
fn one_that_fails_by_itself_is_taken_back_after_what_stood_on_it() {
    let (mut schedule, _) = begun(3, &[(0, 1), (1, 2)], FREE);
    schedule.step(released(0, 1)).unwrap();
    schedule.step(released(1, 2)).unwrap();
    assert_eq!(schedule.step(failed(1)), Ok(vec![withdraw_later(1, 1), withdraw(2, 1)]));
    // What it stood on fails meanwhile: that changes nothing.
    assert_eq!(schedule.step(failed(0)), Ok(vec![]));
    assert_eq!(schedule.step(halted(2)), Ok(vec![take_back(2, 1)]));
    assert_eq!(schedule.step(withdrawn(2)), Ok(vec![take_back(1, 1)]));
    schedule.step(withdrawn(1)).unwrap();
    assert_eq!(schedule.summary().unwrap().fate(Ix(1)), Fate::Failed);
}

#[test]
fn one_that_failed_by_itself_has_failed_also_if_it_is_left_before_it_is_taken_back() {
    // While what stands on it is taken back, and while it is itself.
    for is_going in [false, true] {
        let (mut schedule, _) = begun(3, &[(0, 1), (1, 2)], FREE);
        schedule.step(released(0, 1)).unwrap();
        schedule.step(released(1, 2)).unwrap();
        schedule.step(failed(1)).unwrap();
        assert_eq!(schedule.step(halted(2)), Ok(vec![take_back(2, 1)]));
        if is_going {
            schedule.step(withdrawn(2)).unwrap();
        }
        let told = schedule.step(Input::Abort).unwrap();
        assert_eq!(told.contains(&Command::Abandon(Ix(1))), !is_going, "{told:?}");
        for node in if is_going { [0, 1] } else { [0, 2] } {
            schedule.step(Input::Aborted(Ix(node))).unwrap();
        }
        let fates: Vec<_> = schedule.summary().unwrap().fates().map(|(_, fate)| fate).collect();
        let last = if is_going { Fate::Withdrawn { because: Ix(1) } } else { Fate::Aborted };
        assert_eq!(fates, [Fate::Aborted, Fate::Failed, last]);
    }
}

#[test]
fn an_abort_leaves_what_waits_to_be_taken_back_and_what_stops_when_that_ends() {
    // 1 waits for 2, which is taken back; 3 stops, and 4 waits for it.
    let (mut schedule, _) = begun(5, &[(0, 1), (1, 2), (0, 4), (4, 3)], FREE);
    for (from, to) in [(0, 1), (1, 2), (0, 4), (4, 3)] {
        schedule.step(released(from, to)).unwrap();
    }
    for node in [1, 2, 4] {
        schedule.step(done(node)).unwrap();
    }
    schedule.step(failed(0)).unwrap();
    let stop = Command::Stop { reason: StopReason::Aborted, left: 0, running: 4 };
    let left = [1, 4].map(|node| Command::Abandon(Ix(node)));
    assert_eq!(schedule.step(Input::Abort), Ok(vec![stop, left[0], left[1], Command::Cancel]));
    assert_eq!(schedule.step(withdrawn(2)), Ok(vec![]), "it was faster");
    assert_eq!(schedule.step(halted(3)), Ok(vec![Command::Abandon(Ix(3))]));
    let fates: Vec<_> = schedule.summary().unwrap().fates().map(|(_, fate)| fate).collect();
    assert_eq!(fates, [Fate::Failed, Fate::Aborted, Fate::Withdrawn { because: Ix(0) }, Fate::Aborted, Fate::Aborted]);
}

#[test]
fn a_release_to_one_that_waits_and_needs_something_else_is_refused() {
    let (mut schedule, _) = begun(4, &[(0, 2), (1, 3)], FREE);
    let refused = Illegal { node: Ix(0), status: Status::Running, step: Step::Release };
    assert_eq!(schedule.step(released(0, 3)), Err(refused));
    assert_eq!(schedule.step(released(1, 3)), Ok(vec![start(3)]));
}

#[test]
fn a_node_may_stand_on_ten_thousand_others() {
    let nodes = 10_000;
    let edges: Vec<_> = (0..nodes).map(|from| (from, nodes)).collect();
    let (mut schedule, _) = begun(nodes + 1, &edges, FREE);
    for node in 0..nodes {
        let started = schedule.step(released(node, nodes)).unwrap();
        assert_eq!(started.len(), usize::from(node + 1 == nodes));
    }
    assert_eq!(schedule.step(done(nodes)), Ok(vec![]));
    let ends: usize = (0..nodes).map(|node| schedule.step(done(node)).unwrap().len()).sum();
    assert_eq!(ends, 1, "it ends with the last of them");
}
