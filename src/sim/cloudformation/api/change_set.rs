//! `CreateChangeSet`, `ExecuteChangeSet` and `DeleteChangeSet`.

use super::super::change::{self, Depth};
use super::super::change_set::{ChangeSet, ChangeSetStatus, ExecutionStatus};
use super::super::config::invalid;
use super::super::drift::StackDriftStatus;
use super::super::nested;
use super::super::operation::{OnFailure, Operation, Phase};
use super::super::progress::{self, Action};
use super::super::revert;
use super::super::stack::Stack;
use super::super::with_stack;
use super::create::{self, is_in_review, read_on_failure, remember};
use super::request::{Deployment, check_name, config, repeated, required, stack_name};
use super::update::{self, check_kept, check_updatable, differs};
use crate::sim::wire::{ApiError, Params, Xml};
use crate::sim::world::{Action as TimerAction, Place, World};

pub(super) fn create(world: &mut World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    let name = required(params, "ChangeSetName", "changeSetName")?;
    check_name(name, "changeSetName")?;
    let existing = world.at(place).cloudformation.find(stack_name(params)?);
    let token = params.get("ClientToken");
    if let Some(stack) = existing
        && let Some(same) = stack.change_sets.iter().find(|set| set.name == name)
    {
        if token.is_some() && same.token.as_deref() == token {
            return Ok(answer(&same.id, &stack.id));
        }
        let message = format!("ChangeSet [{name}] already exists");
        return Err(ApiError::new("AlreadyExistsException", message));
    }
    let stack_id = match (params.get("ChangeSetType").unwrap_or("UPDATE"), existing) {
        ("CREATE", None) => None,
        ("CREATE", Some(stack)) if is_in_review(stack) => Some(stack.id.clone()),
        ("CREATE", Some(stack)) => {
            let message = format!(
                "Stack [{}] already exists and cannot be created again with the changeSet [{name}].",
                stack.name
            );
            return Err(invalid(message));
        }
        ("UPDATE", Some(stack)) => {
            check_updatable(stack)?;
            Some(stack.id.clone())
        }
        ("UPDATE", None) => return Err(invalid(format!("Stack [{}] does not exist", stack_name(params)?))),
        (other, _) => return Err(invalid(format!("ChangeSetType {other} is not embedded"))),
    };
    let reverts_drift = reverts_drift(params, existing)?;
    let before = existing.and_then(|stack| stack.config.as_ref());
    let config = config(world, place, params, before)?;
    let on_failure = params.get("OnStackFailure").map(read_on_failure).transpose()?;
    if on_failure == Some(OnFailure::Delete) && params.get("ChangeSetType") != Some("CREATE") {
        return Err(invalid("OnStackFailure can be DELETE only for a change set that creates a stack."));
    }
    let keeps = Deployment::read(params)?.map(|deployment| deployment.keeps);
    let stack_id = if let Some(id) = stack_id {
        id
    } else {
        let stack_name = stack_name(params)?;
        check_name(stack_name, "stackName")?;
        create::new(world, place, stack_name)?
    };
    let Place { account, region } = place;
    let uuid = world.ids().uuid();
    let id = format!("arn:{}:cloudformation:{region}:{account}:changeSet/{name}/{uuid}", region.partition());
    let change_set = ChangeSet {
        id: id.clone(),
        name: name.to_owned(),
        description: params.get("Description").map(str::to_owned),
        created: world.now,
        status: ChangeSetStatus::CreateInProgress,
        reason: None,
        execution: ExecutionStatus::Unavailable,
        config,
        reverts_drift,
        drift: None,
        nested: params.flag("IncludeNestedStacks"),
        parent: None,
        root: None,
        on_failure,
        keeps,
        changes: Vec::new(),
        token: token.map(str::to_owned),
    };
    with_stack(world, place, &stack_id, |world, stack| {
        if stack.events.is_empty() {
            let status = stack.status;
            stack.enter(world, status, Some("User Initiated".to_owned()));
        }
        stack.change_sets.push(change_set);
    });
    let action = Action::ChangeSet { stack: stack_id.clone(), change_set: id.clone() };
    let wait = world.rules.timing.resource;
    world.after(wait, TimerAction::CloudFormation(place.clone(), action));
    Ok(answer(&id, &stack_id))
}

