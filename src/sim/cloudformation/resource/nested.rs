//! `AWS::CloudFormation::Stack`.

use serde_json::Value as Json;

use super::property::{Property, live};
use super::{Failure, Job, Live, Provider, Readiness};
use crate::sim::cloudformation::api::{create, delete, update};
use crate::sim::cloudformation::change::Depth;
use crate::sim::cloudformation::config::Config;
use crate::sim::cloudformation::nested::{config, is_held, make, planned};
use crate::sim::cloudformation::operation::{Operation, Phase};
use crate::sim::cloudformation::stack::{Resource, Stack};
use crate::sim::cloudformation::status::Status;
use crate::sim::cloudformation::{progress, with_stack};
use crate::sim::wire::ApiError;
use crate::sim::world::{Place, Register, World};

/// A nested stack. What becomes of it is its own operation, which its parent begins and waits for.
pub(super) struct Nested;

fn child<'a>(world: &'a World, place: &Place, resource: &Resource) -> Option<&'a Stack> {
    world.at(place).cloudformation.stacks.get(resource.id()).map(Box::as_ref)
}

/// The stack that nests one, and what it is to be.
fn above<'a>(job: &Job<'a>) -> Result<(&'a Stack, &'a Config), Failure> {
    let none = || Failure::plain("A nested stack is a resource of another stack");
    let parent = job.parent.ok_or_else(none)?;
    Ok((parent, parent.config.as_ref().ok_or_else(none)?))
}

/// What CloudFormation says itself, in its own words.
fn told(error: ApiError) -> Failure {
    Failure::plain(error.message)
}

/// An operation on a nested stack that belongs to its parent's.
fn operation(world: &mut World, parent: &Stack, kind: &str, phase: Phase) -> Operation {
    let above = parent.operation.as_ref();
    let token = above.and_then(|above| above.token.clone());
    let mut operation = Operation::new(world.ids().uuid(), kind, token, phase);
    operation.keep_on_failure = above.is_some_and(|above| above.keep_on_failure);
    operation
}

/// Whether the parent takes an update back.
fn takes_back(parent: &Stack) -> bool {
    parent.operation.as_ref().is_some_and(|operation| operation.phase == Phase::UpdateRollback)
}

impl Nested {
    /// Takes back what the parent's update has done to a nested stack; says whether there is nothing more to do.
    fn take_back(world: &mut World, place: &Place, parent: &Stack, id: &str) -> bool {
        let again = operation(world, parent, "CONTINUE_ROLLBACK", Phase::UpdateRollback);
        let taken = with_stack(world, place, id, |world, stack| {
            if let Some(nested) = &mut stack.nested {
                nested.broken = None;
            }
            match stack.status {
                Status::UpdateInProgress => progress::cancel(world, place, stack, None),
                Status::UpdateCompleteCleanupInProgress if is_held(stack) => {
                    progress::cancel(world, place, stack, None);
                }
                Status::UpdateRollbackFailed => progress::start(world, place, stack, again),
                Status::UpdateFailed if stack.has_stable() => progress::to_stable(world, place, stack, again),
                status => return status.is_in_progress(),
            }
            true
        });
        taken.unwrap_or(true)
    }
}

