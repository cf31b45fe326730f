//! What a stack is in the middle of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::config::Config;
use super::output::Output;
use super::stack::Resource;
use super::status::{Status, named};
use crate::sim::world::{Register, Word};

named! {
    /// What becomes of a stack whose creation fails.
    OnFailure {
        /// Everything is taken back, and the stack stays as `ROLLBACK_COMPLETE`.
        Rollback = "ROLLBACK",
        /// Nothing is taken back.
        DoNothing = "DO_NOTHING",
        /// Everything is taken back, and the stack is deleted.
        Delete = "DELETE",
    }
}

/// One call's work on a stack: its phases follow each other until one has the last word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is said, or comes about, by itself")]
pub struct Operation {
    /// Its id.
    pub id: String,
    /// `CREATE_STACK`, `UPDATE_STACK`, …
    pub kind: String,
    /// The token of the request that began it.
    pub token: Option<String>,
    /// Where it is.
    pub(super) phase: Phase,
    /// The phase's tasks.
    pub(super) tasks: BTreeMap<String, Task>,
    /// How many of them run.
    pub(super) running: usize,
    /// The resources that failed, or were cancelled, in this phase.
    pub(super) failed: Vec<String>,
    /// The exports of other stacks that were used in this phase.
    pub(super) imports: BTreeSet<String>,
    /// What the stack was before an update.
    pub(super) before: Option<Box<Before>>,
    /// Whether a failure leaves everything as it is.
    pub(super) keep_on_failure: bool,
    /// Resources that a deletion or a rollback leaves alone.
    pub(super) skip: BTreeSet<String>,
    /// Whether resources that cannot be deleted are left behind.
    pub(super) force: bool,
    /// Whether the stack's parent has begun it: what is no longer needed is then kept until nothing can be taken back.
    #[serde(default)]
    pub(super) nested: bool,
    /// The change set that is executed.
    pub(super) change_set: Option<String>,
    /// The stack policy that takes the place of the stack's own for this operation.
    #[serde(default)]
    pub(super) policy: Option<String>,
    /// Whether the alarms were watched for as long as they are to be.
    #[serde(default)]
    pub(super) watched: bool,
}

/// What an update can go back to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Before {
    pub(super) config: Config,
    pub(super) resources: Register<Resource>,
    pub(super) outputs: Vec<Output>,
    /// The exports of other stacks that it used.
    pub(super) imports: BTreeSet<String>,
    /// What earlier operations have left behind.
    pub(super) garbage: Vec<Resource>,
    /// Where drift is taken back, the resources as they were deployed: `resources` are what really stood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) deployed: Option<Register<Resource>>,
}

/// A part of an operation in which all tasks are of one sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Phase {
    /// Resources are created.
    Create,
    /// What was created is deleted again.
    Rollback,
    /// Resources are created, updated and replaced.
    Update,
    /// What the update no longer needs is deleted.
    Cleanup,
    /// Resources are brought back to what they were.
    UpdateRollback,
    /// What the failed update made is deleted.
    RollbackCleanup,
    /// Everything is deleted.
    Delete,
}

impl Phase {
    /// The stack's state meanwhile.
    pub(super) fn status(self) -> Status {
        match self {
            Self::Create => Status::CreateInProgress,
            Self::Rollback => Status::RollbackInProgress,
            Self::Update => Status::UpdateInProgress,
            Self::Cleanup => Status::UpdateCompleteCleanupInProgress,
            Self::UpdateRollback => Status::UpdateRollbackInProgress,
            Self::RollbackCleanup => Status::UpdateRollbackCompleteCleanupInProgress,
            Self::Delete => Status::DeleteInProgress,
        }
    }

    /// Whether its tasks bring resources to what the template says, rather than delete them.
    pub(super) fn converges(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::UpdateRollback)
    }
}

/// The work on one resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Task {
    /// The resource that is to be deleted; `None` for a resource that is to be as the template says.
    pub(super) garbage: Option<Arc<Resource>>,
    /// The resources that it needs, by logical id.
    pub(super) needs: Arc<[Word]>,
    /// How many tasks must be done before it can start.
    pub(super) waits_for: usize,
    /// The tasks that wait for it.
    pub(super) holds_up: Vec<String>,
    pub(super) state: TaskState,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum TaskState {
    Waiting,
    /// It ends after a while: well, or with this reason. A deletion may be tried again.
    Running {
        failure: Option<String>,
        again: bool,
    },
    Done,
    Failed,
}

impl Operation {
    /// An operation that is about to begin with a phase.
    pub(super) fn new(id: String, kind: &str, token: Option<String>, phase: Phase) -> Self {
        Self {
            id,
            kind: kind.to_owned(),
            token,
            phase,
            tasks: BTreeMap::new(),
            running: 0,
            failed: Vec::new(),
            imports: BTreeSet::new(),
            before: None,
            keep_on_failure: false,
            skip: BTreeSet::new(),
            force: false,
            nested: false,
            change_set: None,
            policy: None,
            watched: false,
        }
    }
}