/// Whether a change set is to take drift back, which needs a stack that stands.
fn reverts_drift(params: &Params, stack: Option<&Stack>) -> Result<bool, ApiError> {
    match params.get("DeploymentMode") {
        None => Ok(false),
        Some("REVERT_DRIFT") if stack.is_some_and(|stack| !is_in_review(stack)) => Ok(true),
        Some("REVERT_DRIFT") => Err(invalid("DeploymentMode REVERT_DRIFT can only be used to update a stack")),
        Some(word) => {
            let constraint = "Member must satisfy enum value set: [REVERT_DRIFT]";
            Err(ApiError::constraint(word, "deploymentMode", constraint))
        }
    }
}

fn answer(id: &str, stack: &str) -> Xml {
    let mut xml = Xml::new();
    xml.text("Id", id).text("StackId", stack);
    xml
}

/// What `CloudFormation` says of a change set that changes nothing.
pub(in super::super) const NOTHING: &str =
    "The submitted information didn't contain changes. Submit different information to create a change set.";

/// Works out what a change set would change.
pub(in super::super) fn work_out(world: &mut World, place: &Place, stack: &mut Stack, id: &str) {
    let Some(change_set) = stack.change_sets.iter().find(|set| set.id == id) else { return };
    let change_set = change_set.clone();
    let (config, reverts) = (change_set.config.clone(), change_set.reverts_drift);
    let depth = if change_set.nested { Depth::Nested } else { Depth::Own };
    let (changes, differs, drift) = if reverts {
        let found = revert::look(world, place, stack);
        let drift = StackDriftStatus::of(found.values());
        match revert::changes(world, place, stack, &config) {
            Ok((changes, really)) => {
                let differs = !changes.is_empty() || differs(world, place, &really, &config, depth).unwrap_or(true);
                (Ok(changes), differs, Some(drift))
            }
            Err(error) => (Err(error), true, Some(drift)),
        }
    } else {
        let changes = change::changes(world, place, stack, &config, depth);
        (changes, stack.config.is_none() || differs(world, place, stack, &config, depth).unwrap_or(true), None)
    };
    let changes = changes.and_then(|mut changes| {
        if change_set.nested {
            nested::look_into(world, place, stack, &change_set, &mut changes)?;
        }
        Ok(changes)
    });
    let Some(change_set) = stack.change_sets.iter_mut().find(|set| set.id == id) else { return };
    change_set.drift = drift;
    let failure = match changes {
        Ok(_) if !differs => Some(NOTHING.to_owned()),
        Ok(changes) => {
            change_set.changes = changes;
            None
        }
        Err(error) => Some(error.message),
    };
    change_set.status = if failure.is_some() { ChangeSetStatus::Failed } else { ChangeSetStatus::CreateComplete };
    change_set.execution = if failure.is_some() { ExecutionStatus::Unavailable } else { ExecutionStatus::Available };
    change_set.reason = failure;
}

/// The change set that a request names, by its ARN or by its name and its stack.
///
/// # Errors
///
/// `ChangeSetNotFound`.
pub(super) fn find<'a>(
    world: &'a World,
    place: &Place,
    params: &Params,
) -> Result<(&'a Stack, &'a ChangeSet), ApiError> {
    let name = required(params, "ChangeSetName", "changeSetName")?;
    let service = &world.at(place).cloudformation;
    let within =
        |stack: &'a Stack| Some((stack, stack.change_sets.iter().find(|set| set.name == name || set.id == name)?));
    let found = match params.get("StackName") {
        Some(stack) => service.find(stack).and_then(within),
        None if name.starts_with("arn:") => service.all().find_map(within),
        None => return Err(invalid("StackName must be specified if ChangeSetName is not specified as an ARN.")),
    };
    found.ok_or_else(|| {
        ApiError::new("ChangeSetNotFound", format!("ChangeSet [{name}] does not exist")).with_status(404)
    })
}

fn refuse_status(change_set: &ChangeSet, verb: &str) -> ApiError {
    let message = format!(
        "ChangeSet [{}] cannot be {verb} in its current status of [{}] and execution status of [{}]",
        change_set.id, change_set.status, change_set.execution
    );
    ApiError::new("InvalidChangeSetStatus", message)
}

