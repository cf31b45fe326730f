//! Updating a stack by a change set.

use std::time::Duration;

use tokio::time::Instant;

use super::super::adopt::STANDS;
use super::super::adopt::TAKEN;
use super::super::lost::insist;
use super::super::{Change, Done, Failure, Progress, Regional, Step};
use super::compare::{About, Reason};
use super::early::{self, Watch};
use super::foresee::changes;
use super::guards::{self, Guarding};
use super::token::{Attempt, CHANGE_SET};
use super::{Attempted, ChangeSets, Forecasts, Wanted, With, ending, revert, saved, ways};
use crate::aws::{
    CallError, ChangeSet, ChangeSetSpec, ChangeSetSummary, Class, Operation, Phase, ResourceChange, Stack, StackSpec,
    took,
};
use crate::preview::{Effect, ResourceChange as ShownChange};
use crate::safeguard::{self, Safeguard};

/// How long CloudFormation may take over a change set.
const MAKING_AT_MOST: Duration = Duration::from_mins(15);

/// How a change set is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// As always: what fails is rolled back.
    Plainly,
    /// The same, where only CloudFormation can tell whether anything differs at all.
    InDoubt,
    /// On a stack whose creation was left where it failed: CloudFormation takes it with rollback switched off only, and
    /// replaces nothing.
    Resuming,
}

impl How {
    /// How a change set is carried out that is made for these reasons.
    pub(super) fn because(reasons: &[Reason]) -> Self {
        if reasons.iter().all(|reason| reason.about == About::Doubt) { Self::InDoubt } else { Self::Plainly }
    }
}

/// How a change set stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It can be executed.
    Execute,
    /// There is nothing to change.
    Nothing,
    /// It is being executed, which none of our own calls is waiting for.
    Busy,
    /// It is of no use any more: make another.
    Stale,
    /// It failed.
    Failed,
}

/// Decides about a change set that is made.
pub(super) fn verdict(change_set: &ChangeSet) -> Verdict {
    match (change_set.status.as_str(), change_set.execution.as_str()) {
        _ if change_set.is_empty() => Verdict::Nothing,
        ("FAILED", _) => Verdict::Failed,
        ("CREATE_COMPLETE", "AVAILABLE") => Verdict::Execute,
        (_, "EXECUTE_PENDING" | "EXECUTE_IN_PROGRESS") => Verdict::Busy,
        _ => Verdict::Stale,
    }
}

/// What CloudFormation would change.
pub(super) enum Worked {
    /// This, by a change set that can be executed.
    Out(ChangeSet),
    /// Nothing, as far as it could look: with what it could not look at.
    Nothing(Vec<String>),
    /// The stack is to be looked at again; with what stood in the way, where something did.
    Again(Option<Failure>),
}

/// Has CloudFormation work out what to change. A change set that cannot be executed is deleted.
///
/// A stack that is adopted and not to be touched for its tags alone is asked about without them first, where it is in doubt
/// whether anything else differs.
pub(super) async fn work_out(
    regional: &Regional,
    wanted: &Wanted,
    stack: &Stack,
    how: How,
    attempt: &mut Attempt,
    change_sets: &ChangeSets,
) -> Result<Worked, Failure> {
    if let Some(id) = attempt.only() {
        return saved::look(regional, stack, id).await;
    }
    if how == How::InDoubt && wanted.spares(stack) && !attempt.is_known_to_differ() {
        let spec = StackSpec { tags: wanted.tags.clone(), ..wanted.spec(regional, Some(stack)).await? };
        let change_set = match ask(regional, wanted, stack, spec, attempt, change_sets).await? {
            Worked::Out(change_set) => change_set,
            otherwise => return Ok(otherwise),
        };
        discard(regional, &change_set.id).await;
        change_sets.release(&attempt.update());
        attempt.give_up();
        attempt.note_difference();
    }
    let mut spec = wanted.spec(regional, Some(stack)).await?;
    // What is gone on with has rollback switched off when it is executed, which express mode would have said before.
    spec.settings.express &= how != How::Resuming;
    ask(regional, wanted, stack, spec, attempt, change_sets).await
}

