//! Tasks that bring a resource to what the template says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value as Json};

use super::phase::{self, link, task};
use super::{Launch, duration, guard, is_express, planned};
use crate::cfn::{self, Deed};
use crate::sim::cloudformation::change;
use crate::sim::cloudformation::nested;
use crate::sim::cloudformation::operation::{Operation, Phase, Task, TaskState};
use crate::sim::cloudformation::resource::{
    self, Job, Provider, Readiness, Update, is_taggable, provider_in, provider_of,
};
use crate::sim::cloudformation::scope::{Scope, is_chosen, properties};
use crate::sim::cloudformation::stack::{Resource, Stack};
use crate::sim::cloudformation::status::ResourceStatus;
use crate::sim::ec2::Tags;
use crate::sim::world::{Place, Word, World};

/// One task for each resource that the template has under its conditions.
///
/// # Errors
///
/// A condition that cannot be worked out.
pub(super) fn tasks(world: &World, place: &Place, stack: &Stack) -> Result<BTreeMap<String, Task>, String> {
    let Some(config) = &stack.config else { return Ok(BTreeMap::new()) };
    let scope = Scope::new(world, place, (&stack.id, &stack.name), config, &stack.resources);
    let evaluator = scope.evaluator();
    let document = config.template.document();
    let before = stack.operation.as_ref().and_then(|operation| Some(&operation.before.as_ref()?.config));
    let mut needs = BTreeMap::new();
    for resource in document.resources.values() {
        if scope.exists(&evaluator, resource, before)? {
            needs.insert(resource.id.as_str(), BTreeSet::new());
        }
    }
    for dependency in document.dependencies(&|name| evaluator.holds(name)) {
        if let Some(needs) = needs.get_mut(dependency.from) {
            needs.insert(dependency.to);
        }
    }
    let words = |needs: BTreeSet<&str>| needs.into_iter().map(Word::from).collect();
    let tasks = needs.into_iter().map(|(id, needs)| (id.to_owned(), task(words(needs))));
    Ok(link(tasks.collect(), false))
}

/// A resource as the template says it is to be.
struct Wanted {
    properties: Arc<Map<String, Json>>,
    tags: Tags,
    metadata: Option<Json>,
    /// Why it cannot be worked out, where something in it was made up: it may be, with what that stands for.
    unsure: Option<String>,
}

fn wanted(world: &World, place: &Place, stack: &mut Stack, declared: &cfn::Resource) -> Result<Wanted, String> {
    let Some(config) = &stack.config else { return Err("The stack has no template".to_owned()) };
    let scope = Scope::new(world, place, (&stack.id, &stack.name), config, &stack.resources);
    let evaluator = scope.evaluator();
    let (properties, unsure) = properties(&scope, &evaluator, declared).map_err(|error| error.to_string())?;
    let unsure = unsure.map(|error| error.to_string());
    let resolved = properties.iter().find(|(_, value)| value.to_string().contains("{{resolve:"));
    if let Some((name, _)) = resolved.filter(|_| !world.assumes()) {
        return Err(format!("The dynamic reference in property {name} cannot be resolved: the embedded AWS has none"));
    }
    let metadata = declared.metadata.as_deref().map(|node| evaluator.value(node)).transpose();
    let metadata = match metadata {
        Err(_) if scope.made_up.get() => scope.resources.get(&declared.id).and_then(|old| old.metadata.clone()),
        metadata => metadata.map_err(|error| error.to_string())?,
    };
    let tags = if is_taggable(&declared.type_name) {
        change::tags((&stack.id, &stack.name), config, &declared.id, properties.get("Tags"))
    } else {
        Tags::new()
    };
    let imports = scope.imports.take();
    stack.import(imports);
    Ok(Wanted { properties: properties.into(), tags, metadata, unsure })
}

/// What is to be done to a resource.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Create,
    Update,
    Replace,
    /// It is as it is to be, but its last change has failed: it is brought to that again.
    Restore,
}

