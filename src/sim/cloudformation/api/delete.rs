//! `DeleteStack`.

use super::super::config::invalid;
use super::super::operation::{Operation, Phase};
use super::super::stack::Stack;
use super::super::status::Status;
use super::super::{nested, progress, with_stack};
use super::create::{is_in_review, remember};
use super::request::{repeated, stack_name};
use crate::sim::wire::{ApiError, Params, Xml};
use crate::sim::world::{Place, World};

pub(in super::super) const KIND: &str = "DELETE_STACK";

/// Deleting what does not exist, or is being deleted, succeeds.
pub(super) fn delete(world: &mut World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    let name = stack_name(params)?;
    let token = params.get("ClientRequestToken");
    let Some(existing) = world.at(place).cloudformation.find(name) else { return Ok(Xml::new()) };
    if matches!(existing.status, Status::DeleteComplete | Status::DeleteInProgress)
        || repeated(existing, token, KIND)?.is_some()
    {
        return Ok(Xml::new());
    }
    // A nested stack is as protected as the one at the top.
    let root = existing.nested.as_ref().and_then(|nested| world.at(place).cloudformation.find(&nested.root));
    if root.unwrap_or(existing).termination_protection {
        let message = format!("Stack [{}] cannot be deleted while TerminationProtection is enabled", existing.name);
        return Err(invalid(message));
    }
    if existing.status.is_in_progress() && existing.status != Status::CreateInProgress {
        let message = format!("Stack [{}] cannot be deleted while in status {}", existing.name, existing.status);
        return Err(invalid(message));
    }
    let retained = params.list("RetainResources");
    if !retained.is_empty() && existing.status != Status::DeleteFailed {
        let message = "Invalid operation on stack. RetainResources can only be used for a stack in DELETE_FAILED state";
        return Err(invalid(message));
    }
    let force = match params.get("DeletionMode") {
        None | Some("STANDARD") => false,
        Some("FORCE_DELETE_STACK") if existing.status == Status::DeleteFailed => true,
        Some("FORCE_DELETE_STACK") => {
            let message =
                "Invalid operation on stack. FORCE_DELETE_STACK can only be used for a stack in DELETE_FAILED state";
            return Err(invalid(message));
        }
        Some(other) => {
            let constraint = "Member must satisfy enum value set: [STANDARD, FORCE_DELETE_STACK]";
            return Err(ApiError::constraint(other, "deletionMode", constraint));
        }
    };
    let (id, in_review) = (existing.id.clone(), is_in_review(existing));
    let operation = world.ids().uuid();
    with_stack(world, place, &id, |world, stack| {
        remember(stack, token, KIND, &operation);
        let mut started = Operation::new(operation, KIND, token.map(str::to_owned), Phase::Delete);
        started.skip = retained.into_iter().map(str::to_owned).collect();
        started.force = force;
        if in_review {
            for change_set in std::mem::take(&mut stack.change_sets) {
                nested::forget(world, place, &change_set.id);
            }
        }
        begin(world, place, stack, started);
    });
    Ok(Xml::new())
}

/// Begins to delete a stack, unless others use what it exports.
pub(in super::super) fn begin(world: &mut World, place: &Place, stack: &mut Stack, operation: Operation) {
    let exports = stack.outputs.iter().filter_map(|output| output.export.as_deref());
    let service = &world.at(place).cloudformation;
    let used = exports.into_iter().find_map(|export| {
        let users = service.importers(export, &stack.id);
        (!users.is_empty()).then(|| {
            format!("Delete canceled. Cannot delete export {export} as it is in use by {}.", users.join(" and "))
        })
    });
    progress::start(world, place, stack, operation);
    if let Some(reason) = used {
        progress::give_up(world, place, stack, Status::DeleteFailed, reason);
    }
}
