//! `RollbackStack`, `CancelUpdateStack` and `ContinueUpdateRollback`.

use super::super::config::invalid;
use super::super::operation::{Operation, Phase};
use super::super::stack::Stack;
use super::super::status::{ResourceStatus, Status};
use super::super::{progress, with_stack};
use super::create::{answer, refuse_state, remember};
use super::request::{repeated, stack};
use crate::sim::wire::{ApiError, Params, Xml};
use crate::sim::world::{Place, World};

/// Takes a stack that a failure has left as it was back to its last stable state; without one, the stack is deleted.
pub(super) fn to_stable(world: &mut World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    const KIND: &str = "ROLLBACK_STACK";
    let token = params.get("ClientRequestToken");
    let existing = stack(world, place, params)?;
    if let Some(operation) = repeated(existing, token, KIND)? {
        return Ok(answer(&existing.id, operation));
    }
    if !matches!(existing.status, Status::CreateFailed | Status::UpdateFailed) {
        return Err(refuse_state(existing, "rolled back"));
    }
    let id = existing.id.clone();
    let operation = world.ids().uuid();
    with_stack(world, place, &id, |world, stack| {
        remember(stack, token, KIND, &operation);
        let phase = if stack.has_stable() { Phase::UpdateRollback } else { Phase::Delete };
        let started = Operation::new(operation.clone(), KIND, token.map(str::to_owned), phase);
        if stack.has_stable() {
            progress::to_stable(world, place, stack, started);
        } else {
            progress::start(world, place, stack, started);
        }
    });
    Ok(answer(&id, &operation))
}

pub(super) fn cancel(world: &mut World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    const KIND: &str = "CANCEL_UPDATE";
    let token = params.get("ClientRequestToken");
    let existing = stack(world, place, params)?;
    if repeated(existing, token, KIND)?.is_some() {
        return Ok(Xml::new());
    }
    if existing.status != Status::UpdateInProgress {
        return Err(invalid(format!(
            "CancelUpdateStack cannot be called from current stack status {}",
            existing.status
        )));
    }
    let id = existing.id.clone();
    with_stack(world, place, &id, |world, stack| {
        remember(stack, token, KIND, "");
        progress::cancel(world, place, stack, Some("User Initiated"));
    });
    Ok(Xml::new())
}

pub(super) fn go_on(world: &mut World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    const KIND: &str = "CONTINUE_ROLLBACK";
    let token = params.get("ClientRequestToken");
    let existing = stack(world, place, params)?;
    if repeated(existing, token, KIND)?.is_some() {
        return Ok(Xml::new());
    }
    if existing.status != Status::UpdateRollbackFailed {
        return Err(refuse_state(existing, "rolled back"));
    }
    let skipped = params.list("ResourcesToSkip");
    if let Some(resource) = skipped.iter().find(|resource| !may_be_skipped(existing, resource)) {
        return Err(invalid(format!(
            "ResourcesToSkip can only name resources that are in UPDATE_FAILED because the rollback failed, and {resource} is not"
        )));
    }
    let id = existing.id.clone();
    let operation = world.ids().uuid();
    with_stack(world, place, &id, |world, stack| {
        remember(stack, token, KIND, &operation);
        let mut started = Operation::new(operation, KIND, token.map(str::to_owned), Phase::UpdateRollback);
        started.skip = skipped.into_iter().map(str::to_owned).collect();
        progress::start(world, place, stack, started);
    });
    Ok(Xml::new())
}

/// Whether a resource failed by itself while the stack was rolled back.
fn may_be_skipped(stack: &Stack, resource: &str) -> bool {
    stack.resources.get(resource).is_some_and(|resource| {
        resource.status == ResourceStatus::UpdateFailed
            && !resource.reason.as_deref().is_some_and(|reason| reason.ends_with("cancelled"))
    })
}
