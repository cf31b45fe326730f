//! The loop that carries a schedule out.

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::{Id, JoinError, JoinSet};

use super::footing::{Firmness, Ground, Notice};
use super::{Command, Fate, Footing, Input, Outcome, Schedule, Status, Summary};
use crate::event::StopReason;
use crate::graph::Ix;

/// Does a node's work. Everything that is to be known of it beyond [`Outcome`] goes its own way.
pub trait Runner: Send + Sync + 'static {
    /// Does the work of `node`. It may be dropped at any await, when the user asks to stop at once. Where `footing` is gone
    /// it is to end soon, however: [`Self::withdraw`] is called then.
    fn run(&self, node: Ix, footing: Footing) -> impl Future<Output = Outcome> + Send;

    /// Takes back what [`Self::run`] did for `node`, which has ended or was stopped, because another that it stood on has
    /// failed, or it has itself meanwhile. That of those which need it has ended, well or badly, unless the schedule was told
    /// to wait for none. It may be dropped at any await as well. Whoever never releases anything is never asked to.
    fn withdraw(&self, node: Ix, because: Ix) -> impl Future<Output = Outcome> + Send {
        let _ = (node, because);
        std::future::ready(Outcome::Done)
    }
}

/// What the user asks of a run that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Start nothing new and wait for what runs.
    Drain,
    /// Start nothing new and drop what runs.
    Abort,
}

/// What the engine alone knows of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineEvent {
    /// A node is about to run.
    Started(Ix),
    /// A node's work has ended well, before something that it stands on. [`Self::Ended`] follows.
    Held(Ix),
    /// What a node did is taken back: now, when its work has been stopped, or after that of others. [`Self::Ended`] follows.
    Withdrawing {
        /// The node.
        node: Ix,
        /// The node that failed.
        because: Ix,
        /// Whether others that need it are taken back first.
        later: bool,
    },
    /// A node has ended, whether it ran or not.
    Ended(Ix, Fate),
    /// A node's work panicked, so that it could not say itself why it failed. [`Self::Ended`] follows.
    Panicked(Ix, String),
    /// Nothing new starts from here on.
    Stopping {
        /// Why.
        reason: StopReason,
        /// How many nodes are left undone by it.
        left: usize,
        /// How many run.
        running: usize,
    },
    /// Nothing more of a roll-out starts. Those that are left by it end as [`Fate::NotStarted`].
    HeldBack {
        /// Which one, by its place in the list that the schedule was made with.
        roll_out: usize,
        /// Those because of which it is so.
        failed: Vec<Ix>,
        /// How many nodes are left undone by it: of the group, and what needs them.
        left: usize,
    },
}

/// Runs all nodes of `schedule` and returns when each has ended.
///
/// Each node is a task of its own; a task that panics is a failed node. `control` may be closed at any time. Dropping
/// the returned future drops what runs.
pub async fn drive<R: Runner>(
    schedule: Schedule,
    runner: Arc<R>,
    mut control: mpsc::UnboundedReceiver<Control>,
    observer: impl FnMut(EngineEvent),
) -> Summary {
    let (notices, mut heard) = mpsc::unbounded_channel();
    let doing = schedule.nodes().map(|_| None).collect();
    let mut run = Run { schedule, runner, observer, tasks: JoinSet::new(), doing, by_task: HashMap::new(), notices };
    run.step(Input::Begin);
    let mut listening = true;
    loop {
        tokio::select! {
            // A wish of the user goes before an end that would start more, and so does what a node said before its end.
            biased;
            wish = control.recv(), if listening && !run.tasks.is_empty() => match wish {
                Some(Control::Drain) => run.step(Input::Drain),
                Some(Control::Abort) => run.step(Input::Abort),
                None => listening = false,
            },
            Some((node, notice)) = heard.recv(), if !run.tasks.is_empty() => run.heard(node, notice),
            Some(end) = run.tasks.join_next() => {
                while let Ok((node, notice)) = heard.try_recv() {
                    run.heard(node, notice);
                }
                run.ended(end);
            }
            else => break,
        }
    }
    run.schedule.summary().expect("without a cycle, nodes are left only while some run")
}

/// What a task does for a node.
#[derive(Clone, Copy, Debug)]
enum Doing {
    /// Its work.
    Work,
    /// Its work, which was stopped because of another node.
    Stopped,
    /// Taking its work back.
    Withdrawal,
}

/// A node's task.
struct Running {
    task: Id,
    doing: Doing,
    /// How it hears of what it stands on, while it does its work.
    ground: Option<Arc<Ground>>,
}

struct Run<R, O> {
    schedule: Schedule,
    runner: Arc<R>,
    observer: O,
    /// Each gives back its node.
    tasks: JoinSet<(Ix, Outcome)>,
    /// For each node, what runs for it.
    doing: Vec<Option<Running>>,
    /// The nodes of tasks, for those that cannot give them back, since they were dropped or panicked. Made when the first one
    /// has, and while there is one left, it is of all that run.
    by_task: HashMap<Id, Ix>,
    notices: mpsc::UnboundedSender<(Ix, Notice)>,
}

