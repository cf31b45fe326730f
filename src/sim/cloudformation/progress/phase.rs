//! Phases: how they begin and what follows them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::{Action, converge, dispose, guard, outputs, pump};
use crate::sim::cloudformation::api::delete;
use crate::sim::cloudformation::change_set::ExecutionStatus;
use crate::sim::cloudformation::nested;
use crate::sim::cloudformation::operation::{Before, OnFailure, Operation, Phase, Task, TaskState};
use crate::sim::cloudformation::rollback::RollbackTriggers;
use crate::sim::cloudformation::stack::{Resource, Stack};
use crate::sim::cloudformation::status::Status;
use crate::sim::cloudformation::with_stack;
use crate::sim::world::{Action as TimerAction, Place, Word, World};

/// Begins the phase that the stack's operation is in.
pub(super) fn begin(world: &mut World, place: &Place, stack: &mut Stack) {
    let Some(phase) = stack.operation.as_ref().map(|operation| operation.phase) else { return };
    if phase == Phase::Update && guard::refuses_removals(world, place, stack) {
        return failed(world, place, stack, None);
    }
    if phase == Phase::Cleanup {
        release_nested(world, place, stack);
    }
    let tasks =
        if phase.converges() { converge::tasks(world, place, stack) } else { Ok(dispose::tasks(world, place, stack)) };
    match tasks {
        Ok(tasks) => {
            let ready: VecDeque<String> =
                tasks.iter().filter(|(_, task)| task.waits_for == 0).map(|(id, _)| id.clone()).collect();
            if let Some(operation) = &mut stack.operation {
                operation.tasks = tasks;
                operation.running = 0;
            }
            pump(world, place, stack, ready);
        }
        Err(reason) => failed(world, place, stack, Some(reason)),
    }
}

/// Links tasks by what their resources need. `backwards` lets the needed ones wait for those that need them.
pub(super) fn link(mut tasks: BTreeMap<String, Task>, backwards: bool) -> BTreeMap<String, Task> {
    // Several tasks can stand for one logical id: a resource, and those it has replaced.
    let mut by_id: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, task) in &tasks {
        let id = task.garbage.as_ref().map_or(key.as_str(), |resource| &resource.logical_id);
        by_id.entry(id.to_owned()).or_default().push(key.clone());
    }
    let mut edges = BTreeSet::new();
    for (key, task) in &tasks {
        for needed in
            task.needs.iter().filter_map(|id| by_id.get(id.as_str())).flatten().filter(|needed| *needed != key)
        {
            edges.insert(if backwards { (key.clone(), needed.clone()) } else { (needed.clone(), key.clone()) });
        }
    }
    for (first, then) in edges {
        if let Some(task) = tasks.get_mut(&then) {
            task.waits_for += 1;
        }
        if let Some(task) = tasks.get_mut(&first) {
            task.holds_up.push(then);
        }
    }
    tasks
}

/// A task of which nothing is done yet.
pub(super) fn task(needs: Arc<[Word]>) -> Task {
    Task { garbage: None, needs, waits_for: 0, holds_up: Vec::new(), state: TaskState::Waiting }
}

/// Goes on to another phase.
fn go_on(world: &mut World, place: &Place, stack: &mut Stack, phase: Phase, reason: Option<String>) {
    if let Some(operation) = &mut stack.operation {
        operation.phase = phase;
        operation.tasks.clear();
        operation.failed.clear();
        operation.imports.clear();
    }
    stack.generation += 1;
    stack.enter(world, phase.status(), reason);
    if !nested::is_held(stack) {
        begin(world, place, stack);
    }
}

/// Lets the nested stacks go on that have waited for their parent.
fn release_nested(world: &mut World, place: &Place, stack: &Stack) {
    for child in nested::children(stack) {
        with_stack(world, place, &child, |world, child| {
            if nested::is_held(child) {
                if let Some(operation) = &mut child.operation {
                    operation.nested = false;
                }
                begin(world, place, child);
            }
        });
    }
}

