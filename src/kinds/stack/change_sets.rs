//! The change sets that a command has asked for and that wait to be executed.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::token::Attempt;
use crate::aws::{Class, Regional, joined};
use crate::ids::NodeId;
use crate::kinds::lost::insist;
use crate::preview::{Action, Saved, Waiting};
use crate::safeguard::{self, Safeguard};

/// Every change set that was asked for and not executed yet. Whoever asks for one writes it down before the call, so that
/// none is forgotten when the command is broken off: [`ChangeSets::sweep`] deletes what is left.
#[derive(Debug, Default)]
pub struct ChangeSets {
    kept: Mutex<Vec<Kept>>,
    purpose: Purpose,
}

/// What change sets are asked for.
#[derive(Debug, Default)]
enum Purpose {
    /// For this command.
    #[default]
    Now,
    /// To be saved with a preview.
    Later,
    /// None is asked for: those that were saved with a preview are all that there are, and nodes without one were known
    /// to need nothing, or were not known.
    Saved { waiting: HashMap<NodeId, Waiting>, actions: HashMap<NodeId, Action> },
}

/// What a saved preview has for a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// This change set.
    ChangeSet(Waiting),
    /// That nothing is to be done.
    Nothing,
    /// An update without a change set: of what guards it alone, unless none was to be made.
    Guards,
    /// None of these.
    Else,
}

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
    /// Those that are made to be saved with a preview.
    pub fn to_be_saved() -> Self {
        Self { purpose: Purpose::Later, ..Self::default() }
    }

    /// Those that were saved with a preview. They are written down only once they are to be used up: see
    /// [`ChangeSets::use_up`].
    pub fn of(saved: &Saved) -> Self {
        let waiting = saved.change_sets.iter().map(|waiting| (waiting.node.clone(), waiting.clone())).collect();
        let actions = saved.preview.nodes.iter().map(|node| (node.node.clone(), node.action)).collect();
        Self { purpose: Purpose::Saved { waiting, actions }, ..Self::default() }
    }

    /// Writes down a change set that waits since a preview was saved, so that it is swept with the others.
    pub fn use_up(&self, regional: &Regional, waiting: &Waiting) {
        self.keep(regional, &waiting.stack, &waiting.name);
    }

    /// Crosses out those that wait for a saved preview to be applied: they outlast this command.
    pub fn leave(&self, waiting: &[Waiting]) {
        self.lock().retain(|one| !waiting.iter().any(|waiting| waiting.name == one.name));
    }

    /// What a saved preview has for a stack, if that is what this is about.
    pub(super) fn before(&self, node: &NodeId) -> Option<Before> {
        let Purpose::Saved { waiting, actions } = &self.purpose else { return None };
        Some(match (waiting.get(node), actions.get(node)) {
            (Some(waiting), _) => Before::ChangeSet(waiting.clone()),
            (None, Some(Action::Nothing)) => Before::Nothing,
            (None, Some(Action::Update)) => Before::Guards,
            (None, _) => Before::Else,
        })
    }

    /// An attempt at a stack, by a word that was never said before.
    pub(super) fn attempt(&self, nonce: String) -> Attempt {
        match self.purpose {
            Purpose::Now | Purpose::Saved { .. } => Attempt::new(nonce),
            Purpose::Later => Attempt::saving(nonce),
        }
    }

    /// Writes down a change set that is about to be asked for.
    pub(super) fn keep(&self, regional: &Regional, stack: &str, name: &str) {
        let mut kept = self.lock();
        if !kept.iter().any(|one| one.name == name) {
            kept.push(Kept { regional: regional.clone(), stack: stack.to_owned(), name: name.to_owned() });
        }
    }

    /// Crosses out one that was executed or deleted.
    pub(super) fn release(&self, name: &str) {
        self.lock().retain(|one| one.name != name);
    }

    /// Deletes all that are left, at once, and says how many there were. One that cannot be deleted is told in the log:
    /// it changes nothing, and the next update of its stack deletes it.
    pub async fn sweep(&self) -> usize {
        let left = std::mem::take(&mut *self.lock());
        if !safeguard::holds(Safeguard::DroppingChangeSets) {
            return 0;
        }
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
                            let error = error.with_remedy();
                            tracing::warn!(
                                error,
                                stack,
                                name,
                                "a change set that was not executed could not be deleted"
                            );
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

    fn lock(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