pub(super) fn launch(world: &mut World, place: &Place, stack: &mut Stack, id: &str) -> Launch {
    let Some(document) = stack.config.as_ref().map(|config| Arc::clone(config.template.document())) else {
        return Launch::Done;
    };
    let (Some(declared), Some(operation)) = (document.resources.get(id), &stack.operation) else {
        return Launch::Done;
    };
    if operation.skip.contains(id) {
        return skip(world, stack, id);
    }
    let rolls_back = operation.phase == Phase::UpdateRollback;
    let updates = operation.phase == Phase::Update;
    let drifted = if rolls_back { before_the_revert(operation, id) } else { None };
    if drifted.as_ref().is_some_and(|drifted| drifted.physical_id.is_none()) {
        return Launch::Done;
    }
    let needs = operation.tasks.get(id).map(|task| task.needs.clone()).unwrap_or_default();
    let old = stack.resources.get(id).filter(|old| old.physical_id.is_some()).cloned();
    let wanted = match drifted {
        Some(Resource { properties, tags, metadata, .. }) => Ok(Wanted { properties, tags, metadata, unsure: None }),
        None => wanted(world, place, stack, declared),
    };
    let next = |old: Option<&Resource>, wanted: Wanted, now| Resource {
        logical_id: id.into(),
        type_name: (&declared.type_name).into(),
        physical_id: old.and_then(|old| old.physical_id.clone()),
        status: old.map_or(ResourceStatus::CreateInProgress, |old| old.status),
        reason: None,
        at: old.map_or(now, |old| old.at),
        properties: wanted.properties,
        tags: wanted.tags,
        needs,
        deletion_policy: declared.deletion_policy,
        update_replace_policy: declared.update_replace_policy,
        metadata: wanted.metadata,
        assumed: old.is_some_and(|old| old.assumed),
        told: old.map(|old| old.told.clone()).unwrap_or_default(),
    };
    let wait = duration(world, &declared.type_name);
    let (wanted, broken) = match wanted {
        Ok(wanted) => (wanted, None),
        Err(reason) => {
            (Wanted { properties: Arc::default(), tags: Tags::new(), metadata: None, unsure: None }, Some(reason))
        }
    };
    let unsure = wanted.unsure.clone();
    let Some(provider) = provider_in(world, &declared.type_name) else {
        let resource = next(old.as_ref(), wanted, world.now);
        let reason = format!(
            "The embedded AWS does not have the resource type {}: apply this stack to AWS itself, or leave the resource out here by a condition. docs/embedded-aws.md lists the types that it has",
            declared.type_name
        );
        return doomed(world, stack, resource, old, wait, reason);
    };
    let mut resource = next(old.as_ref(), wanted, world.now);
    if let Some(reason) = broken {
        return doomed(world, stack, resource, old, wait, reason);
    }
    let verb = match &old {
        None => Verb::Create,
        Some(old) => match compare(provider, old, &resource) {
            Some(Update::InPlace) => Verb::Update,
            Some(Update::Replacement) => Verb::Replace,
            None if rolls_back && old.status == ResourceStatus::UpdateFailed => Verb::Restore,
            None if rolls_back && nested::holds(world, place, old) => Verb::Restore,
            // Only a look into it tells whether something in it differs.
            None if updates && declared.type_name == nested::TYPE && !world.assumes() => Verb::Update,
            None => {
                // What a failure has interrupted, and is as it is to be after all, stands.
                let status = match resource.status {
                    ResourceStatus::CreateFailed => ResourceStatus::CreateComplete,
                    ResourceStatus::UpdateFailed => ResourceStatus::UpdateComplete,
                    status => status,
                };
                stack.resources.insert(id.to_owned(), Resource { status, ..resource });
                return Launch::Done;
            }
        },
    };
    let deed = if verb == Verb::Replace { Deed::Replace } else { Deed::Modify };
    if let Some(reason) = old.as_ref().and_then(|old| guard::refusal(stack, deed, old)) {
        return doomed(world, stack, resource, old, wait, reason);
    }
    if let Some(why) = unsure.or_else(|| unknown(world, &resource)) {
        resource.assumed = true;
        world.assume(place, &stack.name, assumption(&resource, &why));
    }
    act(world, place, stack, provider, verb, resource, old, wait)
}

/// Why a resource cannot be made here, in a world that takes what it does not know to work.
fn unknown(world: &World, resource: &Resource) -> Option<String> {
    if !world.assumes() {
        return None;
    }
    let Some(provider) = resource::embedded(world, &resource.type_name) else {
        return Some("its type is not embedded".to_owned());
    };
    if resource.properties.values().any(|value| value.to_string().contains("{{resolve:")) {
        return Some("a dynamic reference is not resolved".to_owned());
    }
    let known = provider.properties()?;
    let other = resource.properties.keys().find(|name| !known.iter().any(|known| known.name == **name))?;
    Some(format!("its property {other} is not embedded"))
}