/// The change sets of nested stacks are executed and deleted with the one at the top.
fn check_root(change_set: &ChangeSet, verb: &str) -> Result<(), ApiError> {
    match &change_set.root {
        None => Ok(()),
        Some(root) => Err(invalid(format!(
            "ChangeSet [{}] of a nested stack cannot be {verb} by itself, only from the root change set [{root}]",
            change_set.id
        ))),
    }
}

pub(super) fn execute(world: &mut World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    let token = params.get("ClientRequestToken");
    let (stack, change_set) = find(world, place, params)?;
    let creates = is_in_review(stack);
    let kind = if creates { create::KIND } else { update::KIND };
    let seen = repeated(stack, token, create::KIND).or_else(|_| repeated(stack, token, update::KIND))?;
    if seen.is_some() {
        return Ok(Xml::new());
    }
    check_root(change_set, "executed")?;
    if change_set.execution != ExecutionStatus::Available {
        return Err(refuse_status(change_set, "executed"));
    }
    if !creates {
        check_updatable(stack)?;
    }
    if params.get("DisableRollback").is_some() && (change_set.on_failure.is_some() || change_set.keeps.is_some()) {
        let message = "DisableRollback cannot be specified when OnStackFailure or DeploymentConfig was specified on CreateChangeSet.";
        return Err(invalid(message));
    }
    let disabled = change_set.keeps.unwrap_or_else(|| params.flag("DisableRollback"));
    if !creates {
        let keeps = disabled || change_set.on_failure == Some(OnFailure::DoNothing);
        check_kept(stack, keeps, "execute-change-set")?;
    }
    let (stack_id, change_set) = (stack.id.clone(), change_set.clone());
    let operation = world.ids().uuid();
    with_stack(world, place, &stack_id, |world, stack| {
        remember(stack, token, kind, &operation);
        let (executed, others) =
            std::mem::take(&mut stack.change_sets).into_iter().partition(|set| set.id == change_set.id);
        stack.change_sets = executed;
        for other in others {
            nested::forget(world, place, &other.id);
        }
        let phase = if creates { Phase::Create } else { Phase::Update };
        let mut started = Operation::new(operation, kind, token.map(str::to_owned), phase);
        started.change_set = Some(change_set.id.clone());
        started.keep_on_failure = disabled || change_set.on_failure == Some(OnFailure::DoNothing);
        if creates {
            stack.on_failure = match change_set.on_failure {
                Some(on_failure) => on_failure,
                None if disabled => OnFailure::DoNothing,
                None => OnFailure::Rollback,
            };
            stack.config = Some(change_set.config);
            progress::start(world, place, stack, started);
        } else if change_set.reverts_drift {
            // Only what was shown as drifted is taken back.
            let shown = |id: &str| change_set.changes.iter().any(|change| change.logical_id == id);
            let found = revert::look(world, place, stack);
            let really = revert::actual(stack, &found, shown);
            let deployed = std::mem::replace(&mut stack.resources, really);
            update::begin(world, place, stack, change_set.config, started);
            if let Some(before) = stack.operation.as_mut().and_then(|operation| operation.before.as_deref_mut()) {
                before.deployed = Some(deployed);
            }
        } else {
            update::begin(world, place, stack, change_set.config, started);
        }
    });
    Ok(Xml::new())
}

pub(super) fn delete(world: &mut World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    let (stack, change_set) = match find(world, place, params) {
        // A change set that is not there is deleted, if its stack is.
        Err(error) if error.code == "ChangeSetNotFound" && stack_exists(world, place, params) => return Ok(Xml::new()),
        found => found?,
    };
    if change_set.execution == ExecutionStatus::ExecuteInProgress {
        return Err(refuse_status(change_set, "deleted"));
    }
    check_root(change_set, "deleted")?;
    let (stack_id, id) = (stack.id.clone(), change_set.id.clone());
    with_stack(world, place, &stack_id, |_, stack| stack.change_sets.retain(|set| set.id != id));
    nested::forget(world, place, &id);
    Ok(Xml::new())
}

fn stack_exists(world: &World, place: &Place, params: &Params) -> bool {
    params.get("StackName").is_none_or(|name| world.at(place).cloudformation.find(name).is_some())
}
