//! Taking a stack back to where it can be updated.

use super::super::guards::protected_unfinished;
use super::super::token::Attempt;
use super::super::{Attempted, Wanted, ending};
use super::{among, with_flags};
use crate::aws::{CallError, Class, Forecast, Operation, Phase, Progress, Regional, Stack, Step};
use crate::event::Failure;

/// What is asked for.
pub(super) enum Undo<'a> {
    /// A failed update is taken back to the last stable state.
    ToStable,
    /// A rollback that failed is gone on with, passing over these resources.
    Continued(&'a [String]),
}

/// Has CloudFormation take the stack back, and waits for the end.
///
/// # Errors
///
/// It cannot be taken back: names what stands in the way, and the flags that pass over it.
pub(super) async fn undo(
    regional: &Regional,
    wanted: &Wanted,
    stack: &Stack,
    undo: &Undo<'_>,
    attempt: &Attempt,
    progress: Progress<'_>,
) -> Result<Attempted, Failure> {
    let node = &wanted.owner.node;
    let (call, token) = match undo {
        Undo::ToStable => ("RollbackStack", attempt.roll_back()),
        Undo::Continued(_) => ("ContinueUpdateRollback", attempt.continue_rollback()),
    };
    // Without a stable state to go back to, the stack would be deleted.
    if matches!(undo, Undo::ToStable) && stack.termination_protection && !regional.ever_was_complete(&stack.id).await? {
        return Err(protected_unfinished(&stack.name));
    }
    if let Undo::Continued(skipped) = undo {
        among(regional, stack, "--skip-resource", skipped).await?;
    }
    progress(Step { what: &wanted.name, status: call, reason: None, event: None });
    let answer = match undo {
        Undo::ToStable => regional.rollback_stack(&stack.id, &token).await,
        Undo::Continued(skipped) => regional.continue_rollback(&stack.id, skipped, &token).await.map(|()| None),
    };
    let (id, unanswered) = match answer {
        Ok(id) => (id, None),
        Err(error) if error.class == Class::Lost => (None, Some(error)),
        Err(error) if has_moved_on(&error) => return Ok(Attempted::Again(Some(error.into()))),
        Err(error) => return Err(error.into()),
    };
    let before = Some((stack.status.clone(), stack.updated));
    // What goes back takes about as long as it took to get there, which nobody knows.
    let forecast = unanswered.is_none().then_some(Forecast::UNKNOWN);
    let ours = Some(token.clone());
    let operation = Operation { stack: stack.id.clone(), id, token: ours, before, forecast, deletes: false };
    let (live, mut events) = regional.settled(&operation, progress).await?;
    events.retain(|event| event.token.as_deref() == Some(token.as_str()));
    match (live, unanswered) {
        // One that never was complete: CloudFormation has deleted it.
        (None, _) => Ok(Attempted::Again(None)),
        (Some(_), Some(error)) if events.is_empty() => Ok(Attempted::Again(Some(error.into()))),
        (Some(live), _) if live.status.phase() == Phase::RolledBack || live.status.as_str() == "ROLLBACK_COMPLETE" => {
            Ok(Attempted::Again(None))
        }
        (Some(live), _) => Err(with_flags(regional, node, &live, ending::bad(&live, &events)).await),
    }
}

/// Whether a call was refused because the stack is in another state by now.
fn has_moved_on(error: &CallError) -> bool {
    error.is("ValidationError") && error.message.contains("_IN_PROGRESS")
}
