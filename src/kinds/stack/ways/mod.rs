//! The ways out of the states that a failure leaves a stack in, each of which ends where a stack can be updated or
//! created as always.

mod delete;
mod recreate;
mod review;
mod stuck;
#[cfg(test)]
mod tests;
mod undo;

use super::decide::Decision;
use super::token::Attempt;
use super::update::{self, How};
use super::{Allowed, Attempted, Followed, Wanted, With, ending, restless};
use crate::aws::{Progress, Regional, Stack, StackEvent, remedy_of_resource};
use crate::event::Failure;
use crate::ids::NodeId;
use crate::kinds::Done;

pub(super) use delete::{Deletion, delete};
pub(super) use review::look;
pub(super) use stuck::{among, with_flags};

/// The ways that one run has taken at a stack.
#[derive(Debug, Default)]
pub(super) struct Ways {
    /// The statuses that it was led out of, each of which a run meets once unless somebody else works on the stack.
    taken: Vec<String>,
    /// What was done, for the node's details.
    notes: Vec<String>,
}

impl Ways {
    /// The node's end, with what was done on the way to it.
    pub(super) fn noted(self, mut done: Done, allowed: &Allowed, followed: Option<&Followed>) -> Done {
        if !allowed.skip.is_empty() && !self.taken.iter().any(|taken| taken == "UPDATE_ROLLBACK_FAILED") {
            done.details
                .push(format!("no rollback had failed, so nothing was passed over: {}", allowed.skip.join(", ")));
        }
        done.details.splice(0..0, self.notes);
        done.details.extend(followed.map(Followed::notes).unwrap_or_default());
        done
    }

    /// Takes the way that was decided on.
    ///
    /// # Errors
    ///
    /// It cannot be taken, or led nowhere: says why and what to do.
    pub(super) async fn take(
        &mut self,
        regional: &Regional,
        wanted: &Wanted,
        with: With<'_>,
        (stack, decision): (&Stack, &Decision),
        attempt: &mut Attempt,
        progress: Progress<'_>,
    ) -> Result<Attempted, Failure> {
        let status = stack.status.as_str();
        if self.taken.iter().any(|taken| taken == status) {
            return Err(restless(&wanted.name));
        }
        tracing::info!(stack = wanted.name, status, way = decision.way(), "taking the way out");
        let taken = match decision {
            Decision::Recreate { .. } => {
                recreate::recreate(regional, wanted, stack, attempt, with.forecasts, progress).await?
            }
            Decision::Resume { why } => {
                let reasons = vec![format!("{status}: {why}")];
                match update::update(regional, wanted, stack, (reasons, How::Resuming), attempt, with, progress).await?
                {
                    Attempted::Vain(vain) => {
                        with.shown.map_or(Ok(()), |shown| shown.permits_way(stack, Some(vain)))?;
                        let taken =
                            recreate::recreate(regional, wanted, stack, attempt, with.forecasts, progress).await?;
                        if matches!(taken, Attempted::Again(None)) {
                            self.note(status, &format!("deleted and created anew, since {vain}"));
                        }
                        return Ok(taken);
                    }
                    Attempted::Done(done) => {
                        self.note(status, decision.way().unwrap_or_default());
                        return Ok(Attempted::Done(done));
                    }
                    attempted @ (Attempted::Again(_) | Attempted::Moved) => return Ok(attempted),
                }
            }
            Decision::RollBack { .. } => {
                undo::undo(regional, wanted, stack, &undo::Undo::ToStable, attempt, progress).await?
            }
            Decision::ContinueRollback { .. } => {
                let skipping = undo::Undo::Continued(&with.allowed.skip);
                undo::undo(regional, wanted, stack, &skipping, attempt, progress).await?
            }
            Decision::Create | Decision::Wait | Decision::Compare | Decision::Refuse(_) => Attempted::Again(None),
        };
        if matches!(taken, Attempted::Again(None))
            && let Some(why) = decision.way()
        {
            self.note(status, why);
            if let (Decision::ContinueRollback { .. }, [_, ..]) = (decision, with.allowed.skip.as_slice()) {
                self.notes.push(format!(
                    "passed over in the rollback, so to be looked after: {}",
                    with.allowed.skip.join(", ")
                ));
            }
        }
        Ok(taken)
    }

    fn note(&mut self, status: &str, why: &str) {
        self.taken.push(status.to_owned());
        self.notes.push(format!("{status}: {why}"));
    }
}

/// The stack, if an operation on it ended well; else the failure, with the flags that help.
pub(super) async fn ended(
    regional: &Regional,
    node: &NodeId,
    name: &str,
    stack: Option<Stack>,
    events: &[StackEvent],
) -> Result<Stack, Failure> {
    let ended = stack.clone();
    match (ending::good(name, stack, events), ended) {
        (Err(mut failure), Some(stack)) => {
            failure.help.extend(remedy_of_resource(&failure.cause, regional));
            Err(Box::pin(with_flags(regional, node, &stack, failure)).await)
        }
        (result, _) => result,
    }
}