/// No task runs any more: either all are done or, among deletions, some have failed.
pub(super) fn end(world: &mut World, place: &Place, stack: &mut Stack) {
    let Some(operation) = &stack.operation else { return };
    let failures = (!operation.failed.is_empty()).then(|| failures("delete", &operation.failed));
    match (operation.phase, failures) {
        (Phase::Create | Phase::Update, _) if is_to_be_watched(world, stack) => watch(world, place, stack),
        (Phase::Create | Phase::Update, _) => match outputs::outputs(world, place, stack) {
            Err(reason) => failed(world, place, stack, Some(reason)),
            Ok(outputs) => {
                stack.outputs = outputs;
                release_imports(stack);
                if operation_phase(stack) == Some(Phase::Create) {
                    settle(world, place, stack, Status::CreateComplete, None);
                } else {
                    world.at_mut(place).cloudformation.export(stack);
                    go_on(world, place, stack, Phase::Cleanup, None);
                }
            }
        },
        (Phase::UpdateRollback, _) => go_on(world, place, stack, Phase::RollbackCleanup, None),
        (Phase::Cleanup, _) => settle(world, place, stack, Status::UpdateComplete, None),
        (Phase::RollbackCleanup, _) => settle(world, place, stack, Status::UpdateRollbackComplete, None),
        (Phase::Rollback, None) => settle(world, place, stack, Status::RollbackComplete, None),
        (Phase::Rollback, reason) => settle(world, place, stack, Status::RollbackFailed, reason),
        (Phase::Delete, None) => settle(world, place, stack, Status::DeleteComplete, None),
        (Phase::Delete, reason) => settle(world, place, stack, Status::DeleteFailed, reason),
    }
}

/// Whether an operation is not over yet although all its resources are made: its alarms are watched first.
fn is_to_be_watched(world: &World, stack: &Stack) -> bool {
    let triggers = stack.config.as_ref().map(|config| &config.rollback);
    let watched = stack.operation.as_ref().is_none_or(|operation| operation.watched);
    let matters = |triggers: &RollbackTriggers| triggers.minutes > 0 || triggers.firing(&world.rules.faults).is_some();
    !watched && triggers.is_some_and(matters)
}

/// Watches a stack's alarms until the first fires, or for as long as they are to be watched.
fn watch(world: &mut World, place: &Place, stack: &Stack) {
    let Some(config) = &stack.config else { return };
    let firing = config.rollback.firing(&world.rules.faults).map(|(after, _)| after);
    let wait = firing.unwrap_or_else(|| config.rollback.monitoring());
    let watched = Action::Watched { stack: stack.id.clone(), generation: stack.generation };
    world.after(wait, TimerAction::CloudFormation(place.clone(), watched));
}

/// A stack's alarms were watched: the operation ends, well or not.
pub(super) fn watched(world: &mut World, place: &Place, stack: &mut Stack) {
    if let Some(operation) = &mut stack.operation {
        operation.watched = true;
    }
    let firing = stack.config.as_ref().and_then(|config| config.rollback.firing(&world.rules.faults));
    match firing.map(|(_, arn)| format!("Rollback trigger went to ALARM state: [{arn}]")) {
        Some(reason) => failed(world, place, stack, Some(reason)),
        None => end(world, place, stack),
    }
}

/// Gives back the exports of other stacks that the phase which is over has not used.
fn release_imports(stack: &mut Stack) {
    if let Some(operation) = &mut stack.operation {
        stack.imports = std::mem::take(&mut operation.imports);
    }
}

fn operation_phase(stack: &Stack) -> Option<Phase> {
    stack.operation.as_ref().map(|operation| operation.phase)
}

/// A reason that more may follow.
fn sentence(reason: &str) -> String {
    let reason = reason.trim_end();
    if reason.ends_with('.') { format!("{reason} ") } else { format!("{reason}. ") }
}

fn failures(verb: &str, failed: &[String]) -> String {
    format!("The following resource(s) failed to {verb}: [{}]. ", failed.join(", "))
}

/// A phase that converges has failed: at a resource, or for another reason.
pub(super) fn failed(world: &mut World, place: &Place, stack: &mut Stack, reason: Option<String>) {
    let Some(operation) = &mut stack.operation else { return };
    operation.running = 0;
    let verb = if operation.phase == Phase::Create { "create" } else { "update" };
    let reason = reason.map_or_else(|| failures(verb, &operation.failed), |reason| sentence(&reason));
    let keep = operation.keep_on_failure;
    if let Some(own) = stack.nested.as_mut().filter(|_| operation.nested) {
        own.broken = Some(reason.clone());
    }
    match operation.phase {
        Phase::Create if keep || stack.on_failure == OnFailure::DoNothing => {
            settle(world, place, stack, Status::CreateFailed, Some(reason));
        }
        Phase::Create if stack.on_failure == OnFailure::Delete => {
            take_back(stack);
            go_on(world, place, stack, Phase::Delete, Some(format!("{reason}Delete requested by user.")));
        }
        Phase::Create => {
            take_back(stack);
            go_on(world, place, stack, Phase::Rollback, Some(format!("{reason}Rollback requested by user.")));
        }
        Phase::Update if keep => settle(world, place, stack, Status::UpdateFailed, Some(reason)),
        Phase::Update => roll_back(world, place, stack, Some(reason)),
        _ => settle(world, place, stack, Status::UpdateRollbackFailed, Some(reason)),
    }
}

