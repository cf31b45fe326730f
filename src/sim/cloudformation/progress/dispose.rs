//! Tasks that delete a resource, or let it go.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::phase::{link, task};
use super::{Launch, duration, is_rollback_of_create, planned};
use crate::cfn::Policy;
use crate::sim::cloudformation::operation::{Phase, Task, TaskState};
use crate::sim::cloudformation::resource::{Failure, provider_of};
use crate::sim::cloudformation::scope::Scope;
use crate::sim::cloudformation::stack::{Resource, Stack};
use crate::sim::cloudformation::status::ResourceStatus;
use crate::sim::world::{Place, World};

/// How often a deletion is tried again while something still needs the resource.
pub(super) const ATTEMPTS: u32 = 5;

/// One task for each resource that is to go. Those that need others go first.
pub(super) fn tasks(world: &World, place: &Place, stack: &Stack) -> BTreeMap<String, Task> {
    let Some(operation) = &stack.operation else { return BTreeMap::new() };
    let garbage = || stack.garbage.iter().cloned().map(Arc::new);
    let leaving: Vec<Arc<Resource>> = match operation.phase {
        Phase::Cleanup | Phase::RollbackCleanup => {
            let wanted = wanted(world, place, stack);
            let gone =
                stack.resources.all_shared().filter(|resource| !wanted.iter().any(|id| resource.logical_id == *id));
            gone.cloned().chain(garbage()).collect()
        }
        _ => stack.resources.all_shared().cloned().chain(garbage()).collect(),
    };
    let exists = |resource: &Arc<Resource>| {
        resource.physical_id.is_some()
            && !matches!(resource.status, ResourceStatus::DeleteComplete | ResourceStatus::DeleteSkipped)
    };
    let tasks = leaving.into_iter().filter(exists).map(|resource| {
        let key = format!("{}|{}", resource.logical_id, resource.id());
        let needs = resource.needs.clone();
        (key, Task { garbage: Some(resource), ..task(needs) })
    });
    link(tasks.collect(), true)
}

/// The resources that the template has under its conditions.
pub(super) fn wanted(world: &World, place: &Place, stack: &Stack) -> Vec<String> {
    let Some(config) = &stack.config else { return Vec::new() };
    let scope = Scope::new(world, place, (&stack.id, &stack.name), config, &stack.resources);
    let evaluator = scope.evaluator();
    let all = config.template.document().resources.values();
    all.filter(|resource| evaluator.exists(resource).unwrap_or(true)).map(|resource| resource.id.clone()).collect()
}

pub(super) fn launch(world: &mut World, place: &Place, stack: &mut Stack, key: &str) -> Launch {
    let Some(operation) = &stack.operation else { return Launch::Done };
    let Some(mut resource) = operation.tasks.get(key).and_then(|task| task.garbage.as_deref()).cloned() else {
        return Launch::Done;
    };
    let stays = match resource.deletion_policy {
        Some(Policy::Retain) => true,
        Some(Policy::RetainExceptOnCreate) => !is_rollback_of_create(operation.phase),
        Some(Policy::Delete | Policy::Snapshot) | None => false,
    };
    if stays || operation.skip.contains(resource.logical_id.as_str()) {
        leave(world, stack, resource, ResourceStatus::DeleteSkipped);
        return Launch::Done;
    }
    resource.status = ResourceStatus::DeleteInProgress;
    resource.at = world.now;
    resource.reason = None;
    stack.tell(world, &resource);
    note(stack, &resource);
    let wait = duration(world, &resource.type_name);
    if let Some(reason) = planned(world, place, &stack.name, &resource, "DELETE") {
        return Launch::Running { wait, failure: Some(reason), again: false };
    }
    match attempt(world, place, &resource) {
        Ok(()) => Launch::Running { wait, failure: None, again: false },
        Err((reason, again)) => Launch::Running { wait, failure: Some(reason), again },
    }
}

/// Tries to delete a resource. One that does not exist is deleted.
///
/// # Errors
///
/// The reason, and whether it may pass by itself.
pub(super) fn attempt(world: &mut World, place: &Place, resource: &Resource) -> Result<(), (String, bool)> {
    let Some(provider) = provider_of(world, resource) else { return Ok(()) };
    match provider.delete(world, place, resource) {
        Ok(()) => Ok(()),
        Err(error) if error.code.ends_with("NotFound") => Ok(()),
        Err(error) => {
            let passes = matches!(error.code.as_ref(), "DependencyViolation" | "InvalidIPAddress.InUse");
            let request_id = world.ids().uuid();
            Err((Failure::from(error).reason(&request_id), passes))
        }
    }
}

/// A resource is gone.
pub(super) fn complete(world: &World, stack: &mut Stack, resource: Resource) {
    leave(world, stack, resource, ResourceStatus::DeleteComplete);
}

/// A resource cannot be deleted. Says whether those that wait for it may go on.
pub(super) fn fail(world: &World, stack: &mut Stack, key: &str, mut resource: Resource, reason: String) -> bool {
    let Some(operation) = &mut stack.operation else { return false };
    if operation.force {
        leave(world, stack, resource, ResourceStatus::DeleteSkipped);
        return true;
    }
    if matches!(operation.phase, Phase::Cleanup | Phase::RollbackCleanup) {
        // A cleanup that fails leaves the resource behind: the stack knows of it no longer.
        resource.reason = Some(reason);
        leave(world, stack, resource, ResourceStatus::DeleteFailed);
        return true;
    }
    operation.running -= 1;
    operation.failed.push(resource.logical_id.to_string());
    if let Some(task) = operation.tasks.get_mut(key) {
        task.state = TaskState::Failed;
    }
    resource.status = ResourceStatus::DeleteFailed;
    resource.at = world.now;
    resource.reason = Some(reason);
    stack.tell(world, &resource);
    note(stack, &resource);
    false
}

/// A resource leaves the stack: deleted, or left to the account.
fn leave(world: &World, stack: &mut Stack, mut resource: Resource, status: ResourceStatus) {
    resource.status = status;
    resource.at = world.now;
    if status == ResourceStatus::DeleteComplete {
        resource.reason = None;
    }
    stack.tell(world, &resource);
    stack.garbage.retain(|own| !is_same(own, &resource));
    // A deleted stack's resources can still be asked for.
    let whole =
        stack.operation.as_ref().is_some_and(|operation| matches!(operation.phase, Phase::Delete | Phase::Rollback));
    if whole {
        note(stack, &resource);
    } else if stack.resources.get(&resource.logical_id).is_some_and(|own| is_same(own, &resource)) {
        stack.resources.remove(&resource.logical_id);
    }
}

/// Keeps the state of a resource, if it is the one that the stack has by its name.
fn note(stack: &mut Stack, resource: &Resource) {
    let own = stack.resources.get_mut(&resource.logical_id).filter(|own| is_same(own, resource));
    if let Some(own) = own {
        own.clone_from(resource);
    }
}

fn is_same(one: &Resource, other: &Resource) -> bool {
    one.logical_id == other.logical_id && one.physical_id == other.physical_id
}
