//! A change set: what an update would do, before it does it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::change::Change;
use super::config::Config;
use super::drift::StackDriftStatus;
use super::operation::OnFailure;
use super::status::named;

named! {
    /// How far a change set is.
    ChangeSetStatus {
        /// It is being worked out.
        CreateInProgress = "CREATE_IN_PROGRESS",
        /// It is worked out.
        CreateComplete = "CREATE_COMPLETE",
        /// It cannot be worked out, or there is nothing to change.
        Failed = "FAILED",
    }
}

named! {
    /// Whether a change set can be executed.
    ExecutionStatus {
        /// Not (yet).
        Unavailable = "UNAVAILABLE",
        /// It can.
        Available = "AVAILABLE",
        /// It is being executed.
        ExecuteInProgress = "EXECUTE_IN_PROGRESS",
        /// It was executed.
        ExecuteComplete = "EXECUTE_COMPLETE",
        /// It was executed and failed.
        ExecuteFailed = "EXECUTE_FAILED",
        /// The stack has changed since.
        Obsolete = "OBSOLETE",
    }
}

/// A change set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangeSet {
    /// Its ARN.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it says of itself.
    pub description: Option<String>,
    /// When it was asked for.
    pub created: Timestamp,
    /// How far it is.
    pub status: ChangeSetStatus,
    /// Why it failed.
    pub reason: Option<String>,
    /// Whether it can be executed.
    pub execution: ExecutionStatus,
    /// What the stack is to be.
    pub config: Config,
    /// Whether it takes drift back: `DeploymentMode` is `REVERT_DRIFT`.
    #[serde(default)]
    pub reverts_drift: bool,
    /// Whether the stack had drifted, in a change set that looks at that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<StackDriftStatus>,
    /// Whether it looks into nested stacks.
    #[serde(default)]
    pub nested: bool,
    /// The change set of the stack that this one's stack is nested in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The change set at the top of those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// What becomes of the stack if that fails.
    pub on_failure: Option<OnFailure>,
    /// Whether a failure leaves everything as it is, where the change set says how it is to be carried out.
    #[serde(default)]
    pub(super) keeps: Option<bool>,
    /// What it would change, in the order of the template.
    pub changes: Vec<Change>,
    /// The token of the request that made it.
    pub(super) token: Option<String>,
}
