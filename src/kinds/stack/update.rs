//! Updating a stack by a change set.

use std::time::Duration;

use tokio::time::Instant;

use super::super::{Change, Done, Failure, Progress, Regional, Step};
use super::{Wanted, ending, token};
use crate::aws::{CallError, ChangeSet, ChangeSetSpec, Class, Operation, ResourceChange, Stack};

/// How long CloudFormation may take over a change set.
const MAKING_AT_MOST: Duration = Duration::from_mins(15);

/// How a change set stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It can be executed.
    Execute,
    /// There is nothing to change.
    Nothing,
    /// It is of no use any more: make another.
    Stale,
    /// It failed.
    Failed,
}

/// Decides about a change set that is made.
fn verdict(change_set: &ChangeSet) -> Verdict {
    match (change_set.status.as_str(), change_set.execution.as_str()) {
        _ if change_set.is_empty() => Verdict::Nothing,
        ("FAILED", _) => Verdict::Failed,
        ("CREATE_COMPLETE", "AVAILABLE") => Verdict::Execute,
        _ => Verdict::Stale,
    }
}

/// Has CloudFormation work out what to change, and changes that. `None` when the stack has changed meanwhile and is to be
/// looked at again.
pub(super) async fn update(
    regional: &Regional,
    wanted: &Wanted,
    stack: &Stack,
    reasons: Vec<String>,
    progress: Progress<'_>,
) -> Result<Option<Done>, Failure> {
    let name = token::update(wanted, stack);
    let spec = ChangeSetSpec { stack: wanted.spec(), name: name.clone() };
    progress(Step { what: &wanted.name, status: "CreateChangeSet", reason: reasons.first().map(String::as_str) });
    let change_set = match make(regional, stack, &spec).await? {
        Made::ChangeSet(change_set) => change_set,
        Made::Nothing => return Ok(Some(nothing(stack, reasons))),
        Made::Busy => return Ok(None),
    };
    match verdict(&change_set) {
        Verdict::Nothing => {
            regional.delete_change_set(&change_set.id).await?;
            Ok(Some(nothing(stack, reasons)))
        }
        Verdict::Failed => {
            regional.delete_change_set(&change_set.id).await?;
            Err(Failure::new(
                format!("CloudFormation cannot work out the update of stack {}", wanted.name),
                change_set.reason,
            ))
        }
        Verdict::Stale => {
            regional.delete_change_set(&change_set.id).await?;
            Ok(None)
        }
        Verdict::Execute => execute(regional, wanted, stack, &change_set, reasons, &name, progress).await,
    }
}

/// What comes of asking for a change set.
enum Made {
    /// A change set, made to its end.
    ChangeSet(ChangeSet),
    /// There is nothing to change, said at once.
    Nothing,
    /// Another operation has begun meanwhile.
    Busy,
}

/// The stack is as it should be, though it could not be told by looking.
fn nothing(stack: &Stack, mut reasons: Vec<String>) -> Done {
    reasons.push("CloudFormation finds nothing to change".to_owned());
    super::unchanged(stack, reasons)
}

/// Makes the change set, or finds the one that an earlier run made for this very change, and waits until it is made.
async fn make(regional: &Regional, stack: &Stack, spec: &ChangeSetSpec) -> Result<Made, Failure> {
    match regional.create_change_set(spec).await {
        Ok(()) => {}
        Err(error) if error.is("AlreadyExistsException") => {}
        Err(error) if error.message.contains("No updates are to be performed") => return Ok(Made::Nothing),
        Err(error) if is_busy(&error) => return Ok(Made::Busy),
        Err(error) => return Err(error.into()),
    }
    let began = Instant::now();
    loop {
        let change_set = regional.change_set(&stack.id, &spec.name).await?;
        if !change_set.is_in_progress() {
            return Ok(Made::ChangeSet(change_set));
        }
        let age = began.elapsed();
        if age > MAKING_AT_MOST {
            return Err(Failure::new(
                format!("the change set {} of stack {} does not come to an end", spec.name, stack.name),
                format!("it is in {} for more than {} minutes", change_set.status, MAKING_AT_MOST.as_secs() / 60),
            )
            .help("see the stack's change sets in the console, then run again"));
        }
        tokio::time::sleep((age / 10).clamp(Duration::from_millis(500), Duration::from_secs(5))).await;
    }
}

