//! A run as it was told: each node has one end, nothing begins before its time, and what is written down reads back as the
//! same.

use std::collections::BTreeMap;

use orch::event::{Command, Event, Record, Tally};
use orch::graph::Graph;
use orch::ids::NodeId;
use orch::plan::Plan;

use super::watch::may_be_early;

/// How a node stands by what was told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    Done { changed: bool },
    Failed,
    Skipped,
    NotStarted,
    Aborted,
}

/// Each run that was told, as far as it was: a command may carry out several.
pub(crate) fn runs(told: &[Record]) -> Vec<&[Record]> {
    let mut runs = Vec::new();
    let mut rest = told;
    while !rest.is_empty() {
        let begins = |record: &Record| matches!(record.event, Event::RunStarted { .. });
        let end = rest.iter().skip(1).position(begins).map_or(rest.len(), |next| next + 1);
        runs.push(&rest[..end]);
        rest = &rest[end..];
    }
    runs
}

/// Reads a run back from the lines that it is written down as.
///
/// # Errors
/// A line reads back as something else.
fn reread(run: &[Record]) -> Result<Vec<Record>, String> {
    let read = run.iter().map(|record| {
        let line = serde_json::to_string(record).unwrap();
        let read: Record = serde_json::from_str(&line).map_err(|error| format!("{line}: {error}"))?;
        let again = serde_json::to_string(&read).unwrap();
        if again == line { Ok(read) } else { Err(format!("{line}\nreads back as\n{again}")) }
    });
    read.collect()
}

/// How the nodes of a run have ended, or stand where it has broken off.
///
/// Of a node that left the plan there may be several things, in a destruction beside the node itself: each is told by the
/// node's name and has an end of its own.
fn fold(run: &[Record], command: Command) -> Result<Vec<State>, String> {
    let has_several = matches!(command, Command::Prune | Command::Destroy);
    let mut ended = Vec::new();
    let mut states: BTreeMap<NodeId, State> = BTreeMap::new();
    let mut running: BTreeMap<NodeId, usize> = BTreeMap::new();
    for record in run {
        let Some(node) = record.event.node() else { continue };
        let under_way = running.entry(node.clone()).or_default();
        let state = match &record.event {
            Event::NodeStarted { .. } => {
                *under_way += 1;
                State::Running
            }
            Event::NodeProgress { .. } => State::Running,
            Event::NodeDone { change, .. } => State::Done { changed: change.is_change() },
            Event::NodeFailed { .. } => State::Failed,
            Event::NodeWithdrawn { .. } | Event::NodeSkipped { .. } => State::Skipped,
            Event::NodeNotStarted { .. } => State::NotStarted,
            Event::NodeAborted { .. } => State::Aborted,
            _ => continue,
        };
        let begins = matches!(record.event, Event::NodeStarted { .. });
        let needs_beginning = matches!(state, State::Running | State::Done { .. } | State::Failed | State::Aborted);
        if needs_beginning && *under_way == 0 {
            return Err(format!("{node} goes on or ends without a beginning: {record:?}"));
        }
        if !has_several && (*under_way > 1 || states.get(node).is_some_and(|state| *state != State::Running)) {
            return Err(format!("{node} has ended, or begun, and does so again: {record:?}"));
        }
        if state != State::Running {
            ended.push(state);
            *under_way = under_way.saturating_sub(1);
        }
        if begins || state != State::Running {
            states.insert(node.clone(), state);
        }
    }
    Ok(ended)
}

fn tally(states: &[State]) -> Tally {
    let count = |is: fn(&State) -> bool| states.iter().filter(|state| is(state)).count();
    Tally {
        done: count(|state| matches!(state, State::Done { .. })),
        changed: count(|state| matches!(state, State::Done { changed: true })),
        failed: count(|state| *state == State::Failed),
        skipped: count(|state| *state == State::Skipped),
        not_started: count(|state| *state == State::NotStarted),
        aborted: count(|state| *state == State::Aborted),
    }
}

/// Holds a run against what a run is. `result` is what it gave, if it is known; what it told of its end counts in any case.
pub(crate) fn check(run: &[Record], plan: &Plan, graph: &Graph, result: Option<Tally>) -> Result<(), String> {
    let Some(Event::RunStarted { command, nodes, .. }) = run.first().map(|record| &record.event) else {
        return Err("a run does not begin with its beginning".to_owned());
    };
    let read = reread(run)?;
    let states = fold(&read, *command)?;
    begins_in_time(run, *command, plan, graph)?;
    let finished = run.iter().rev().find_map(|record| match &record.event {
        Event::RunFinished { tally, .. } => Some(*tally),
        _ => None,
    });
    if result.is_some() && finished != result {
        return Err(format!("the run gave {result:?} and was told to give {finished:?}"));
    }
    let Some(result) = finished else { return Ok(()) };
    if tally(&states) != result || result.nodes() != *nodes {
        return Err(format!(
            "{nodes} nodes end by the journal as {:?} and by the result as {result:?}",
            tally(&states)
        ));
    }
    Ok(())
}

/// No node begins before all that it needs has ended well, or before its early values are there where the plan lets it have
/// these. In a destruction it is the other way round.
fn begins_in_time(run: &[Record], command: Command, plan: &Plan, graph: &Graph) -> Result<(), String> {
    let mut states: BTreeMap<&NodeId, State> = BTreeMap::new();
    for record in run {
        match &record.event {
            Event::NodeStarted { node, .. } => {
                let Some(ix) = graph.get(node) else { continue };
                let before: Vec<&NodeId> = match command {
                    Command::Apply => graph.needs(ix).map(|needed| graph.id(needed)).collect(),
                    Command::Destroy => graph.needed_by(ix).map(|by| graph.id(by)).collect(),
                    _ => Vec::new(),
                };
                for other in before {
                    let state = states.get(other);
                    let in_time = match state {
                        Some(State::Done { .. }) => true,
                        Some(State::Running) => command == Command::Apply && may_be_early(plan, other, node),
                        _ => false,
                    };
                    if !in_time {
                        return Err(format!("{node} begins while {other} is {state:?}"));
                    }
                }
                states.insert(node, State::Running);
            }
            Event::NodeDone { node, change, .. } => {
                states.insert(node, State::Done { changed: change.is_change() });
            }
            Event::NodeFailed { node, .. } => {
                states.insert(node, State::Failed);
            }
            _ => {}
        }
    }
    Ok(())
}
