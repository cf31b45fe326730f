//! Deleting a stack, be it for good or to create it anew.

use std::time::Duration;

use super::super::guards::protected;
use crate::aws::{CallError, Class, Forecast, Leaving, Operation, Progress, Regional, Stack, StackEvent, Step, took};
use crate::event::Failure;

/// What came of a deletion.
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it is taken apart at once")]
#[derive(Debug)]
pub(in super::super) enum Deletion {
    /// The stack is gone. What was left behind in the account: `Vpc (AWS::EC2::VPC) vpc-0123`; and how long that took.
    Gone(Vec<String>, Option<Duration>),
    /// There was no answer, and no sign that it was ever begun.
    Unanswered(CallError),
    /// It failed: the stack as it is now, and what happened.
    Failed(Stack, Vec<StackEvent>),
}

/// Deletes a stack and waits for the end. What may be left behind is for a stack whose deletion has failed before.
///
/// # Errors
///
/// The deletion is refused.
pub(in super::super) async fn delete(
    regional: &Regional,
    stack: &Stack,
    token: &str,
    leaving: Option<Leaving<'_>>,
    forecast: Forecast,
    progress: Progress<'_>,
) -> Result<Deletion, Failure> {
    if stack.termination_protection {
        return Err(protected(&stack.name));
    }
    progress(Step { what: &stack.name, status: "DeleteStack", reason: None, event: None });
    let answer = match leaving {
        Some(left) => regional.delete_stack_leaving(&stack.id, left, token).await,
        None => regional.delete_stack(&stack.id, token).await,
    };
    let unanswered = match answer {
        Ok(()) => None,
        Err(error) if error.class == Class::Lost => Some(error),
        Err(error) => return Err(error.into()),
    };
    let before = Some((stack.status.clone(), stack.updated));
    let forecast = unanswered.is_none().then_some(forecast);
    let token = Some(token.to_owned());
    let operation = Operation { stack: stack.id.clone(), id: None, token, before, forecast, deletes: true };
    Ok(match (regional.settled(&operation, progress).await?, unanswered) {
        ((None, events), _) => Deletion::Gone(left_behind(&events), took(&events)),
        ((Some(_), events), Some(error)) if events.is_empty() => Deletion::Unanswered(error),
        ((Some(stack), events), _) => Deletion::Failed(stack, events),
    })
}

/// What left the stack and stays in the account.
fn left_behind(events: &[StackEvent]) -> Vec<String> {
    let left = events.iter().filter(|event| event.status == "DELETE_SKIPPED");
    left.map(|event| format!("{} ({}) {}", event.resource, event.kind, event.physical_id).trim_end().to_owned())
        .collect()
}