/// Whether a call was refused because an operation has begun on the stack meanwhile.
fn is_busy(error: &CallError) -> bool {
    error.is("ValidationError") && error.message.contains("_IN_PROGRESS state and can not be updated")
}

async fn execute(
    regional: &Regional,
    wanted: &Wanted,
    stack: &Stack,
    change_set: &ChangeSet,
    reasons: Vec<String>,
    token: &str,
    progress: Progress<'_>,
) -> Result<Option<Done>, Failure> {
    let details: Vec<String> = change_set.changes.iter().map(line).collect();
    for detail in &details {
        progress(Step { what: &wanted.name, status: "ExecuteChangeSet", reason: Some(detail) });
    }
    match regional.execute_change_set(&change_set.id, token).await {
        Ok(()) => {}
        // The answer to a first attempt was lost and the attempt had its effect; if not, the look below tells.
        Err(error) if matches!(error.class, Class::Conflict | Class::Lost | Class::NotFound) || is_busy(&error) => {}
        Err(error) => {
            regional.delete_change_set(&change_set.id).await?;
            return Err(error.into());
        }
    }
    let before = Some((stack.status.clone(), stack.updated));
    let operation = Operation { stack: stack.id.clone(), token: Some(token.to_owned()), before };
    let (live, events) = regional.settled(&operation, progress).await?;
    if events.is_empty() {
        // Nothing bears our token: it was not this change set that was executed.
        return Ok(None);
    }
    let live = ending::good(&wanted.name, live, &events)?;
    let change = if change_set.changes.iter().any(is_replacement) { Change::Replaced } else { Change::Updated };
    let details = if details.is_empty() { reasons } else { details };
    Ok(Some(Done { change, details, outputs: live.outputs, id: Some(live.id) }))
}

/// Whether a resource is certainly made anew.
fn is_replacement(change: &ResourceChange) -> bool {
    change.replacement.as_deref() == Some("True")
}

/// One change in one line: `Modify HubVpc (AWS::EC2::VPC), replaced`.
fn line(change: &ResourceChange) -> String {
    let ResourceChange { action, resource, kind, replacement } = change;
    let how = match replacement.as_deref() {
        Some("True") => ", replaced",
        Some("Conditional") => ", perhaps replaced",
        _ => "",
    };
    format!("{action} {resource} ({kind}){how}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change_set(status: &str, execution: &str, reason: &str) -> ChangeSet {
        ChangeSet {
            id: "arn".to_owned(),
            status: status.to_owned(),
            execution: execution.to_owned(),
            reason: reason.to_owned(),
            changes: Vec::new(),
        }
    }

    #[test]
    fn a_change_set_is_judged_by_its_states() {
        for (status, execution, reason, expected) in [
            ("CREATE_COMPLETE", "AVAILABLE", "", Verdict::Execute),
            ("CREATE_COMPLETE", "OBSOLETE", "", Verdict::Stale),
            ("CREATE_COMPLETE", "EXECUTE_COMPLETE", "", Verdict::Stale),
            ("CREATE_COMPLETE", "EXECUTE_FAILED", "", Verdict::Stale),
            ("DELETE_COMPLETE", "UNAVAILABLE", "", Verdict::Stale),
            (
                "FAILED",
                "UNAVAILABLE",
                "The submitted information didn't contain changes. Submit different information to create a change set.",
                Verdict::Nothing,
            ),
            ("FAILED", "UNAVAILABLE", "No updates are to be performed.", Verdict::Nothing),
            (
                "FAILED",
                "UNAVAILABLE",
                "Template error: instance of Fn::GetAtt references undefined resource X",
                Verdict::Failed,
            ),
        ] {
            assert_eq!(verdict(&change_set(status, execution, reason)), expected, "{status} {execution} {reason}");
        }
    }

    #[test]
    fn a_change_reads_as_one_line() {
        let change = ResourceChange {
            action: "Modify".to_owned(),
            resource: "Vpc".to_owned(),
            kind: "AWS::EC2::VPC".to_owned(),
            replacement: Some("True".to_owned()),
        };
        assert_eq!(line(&change), "Modify Vpc (AWS::EC2::VPC), replaced");
        assert_eq!(line(&ResourceChange { replacement: None, ..change }), "Modify Vpc (AWS::EC2::VPC)");
    }
}
