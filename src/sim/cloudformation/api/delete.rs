//! `DeleteStack`.

use super::super::config::invalid;
use super::super::operation::{Operation, Phase};
use super::super::status::Status;
use super::super::{progress, with_stack};
use super::create::{is_in_review, remember};
use super::request::{repeated, stack_name};
use crate::sim::wire::{ApiError, Params, Xml};
use crate::sim::world::{Place, World};

const KIND: &str = "DELETE_STACK";

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
    if existing.termination_protection {
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
    let exports: Vec<String> = existing.outputs.iter().filter_map(|output| output.export.clone()).collect();
    let service = &world.at(place).cloudformation;
    let used = exports.iter().find_map(|export| {
        let users = service.importers(export, &id);
        (!users.is_empty()).then(|| {
            format!("Delete canceled. Cannot delete export {export} as it is in use by {}.", users.join(" and "))
        })
    });
    let operation = world.ids().uuid();
    with_stack(world, place, &id, |world, stack| {
        remember(stack, token, KIND, &operation);
        let mut started = Operation::new(operation, KIND, token.map(str::to_owned), Phase::Delete);
        started.skip = retained.into_iter().map(str::to_owned).collect();
        started.force = force;
        if in_review {
            stack.change_sets.clear();
        }
        progress::start(world, place, stack, started);
        if let Some(reason) = used {
            progress::give_up(world, place, stack, Status::DeleteFailed, reason);
        }
    });
    Ok(Xml::new())
}