async fn ask(
    regional: &Regional,
    wanted: &Wanted,
    stack: &Stack,
    spec: StackSpec,
    attempt: &mut Attempt,
    change_sets: &ChangeSets,
) -> Result<Worked, Failure> {
    let name = attempt.update();
    clear(regional, stack, &name).await;
    let nested = wanted.template.contains("AWS::CloudFormation::Stack");
    // A creation that has failed has nothing yet to come back to.
    let reverts_drift = wanted.reverts_drift && matches!(stack.status.phase(), Phase::Ready | Phase::RolledBack);
    let spec = ChangeSetSpec { stack: spec, name, nested, reverts_drift };
    change_sets.keep(regional, &stack.id, &spec.name);
    let change_set = match make(regional, stack, &spec, attempt).await? {
        Made::ChangeSet(change_set) => change_set,
        Made::Nothing => {
            change_sets.release(&spec.name);
            return Ok(Worked::Nothing(Vec::new()));
        }
        Made::Again(failure) => return Ok(Worked::Again(failure)),
    };
    let verdict = verdict(&change_set);
    tracing::info!(
        stack = wanted.name,
        status = change_set.status,
        execution = change_set.execution,
        changes = change_set.changes.len(),
        ?verdict,
        "the change set is made"
    );
    let worked = match verdict {
        Verdict::Execute => return Ok(Worked::Out(change_set)),
        Verdict::Busy => return Ok(Worked::Again(None)),
        Verdict::Nothing => Ok(Worked::Nothing(revert::blind(&change_set))),
        Verdict::Failed => Err(refused(regional, wanted, &change_set).await),
        Verdict::Stale => {
            attempt.give_up();
            Ok(Worked::Again(None))
        }
    };
    discard(regional, &change_set.id).await;
    change_sets.release(&spec.name);
    worked
}

/// Has CloudFormation work out what to change, and changes that; again when the stack or the change set has changed
/// meanwhile, or an answer is lost.
pub(super) async fn update(
    regional: &Regional,
    wanted: &Wanted,
    stack: &Stack,
    (reasons, how): (Vec<String>, How),
    attempt: &mut Attempt,
    With { change_sets, shown, early, forecasts, .. }: With<'_>,
    progress: Progress<'_>,
) -> Result<Attempted, Failure> {
    progress(Step {
        what: &wanted.name,
        status: "CreateChangeSet",
        reason: reasons.first().map(String::as_str),
        event: None,
    });
    match work_out(regional, wanted, stack, how, attempt, change_sets).await? {
        Worked::Nothing(_) if how == How::Resuming => Ok(Attempted::Vain(UNCHANGED)),
        Worked::Nothing(blind) => {
            let mut done = nothing(wanted, stack, reasons);
            done.details.extend(blind);
            Ok(Attempted::Done(guards::settled(regional, wanted, stack, done, progress).await?))
        }
        Worked::Again(failure) => Ok(Attempted::Again(failure)),
        Worked::Out(change_set) if how == How::Resuming && change_set.changes.iter().any(may_replace) => {
            discard(regional, &change_set.id).await;
            change_sets.release(&attempt.update());
            Ok(Attempted::Vain("CloudFormation replaces nothing in a creation that has failed"))
        }
        Worked::Out(change_set) => {
            let name = attempt.update();
            let held = hold(regional, wanted, stack, &change_set, how).await;
            let held = held.and_then(|held| match shown.filter(|_| attempt.only().is_none()) {
                Some(shown) => shown.permits(&held.0, &wanted.name).map(|()| held),
                None => Ok(held),
            });
            let (changes, mut guarding) = match held {
                Ok(held) => held,
                Err(failure) => {
                    discard(regional, &change_set.id).await;
                    change_sets.release(&name);
                    return Err(failure);
                }
            };
            // A policy is for what is complete: it would only be in the way of a creation that is gone on with.
            let first = if how == How::Resuming { Guarding::default() } else { guarding.take_policy(&changes) };
            let mut told = first.write(regional, wanted, &stack.id, progress).await?;
            // What is replaced inside of a nested stack is as much gone.
            let replaces = changes.iter().flat_map(ShownChange::all).any(|change| change.effect == Effect::Replace);
            let watch = Watch::update(regional, wanted, early, stack, &changes).await?;
            let change_set = &change_set;
            let executing = Executing { wanted, stack, change_set, replaces, how, change_sets, forecasts, watch };
            let attempted = execute(regional, executing, reasons, attempt, progress).await;
            // Executed, deleted, or gone with another that was: it waits for nobody any more.
            change_sets.release(&name);
            let mut done = match attempted? {
                Attempted::Done(done) => done,
                attempted => return Ok(attempted),
            };
            told.extend(guarding.write(regional, wanted, &stack.id, progress).await?);
            done.details.extend(told);
            if !wanted.owner.owns(&stack.tags) {
                done.details.insert(0, TAKEN.to_owned());
            }
            Ok(Attempted::Done(done))
        }
    }
}