impl<R: Runner, O: FnMut(EngineEvent)> Run<R, O> {
    fn step(&mut self, input: Input) {
        let commands = self.schedule.step(input).expect("a task runs for each started node and ends once");
        // How a node ended is told before what follows from it.
        if let Input::Finished(node, _) | Input::Withdrawn(node, _) | Input::Aborted(node) = input {
            match self.schedule.status(node) {
                Status::Ended(fate) => self.tell(EngineEvent::Ended(node, fate)),
                Status::Provisional => self.tell(EngineEvent::Held(node)),
                _ => {}
            }
        }
        for command in commands {
            match command {
                Command::Start(node) => self.start(node),
                Command::Settle(node) => {
                    if let Some(ground) = self.doing[node.index()].as_ref().and_then(|running| running.ground.as_ref())
                    {
                        ground.set(Firmness::Firm);
                    }
                }
                Command::Complete(node) => self.tell(EngineEvent::Ended(node, Fate::Done)),
                Command::Withdraw { node, because, later } => self.withdraw(node, because, later),
                Command::TakeBack { node, because } => self.take_back(node, because),
                Command::Abandon(node) => {
                    let has_failed = self.schedule.status(node) == Status::Ended(Fate::Failed);
                    self.tell(EngineEvent::Ended(node, if has_failed { Fate::Failed } else { Fate::Aborted }));
                }
                Command::Skip { node, because } => self.tell(EngineEvent::Ended(node, Fate::Skipped { because })),
                Command::Leave(node) => self.tell(EngineEvent::Ended(node, Fate::NotStarted)),
                Command::Stop { reason, left, running } => {
                    self.tell(EngineEvent::Stopping { reason, left, running });
                }
                Command::HoldBack { roll_out, left } => {
                    let failed = self.schedule.failed(roll_out).to_vec();
                    (self.observer)(EngineEvent::HeldBack { roll_out, failed, left });
                }
                // Those that have ended already are joined with what they returned: their work is done and told.
                Command::Cancel => self.tasks.abort_all(),
            }
        }
    }

    fn heard(&mut self, node: Ix, notice: Notice) {
        self.step(match notice {
            Notice::Release(to) => Input::Released { node, to },
            Notice::Recall => Input::Recalled(node),
        });
    }

    fn tell(&mut self, event: EngineEvent) {
        (self.observer)(event);
    }

    fn start(&mut self, node: Ix) {
        self.tell(EngineEvent::Started(node));
        let is_firm = !self.schedule.is_standing(node);
        let (ground, footing) = Footing::new(node, self.notices.clone(), is_firm);
        let runner = Arc::clone(&self.runner);
        let task = self.tasks.spawn(async move { (node, runner.run(node, footing).await) });
        self.note(node, task.id(), Doing::Work, Some(ground));
    }

    fn note(&mut self, node: Ix, task: Id, doing: Doing, ground: Option<Arc<Ground>>) {
        self.doing[node.index()] = Some(Running { task, doing, ground });
        if !self.by_task.is_empty() {
            self.by_task.insert(task, node);
        }
    }

    /// Stops a node's work, if it runs.
    fn withdraw(&mut self, node: Ix, because: Ix, later: bool) {
        self.tell(EngineEvent::Withdrawing { node, because, later });
        if let Some(Running { doing, ground: Some(ground), .. }) = &mut self.doing[node.index()] {
            ground.set(Firmness::Gone);
            *doing = Doing::Stopped;
        }
    }

    fn take_back(&mut self, node: Ix, because: Ix) {
        let runner = Arc::clone(&self.runner);
        let task = self.tasks.spawn(async move { (node, runner.withdraw(node, because).await) });
        self.note(node, task.id(), Doing::Withdrawal, None);
    }

    /// The node of a task that could not give it back.
    fn node_of(&mut self, task: Id) -> Ix {
        if self.by_task.is_empty() {
            let doing = self.doing.iter().enumerate();
            self.by_task =
                doing.filter_map(|(index, running)| Some((running.as_ref()?.task, Ix::from(index)))).collect();
        }
        self.by_task[&task]
    }

    fn ended(&mut self, end: Result<(Ix, Outcome), JoinError>) {
        let node = match &end {
            Ok((node, _)) => *node,
            Err(error) => self.node_of(error.id()),
        };
        let Running { task, doing, .. } = self.doing[node.index()].take().expect("every task was spawned for a node");
        self.by_task.remove(&task);
        let outcome = match end {
            Ok((_, outcome)) => outcome,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => {
                    self.tell(EngineEvent::Panicked(node, message(panic.as_ref())));
                    Outcome::Failed
                }
                Err(_cancelled) => return self.step(Input::Aborted(node)),
            },
        };
        match doing {
            Doing::Work => self.step(Input::Finished(node, outcome)),
            Doing::Stopped => self.step(Input::Halted(node)),
            Doing::Withdrawal => self.step(Input::Withdrawn(node, outcome)),
        }
    }
}

/// The text of a panic; `panic!` carries one of these two types, `panic_any` anything.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}

#[cfg(test)]
#[path = "drive_tests.rs"]
mod tests;
