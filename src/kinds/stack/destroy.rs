//! Deleting a stack.

use super::super::lost::pause;
use super::super::owner::Ownership;
use super::super::{Change, Done, Failure, Outlook, Owner, Progress, Regional};
use super::decide::{not_ours, unowned};
use super::guards::protected;
use super::token::Attempt;
use super::ways::{self, Deletion};
use super::{Allowed, Forecasts, LOOKS, ending, follow, restless};
use crate::aws::{Leaving, Phase, Stack};
use crate::preview::Action;
use crate::safeguard::{self, Safeguard};

/// Deletes the stack if it is the owner's, and waits until it is gone. What cannot be deleted is left behind where the
/// user allows it, and only once a deletion has failed.
///
/// # Errors
///
/// It is somebody else's, or cannot be deleted: names the resource that stands in the way.
pub async fn destroy(
    regional: &Regional,
    name: &str,
    owner: &Owner,
    allowed: &Allowed,
    forecasts: &Forecasts,
    progress: Progress<'_>,
) -> Result<Done, Failure> {
    let attempt = Attempt::new(regional.nonce());
    let mut deleting = false;
    let mut left = false;
    let mut last: Option<Failure> = None;
    for look in 0..LOOKS {
        let live = ways::look(regional, name).await?.filter(|stack| stack.status.phase() != Phase::Deleted);
        let Some(stack) = live else {
            return Ok(Done::new(if deleting { Change::Deleted } else { Change::Absent }));
        };
        let ownership = owner.of(&stack.tags);
        if ownership != Ownership::Ours && safeguard::holds(Safeguard::OwnershipBeforeDelete) {
            return Err(spared(owner, &stack, &ownership));
        }
        if !stack.status.is_settled() {
            // An earlier run's doing: its end decides what is left to delete.
            deleting = stack.status.as_str() == "DELETE_IN_PROGRESS";
            follow(regional, &stack, progress).await?;
            continue;
        }
        if look == 0 {
            ways::among(regional, &stack, "--retain", &allowed.retain).await?;
        }
        let leaving = leaving(&stack, allowed);
        let token = if leaving.is_some() { attempt.delete_leaving() } else { attempt.delete() };
        left |= leaving.is_some();
        match ways::delete(regional, &stack, &token, leaving, forecasts.deletion(), progress).await? {
            Deletion::Gone(behind, took) => {
                let details = behind.into_iter().map(|what| format!("left behind in the account: {what}"));
                return Ok(Done { details: details.collect(), took, ..Done::new(Change::Deleted) });
            }
            // It was never begun.
            Deletion::Unanswered(error) => {
                last = Some(error.into());
                tokio::time::sleep(pause(look)).await;
            }
            Deletion::Failed(_, _) if allowed.leaves_something() && !left => {}
            Deletion::Failed(stack, events) => {
                return Err(ways::with_flags(regional, &owner.node, &stack, ending::bad(&stack, &events)).await);
            }
        }
    }
    Err(last.unwrap_or_else(|| restless(name)))
}

/// Looks at a stack and says what its deletion would do.
///
/// # Errors
///
/// It is somebody else's, or protected from deletion.
pub async fn foresee_destroy(regional: &Regional, name: &str, owner: &Owner) -> Result<Outlook, Failure> {
    let outlook = |action| Outlook::new(regional, owner, name, action);
    let live = ways::look(regional, name).await?.filter(|stack| stack.status.phase() != Phase::Deleted);
    let Some(stack) = live else { return Ok(outlook(Action::Nothing).noting(["it is not there".to_owned()])) };
    let ownership = owner.of(&stack.tags);
    if ownership != Ownership::Ours {
        return Err(spared(owner, &stack, &ownership));
    }
    if stack.termination_protection {
        return Err(protected(&stack.name));
    }
    let waits = (!stack.status.is_settled()).then(|| format!("waits for the end of {}", stack.status));
    Ok(outlook(Action::Delete).noting(waits))
}

/// Nothing is deleted that does not bear the owner's tags, whatever the plan adopts.
fn spared(owner: &Owner, stack: &Stack, ownership: &Ownership) -> Failure {
    if stack.status.phase() == Phase::Review {
        return not_ours(stack, owner, ownership);
    }
    let failure = unowned(stack, ownership);
    if *ownership == Ownership::Nobodys {
        let help = format!("if it is to be deleted, take it over first: `orch adopt PLAN '{}'`", owner.node);
        return failure
            .help(help)
            .help("if it is to stay, leave the node out with `--skip`, or take it out of the plan");
    }
    failure.help("its own plan deletes it; leave the node out with `--skip`, or take it out of this plan")
}

/// What the next deletion may leave behind: nothing, unless one has failed. CloudFormation takes it no sooner.
fn leaving<'a>(stack: &Stack, allowed: &'a Allowed) -> Option<Leaving<'a>> {
    if stack.status.as_str() != "DELETE_FAILED" {
        return None;
    }
    match (allowed.force, allowed.retain.as_slice()) {
        (true, _) => Some(Leaving::Whatever),
        (false, []) => None,
        (false, named) => Some(Leaving::Named(named)),
    }
}