/// Holds a change set against what guards the stack: its changes as they are shown, and what is to be written besides.
///
/// # Errors
///
/// It must not be executed.
async fn hold(
    regional: &Regional,
    wanted: &Wanted,
    stack: &Stack,
    change_set: &ChangeSet,
    how: How,
) -> Result<(Vec<ShownChange>, Guarding), Failure> {
    let changes = changes(regional, change_set).await?;
    let policy = guards::policy_in_force(regional, &wanted.guards, stack, &changes).await?;
    // Nothing of value is in a stack that never was complete.
    let refusal = guards::refusal(wanted, policy.as_deref(), &changes).filter(|_| how != How::Resuming);
    match refusal {
        Some(refusal) => Err(refusal),
        None => Ok((changes, guards::decide(&wanted.guards, stack.termination_protection, policy.as_deref()))),
    }
}

/// What comes of asking for a change set.
enum Made {
    /// A change set, made to its end.
    ChangeSet(ChangeSet),
    /// There is nothing to change, said at once.
    Nothing,
    /// The stack is to be looked at again; with what stood in the way, where something did.
    Again(Option<Failure>),
}

/// The stack is as it should be, though it could not be told by looking.
fn nothing(wanted: &Wanted, stack: &Stack, mut reasons: Vec<String>) -> Done {
    reasons.extend(found_nothing(wanted, stack, &[]));
    super::unchanged(stack, reasons)
}

/// What there is to say where CloudFormation was asked and finds nothing to change.
/// What differs by its value and is no change to it, as a service role, is told.
pub(super) fn found_nothing(wanted: &Wanted, stack: &Stack, reasons: &[Reason]) -> Vec<String> {
    let values = reasons.iter().filter(|reason| reason.about == About::Value).map(|reason| reason.text.clone());
    let stands = wanted.spares(stack).then(|| STANDS.to_owned());
    values.chain(["CloudFormation finds nothing to change".to_owned()]).chain(stands).collect()
}

/// Deletes a change set that is of no use. What it was for has its own end already, which this must not hide.
pub(super) async fn discard(regional: &Regional, change_set: &str) {
    if !safeguard::holds(Safeguard::DroppingChangeSets) {
        return;
    }
    if let Err(error) = insist(|| regional.delete_change_set(change_set)).await {
        let error = error.with_remedy();
        tracing::warn!(error, change_set, "a change set that is of no use could not be deleted");
    }
}

/// Whether a change set was left by a run that went away between making and executing it.
fn is_left_over(found: &ChangeSetSummary, name: &str) -> bool {
    found.name.starts_with(CHANGE_SET)
        && found.name != name
        && matches!(found.status.as_str(), "CREATE_COMPLETE" | "FAILED")
        && matches!(found.execution.as_str(), "AVAILABLE" | "UNAVAILABLE" | "OBSOLETE")
}

/// Deletes the change sets that earlier runs have left at a stack of ours. Nothing depends on it.
async fn clear(regional: &Regional, stack: &Stack, name: &str) {
    let found = match regional.change_sets(&stack.id).await {
        Ok(found) => found,
        Err(error) => {
            regional.passes_over(&error, "what earlier runs have left is not known");
            return;
        }
    };
    for left in found.iter().filter(|found| is_left_over(found, name)) {
        tracing::info!(stack = stack.name, change_set = left.name, "deleting what an earlier run has left");
        discard(regional, &left.id).await;
    }
}

