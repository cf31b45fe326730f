//! How operations go on: phase by phase, task by task, each pushed by a timer.

mod converge;
mod dispose;
mod guard;
mod lasting;
mod outputs;
mod phase;

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(super) use converge::assumption;
pub(super) use outputs::outputs;

use super::change_set::ExecutionStatus;
use super::operation::{Operation, Phase, TaskState};
use super::resource::{Failure, Readiness, provider_of};
use super::stack::{Resource, Stack};
use super::status::Status;
use super::{api, drift, nested, with_stack};
use crate::sim::faults::ResourceFacts;
use crate::sim::iam;
use crate::sim::pattern;
use crate::sim::world::{Action as TimerAction, Place, Rules, World, later};

/// Something that `CloudFormation` does at a later time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A phase begins with its first resources.
    Begin {
        /// The stack's ARN.
        stack: String,
        /// The phase's number: a timer of an earlier phase does nothing.
        generation: u64,
    },
    /// A task's time has come.
    Finish {
        /// The stack's ARN.
        stack: String,
        /// The phase's number.
        generation: u64,
        /// The task.
        task: String,
        /// How often it was looked at before.
        looks: u32,
    },
    /// A creation has taken as long as it may.
    Timeout {
        /// The stack's ARN.
        stack: String,
        /// The operation's id.
        operation: String,
    },
    /// A look for drift has had its time.
    Detection {
        /// The stack's ARN.
        stack: String,
        /// The detection's id.
        detection: String,
    },
    /// A stack's alarms were watched for long enough, or one of them fires.
    Watched {
        /// The stack's ARN.
        stack: String,
        /// The phase's number.
        generation: u64,
    },
    /// A change set is worked out.
    ChangeSet {
        /// The stack's ARN.
        stack: String,
        /// The change set's ARN.
        change_set: String,
    },
}

impl Action {
    /// Does it.
    pub(crate) fn run(self, world: &mut World, place: &Place) {
        match self {
            Self::Begin { stack, generation } => {
                with_stack(world, place, &stack, |world, stack| {
                    if stack.generation == generation {
                        phase::begin(world, place, stack);
                    }
                });
            }
            Self::Finish { stack, generation, task, looks } => {
                with_stack(world, place, &stack, |world, stack| {
                    if stack.generation == generation {
                        finish(world, place, stack, &task, looks);
                    }
                });
            }
            Self::Timeout { stack, operation } => {
                with_stack(world, place, &stack, |world, stack| {
                    let creates = |own: &Operation| own.id == operation && own.phase == Phase::Create;
                    if stack.operation.as_ref().is_some_and(creates) {
                        converge::cancel(world, stack);
                        let reason = "Stack creation time exceeded the specified timeout. ";
                        phase::failed(world, place, stack, Some(reason.to_owned()));
                    }
                });
            }
            Self::Detection { stack, detection } => {
                with_stack(world, place, &stack, |world, stack| drift::finish(world, place, stack, &detection));
            }
            Self::Watched { stack, generation } => {
                with_stack(world, place, &stack, |world, stack| {
                    if stack.generation == generation {
                        phase::watched(world, place, stack);
                    }
                });
            }
            Self::ChangeSet { stack, change_set } => {
                with_stack(world, place, &stack, |world, stack| {
                    api::change_set::work_out(world, place, stack, &change_set);
                });
            }
        }
    }
}

/// Begins an operation. Change sets that were made for what the stack is now are obsolete, but the one that is executed.
pub(super) fn start(world: &mut World, place: &Place, stack: &mut Stack, operation: Operation) {
    for change_set in &mut stack.change_sets {
        if operation.change_set.as_ref() == Some(&change_set.id) {
            change_set.execution = ExecutionStatus::ExecuteInProgress;
        } else if change_set.execution == ExecutionStatus::Available {
            change_set.execution = ExecutionStatus::Obsolete;
        }
    }
    if let Some(nested) = stack.nested.as_mut().filter(|_| operation.nested) {
        nested.broken = None;
    }
    let status = operation.phase.status();
    if let Some(minutes) = stack.timeout_minutes.filter(|_| operation.phase == Phase::Create) {
        let timeout = Action::Timeout { stack: stack.id.clone(), operation: operation.id.clone() };
        let wait = Duration::from_secs(60 * u64::from(minutes));
        world.after(wait, TimerAction::CloudFormation(place.clone(), timeout));
    }
    stack.last_operation = Some((operation.kind.clone(), operation.id.clone()));
    stack.taken_back = None;
    stack.operation = Some(operation);
    // What was found before says nothing of what is being made.
    stack.drift = None;
    stack.generation += 1;
    stack.enter(world, status, Some("User Initiated".to_owned()));
    let wait = lead(world, &stack.name);
    let begin = Action::Begin { stack: stack.id.clone(), generation: stack.generation };
    world.after(wait, TimerAction::CloudFormation(place.clone(), begin));
}

