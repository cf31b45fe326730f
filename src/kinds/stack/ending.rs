//! How an operation on a stack ended.

use crate::aws::{Phase, Stack, StackEvent, first_failure};
use crate::event::Failure;
use crate::safeguard::{self, Safeguard};

/// The stack, if the operation ended well.
pub(super) fn good(name: &str, stack: Option<Stack>, events: &[StackEvent]) -> Result<Stack, Failure> {
    match stack {
        Some(stack) if stack.status.phase() == Phase::Ready || !safeguard::holds(Safeguard::StrictEnds) => Ok(stack),
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

/// What an operation that went through could not delete, and why: a line for each. CloudFormation tries
/// a few times to delete what was replaced or taken out, then ends well all the same and forgets about it.
pub(super) fn undeleted(events: &[StackEvent]) -> Vec<String> {
    let last = |event: &&StackEvent| {
        let later = events.iter().rev().find(|other| other.physical_id == event.physical_id);
        later.is_some_and(|later| later.id == event.id)
    };
    let failed = events.iter().filter(|event| event.status == "DELETE_FAILED" && !event.is_stack()).filter(last);
    let line = |event: &StackEvent| {
        let StackEvent { resource, kind, physical_id, reason, .. } = event;
        let reason = reason.as_deref().unwrap_or("no reason is given");
        format!("left behind in the account: {resource} ({kind}) {physical_id}, which could not be deleted: {reason}")
    };
    failed.map(line).collect()
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

    #[test]
    fn what_could_not_be_deleted_in_the_end_is_told_once() {
        let event = |number: u8, resource: &str, status: &str| StackEvent {
            id: number.to_string(),
            stack: "arn".to_owned(),
            resource: resource.to_owned(),
            physical_id: format!("vpc-{resource}"),
            kind: "AWS::EC2::VPC".to_owned(),
            status: status.to_owned(),
            reason: Some("it has dependencies".to_owned()),
            token: None,
            at: None,
        };
        let events = [
            event(1, "A", "DELETE_FAILED"),
            event(2, "B", "DELETE_FAILED"),
            event(3, "A", "DELETE_IN_PROGRESS"),
            event(4, "B", "DELETE_IN_PROGRESS"),
            event(5, "A", "DELETE_FAILED"),
            event(6, "B", "DELETE_COMPLETE"),
        ];
        let line =
            "left behind in the account: A (AWS::EC2::VPC) vpc-A, which could not be deleted: it has dependencies";
        assert_eq!(undeleted(&events), [line]);
    }
}
