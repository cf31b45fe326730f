//! Takes a job through the engine and tells what happens.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::job::InWaves;
use super::names::names;
use super::runner::Runner;
use super::saved::{Times, saved};
use super::urgencies::Urgencies;
use super::{Gathered, Job, Outlooks, Task, meetings, template_checks};
use crate::aws::{Count, Sessions};
use crate::diag::Sources;
use crate::engine::{Control, EngineEvent, Fate, RollOut, Schedule, Settings, drive};
use crate::event::{CallCount, Change, Command, Event, Tally};
use crate::graph::{Ix, RolledOut};
use crate::ids::{AccountName, Kind};
use crate::inventory::Durations;
use crate::kinds::stack::ChangeSets;
use crate::preview::Action;

/// Where events go: called at the moment that something happens, from any task, and expected to return at once.
pub type Sink = Arc<dyn Fn(Event) + Send + Sync>;

/// What a job needs besides itself.
#[derive(Clone)]
pub struct Means {
    /// A session for each account of the job.
    pub sessions: Arc<Sessions>,
    /// What nodes gave: filled by this job, and read by those that follow it.
    pub gathered: Arc<Gathered>,
    /// The texts of the plan, for the places in messages.
    pub sources: Arc<Sources>,
    /// Where events go.
    pub sink: Sink,
    /// What was foreseen before: what needs nothing is left alone, and the change sets that were shown are executed.
    pub outlooks: Arc<Outlooks>,
    /// The change sets that wait to be executed.
    pub change_sets: Arc<ChangeSets>,
}

/// Runs a job to its end and counts how its nodes ended.
///
/// Events begin with `RunStarted` and end with `RunFinished`; every node that takes part has exactly one last event.
/// `control` may be closed at any time.
pub async fn execute(
    job: &Arc<Job>,
    command: Command,
    settings: Settings,
    means: Means,
    control: mpsc::UnboundedReceiver<Control>,
) -> Tally {
    let began = Instant::now();
    let (sink, sessions) = (Arc::clone(&means.sink), Arc::clone(&means.sessions));
    // What was asked before is the preview's.
    drop(sessions.take_counts());
    let nodes = job.taking_part().count();
    sink(Event::RunStarted { plan: job.plan().name.to_string(), command, nodes });
    for event in job.taking_part().filter_map(|node| planned(job, node)) {
        sink(event);
    }
    let outlooks = Arc::clone(&means.outlooks);
    let weighed = |node| weight(job, node, outlooks.action(job.graph().id(node)));
    let (rolled_out, remaining, urgencies) = {
        let InWaves { groups, graph } = job.in_waves();
        (groups, graph.remaining(weighed), Urgencies::new(job.graph(), &graph, weighed))
    };
    let roll_outs = rolled_out.iter().map(|group| RollOut {
        waves: group.waves.clone(),
        canary: group.canary,
        tolerate: group.said.tolerate,
    });
    let graph = Arc::clone(job.graph());
    let schedule = Schedule::rolling_out(graph, |node| accounts(job, node), remaining, settings, roll_outs.collect());
    // Nothing keeps a peering from being deleted, and a pending one keeps a VPC from being rolled back.
    let schedule = schedule.taking_back_at_once(|ix| job.graph().id(ix).kind != Kind::Stack);
    let tally = Arc::new(Mutex::new(Tally::default()));
    let counted = Arc::clone(&tally);
    let counting: Sink = {
        let sink = Arc::clone(&sink);
        Arc::new(move |event| {
            counted.lock().unwrap_or_else(PoisonError::into_inner).count(&event);
            sink(event);
        })
    };
    // Given up with this function, when all nodes have ended.
    let _asking = template_checks::begin(job, &means);
    means.outlooks.begin();
    meetings::note(job, &means.sessions);
    let means = Means { sink: Arc::clone(&counting), ..means };
    let runner = Arc::new(Runner::new(Arc::clone(job), means, urgencies));
    let worked = Arc::clone(&runner);
    let mut started: HashMap<Ix, Instant> = HashMap::new();
    let mut ended: HashSet<Ix> = HashSet::new();
    let mut worked_at: HashMap<Ix, Instant> = HashMap::new();
    drive(schedule, runner, control, |event| {
        match event {
            EngineEvent::Started(node) => {
                started.insert(node, Instant::now());
            }
            EngineEvent::Held(node) => {
                worked_at.insert(node, Instant::now());
            }
            EngineEvent::Ended(node, _) => {
                ended.insert(node);
                worked_at.entry(node).or_insert_with(Instant::now);
            }
            _ => {}
        }
        let took = |node: Ix| started.get(&node).map_or(0, |start| millis(*start));
        let end = if let EngineEvent::Ended(node, fate) = event { Some((node, fate)) } else { None };
        // Before it is told how it went, which is forgotten with that.
        let was_left = end.and_then(|(node, fate)| worked.left(node, fate));
        let event = match event {
            EngineEvent::Ended(node, fate @ (Fate::Done | Fate::Failed | Fate::Withdrawn { .. })) => {
                worked.told(node, fate)
            }
            EngineEvent::Panicked(node, message) => {
                worked.panicked(node, &message, took(node));
                None
            }
            EngineEvent::Withdrawing { node, because, later } => Some(worked.withdrawing(node, because, later)),
            EngineEvent::Held(node) => Some(held(job, node, &ended)),
            event => told(job, &rolled_out, &event, took),
        };
        if let Some((node, fate)) = end {
            if let Some(left) = was_left {
                counting(left);
            }
            worked.ended(node, fate);
        }
        if let Some(event) = event {
            counting(event);
        }
    })
    .await;
    debug_assert!(worked.is_idle(), "what is kept of a node goes with its end");
    let tally = *tally.lock().unwrap_or_else(PoisonError::into_inner);
    let saved_ms = saved_by_early(job, began, &started, &worked_at, &worked.released()).filter(|_| tally.is_success());
    for ((account, region), counts) in sessions.take_counts() {
        let calls = counts.into_iter().map(|(operation, count)| (operation.to_owned(), call_count(count))).collect();
        sink(Event::CallsMade { account, region, calls });
    }
    sink(Event::RunFinished { tally, took_ms: millis(began), saved_ms });
    tally
}