/// How long a stack waits before its first resource, by its name or the first pattern that its name matches.
fn lead(world: &World, name: &str) -> Duration {
    let stacks = &world.rules.timing.stacks;
    let by_pattern = || stacks.iter().find(|(wanted, _)| pattern::matches(wanted, name)).map(|(_, wait)| wait);
    stacks.get(name).or_else(by_pattern).copied().unwrap_or_default()
}

/// How long a resource takes.
fn duration(world: &World, type_name: &str) -> Duration {
    let timing = &world.rules.timing;
    timing.resource_types.get(type_name).copied().unwrap_or(timing.resource)
}

/// The reason why a resource is planned to fail, or may not be touched by whoever asks for it, if so. Each action on a resource is asked about once.
pub(super) fn planned(
    world: &mut World,
    place: &Place,
    stack: &str,
    resource: &Resource,
    action: &str,
) -> Option<String> {
    let seed = world.seed();
    let facts =
        ResourceFacts { place, stack, logical_id: &resource.logical_id, resource_type: &resource.type_name, action };
    let Rules { faults, failed, .. } = &mut world.rules;
    let planned = failed.resource(faults, seed, &facts).map(str::to_owned);
    planned.or_else(|| iam::refused(world, place, stack, &resource.type_name, action))
}

/// How a task began.
enum Launch {
    /// There was nothing to do.
    Done,
    /// It ends after a while.
    Running {
        /// For how long it runs.
        wait: Duration,
        /// Why it will fail.
        failure: Option<String>,
        /// Whether a failure may pass by itself.
        again: bool,
    },
}

/// Starts tasks, and those that had waited for nothing else. When none is left running, the phase is over.
fn pump(world: &mut World, place: &Place, stack: &mut Stack, mut ready: VecDeque<String>) {
    loop {
        start_tasks(world, place, stack, ready);
        let Some(operation) = stack.operation.as_ref().filter(|operation| operation.running == 0) else { return };
        let waiting = operation.tasks.iter().filter(|(_, task)| task.state == TaskState::Waiting);
        let waiting: VecDeque<String> = waiting.map(|(id, _)| id.clone()).collect();
        // Deletions that wait for one that has failed are over with it.
        if waiting.is_empty() || !operation.failed.is_empty() {
            return phase::end(world, place, stack);
        }
        if operation.phase.converges() {
            let names = Vec::from(waiting).join(", ");
            let reason = format!("Circular dependency between resources: [{names}]");
            return phase::failed(world, place, stack, Some(reason));
        }
        // What several templates have left behind can need each other in a circle. Which goes first is then for the
        // services to say.
        ready = waiting;
    }
}

fn start_tasks(world: &mut World, place: &Place, stack: &mut Stack, mut ready: VecDeque<String>) {
    while let Some(task) = ready.pop_front() {
        let converges = stack.operation.as_ref().is_some_and(|operation| operation.phase.converges());
        let launch = if converges {
            converge::launch(world, place, stack, &task)
        } else {
            dispose::launch(world, place, stack, &task)
        };
        match launch {
            Launch::Done => ready.extend(release(stack, &task)),
            Launch::Running { wait, failure, again } => {
                let Some(operation) = &mut stack.operation else { return };
                operation.running += 1;
                if let Some(entry) = operation.tasks.get_mut(&task) {
                    entry.state = TaskState::Running { failure, again };
                }
                look_again(world, place, stack, &task, wait, 0);
            }
        }
    }
}

/// Ends a task well, and gives those that can start now.
fn release(stack: &mut Stack, task: &str) -> Vec<String> {
    let Some(operation) = &mut stack.operation else { return Vec::new() };
    let Some(entry) = operation.tasks.get_mut(task) else { return Vec::new() };
    entry.state = TaskState::Done;
    let mut free = Vec::new();
    for waiting in std::mem::take(&mut entry.holds_up) {
        // One that stood in a circle has begun without waiting for all.
        if let Some(entry) = operation.tasks.get_mut(&waiting).filter(|entry| entry.state == TaskState::Waiting) {
            entry.waits_for -= 1;
            if entry.waits_for == 0 {
                free.push(waiting);
            }
        }
    }
    free
}

fn look_again(world: &mut World, place: &Place, stack: &Stack, task: &str, wait: Duration, looks: u32) {
    let finish = Action::Finish { stack: stack.id.clone(), generation: stack.generation, task: task.to_owned(), looks };
    world.after(wait, TimerAction::CloudFormation(place.clone(), finish));
}

/// How often a nested stack is looked at.
const FOLLOWING: Duration = Duration::from_millis(200);

fn is_nested(stack: &Stack, task: &str) -> bool {
    stack.resources.get(task).is_some_and(|resource| resource.type_name == nested::TYPE)
}

