//! Stacks that are created on ground that is not firm yet.
//!
//! Only a creation is begun there, where there is no stack of that name: what stands waits, since an update could not be
//! taken back. If the ground does not hold, the stack is deleted again, by the ARN that `CreateStack` gave: it may have its
//! resources in a VPC of the failed stack, which could neither be rolled back then nor made anew.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::super::lost::{EFFECT_AT_MOST, pause};
use super::super::{Course, Failure, Made, Owner, Progress, Regional, Step, TakenBack};
use super::decide::Decision;
use super::token::Attempt;
use super::ways::{self, Deletion};
use super::{Forecasts, LOOKS, ending, follow, restless};
use crate::aws::{Begun, CallError, Class, Operation, Phase, Stack, StackResource, StackSpec, Turns};

/// How long a stack whose creation fails may take to say so in its status.
const SAID_AT_MOST: Duration = Duration::from_secs(30);

/// How often it is tried to delete a stack.
const DELETIONS: u32 = 4;

/// A stack that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Its name.
    name: String,
    /// The token of the call, which its events bear.
    token: String,
}

impl Asked {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Whether what was decided waits until the ground is firm: everything that is done to a stack which is there.
pub(super) fn waits(decision: &Decision) -> bool {
    match decision {
        Decision::Compare
        | Decision::Recreate { .. }
        | Decision::Resume { .. }
        | Decision::RollBack { .. }
        | Decision::ContinueRollback { .. } => true,
        // What is refused is so whatever becomes of the ground.
        Decision::Create | Decision::Wait | Decision::Refuse(_) => false,
    }
}

/// Calls `CreateStack`, and notes that it was asked and what has come of it.
pub(super) async fn create(
    regional: &Regional,
    course: Course<'_>,
    spec: &StackSpec,
    token: &str,
) -> Result<Begun, CallError> {
    let turns = Turns::of("CreateStack");
    let asked = Made::StackAsked(Asked { name: spec.name.clone(), token: token.to_owned() });
    let mut is_noted = false;
    loop {
        // A stack that is to be given up is not made after it has waited for its turn.
        let (regional, acting) = course.trace.acting_in_turn(regional, &turns).await;
        if !is_noted {
            course.trace.note(asked.clone());
        }
        let answer = regional.create_stack(spec, token).await;
        match &answer {
            // It was this call, unheard, or an attempt before it, or somebody else.
            Err(error)
                if error.class == Class::Lost || error.is_after_silence || error.is("AlreadyExistsException") =>
            {
                is_noted = true;
            }
            // That nothing was done now says nothing of what was perhaps done before.
            Err(_) if is_noted => {}
            Err(_) => course.trace.strike(&asked),
            Ok(begun) => {
                course.trace.note(Made::Stack { name: spec.name.clone(), id: begun.stack.clone() });
                course.trace.strike(&asked);
            }
        }
        drop(acting);
        match answer {
            Err(error) if regional.waits_for_another_turn(&error, &turns).await => {}
            answer => return answer,
        }
    }
}

/// What is said besides of a creation that failed before its ground was firm.
pub(super) fn too_soon(course: Course<'_>, failure: Failure) -> Failure {
    if course.footing.is_firm() {
        return failure;
    }
    failure.help(
        "it was created before the stacks that it takes outputs of were complete: if it needs more of them than that, \
         take `early_inputs` away",
    )
}

/// What becomes of a stack that was created on ground that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is deleted.
    Delete,
    /// What runs is waited for.
    Wait,
    /// Nothing is to be done: it is gone, or its creation was taken back to nothing.
    Gone,
    /// It is left as it is, and why.
    Leave(&'static str),
}

fn judge(stack: &Stack, owner: &Owner) -> Verdict {
    match stack.status.as_str() {
        _ if is_over(stack) => Verdict::Gone,
        _ if !owner.owns(&stack.tags) => Verdict::Leave("since it does not bear the node's tags any more"),
        "ROLLBACK_IN_PROGRESS" | "DELETE_IN_PROGRESS" => Verdict::Wait,
        // It was complete, or would be: nobody has heard so of it.
        "CREATE_IN_PROGRESS" | "CREATE_COMPLETE" => Verdict::Delete,
        "CREATE_FAILED" | "ROLLBACK_FAILED" | "DELETE_FAILED" => Verdict::Leave("for you to see why it failed"),
        _ => Verdict::Leave("since somebody has worked on it meanwhile"),
    }
}

/// Whether a stack that a run has asked for may stand, or something that it has left behind. One of its name that is
/// somebody else's does not count.
pub async fn stays(regional: &Regional, owner: &Owner, made: &[Made]) -> bool {
    for made in made {
        let (stack, is_known) = match made {
            Made::Stack { id, .. } => (id, true),
            Made::StackAsked(asked) => (&asked.name, false),
            _ => continue,
        };
        let stays = match settled(regional, stack, |live| is_known || owner.owns(&live.tags)).await {
            Ok(None) => false,
            Ok(Some(stack)) if !is_known && !owner.owns(&stack.tags) => false,
            Ok(Some(stack)) if is_over(&stack) => departed(regional, &stack, Vec::new()).await.stays,
            Ok(Some(_)) => true,
            Err(error) => {
                tracing::info!(stack, %error, "cannot be looked at, and may stand");
                true
            }
        };
        if stays {
            return true;
        }
    }
    false
}

/// A stack; where it is ours and goes away at the moment, as it is once that is over.
async fn settled(
    regional: &Regional,
    name: &str,
    is_ours: impl Fn(&Stack) -> bool,
) -> Result<Option<Stack>, CallError> {
    let live = regional.stack(name).await?;
    let goes = |live: &&Stack| matches!(live.status.as_str(), "ROLLBACK_IN_PROGRESS" | "DELETE_IN_PROGRESS");
    let Some(going) = live.as_ref().filter(goes).filter(|live| is_ours(live)) else { return Ok(live) };
    if let Err(failure) = follow(regional, going, &|_| {}).await {
        tracing::info!(stack = name, %failure, "cannot be followed to its end");
    }
    regional.stack(&going.id).await
}

/// Whether a stack is gone, or its creation was taken back.
fn is_over(stack: &Stack) -> bool {
    matches!(stack.status.as_str(), "ROLLBACK_COMPLETE" | "DELETE_COMPLETE")
}

/// What there is to tell of a stack that is gone, or whose creation was taken back. What it has left behind may stand in
/// what the stack stood on: nobody knows what a resource holds.
async fn departed(regional: &Regional, stack: &Stack, mut details: Vec<String>) -> TakenBack {
    let stays = match left_behind(regional, &stack.id).await {
        Ok(left) => {
            details.extend(left.iter().map(|what| format!("left behind in the account: {what}")));
            !left.is_empty()
        }
        Err(error) => {
            details.push(format!(
                "stack {} may have left something behind, which cannot be looked for: {error}",
                stack.name
            ));
            true
        }
    };
    TakenBack { details, stays }
}

/// What a stack and those nested in it have left behind in the account when they went: `Vpc (AWS::EC2::VPC) vpc-0123`.
async fn left_behind(regional: &Regional, stack: &str) -> Result<Vec<String>, CallError> {
    let mut left = Vec::new();
    let mut open = vec![stack.to_owned()];
    while let Some(stack) = open.pop() {
        for StackResource { name, kind, status, id, .. } in regional.stack_resources(&stack).await? {
            if status == "DELETE_SKIPPED" {
                left.push(format!("{name} ({kind}) {id}").trim_end().to_owned());
            } else if kind == "AWS::CloudFormation::Stack" && !id.is_empty() {
                open.push(id);
            }
        }
    }
    Ok(left)
}

/// Whether the creation of a stack is undone, or was: what stands in it must make way then. A stack that is left where it
/// failed, is complete, or goes back to what it was before keeps what it has given.
///
/// # Errors
///
/// It cannot be looked at.
pub async fn is_undone(regional: &Regional, name: &str) -> Result<bool, Failure> {
    let began = Instant::now();
    loop {
        let Some(stack) = regional.stack(name).await? else { return Ok(true) };
        match stack.status.as_str() {
            // Its events may tell sooner than its status.
            "CREATE_IN_PROGRESS" if began.elapsed() < SAID_AT_MOST => tokio::time::sleep(Duration::from_secs(2)).await,
            status => return Ok(status.starts_with("ROLLBACK_") || status.starts_with("DELETE_")),
        }
    }
}

/// Deletes the stack that a run has created. One that has failed by itself is left as that left it, and so is one that
/// somebody has worked on since. Where it is not sure that the run created it, its events tell by the token, and where
/// they do not, it is left and named. Gives a line for each, and waits until it is gone.
///
/// # Errors
///
/// It cannot be deleted.
pub async fn take_back(
    regional: &Regional,
    owner: &Owner,
    made: &[Made],
    forecasts: &Forecasts,
    progress: Progress<'_>,
) -> Result<TakenBack, Failure> {
    // What is known for sure goes first, whatever becomes of looking for the rest.
    let known = made.iter().filter_map(|made| match made {
        Made::Stack { id, .. } => Some(id.as_str()),
        _ => None,
    });
    let known: BTreeSet<&str> = known.collect();
    let mut back = TakenBack::default();
    for id in &known {
        back.add(delete(regional, owner, id, forecasts, progress).await?);
    }
    for made in made {
        let Made::StackAsked(asked) = made else { continue };
        let Some(stack) = find(regional, asked).await?.filter(|stack| !known.contains(stack.id.as_str())) else {
            continue;
        };
        if has_made(regional, &stack, asked).await? {
            back.add(delete(regional, owner, &stack.id, forecasts, progress).await?);
        } else {
            let (name, status) = (&stack.name, &stack.status);
            let left = format!("stack {name} is left in {status}, since its events do not tell that this run made it");
            back.add(TakenBack::left(left));
        }
    }
    Ok(back)
}

/// The stack of the name that a call without an answer has asked for: looked for a while.
async fn find(regional: &Regional, asked: &Asked) -> Result<Option<Stack>, Failure> {
    let began = Instant::now();
    loop {
        let found = regional.stack(&asked.name).await?.filter(|stack| stack.status.phase() != Phase::Deleted);
        if found.is_some() || began.elapsed() >= EFFECT_AT_MOST {
            return Ok(found);
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

/// Whether a stack's events tell that the call has created it. They do not once somebody else has begun to change it.
async fn has_made(regional: &Regional, stack: &Stack, asked: &Asked) -> Result<bool, Failure> {
    let token = Some(asked.token.clone());
    let operation =
        Operation { stack: stack.id.clone(), id: None, token, before: None, forecast: None, deletes: false };
    let events = regional.events_of(&operation).await?;
    Ok(events.iter().any(|event| event.token.as_ref() == Some(&asked.token)))
}

async fn delete(
    regional: &Regional,
    owner: &Owner,
    id: &str,
    forecasts: &Forecasts,
    progress: Progress<'_>,
) -> Result<TakenBack, Failure> {
    let deleted = |deleting: Option<String>| deleting.map(|name| format!("deleted stack {name}")).into_iter().collect();
    // Its name, once it is being deleted by us.
    let mut deleting: Option<String> = None;
    let mut last: Option<Failure> = None;
    for look in 0..LOOKS {
        let Some(stack) = regional.stack(id).await? else {
            return Ok(TakenBack { details: deleted(deleting), stays: false });
        };
        let verdict = match judge(&stack, owner) {
            Verdict::Leave(_) if deleting.is_some() && stack.status.as_str() == "DELETE_FAILED" => Verdict::Delete,
            verdict => verdict,
        };
        match verdict {
            Verdict::Gone => return Ok(departed(regional, &stack, deleted(deleting)).await),
            Verdict::Leave(why) => {
                return Ok(TakenBack::left(format!("stack {} is left in {}, {why}", stack.name, stack.status)));
            }
            Verdict::Wait => {
                follow(regional, &stack, progress).await?;
            }
            Verdict::Delete => {
                progress(Step { what: &stack.name, status: "is deleted again", reason: None, event: None });
                let token = Attempt::new(regional.nonce()).delete();
                match ways::delete(regional, &stack, &token, None, forecasts.deletion(), progress).await? {
                    Deletion::Gone(..) => {
                        return Ok(departed(regional, &stack, deleted(Some(stack.name.clone()))).await);
                    }
                    // It may have been begun all the same.
                    Deletion::Unanswered(error) => {
                        deleting = Some(stack.name);
                        last = Some(error.into());
                        tokio::time::sleep(pause(look)).await;
                    }
                    // What stood on it was taken back before. EC2 may tell so only after a while.
                    Deletion::Failed(left, events) if look + 1 < DELETIONS => {
                        tracing::info!(stack = left.name, cause = ending::cause(&events), "deleting it once more");
                        deleting = Some(left.name);
                        tokio::time::sleep(pause(look)).await;
                    }
                    Deletion::Failed(left, events) => {
                        return Err(ways::with_flags(regional, &owner.node, &left, ending::bad(&left, &events)).await);
                    }
                }
            }
        }
    }
    Err(last.unwrap_or_else(|| restless(id)))
}

#[cfg(test)]
#[path = "provisional_tests.rs"]
mod live;

#[cfg(test)]
mod tests {
    use super::super::decide::tests::{OURS, stack, wanted};
    use super::*;

    #[test]
    fn only_a_creation_is_deleted_again() {
        let owner = wanted("{}").owner;
        for (status, expected) in [
            ("CREATE_IN_PROGRESS", "delete"),
            ("CREATE_COMPLETE", "delete"),
            ("CREATE_FAILED", "leave"),
            ("ROLLBACK_IN_PROGRESS", "wait"),
            ("ROLLBACK_COMPLETE", "gone"),
            ("ROLLBACK_FAILED", "leave"),
            ("DELETE_IN_PROGRESS", "wait"),
            ("DELETE_COMPLETE", "gone"),
            ("DELETE_FAILED", "leave"),
            ("UPDATE_IN_PROGRESS", "leave"),
            ("UPDATE_COMPLETE", "leave"),
            ("UPDATE_ROLLBACK_COMPLETE", "leave"),
            ("IMPORT_COMPLETE", "leave"),
            ("REVIEW_IN_PROGRESS", "leave"),
        ] {
            let verdict = match judge(&stack(status, &OURS), &owner) {
                Verdict::Delete => "delete",
                Verdict::Wait => "wait",
                Verdict::Gone => "gone",
                Verdict::Leave(_) => "leave",
            };
            assert_eq!(verdict, expected, "{status}");
        }
        let others = [("orch:plan", "other"), ("orch:node", "stacks/spoke/dev")];
        for tags in [&[][..], &others] {
            assert!(matches!(judge(&stack("CREATE_COMPLETE", tags), &owner), Verdict::Leave(_)));
        }
    }
}