/// What is said of a resource that is taken to work.
pub(in crate::sim::cloudformation) fn assumption(resource: &Resource, why: &str) -> String {
    format!("{} ({}) is taken to work: {why}", resource.logical_id, resource.type_name)
}

/// What really stood of a resource before an update that was to take drift back: a rollback goes back to that.
fn before_the_revert(operation: &Operation, id: &str) -> Option<Resource> {
    let before = operation.before.as_deref().filter(|before| before.deployed.is_some())?;
    before.resources.get(id).cloned()
}

/// What it takes to bring a resource from `old` to `new`; `None` if nothing differs.
fn compare(provider: &dyn Provider, old: &Resource, new: &Resource) -> Option<Update> {
    let names: BTreeSet<&String> = old.properties.keys().chain(new.properties.keys()).collect();
    let mut differing =
        names.into_iter().filter(|name| old.properties.get(*name) != new.properties.get(*name)).peekable();
    if differing.peek().is_none() {
        return (old.tags != new.tags).then_some(Update::InPlace);
    }
    let replaces = differing.any(|name| provider.update_of(name) == Update::Replacement);
    Some(if replaces { Update::Replacement } else { Update::InPlace })
}

#[expect(clippy::too_many_arguments, reason = "one step of `launch`, which knows them all")]
fn act(
    world: &mut World,
    place: &Place,
    stack: &mut Stack,
    provider: &dyn Provider,
    verb: Verb,
    mut resource: Resource,
    old: Option<Resource>,
    wait: Duration,
) -> Launch {
    let action = if old.is_some() { "UPDATE" } else { "CREATE" };
    announce(world, stack, &mut resource, verb == Verb::Replace);
    // Nothing differs in what is only restored: it is no update that could be planned to fail.
    let planned = if verb == Verb::Restore { None } else { planned(world, place, &stack.name, &resource, action) };
    if let Some(reason) = planned {
        keep(stack, resource, old);
        return Launch::Running { wait, failure: Some(reason), again: false };
    }
    let job = Job {
        place,
        stack: &stack.name,
        parent: Some(stack),
        logical_id: &resource.logical_id,
        type_name: &resource.type_name,
        properties: &resource.properties,
        tags: &resource.tags,
    };
    let before = world.ec2(place).clone();
    let worker = provider_of(world, &resource).unwrap_or(provider);
    let work = |world: &mut World, worker: &dyn Provider| match (verb, &old) {
        (Verb::Update | Verb::Restore, Some(old)) => worker.update(world, &job, old),
        _ => worker.create(world, &job),
    };
    let mut result = resource::check(worker, &job).and_then(|()| work(world, worker));
    let is_made_up = |world: &World| job.properties.values().any(|value| world.has_made_up(&value.to_string()));
    if let Err(failure) = &result
        && world.assumes()
        && (failure.is_of_the_unknown() || is_made_up(world))
    {
        world.ec2_mut(place).clone_from(&before);
        world.assume(place, &stack.name, assumption(&resource, failure.message()));
        result = work(world, &resource::ASSUMED);
        resource.assumed = true;
    }
    match result {
        Ok(physical_id) => {
            resource.physical_id = Some(physical_id.into());
            // What was told of it was told of what it was.
            match verb {
                Verb::Update if resource.assumed => {}
                Verb::Update => {
                    let chosen: Vec<String> =
                        resource.told.keys().filter(|name| is_chosen(&resource, name)).cloned().collect();
                    resource.told.retain(|name, _| chosen.contains(name));
                }
                Verb::Create | Verb::Replace => resource.told.clear(),
                Verb::Restore => {}
            }
            if matches!(verb, Verb::Create | Verb::Replace) {
                resource.reason = Some("Resource creation Initiated".to_owned());
                stack.tell(world, &resource);
            }
            if let (Verb::Replace, Some(old)) = (verb, old) {
                let deletion_policy = resource.update_replace_policy;
                stack.garbage.push(Resource { deletion_policy, ..old });
            }
            stack.resources.insert(resource.logical_id.clone(), resource);
            Launch::Running { wait, failure: None, again: false }
        }
        Err(failure) => {
            // Some resources take several steps; one that fails on the way leaves nothing behind and nothing changed.
            *world.ec2_mut(place) = before;
            let reason = failure.reason(&world.ids().uuid());
            keep(stack, resource, old);
            Launch::Running { wait, failure: Some(reason), again: false }
        }
    }
}