/// The failure that a change set ended in. Hooks and validations keep their findings among the change set's events.
async fn refused(regional: &Regional, wanted: &Wanted, change_set: &ChangeSet) -> Failure {
    let mut cause = change_set.reason.clone();
    if points_to_events(&change_set.reason) {
        // Not every region and not every role has DescribeEvents; the reason alone must do there.
        let findings = regional.change_set_failures(&change_set.id).await.unwrap_or_else(|error| {
            regional.passes_over(&error, "the change set's events cannot be read");
            Vec::new()
        });
        if !findings.is_empty() {
            cause = findings.join("; ");
        }
    }
    Failure::new(format!("CloudFormation cannot work out the update of stack {}", wanted.name), cause)
        .help(format!("correct {} or the parameters, and run again", wanted.path.display()))
}

/// Whether the reason of a change set only says where the reason stands.
fn points_to_events(reason: &str) -> bool {
    reason.contains("DescribeEvents") || reason.contains("hook(s)") || reason.contains("validation failed")
}

/// Makes the change set, or finds that it is made already, and waits until it is.
async fn make(
    regional: &Regional,
    stack: &Stack,
    spec: &ChangeSetSpec,
    attempt: &mut Attempt,
) -> Result<Made, Failure> {
    let lost = match regional.create_change_set(spec).await {
        Ok(()) => None,
        // An answer was lost on the way to an earlier attempt.
        Err(error) if error.is("AlreadyExistsException") => None,
        Err(error) if error.class == Class::Lost => Some(error),
        Err(error) if error.message.contains("No updates are to be performed") => return Ok(Made::Nothing),
        Err(error) if is_busy(&error) => return Ok(Made::Again(Some(error.into()))),
        Err(error) => return Err(error.into()),
    };
    let began = Instant::now();
    let mut seen = false;
    loop {
        let change_set = match regional.change_set(&stack.id, &spec.name).await {
            Ok(change_set) => change_set,
            Err(error) if matches!(error.class, Class::NotFound | Class::Conflict) => {
                if seen {
                    // Somebody has deleted it, or executed another one.
                    attempt.give_up();
                }
                return Ok(Made::Again(Some(lost.unwrap_or(error).into())));
            }
            Err(error) => return Err(error.into()),
        };
        seen = true;
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

/// A change set about to be executed.
struct Executing<'a> {
    wanted: &'a Wanted,
    stack: &'a Stack,
    change_set: &'a ChangeSet,
    /// Whether it makes a resource anew for certain.
    replaces: bool,
    how: How,
    change_sets: &'a ChangeSets,
    forecasts: &'a Forecasts,
    /// What tells outputs before its end.
    watch: Option<Watch<'a>>,
}

async fn execute(
    regional: &Regional,
    executing: Executing<'_>,
    reasons: Vec<String>,
    attempt: &mut Attempt,
    progress: Progress<'_>,
) -> Result<Attempted, Failure> {
    let Executing { wanted, stack, change_set, replaces, how, change_sets, watch, forecasts } = executing;
    let token = attempt.update();
    let details: Vec<String> = change_set.changes.iter().map(line).collect();
    for detail in &details {
        progress(Step { what: &wanted.name, status: "ExecuteChangeSet", reason: Some(detail), event: None });
    }
    let answer = match how {
        How::Plainly | How::InDoubt => {
            regional.execute_change_set(&stack.id, &change_set.id, &wanted.guards.settings, &token).await
        }
        How::Resuming => regional.resume_by_change_set(&stack.id, &change_set.id, &token).await,
    };
    let unsure = match answer {
        Ok(()) => {
            change_sets.release(&token);
            None
        }
        // An attempt whose answer was lost may have had its effect; if not, the look below tells.
        Err(error) if matches!(error.class, Class::Conflict | Class::Lost | Class::NotFound) || is_busy(&error) => {
            Some(error)
        }
        Err(error) => {
            discard(regional, &change_set.id).await;
            return Err(error.into());
        }
    };
    let before = Some((stack.status.clone(), stack.updated));
    let forecast = unsure.is_none().then(|| forecasts.update(wanted, &change_set.changes, replaces));
    let operation =
        Operation { stack: stack.id.clone(), id: None, token: Some(token), before, forecast, deletes: false };
    let (live, events) = early::settled(regional, &operation, watch, progress).await?;
    if events.is_empty() {
        // Nothing bears our token: it was not this change set that was executed.
        if unsure.as_ref().is_none_or(|error| error.class != Class::Lost) {
            attempt.give_up();
        }
        return Ok(Attempted::Again(unsure.map(Failure::from)));
    }
    let live = ways::ended(regional, &wanted.owner.node, &wanted.name, live, &events).await?;
    let change = if replaces { Change::Replaced } else { Change::Updated };
    let mut details = if details.is_empty() { reasons } else { details };
    details.extend(ending::undeleted(&events));
    let (outputs, id, took) = (live.outputs, Some(live.id), took(&events));
    Ok(Attempted::Done(Done { details, outputs, id, took, ..Done::new(change) }))
}

/// Why a creation that has failed cannot be gone on with, when a change set finds nothing to change.
const UNCHANGED: &str = "CloudFormation finds nothing to change in a creation that has failed";

/// Whether a resource is made anew, or may be.
fn may_replace(change: &ResourceChange) -> bool {
    matches!(change.replacement(), Some("True" | "Conditional"))
}

/// One change in one line: `Modify HubVpc (AWS::EC2::VPC), replaced`.
fn line(change: &ResourceChange) -> String {
    let ResourceChange { action, resource, kind, .. } = change;
    let how = match change.replacement() {
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
            drift: None,
        }
    }

    #[test]
    fn a_change_set_is_judged_by_its_states() {
        for (status, execution, reason, expected) in [
            ("CREATE_COMPLETE", "AVAILABLE", "", Verdict::Execute),
            ("CREATE_COMPLETE", "OBSOLETE", "", Verdict::Stale),
            ("CREATE_COMPLETE", "EXECUTE_PENDING", "", Verdict::Busy),
            ("CREATE_COMPLETE", "EXECUTE_IN_PROGRESS", "", Verdict::Busy),
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
    fn only_what_a_run_of_orch_left_at_rest_is_left_over() {
        let found = |name: &str, status: &str, execution: &str| ChangeSetSummary {
            id: "arn".to_owned(),
            name: name.to_owned(),
            status: status.to_owned(),
            execution: execution.to_owned(),
        };
        for (name, status, execution, expected) in [
            ("orch-update-1-0", "CREATE_COMPLETE", "AVAILABLE", true),
            ("orch-update-1-0", "FAILED", "UNAVAILABLE", true),
            ("orch-update-1-0", "CREATE_IN_PROGRESS", "UNAVAILABLE", false),
            ("orch-update-1-0", "CREATE_COMPLETE", "EXECUTE_IN_PROGRESS", false),
            ("orch-update-1-0", "CREATE_COMPLETE", "EXECUTE_COMPLETE", false),
            ("orch-update-2-0", "CREATE_COMPLETE", "AVAILABLE", false),
            ("janes", "CREATE_COMPLETE", "AVAILABLE", false),
        ] {
            let found = found(name, status, execution);
            assert_eq!(is_left_over(&found, "orch-update-2-0"), expected, "{found:?}");
        }
    }

    #[test]
    fn a_stack_that_is_being_worked_on_is_busy() {
        let error =
            |code: &str, message: &str| CallError::sample("CreateChangeSet", Class::Other).saying(code, message);
        let busy = "Stack:arn is in UPDATE_IN_PROGRESS state and can not be updated.";
        assert!(is_busy(&error("ValidationError", busy)));
        assert!(!is_busy(&error("ValidationError", "Stack:arn is in ROLLBACK_COMPLETE state and can not be updated.")));
        assert!(!is_busy(&error("AccessDenied", busy)));
    }

    #[test]
    fn a_change_reads_as_one_line() {
        let change = ResourceChange {
            action: "Modify".to_owned(),
            resource: "Vpc".to_owned(),
            kind: "AWS::EC2::VPC".to_owned(),
            replacement: Some("True".to_owned()),
            ..ResourceChange::default()
        };
        assert_eq!(line(&change), "Modify Vpc (AWS::EC2::VPC), replaced");
        // What is gone is not replaced.
        let gone = ResourceChange { drift: Some("DELETED".to_owned()), ..change.clone() };
        assert_eq!(line(&gone), "Modify Vpc (AWS::EC2::VPC)");
        assert_eq!(line(&ResourceChange { replacement: None, ..change }), "Modify Vpc (AWS::EC2::VPC)");
    }
}
