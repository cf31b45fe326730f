//! Deleting what never was complete, so that it can be created.

use super::super::token::Attempt;
use super::super::{Attempted, Forecasts, Wanted, creatable, ending, not_taken};
use super::{Deletion, delete, with_flags};
use crate::aws::{CallError, Phase, Progress, Regional, Stack};
use crate::event::Failure;
use crate::kinds::lost::insist;

/// Deletes a stack that never was complete, if it is still as it was found. What follows creates it.
///
/// # Errors
///
/// It cannot be deleted: names the resource that stands in the way, and the flags that leave it behind.
pub(super) async fn recreate(
    regional: &Regional,
    wanted: &Wanted,
    stack: &Stack,
    attempt: &Attempt,
    forecasts: &Forecasts,
    progress: Progress<'_>,
) -> Result<Attempted, Failure> {
    // What cannot be made anew must not be deleted.
    creatable(regional, wanted).await?;
    // Nor on the word of another account, which may have resource types that this one lacks.
    let template = wanted.spec(regional, None).await?.template;
    regional.check_template_itself(&template).await.map_err(|error| not_taken(wanted, error))?;
    // Somebody may have made the stack complete since it was looked at, and then it must not be deleted.
    if !is_as_it_was(regional, stack).await? {
        return Ok(Attempted::Moved);
    }
    if stack.status.phase() == Phase::Review {
        // Without its change sets nobody can execute one between the last look and the deletion.
        for change_set in regional.change_sets(&stack.id).await? {
            insist(|| regional.delete_change_set(&change_set.id)).await?;
        }
        if !is_as_it_was(regional, stack).await? {
            return Ok(Attempted::Moved);
        }
    }
    match delete(regional, stack, &attempt.delete(), None, forecasts.deletion(), progress).await? {
        Deletion::Gone(..) => Ok(Attempted::Again(None)),
        Deletion::Unanswered(error) => Ok(Attempted::Again(Some(error.into()))),
        Deletion::Failed(left, events) => {
            let node = &wanted.owner.node;
            let failure = with_flags(regional, node, &left, ending::bad(&left, &events)).await;
            Err(failure.help("the stack never was complete: once it is deleted, apply creates it anew"))
        }
    }
}

/// Whether the stack is still in the status that it was found in.
async fn is_as_it_was(regional: &Regional, stack: &Stack) -> Result<bool, CallError> {
    Ok(regional.stack(&stack.id).await?.is_some_and(|now| now.status == stack.status))
}
