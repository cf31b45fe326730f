//! Deleting a stack.

use super::super::lost::pause;
use super::super::owner::Ownership;
use super::super::{Change, Done, Failure, Owner, Progress, Regional, Step};
use super::decide::not_ours;
use super::token::Attempt;
use super::{LOOKS, ending, follow, restless};
use crate::aws::{Class, Operation, Phase};

/// Deletes the stack if it is the owner's, and waits until it is gone.
///
/// # Errors
///
/// It is somebody else's, or cannot be deleted: names the resource that stands in the way.
pub async fn destroy(regional: &Regional, name: &str, owner: &Owner, progress: Progress<'_>) -> Result<Done, Failure> {
    let token = Attempt::new(regional.nonce()).delete();
    let mut deleting = false;
    let mut last: Option<Failure> = None;
    for look in 0..LOOKS {
        let live = regional.stack(name).await?.filter(|stack| stack.status.phase() != Phase::Deleted);
        let Some(stack) = live else {
            return Ok(Done::new(if deleting { Change::Deleted } else { Change::Absent }));
        };
        let ownership = owner.of(&stack.tags);
        if ownership != Ownership::Ours {
            return Err(not_ours(&stack, &ownership));
        }
        if !stack.status.is_settled() {
            // An earlier run's doing: its end decides what is left to delete.
            deleting = stack.status.as_str() == "DELETE_IN_PROGRESS";
            follow(regional, &stack, progress).await?;
            continue;
        }
        if stack.termination_protection {
            return Err(Failure::new(format!("stack {name} is protected from deletion"), "its termination protection is on")
                .help("switch it off with `aws cloudformation update-termination-protection --no-enable-termination-protection`"));
        }
        progress(Step { what: name, status: "DeleteStack", reason: None });
        let unanswered = match regional.delete_stack(&stack.id, &token).await {
            Ok(()) => None,
            Err(error) if error.class == Class::Lost => Some(error),
            Err(error) => return Err(error.into()),
        };
        let before = Some((stack.status.clone(), stack.updated));
        let operation = Operation { stack: stack.id, token: Some(token.clone()), before };
        match (regional.settled(&operation, progress).await?, unanswered) {
            ((None, _), _) => return Ok(Done::new(Change::Deleted)),
            // No answer, and no event that bears our token: it was never begun.
            ((Some(_), events), Some(error)) if events.is_empty() => {
                last = Some(error.into());
                tokio::time::sleep(pause(look)).await;
            }
            ((Some(stack), events), _) => return Err(ending::bad(&stack, &events)),
        }
    }
    Err(last.unwrap_or_else(|| restless(name)))
}