/// The accounts that a node works in: a peering in two. What is left out works in none.
pub(super) fn accounts(job: &Job, node: Ix) -> Vec<AccountName> {
    if job.task(node) == Task::Leave {
        return Vec::new();
    }
    match job.node(node) {
        Some(node) => node.accounts().cloned().collect(),
        None => job.place(node).map(|(account, _)| account.clone()).into_iter().collect(),
    }
}

/// How long a node is expected to take, in milliseconds: nothing where nothing is to be done, else what it took in earlier
/// runs, or a guess by its kind. Of a stack it is AWS's own work that counts: what else it took may be that its calls had to
/// wait, and those that waited longest would go first for no other reason.
pub(super) fn weight(job: &Job, node: Ix, action: Option<Action>) -> u64 {
    // Without a preview nobody has looked what is to be done: in a new account all of it.
    let unseen = match job.task(node) {
        Task::Converge => Some(Action::Create),
        Task::Destroy | Task::Prune => Some(Action::Delete),
        _ => None,
    };
    let known = |action| earlier(job.operations(), job, node, action).or_else(|| expected(job, node, action));
    if let Some(known) = action.or(unseen).and_then(known) {
        return known;
    }
    match (job.task(node), node_kind(job, node)) {
        (Task::Leave, _) => 0,
        (Task::Converge, _) if action == Some(Action::Nothing) => 0,
        (Task::Read | Task::Find | Task::Recall | Task::Vet, _) | (_, Kind::Route) => 1_000,
        (_, Kind::Peering) => 5_000,
        (_, Kind::Stack) => 120_000,
    }
}

/// How long what would be done with a node took in earlier runs, in milliseconds; `None` if nobody knows.
pub(super) fn expected(job: &Job, node: Ix, action: Action) -> Option<u64> {
    earlier(job.durations(), job, node, action)
}

fn earlier(durations: &Durations, job: &Job, node: Ix, action: Action) -> Option<u64> {
    let change = match action {
        Action::Create => Change::Created,
        Action::Update => Change::Updated,
        Action::Replace => Change::Replaced,
        Action::Delete => Change::Deleted,
        Action::Nothing | Action::Read | Action::Unknown | Action::Refused | Action::Skipped => return None,
    };
    durations.expected(job.graph().id(node), change)
}

