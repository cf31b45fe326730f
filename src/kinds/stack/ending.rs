//! How an operation on a stack ended.

use crate::aws::{Phase, Stack, StackEvent, first_failure};
use crate::event::Failure;

/// The stack, if the operation ended well.
pub(super) fn good(name: &str, stack: Option<Stack>, events: &[StackEvent]) -> Result<Stack, Failure> {
    match stack {
        Some(stack) if stack.status.phase() == Phase::Ready => Ok(stack),
        Some(stack) => Err(bad(&stack, events)),
        None => Err(Failure::new(
            format!("stack {name} was deleted while it was worked on"),
            cause(events).unwrap_or_default(),
        )
        .help("see who else works on it, then run again")),
    }
}

/// The failure that an operation ended in: names what failed first.
pub(super) fn bad(stack: &Stack, events: &[StackEvent]) -> Failure {
    let cause = cause(events).or_else(|| stack.reason.clone()).unwrap_or_default();
    let mut failure = Failure::new(format!("stack {} ended in {}", stack.name, stack.status), cause);
    failure.help.extend(stack.status.remedy().map(str::to_owned));
    failure
}

/// What failed first in an operation, and why, in CloudFormation's words.
pub(super) fn cause(events: &[StackEvent]) -> Option<String> {
    let event = first_failure(events)?;
    let reason = event.reason.as_deref().unwrap_or("no reason is given");
    Some(if event.is_stack() { reason.to_owned() } else { format!("{} ({}): {reason}", event.resource, event.kind) })
}

#[cfg(test)]
mod tests {
    use super::super::decide::tests::{OURS, stack};
    use super::*;

    #[test]
    fn only_an_operation_that_went_through_has_ended_well() {
        for status in ["CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"] {
            assert!(good("dev", Some(stack(status, &OURS)), &[]).is_ok(), "{status}");
        }
        for status in [
            "CREATE_FAILED",
            "ROLLBACK_COMPLETE",
            "ROLLBACK_FAILED",
            "UPDATE_FAILED",
            "UPDATE_ROLLBACK_COMPLETE",
            "UPDATE_ROLLBACK_FAILED",
            "DELETE_FAILED",
            "DELETE_COMPLETE",
            "REVIEW_IN_PROGRESS",
        ] {
            let failure = good("dev", Some(stack(status, &OURS)), &[]).unwrap_err();
            assert_eq!(failure.summary, format!("stack us-east-1-dev ended in {status}"));
        }
        let gone = good("dev", None, &[]).unwrap_err();
        assert_eq!(gone.summary, "stack dev was deleted while it was worked on");
        assert!(!gone.help.is_empty());
    }
}
