//! What the account's picture alone tells of a stack.

use std::sync::Arc;

use super::compare::{Comparison, compare};
use super::decide::{Decision, decide};
use super::{Wanted, guards};
use crate::aws::{CallError, Regional, Stack};

/// What needs no look at the stack itself.
#[derive(Debug)]
pub(super) enum Glance {
    /// It is not there. CloudFormation refuses to create it if it is by now.
    Absent,
    /// It is as it should be; with its template, and what there is to note.
    Same(Box<Stack>, Arc<str>, Vec<String>),
    /// Anything else, which may be different by now: look at the stack.
    Unsure,
}

/// Takes a glance at a stack, which costs its template at most.
///
/// # Errors
///
/// The call was refused or did not come through.
pub(super) async fn glance(regional: &Regional, wanted: &Wanted) -> Result<Glance, CallError> {
    let live = regional.pictured_stack(&wanted.name).await?;
    match (decide(wanted, live.as_ref()), live) {
        (Decision::Create, _) => Ok(Glance::Absent),
        (Decision::Compare, Some(stack)) => compared(regional, wanted, stack).await,
        _ => Ok(Glance::Unsure),
    }
}

/// Takes a glance at a stack that is to be compared.
///
/// # Errors
///
/// The call was refused or did not come through.
pub(super) async fn compared(regional: &Regional, wanted: &Wanted, stack: Stack) -> Result<Glance, CallError> {
    let template = regional.known_template(&stack).await?;
    let Comparison::Same(notes) = compare(wanted, &stack, &template) else { return Ok(Glance::Unsure) };
    // No picture shows a policy: it is asked for where the plan says something about it.
    let policy = guards::live_policy(regional, &wanted.guards, &stack).await?;
    let guarded = guards::decide(&wanted.guards, stack.termination_protection, policy.as_deref()).is_nothing();
    Ok(if guarded { Glance::Same(Box::new(stack), template, notes) } else { Glance::Unsure })
}
