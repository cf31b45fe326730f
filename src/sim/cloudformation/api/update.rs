//! `UpdateStack`.

use super::super::change::Depth;
use super::super::config::{Config, invalid};
use super::super::operation::{Before, Operation, Phase};
use super::super::stack::Stack;
use super::super::status::Status;
use super::super::{change, policy, progress, with_stack};
use super::create::{answer, refuse_state, remember};
use super::request::{Deployment, config, repeated, stack};
use crate::sim::wire::{ApiError, Params, Xml};
use crate::sim::world::{Place, World};

pub(in super::super) const KIND: &str = "UPDATE_STACK";

pub(super) fn update(world: &mut World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    let token = params.get("ClientRequestToken");
    let existing = stack(world, place, params)?;
    if let Some(operation) = repeated(existing, token, KIND)? {
        return Ok(answer(&existing.id, operation));
    }
    check_updatable(existing)?;
    let config = config(world, place, params, existing.config.as_ref())?;
    if !differs(world, place, existing, &config, Depth::Own)? {
        return Err(invalid("No updates are to be performed."));
    }
    let keeps = Deployment::read(params)?.map(|deployment| deployment.keeps);
    let keeps = keeps.unwrap_or_else(|| params.flag("DisableRollback"));
    check_kept(existing, keeps, "update-stack")?;
    let policy = |name| params.get(name).map(|policy| policy::read(policy, &config)).transpose();
    let (policy, meanwhile) = (policy("StackPolicyBody")?, policy("StackPolicyDuringUpdateBody")?);
    let id = existing.id.clone();
    let operation = world.ids().uuid();
    with_stack(world, place, &id, |world, stack| {
        stack.policy = policy.or(stack.policy.take());
        remember(stack, token, KIND, &operation);
        let mut started = Operation::new(operation.clone(), KIND, token.map(str::to_owned), Phase::Update);
        started.keep_on_failure = keeps;
        started.policy = meanwhile;
        begin(world, place, stack, config, started);
    });
    Ok(answer(&id, &operation))
}

/// Begins to bring a stack to a configuration.
pub(in super::super) fn begin(
    world: &mut World,
    place: &Place,
    stack: &mut Stack,
    config: Config,
    mut operation: Operation,
) {
    if let Some(old) = stack.config.replace(config) {
        let before = Before {
            config: old,
            resources: stack.resources.clone(),
            outputs: stack.outputs.clone(),
            imports: stack.imports.clone(),
            garbage: stack.garbage.clone(),
            deployed: None,
        };
        operation.before = Some(Box::new(before));
    }
    stack.updated = Some(world.now);
    progress::start(world, place, stack, operation);
}

/// Whether a stack's state allows an update.
///
/// # Errors
///
/// `ValidationError`.
pub(super) fn check_updatable(stack: &Stack) -> Result<(), ApiError> {
    if stack.status.is_updatable() { Ok(()) } else { Err(refuse_state(stack, "updated")) }
}

/// Whether an operation on a stack that a failure has left as it was has rollback switched off: there is nothing between the
/// stable state and this one that it could go back to. The words are those of <https://github.com/aws/aws-cli/issues/6368>.
///
/// # Errors
///
/// `ValidationError`.
pub(super) fn check_kept(stack: &Stack, keeps: bool, command: &str) -> Result<(), ApiError> {
    if keeps || !matches!(stack.status, Status::CreateFailed | Status::UpdateFailed) {
        return Ok(());
    }
    let status = stack.status.as_str();
    Err(invalid(format!(
        "This stack is currently in a non-terminal [{status}] state. To update the stack from this state, please use the \
         disable-rollback parameter with {command} API. To rollback to the last known good state, use the rollback-stack API"
    )))
}

/// Whether a configuration would change anything: resources, outputs, tags, alarms or the topics that hear of events.
///
/// # Errors
///
/// `ValidationError`, for a template that cannot be evaluated.
pub(in super::super) fn differs(
    world: &World,
    place: &Place,
    stack: &Stack,
    config: &Config,
    depth: Depth,
) -> Result<bool, ApiError> {
    // What has failed is tried again, though the template be the same.
    let failed = matches!(stack.status, Status::CreateFailed | Status::UpdateFailed);
    if failed || !change::changes(world, place, stack, config, depth)?.is_empty() {
        return Ok(true);
    }
    let Some(old) = &stack.config else { return Ok(true) };
    // A role alone is no change, alarms are: so it is taken here, since the documentation does not say.
    if old.tags != config.tags || old.notification_arns != config.notification_arns || old.rollback != config.rollback {
        return Ok(true);
    }
    let mut next = stack.clone();
    next.config = Some(config.clone());
    let outputs = progress::outputs(world, place, &mut next).map_err(invalid)?;
    Ok(outputs != stack.outputs)
}
