//! `CreateStack`.

use super::super::config::invalid;
use super::super::operation::{OnFailure, Operation, Phase};
use super::super::stack::Stack;
use super::super::status::Status;
use super::super::{policy, progress, with_stack};
use super::request::{Deployment, check_name, config, repeated, required};
use crate::sim::wire::{ApiError, Params, Xml};
use crate::sim::world::{Place, World};

/// The most stacks that an account may have in a region.
const MOST_STACKS: usize = 2000;

pub(in super::super) const KIND: &str = "CREATE_STACK";

pub(super) fn create(world: &mut World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    let name = required(params, "StackName", "stackName")?;
    check_name(name, "stackName")?;
    let token = params.get("ClientRequestToken");
    if let Some(existing) = world.at(place).cloudformation.find(name) {
        return match repeated(existing, token, KIND)? {
            Some(operation) => Ok(answer(&existing.id, operation)),
            None => Err(ApiError::new("AlreadyExistsException", format!("Stack [{name}] already exists"))),
        };
    }
    let on_failure = on_failure(params)?;
    let timeout_minutes = params.parsed("TimeoutInMinutes")?;
    let config = config(world, place, params, None)?;
    let policy = params.get("StackPolicyBody").map(|policy| policy::read(policy, &config)).transpose()?;
    let id = new(world, place, name)?;
    let operation = world.ids().uuid();
    with_stack(world, place, &id, |world, stack| {
        stack.config = Some(config);
        stack.on_failure = on_failure;
        stack.timeout_minutes = timeout_minutes;
        stack.termination_protection = params.flag("EnableTerminationProtection");
        stack.policy = policy;
        let mut started = Operation::new(operation.clone(), KIND, token.map(str::to_owned), Phase::Create);
        started.keep_on_failure = on_failure == OnFailure::DoNothing;
        remember(stack, token, KIND, &operation);
        progress::start(world, place, stack, started);
    });
    Ok(answer(&id, &operation))
}

/// Makes a stack of which nothing is known yet but its name, and gives its ARN.
///
/// # Errors
///
/// `LimitExceededException`.
pub(in super::super) fn new(world: &mut World, place: &Place, name: &str) -> Result<String, ApiError> {
    if world.at(place).cloudformation.live().count() >= MOST_STACKS {
        let message = "Limit for stack has been exceeded. Delete stacks or ask for a higher quota.";
        return Err(ApiError::new("LimitExceededException", message));
    }
    let Place { account, region } = place;
    let uuid = world.ids().uuid();
    let id = format!("arn:{}:cloudformation:{region}:{account}:stack/{name}/{uuid}", region.partition());
    let stack = Stack::new(world, id.clone(), name);
    let service = &mut world.at_mut(place).cloudformation;
    service.names.insert(name.to_owned(), id.clone());
    service.stacks.insert(id.clone(), stack.into());
    Ok(id)
}

/// What becomes of a stack that cannot be created.
///
/// # Errors
///
/// `ValidationError` for an unknown word, or for both ways to say it at once.
fn on_failure(params: &Params) -> Result<OnFailure, ApiError> {
    if let Some(deployment) = Deployment::read(params)? {
        return Ok(if deployment.keeps { OnFailure::DoNothing } else { OnFailure::Rollback });
    }
    let disabled = params.get("DisableRollback");
    match (params.get("OnFailure"), disabled) {
        (Some(_), Some(_)) => Err(invalid("Only one of OnFailure and DisableRollback may be specified.")),
        (Some(word), None) => read_on_failure(word),
        (None, Some("true")) => Ok(OnFailure::DoNothing),
        (None, _) => Ok(OnFailure::Rollback),
    }
}

/// Reads `ROLLBACK`, `DO_NOTHING` or `DELETE`.
pub(super) fn read_on_failure(word: &str) -> Result<OnFailure, ApiError> {
    let all = [OnFailure::Rollback, OnFailure::DoNothing, OnFailure::Delete];
    all.into_iter().find(|one| one.as_str() == word).ok_or_else(|| {
        let constraint = "Member must satisfy enum value set: [DELETE, ROLLBACK, DO_NOTHING]";
        ApiError::constraint(word, "onFailure", constraint)
    })
}

/// Keeps a request's token, so that a repetition gets the same answer.
pub(super) fn remember(stack: &mut Stack, token: Option<&str>, kind: &str, operation: &str) {
    if let Some(token) = token {
        stack.tokens.insert(token.to_owned(), (kind.to_owned(), operation.to_owned()));
    }
}

/// The answer of operations that begin something.
pub(super) fn answer(stack: &str, operation: &str) -> Xml {
    let mut xml = Xml::new();
    xml.text("StackId", stack).text("OperationId", operation);
    xml
}

/// What `CloudFormation` says of a stack whose state does not allow what is asked.
pub(super) fn refuse_state(stack: &Stack, what: &str) -> ApiError {
    invalid(format!("Stack:{} is in {} state and can not be {what}.", stack.id, stack.status))
}

/// Whether nothing is known of a stack but a change set.
pub(super) fn is_in_review(stack: &Stack) -> bool {
    stack.status == Status::ReviewInProgress
}
