//! The engine alone: a graph of any size whose nodes do nothing but take their time.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use orch::engine::{Command, Footing, Input, Limits, Outcome, Runner, Schedule, Settings, Summary, drive};
use orch::graph::{Edge, Graph, Ix};
use orch::ids::{Kind, NodeId};
use tokio::sync::mpsc;

/// How many spokes a hub has.
const SPOKES: u32 = 50;
/// How many accounts there are: the lanes of the schedule.
const ACCOUNTS: u32 = 1_000;

/// Hubs with 50 spokes each, a peering for each spoke and routes both ways: about so many nodes.
pub fn graph(nodes: u32) -> Graph {
    let spokes = (nodes * SPOKES / (4 * SPOKES + 1)).max(1);
    let hubs = spokes.div_ceil(SPOKES);
    let groups: Vec<Arc<str>> =
        ["hub", "spoke", "spoke", "out", "back"].iter().map(|group| Arc::from(*group)).collect();
    let kinds = [Kind::Stack, Kind::Stack, Kind::Peering, Kind::Route, Kind::Route];
    let instances = |part: usize, count: u32| {
        let group = Arc::clone(&groups[part]);
        (0..count).map(move |key| NodeId::instance(kinds[part], Arc::clone(&group), format!("k{key}")))
    };
    let ids: Vec<NodeId> = instances(0, hubs).chain((1..5).flat_map(|part| instances(part, spokes))).collect();
    let vpc: Arc<str> = "each.outputs.VPCId".into();
    let id: Arc<str> = "each.id".into();
    let edge = |from: u32, to: u32, expression: &Arc<str>| Edge {
        from: Ix(from),
        to: Ix(to),
        span: None,
        expression: Arc::clone(expression),
    };
    let edges = (0..spokes).flat_map(|spoke| {
        let [stack, peering, out, back] = [0, 1, 2, 3].map(|part| hubs + part * spokes + spoke);
        let hub = spoke / SPOKES;
        [
            edge(hub, peering, &vpc),
            edge(stack, peering, &vpc),
            edge(peering, out, &id),
            edge(stack, out, &vpc),
            edge(hub, out, &vpc),
            edge(peering, back, &id),
            edge(stack, back, &vpc),
            edge(hub, back, &vpc),
        ]
    });
    Graph::new(ids, edges).expect("hubs, spokes, peerings and routes need each other in this order")
}

/// A schedule of the graph, in the lanes of a thousand accounts, with a limit for each.
pub fn schedule(graph: &Arc<Graph>) -> Schedule {
    let per_lane = NonZeroUsize::new(64).expect("it is not nought");
    let settings = Settings { limits: Limits { per_lane, ..Limits::UNLIMITED }, fail_fast: false };
    Schedule::new(Arc::clone(graph), |node| [node.0 % ACCOUNTS], weight, settings)
}

/// How long a node takes, in milliseconds.
fn weight(node: Ix) -> u64 {
    1_000 + u64::from(node.0 % 97) * 100
}

/// Takes a schedule to its end without a task or a clock: every node is done in the order in which it was started.
///
/// # Panics
/// If the schedule refuses that.
pub fn play(mut schedule: Schedule) -> Summary {
    let mut running = std::collections::VecDeque::new();
    let mut input = Some(Input::Begin);
    while let Some(next) = input {
        for command in schedule.step(next).expect("only what runs is said to have ended") {
            if let Command::Start(node) = command {
                running.push_back(node);
            }
        }
        input = running.pop_front().map(|node| Input::Finished(node, Outcome::Done));
    }
    schedule.summary().expect("nothing is left")
}

struct Sleeper;

impl Runner for Sleeper {
    async fn run(&self, node: Ix, _: Footing) -> Outcome {
        tokio::time::sleep(Duration::from_millis(weight(node))).await;
        Outcome::Done
    }
}

/// Drives a schedule with a task for each node that sleeps for its time on a paused clock. Gives how many events there
/// were, and how it ended.
///
/// # Panics
/// If there can be no runtime.
pub fn run(schedule: Schedule) -> (usize, Summary) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let (_silent, control) = mpsc::unbounded_channel();
    let mut events = 0;
    let driven = drive(schedule, Arc::new(Sleeper), control, |_| events += 1);
    let summary = runtime.expect("a runtime needs no more than this").block_on(driven);
    (events, summary)
}