fn node_kind(job: &Job, node: Ix) -> Kind {
    job.graph().id(node).kind
}

/// How much sooner a run has ended because stacks gave outputs early, in milliseconds; `None` if none did.
fn saved_by_early(
    job: &Job,
    began: Instant,
    started: &HashMap<Ix, Instant>,
    worked: &HashMap<Ix, Instant>,
    released: &HashMap<(Ix, Ix), Instant>,
) -> Option<u64> {
    let since = |at: &Instant| u64::try_from((*at - began).as_millis()).unwrap_or(u64::MAX);
    let of = |kind: Kind| {
        let those = released.iter().filter(move |((from, _), _)| node_kind(job, *from) == kind);
        those.map(|(pair, at)| (*pair, since(at))).collect()
    };
    let times = Times {
        started: started.iter().map(|(node, at)| (*node, since(at))).collect(),
        worked: worked.iter().map(|(node, at)| (*node, since(at))).collect(),
        early: of(Kind::Stack),
        pending: of(Kind::Peering),
    };
    saved(job.graph(), &times)
}

/// How many nodes that another waits for are told: of all instances of two groups that wait for each other there are a million.
const NEEDS_TOLD: usize = 100;

/// What is told of a node before any starts.
fn planned(job: &Job, node: Ix) -> Option<Event> {
    let graph = job.graph();
    let needed = graph.needs(node).filter(|needed| job.task(*needed) != Task::Leave).take(NEEDS_TOLD);
    Some(Event::NodePlanned {
        node: graph.id(node).clone(),
        accounts: accounts(job, node),
        region: job.place(node)?.1.clone(),
        needs: needed.map(|needed| graph.id(needed).clone()).collect(),
    })
}

/// What is told of a node whose own work is done before what it stands on.
fn held(job: &Job, node: Ix, ended: &HashSet<Ix>) -> Event {
    let graph = job.graph();
    let stands_on = graph.needs(node).filter(|needed| !ended.contains(needed)).map(|needed| graph.id(needed).clone());
    let reason = format!("it ends with {}", names(&stands_on.collect::<Vec<_>>()));
    let (what, status) = ("its own work".to_owned(), "done".to_owned());
    Event::NodeProgress { node: graph.id(node).clone(), what, status, reason: Some(reason), resource: None }
}

/// What is told of an event of the engine; what came of a node's own work its runner knows.
fn told(job: &Job, rolled_out: &[RolledOut], event: &EngineEvent, took: impl Fn(Ix) -> u64) -> Option<Event> {
    let id = |node: Ix| job.graph().id(node).clone();
    let takes_part = |node: &Ix| job.task(*node) != Task::Leave;
    match event {
        EngineEvent::Started(node) if takes_part(node) => {
            let (account, region) = job.place(*node)?;
            Some(Event::NodeStarted { node: id(*node), account: account.clone(), region: region.clone() })
        }
        EngineEvent::Ended(node, fate) if takes_part(node) => match fate {
            Fate::Done | Fate::Failed | Fate::Withdrawn { .. } => None,
            Fate::Aborted => Some(Event::NodeAborted { node: id(*node), took_ms: took(*node) }),
            Fate::Skipped { because } => Some(Event::NodeSkipped { node: id(*node), because: id(*because) }),
            Fate::NotStarted => Some(Event::NodeNotStarted { node: id(*node) }),
        },
        EngineEvent::Stopping { reason, left, running } => {
            Some(Event::Stopping { reason: *reason, left: *left, running: *running })
        }
        EngineEvent::HeldBack { roll_out, failed, left } => Some(Event::RollOutHeld {
            group: rolled_out[*roll_out].name(),
            failed: failed.iter().map(|node| id(*node)).collect(),
            left: *left,
        }),
        EngineEvent::Started(_)
        | EngineEvent::Ended(..)
        | EngineEvent::Held(_)
        | EngineEvent::Withdrawing { .. }
        | EngineEvent::Panicked(..) => None,
    }
}

fn call_count(Count { made, throttled, failed }: Count) -> CallCount {
    CallCount { made, throttled, failed }
}

/// Whole milliseconds since an instant.
pub(super) fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