impl Provider for Nested {
    fn properties(&self) -> Option<&'static [Property]> {
        const PROPERTIES: &[Property] = &[
            live("NotificationARNs"),
            live("Parameters"),
            live("Tags"),
            live("TemplateURL").required(),
            live("TimeoutInMinutes"),
        ];
        Some(PROPERTIES)
    }

    fn create(&self, world: &mut World, job: &Job<'_>) -> Result<String, Failure> {
        let Job { place, logical_id, .. } = *job;
        let (parent, above) = above(job)?;
        let planned = planned(world, place, parent, logical_id);
        let config = match &planned {
            Some((_, planned)) => planned.config.clone(),
            None => config(world, place, (job.stack, above), job.properties, job.tags).map_err(told)?,
        };
        let timeout = job.text("TimeoutInMinutes").and_then(|text| text.parse().ok());
        let (id, change_set) = match planned {
            Some((id, planned)) => (id, Some(planned.id)),
            None => (make(world, place, parent, logical_id).map_err(told)?, None),
        };
        let mut started = operation(world, parent, create::KIND, Phase::Create);
        (started.nested, started.change_set) = (true, change_set);
        with_stack(world, place, &id, |world, stack| {
            stack.config = Some(config);
            stack.timeout_minutes = timeout;
            progress::start(world, place, stack, started);
        });
        Ok(id)
    }

    fn update(&self, world: &mut World, job: &Job<'_>, old: &Resource) -> Result<String, Failure> {
        let place = job.place;
        let (parent, above) = above(job)?;
        let id = old.id().to_owned();
        let takes_back = takes_back(parent);
        if takes_back && Self::take_back(world, place, parent, &id) {
            return Ok(id);
        }
        let planned = planned(world, place, parent, job.logical_id).filter(|_| !takes_back);
        let config = match &planned {
            Some((_, planned)) => planned.config.clone(),
            None => config(world, place, (job.stack, above), job.properties, job.tags).map_err(told)?,
        };
        let gone = || Failure::plain(format!("Stack [{id}] does not exist"));
        let own = child(world, place, old).filter(|own| own.status != Status::DeleteComplete).ok_or_else(gone)?;
        if !update::differs(world, place, own, &config, Depth::Nested).map_err(told)? {
            return Ok(id);
        }
        if !own.status.is_updatable() {
            let message = format!("Stack:{id} is in {} state and can not be updated.", own.status);
            return Err(Failure::plain(message));
        }
        let mut started = operation(world, parent, update::KIND, Phase::Update);
        started.nested = !takes_back;
        started.change_set = planned.map(|(_, planned)| planned.id);
        with_stack(world, place, &id, |world, stack| update::begin(world, place, stack, config, started));
        Ok(id)
    }

    fn delete(&self, world: &mut World, place: &Place, resource: &Resource) -> Result<(), ApiError> {
        let started = Operation::new(world.ids().uuid(), delete::KIND, None, Phase::Delete);
        with_stack(world, place, resource.id(), |world, stack| match stack.status {
            Status::DeleteComplete | Status::DeleteInProgress => {}
            Status::CreateInProgress => delete::begin(world, place, stack, started),
            // It comes to its own end first.
            status if status.is_in_progress() => {
                if let Some(nested) = &mut stack.nested {
                    nested.doomed = true;
                }
            }
            _ => delete::begin(world, place, stack, started),
        });
        Ok(())
    }

    fn attribute(&self, world: &World, place: &Place, resource: &Resource, name: &str) -> Option<Json> {
        let key = name.strip_prefix("Outputs.")?;
        let output = child(world, place, resource)?.outputs.iter().find(|output| output.key == key)?;
        Some(output.value.as_str().into())
    }

    fn live(&self, _: &World, _: &Place, _: &Resource, _: &Register<Resource>) -> Live {
        Live::Unsupported
    }

    fn readiness(&self, world: &mut World, place: &Place, resource: &Resource) -> Readiness {
        let id = resource.id();
        let Some(stack) = child(world, place, resource) else {
            return Readiness::Failed(Failure::plain(format!("Stack [{id}] does not exist")));
        };
        let failed = |why: String| Readiness::Failed(Failure::plain(format!("Embedded stack {id} {why}")));
        let (status, broken) = (stack.status, stack.nested.as_ref().and_then(|nested| nested.broken.as_deref()));
        match broken {
            Some(reason) if status.as_str().starts_with("UPDATE") => {
                // A rollback may have come to its end since.
                let then = if status == Status::UpdateFailed { status } else { Status::UpdateRollbackInProgress };
                failed(format!("was not successfully updated. Currently in {then} with reason: {reason}"))
            }
            Some(reason) => failed(format!("was not successfully created: {reason}")),
            None if is_held(stack) || status.is_updatable() => Readiness::Ready,
            None if status.is_in_progress() => Readiness::Pending,
            None => failed(format!("is in {status}: {}", stack.reason.as_deref().unwrap_or_default())),
        }
    }

    fn undeletable(&self, world: &World, place: &Place, resource: &Resource) -> Option<String> {
        let stack = child(world, place, resource).filter(|stack| stack.status == Status::DeleteFailed)?;
        let reason = stack.reason.as_deref().unwrap_or_default();
        Some(format!("Embedded stack {} was not successfully deleted: {reason}", stack.id))
    }

    fn is_gone(&self, world: &World, place: &Place, resource: &Resource) -> bool {
        child(world, place, resource).is_none_or(|stack| stack.status == Status::DeleteComplete)
    }
}
