//! Deleting a stack.

use super::super::owner::Ownership;
use super::super::{Change, Done, Failure, Owner, Progress, Regional, Step};
use super::decide::not_ours;
use super::{LOOKS, ending, follow, token};
use crate::aws::{Operation, Phase};

/// Deletes the stack if it is the owner's, and waits until it is gone.
///
/// # Errors
///
/// It is somebody else's, or cannot be deleted: names the resource that stands in the way.
pub async fn destroy(regional: &Regional, name: &str, owner: &Owner, progress: Progress<'_>) -> Result<Done, Failure> {
    let mut deleting = false;
    for _ in 0..LOOKS {
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
        let token = token::delete(&stack);
        progress(Step { what: name, status: "DeleteStack", reason: None });
        regional.delete_stack(&stack.id, &token).await?;
        let before = Some((stack.status.clone(), stack.updated));
        let operation = Operation { stack: stack.id, token: Some(token), before };
        return match regional.settled(&operation, progress).await? {
            (None, _) => Ok(Done::new(Change::Deleted)),
            (Some(stack), events) => Err(ending::bad(&stack, &events)),
        };
    }
    Err(Failure::new(format!("stack {name} did not come to rest"), "somebody else keeps changing it")
        .help("see who else works on it, then run again"))
}
