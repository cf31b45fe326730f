//! Breaking off what runs at a stack.

use super::super::owner::Ownership;
use super::super::{Change, Done, Failure, Owner, Progress, Regional, Step};
use super::decide::not_ours;
use super::token::Attempt;
use super::{LOOKS, ending, follow, restless, ways};
use crate::aws::{Class, Phase, Stack};

/// What there is to do about what runs at a stack.
#[derive(Debug)]
enum Decision {
    /// Nothing runs.
    Rest,
    /// An update runs: break it off.
    Cancel,
    /// What runs is the end of an update, or the taking back of one: wait for it, and say so.
    Wait(&'static str),
    /// It cannot be broken off.
    Refuse(Failure),
}

fn decide(stack: &Stack) -> Decision {
    let name = &stack.name;
    match stack.status.as_str() {
        _ if stack.status.is_settled() => Decision::Rest,
        "UPDATE_IN_PROGRESS" => Decision::Cancel,
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" => Decision::Wait("the update was complete and could not be cancelled"),
        "UPDATE_ROLLBACK_IN_PROGRESS" | "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS" => {
            Decision::Wait("the update was being taken back already")
        }
        "ROLLBACK_IN_PROGRESS" => Decision::Wait("the creation was being taken back already"),
        "IMPORT_ROLLBACK_IN_PROGRESS" => Decision::Wait("the import was being taken back already"),
        "CREATE_IN_PROGRESS" => Decision::Refuse(
            Failure::new(format!("stack {name} is being created"), "CloudFormation cancels updates only")
                .help("wait for its end; if it fails, apply again deletes it and creates it anew")
                .help(format!(
                    "or delete it while it is being created, with `aws cloudformation delete-stack --stack-name {name}`"
                )),
        ),
        "DELETE_IN_PROGRESS" => Decision::Refuse(
            Failure::new(format!("stack {name} is being deleted"), "CloudFormation cancels updates only")
                .help("wait for its end; apply creates it anew"),
        ),
        status => Decision::Refuse(
            Failure::new(format!("stack {name} is in {status}"), "CloudFormation cancels updates only")
                .help("wait for its end, then look again"),
        ),
    }
}

/// Whether what was waited for has left the stack in a state that nobody wants.
fn was_not_taken_back(stack: &Stack) -> bool {
    stack.status.as_str().ends_with("ROLLBACK_FAILED")
}

/// Breaks an update of the owner's stack off, and waits until it is taken back.
///
/// # Errors
///
/// The stack is somebody else's; what runs cannot be broken off; or it could not be taken back.
pub async fn cancel(regional: &Regional, name: &str, owner: &Owner, progress: Progress<'_>) -> Result<Done, Failure> {
    let token = Attempt::new(regional.nonce()).cancel();
    let mut cancelled = false;
    let mut note = None;
    let mut last: Option<Failure> = None;
    for _ in 0..LOOKS {
        let Some(stack) = ways::look(regional, name).await?.filter(|stack| stack.status.phase() != Phase::Deleted)
        else {
            return Ok(Done::new(Change::Absent));
        };
        let ownership = owner.of(&stack.tags);
        if ownership != Ownership::Ours {
            return Err(not_ours(&stack, owner, &ownership));
        }
        match decide(&stack) {
            Decision::Rest if cancelled && stack.status.as_str() == "UPDATE_ROLLBACK_COMPLETE" => {
                let details = vec!["its update is cancelled and taken back".to_owned()];
                return Ok(Done { details, ..Done::new(Change::Cancelled) });
            }
            Decision::Rest
                if (cancelled && !stack.status.stands()) || (note.is_some() && was_not_taken_back(&stack)) =>
            {
                let failure = ways::with_flags(regional, &owner.node, &stack, ending::bad(&stack, &[])).await;
                return Err(failure);
            }
            Decision::Rest => {
                let why = note.or(cancelled.then_some("the update was over before it could be cancelled"));
                let details = why.map(|why| format!("{why}; it is in {}", stack.status)).into_iter().collect();
                return Ok(Done { details, ..Done::new(Change::Unchanged) });
            }
            Decision::Wait(why) => {
                note = note.or(Some(why)).filter(|_| !cancelled);
                follow(regional, &stack, progress).await?;
            }
            Decision::Cancel => {
                progress(Step { what: name, status: "CancelUpdateStack", reason: None, event: None });
                match regional.cancel_update(&stack.id, &token).await {
                    Ok(()) => cancelled = true,
                    // The update may have come to its end meanwhile; the next look tells. A call whose answer is lost
                    // may have broken it off.
                    Err(error) if error.class == Class::Lost || error.is("ValidationError") => {
                        cancelled |= error.class == Class::Lost;
                        last = Some(error.into());
                        tokio::time::sleep(super::pause(0)).await;
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                }
                follow(regional, &stack, progress).await?;
            }
            Decision::Refuse(failure) => return Err(failure),
        }
    }
    Err(last.unwrap_or_else(|| restless(name)))
}