/// How long to wait before looking again at a resource that is not ready: seldom at one that has not been for long.
fn pause(looks: u32) -> Duration {
    Duration::from_millis(200) * (1 + looks.min(149))
}

/// A task's time has come: it is done, has failed, or takes longer.
fn finish(world: &mut World, place: &Place, stack: &mut Stack, task: &str, looks: u32) {
    let Some(operation) = &stack.operation else { return };
    let Some(entry) = operation.tasks.get(task) else { return };
    let TaskState::Running { failure, again } = entry.state.clone() else { return };
    if operation.phase.converges() {
        match failure {
            Some(reason) => return converge::fail(world, place, stack, task, reason),
            None => match converge::readiness(world, place, stack, task) {
                Readiness::Ready => converge::complete(world, place, stack, task),
                // Nothing of the stack waits for it, and nobody is to.
                Readiness::Pending if is_express(stack) && entry.holds_up.is_empty() && !is_nested(stack, task) => {
                    converge::complete(world, place, stack, task);
                }
                Readiness::Pending if !is_nested(stack, task) && waits_too_long(world, stack, task) => {
                    let reason = Failure::not_stabilized().reason(&world.ids().uuid());
                    return converge::fail(world, place, stack, task, reason);
                }
                Readiness::Pending => {
                    // A nested stack is followed closely, for as long as it takes.
                    let wait = if is_nested(stack, task) { FOLLOWING } else { pause(looks) };
                    return look_again(world, place, stack, task, wait, looks + 1);
                }
                Readiness::Failed(failure) => {
                    let reason = failure.reason(&world.ids().uuid());
                    return converge::fail(world, place, stack, task, reason);
                }
            },
        }
    } else {
        let Some(resource) = entry.garbage.as_deref().cloned() else { return };
        let refused = || provider_of(world, &resource)?.undeletable(world, place, &resource);
        let (failure, again) = match failure {
            Some(reason) => (Some(reason), again),
            None => (refused(), false),
        };
        match failure {
            Some(_) if again && looks < dispose::ATTEMPTS => {
                return match dispose::attempt(world, place, &resource) {
                    Ok(()) => {
                        set_running(stack, task, None, false);
                        look_again(world, place, stack, task, Duration::ZERO, looks);
                    }
                    Err((failure, again)) => {
                        set_running(stack, task, Some(failure), again);
                        look_again(world, place, stack, task, pause(looks), looks + 1);
                    }
                };
            }
            Some(reason) => {
                if !dispose::fail(world, stack, task, resource, reason) {
                    return pump(world, place, stack, VecDeque::new());
                }
            }
            None if provider_of(world, &resource).is_some_and(|known| !known.is_gone(world, place, &resource)) => {
                return look_again(world, place, stack, task, pause(looks), looks + 1);
            }
            None => dispose::complete(world, stack, resource),
        }
    }
    if let Some(operation) = &mut stack.operation {
        operation.running -= 1;
    }
    let ready = release(stack, task);
    pump(world, place, stack, ready.into());
}

/// Whether the operation is over when the configuration is applied.
fn is_express(stack: &Stack) -> bool {
    stack.config.as_ref().is_some_and(|config| config.express)
}

/// Whether a resource has been waited for as long as `CloudFormation` waits.
fn waits_too_long(world: &World, stack: &Stack, task: &str) -> bool {
    let end = |resource: &Resource| later(resource.at, world.rules.timing.stabilize);
    stack.resources.get(task).is_some_and(|resource| world.now >= end(resource))
}

fn set_running(stack: &mut Stack, task: &str, failure: Option<String>, again: bool) {
    if let Some(entry) = stack.operation.as_mut().and_then(|operation| operation.tasks.get_mut(task)) {
        entry.state = TaskState::Running { failure, again };
    }
}

/// Whether a phase takes back what a creation made.
fn is_rollback_of_create(phase: Phase) -> bool {
    phase == Phase::Rollback
}

/// Breaks an update off and takes it back.
pub(super) fn cancel(world: &mut World, place: &Place, stack: &mut Stack, reason: Option<&str>) {
    converge::cancel(world, stack);
    phase::roll_back(world, place, stack, reason.map(str::to_owned));
}

/// Takes a stack that a failure has left as it was back to what it was before.
pub(super) fn to_stable(world: &mut World, place: &Place, stack: &mut Stack, mut operation: Operation) {
    operation.before = stack.stable.take();
    stack.last_operation = Some((operation.kind.clone(), operation.id.clone()));
    stack.taken_back = None;
    stack.operation = Some(operation);
    cancel(world, place, stack, Some("User Initiated"));
}

/// Ends an operation before it does anything.
pub(super) fn give_up(world: &mut World, place: &Place, stack: &mut Stack, status: Status, reason: String) {
    phase::settle(world, place, stack, status, Some(reason));
}