/// Turns an update back: what it made is garbage, what it replaced comes back, what it changed is to be changed again.
pub(super) fn roll_back(world: &mut World, place: &Place, stack: &mut Stack, reason: Option<String>) {
    let before = stack.operation.as_ref().and_then(|operation| operation.before.as_deref()).cloned();
    let Some(Before { config, mut resources, outputs, imports, garbage, deployed: _ }) = before else { return };
    let replaced = std::mem::replace(&mut stack.garbage, garbage).into_iter().skip(stack.garbage.len());
    let replaced: BTreeSet<Word> = replaced.map(|resource| resource.logical_id).collect();
    for (id, current) in std::mem::take(&mut stack.resources) {
        let existed = resources.get(&id).is_some_and(|old| old.physical_id.is_some());
        if existed && !replaced.contains(id.as_str()) {
            resources.insert(id, current);
        } else if current.physical_id.is_some() {
            // Nothing of a failed update is worth keeping, whatever its policy says.
            stack.garbage.push(crate::sim::cloudformation::Resource { deletion_policy: None, ..current });
        }
    }
    stack.resources = resources;
    stack.config = Some(config);
    stack.outputs = outputs;
    stack.imports = imports;
    take_back(stack);
    go_on(world, place, stack, Phase::UpdateRollback, reason);
}

/// What takes back what has failed, or was broken off, is an operation of its own. Its id follows from that of the other, so
/// that a failure changes no id that is drawn later.
fn take_back(stack: &mut Stack) {
    let Some(operation) = &mut stack.operation else { return };
    if !matches!(operation.kind.as_str(), "CREATE_STACK" | "UPDATE_STACK") {
        return;
    }
    let failed = (std::mem::replace(&mut operation.kind, "ROLLBACK".to_owned()), operation.id.clone());
    let at = operation.id.rfind('-').map_or(0, |at| at + 1);
    let turned = operation.id[at..].chars().map(|digit| match digit.to_digit(16) {
        Some(digit) => char::from_digit(15 - digit, 16).unwrap_or('0'),
        None => digit,
    });
    operation.id = operation.id[..at].chars().chain(turned).collect();
    stack.last_operation = Some((operation.kind.clone(), operation.id.clone()));
    stack.taken_back = Some(failed);
}

/// Resources that are back at what they had drifted to are still expected to be what was deployed.
fn expect_again(stack: &mut Stack, operation: Option<&Operation>) {
    let before = operation.and_then(|operation| operation.before.as_deref());
    for (id, deployed) in before.and_then(|before| before.deployed.as_ref()).into_iter().flatten() {
        let Some(own) = stack.resources.get_mut(id) else { continue };
        let Resource { physical_id, properties, tags, metadata, .. } = deployed.clone();
        if own.physical_id.is_none() || own.physical_id == physical_id {
            (own.physical_id, own.properties, own.tags, own.metadata) = (physical_id, properties, tags, metadata);
        }
    }
}

/// An operation is over.
pub(super) fn settle(world: &mut World, place: &Place, stack: &mut Stack, status: Status, reason: Option<String>) {
    stack.enter(world, status, reason);
    stack.generation += 1;
    // Nobody asks what a resource's properties were on the way to where it is, and they are most of a stack's size.
    for event in &mut stack.events {
        event.properties = None;
    }
    stack.events.shrink_to_fit();
    let operation = stack.operation.take();
    if status == Status::UpdateFailed {
        let before = operation.as_ref().and_then(|operation| operation.before.clone());
        stack.stable = stack.stable.take().or(before.filter(|_| stack.was_complete()));
    } else if status.as_str().ends_with("_COMPLETE") {
        stack.stable = None;
    }
    if status == Status::UpdateRollbackComplete {
        expect_again(stack, operation.as_ref());
    }
    let executed = operation.and_then(|operation| operation.change_set);
    if let Some(change_set) = stack.change_sets.iter_mut().find(|change_set| executed.as_ref() == Some(&change_set.id))
    {
        let well = matches!(status, Status::CreateComplete | Status::UpdateComplete);
        change_set.execution = if well { ExecutionStatus::ExecuteComplete } else { ExecutionStatus::ExecuteFailed };
    }
    if status == Status::DeleteComplete {
        stack.deleted = Some(world.now);
        stack.outputs.clear();
        // Of what has gone with it, it can only be asked what that was.
        for resource in stack.resources.values_mut() {
            (resource.properties, resource.tags) = Default::default();
        }
    }
    if matches!(status, Status::DeleteComplete | Status::RollbackComplete) {
        stack.imports.clear();
    }
    world.at_mut(place).cloudformation.export(stack);
    release_nested(world, place, stack);
    let doomed = stack.nested.as_mut().is_some_and(|nested| std::mem::take(&mut nested.doomed));
    if doomed && status != Status::DeleteComplete {
        let operation = Operation::new(world.ids().uuid(), delete::KIND, None, Phase::Delete);
        delete::begin(world, place, stack, operation);
    }
}