/// Tells that the work on a resource begins.
fn announce(world: &World, stack: &mut Stack, resource: &mut Resource, replaces: bool) {
    let exists = resource.physical_id.is_some();
    resource.status = if exists { ResourceStatus::UpdateInProgress } else { ResourceStatus::CreateInProgress };
    resource.at = world.now;
    resource.reason = replaces
        .then(|| "Requested update requires the creation of a new physical resource; hence creating one.".to_owned());
    stack.tell(world, resource);
}

/// A resource whose work will fail stays what it was.
fn keep(stack: &mut Stack, resource: Resource, old: Option<Resource>) {
    let kept = match old {
        Some(old) => Resource { status: resource.status, at: resource.at, reason: None, ..old },
        None => resource,
    };
    stack.resources.insert(kept.logical_id.clone(), kept);
}

/// A resource that fails before its service is asked.
fn doomed(
    world: &World,
    stack: &mut Stack,
    mut resource: Resource,
    old: Option<Resource>,
    wait: Duration,
    reason: String,
) -> Launch {
    announce(world, stack, &mut resource, false);
    keep(stack, resource, old);
    Launch::Running { wait, failure: Some(reason), again: false }
}

/// A resource that a rollback is to leave as it is.
fn skip(world: &World, stack: &mut Stack, id: &str) -> Launch {
    if let Some(mut resource) = stack.resources.remove(id) {
        resource.status = ResourceStatus::UpdateComplete;
        resource.at = world.now;
        resource.reason = Some("Resource skipped".to_owned());
        stack.tell(world, &resource);
        stack.resources.insert(id.to_owned(), resource);
    }
    Launch::Done
}

/// Whether a task's resource can be used by now.
pub(super) fn readiness(world: &mut World, place: &Place, stack: &Stack, id: &str) -> Readiness {
    match stack.resources.get(id).and_then(|resource| Some((provider_of(world, resource)?, resource))) {
        Some((provider, resource)) => provider.readiness(world, place, resource),
        None => Readiness::Ready,
    }
}

/// A resource is what it is to be.
pub(super) fn complete(world: &mut World, place: &Place, stack: &mut Stack, id: &str) {
    if is_express(stack)
        && let Some(made) = stack.resources.get(id).filter(|made| made.status == ResourceStatus::CreateInProgress)
    {
        world.hide(place, made.id());
    }
    set(world, stack, id, None, |status| match status {
        ResourceStatus::CreateInProgress => ResourceStatus::CreateComplete,
        _ => ResourceStatus::UpdateComplete,
    });
}

/// A resource cannot be what it is to be: those that are under way are cancelled, and the phase has failed.
pub(super) fn fail(world: &mut World, place: &Place, stack: &mut Stack, id: &str, reason: String) {
    if let Some(operation) = &mut stack.operation {
        operation.failed.push(id.to_owned());
        if let Some(task) = operation.tasks.get_mut(id) {
            task.state = TaskState::Failed;
        }
    }
    set(world, stack, id, Some(reason), failed);
    cancel(world, stack);
    phase::failed(world, place, stack, None);
}

fn failed(status: ResourceStatus) -> ResourceStatus {
    match status {
        ResourceStatus::CreateInProgress => ResourceStatus::CreateFailed,
        _ => ResourceStatus::UpdateFailed,
    }
}

/// Breaks off what is under way.
pub(super) fn cancel(world: &World, stack: &mut Stack) {
    let Some(operation) = &mut stack.operation else { return };
    let verb = if operation.phase == Phase::Create { "creation" } else { "update" };
    let mut cancelled = Vec::new();
    for (id, task) in &mut operation.tasks {
        if matches!(task.state, TaskState::Running { .. }) {
            task.state = TaskState::Failed;
            cancelled.push(id.clone());
        }
    }
    operation.failed.extend(cancelled.iter().cloned());
    for id in cancelled {
        set(world, stack, &id, Some(format!("Resource {verb} cancelled")), failed);
    }
}

fn set(
    world: &World,
    stack: &mut Stack,
    id: &str,
    reason: Option<String>,
    next: impl Fn(ResourceStatus) -> ResourceStatus,
) {
    let Some(mut resource) = stack.resources.remove(id) else { return };
    resource.status = next(resource.status);
    resource.at = world.now;
    resource.reason = reason;
    stack.tell(world, &resource);
    stack.resources.insert(id.to_owned(), resource);
}
