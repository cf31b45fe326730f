//! The change sets that a command has asked for and that wait to be executed.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::aws::{Class, Regional, joined};
use crate::kinds::lost::insist;

/// Every change set that was asked for and not executed yet. Whoever asks for one writes it down before the call, so that
/// none is forgotten when the command is broken off: [`ChangeSets::sweep`] deletes what is left.
#[derive(Debug, Default)]
pub struct ChangeSets(Mutex<Vec<Kept>>);

/// How long to wait for one that is still being made, each time.
const PAUSES: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(3),
    Duration::from_secs(5),
];

#[derive(Clone, Debug)]
struct Kept {
    regional: Regional,
    stack: String,
    name: String,
}

impl ChangeSets {
    /// Writes down a change set that is about to be asked for.
    pub(super) fn keep(&self, regional: &Regional, stack: &str, name: &str) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.iter().any(|one| one.name == name) {
            kept.push(Kept { regional: regional.clone(), stack: stack.to_owned(), name: name.to_owned() });
        }
    }

    /// Crosses out one that was executed or deleted.
    pub(super) fn release(&self, name: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|one| one.name != name);
    }

    /// Deletes all that are left, at once, and says how many there were. One that cannot be deleted is told in the log:
    /// it changes nothing, and the next update of its stack deletes it.
    pub async fn sweep(&self) -> usize {
        let left = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let count = left.len();
        let mut tasks = tokio::task::JoinSet::new();
        for Kept { regional, stack, name } in left {
            tasks.spawn(async move {
                for pause in PAUSES {
                    match insist(|| regional.delete_change_set_of(&stack, &name)).await {
                        Ok(()) => return,
                        // It is still being made.
                        Err(error) if error.class == Class::Conflict => tokio::time::sleep(pause).await,
                        Err(error) => {
                            tracing::warn!(%error, stack, name, "a change set that was not executed could not be deleted");
                            return;
                        }
                    }
                }
                tracing::warn!(stack, name, "a change set that was not executed is still being made, and stays");
            });
        }
        joined(tasks).await;
        count
    }
}
