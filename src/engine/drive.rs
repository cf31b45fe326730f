//! The loop that carries a schedule out.

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::{Id, JoinError, JoinSet};

use super::{Command, Fate, Input, Outcome, Schedule, Summary};
use crate::event::StopReason;
use crate::graph::Ix;

/// Does a node's work. Everything that is to be known of it beyond [`Outcome`] goes its own way.
pub trait Runner: Send + Sync + 'static {
    /// Does the work of `node`. It may be dropped at any await, when the user asks to stop at once.
    fn run(&self, node: Ix) -> impl Future<Output = Outcome> + Send;
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
    Held {
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
    let mut run = Run { schedule, runner, observer, tasks: JoinSet::new(), nodes: HashMap::new() };
    run.step(Input::Begin);
    let mut listening = true;
    loop {
        tokio::select! {
            // A wish of the user goes before an end that would start more.
            biased;
            wish = control.recv(), if listening && !run.tasks.is_empty() => match wish {
                Some(Control::Drain) => run.step(Input::Drain),
                Some(Control::Abort) => run.step(Input::Abort),
                None => listening = false,
            },
            Some(end) = run.tasks.join_next_with_id() => run.ended(end),
            else => break,
        }
    }
    run.schedule.summary().expect("without a cycle, nodes are left only while some run")
}

struct Run<R, O> {
    schedule: Schedule,
    runner: Arc<R>,
    observer: O,
    tasks: JoinSet<Outcome>,
    /// The node of each running task.
    nodes: HashMap<Id, Ix>,
}

impl<R: Runner, O: FnMut(EngineEvent)> Run<R, O> {
    fn step(&mut self, input: Input) {
        let commands = self.schedule.step(input).expect("a task runs for each started node and ends once");
        for command in commands {
            match command {
                Command::Start(node) => self.spawn(node),
                Command::Skip { node, because } => (self.observer)(EngineEvent::Ended(node, Fate::Skipped { because })),
                Command::Leave(node) => (self.observer)(EngineEvent::Ended(node, Fate::NotStarted)),
                Command::Stop { reason, left, running } => {
                    (self.observer)(EngineEvent::Stopping { reason, left, running });
                }
                Command::Hold { roll_out, left } => {
                    let failed = self.schedule.failed(roll_out).to_vec();
                    (self.observer)(EngineEvent::Held { roll_out, failed, left });
                }
                // Those that have ended already are joined with what they returned: their work is done and told.
                Command::Cancel => self.tasks.abort_all(),
            }
        }
    }

    fn spawn(&mut self, node: Ix) {
        (self.observer)(EngineEvent::Started(node));
        let runner = Arc::clone(&self.runner);
        let task = self.tasks.spawn(async move { runner.run(node).await });
        self.nodes.insert(task.id(), node);
    }

    fn ended(&mut self, end: Result<(Id, Outcome), JoinError>) {
        let id = end.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let node = self.nodes.remove(&id).expect("every task was spawned for a node");
        let input = match end {
            Ok((_, outcome)) => Input::Finished(node, outcome),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => {
                    (self.observer)(EngineEvent::Panicked(node, message(panic.as_ref())));
                    Input::Finished(node, Outcome::Failed)
                }
                Err(_cancelled) => Input::Aborted(node),
            },
        };
        let fate = match input {
            Input::Finished(_, outcome) => outcome.into(),
            _ => Fate::Aborted,
        };
        (self.observer)(EngineEvent::Ended(node, fate));
        self.step(input);
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
