//! Every status that a stack can have, and what it means.

use std::fmt;

/// What a stack's status means for whoever waits for it or finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// An operation is under way; the status will change by itself.
    InProgress,
    /// The last operation ended well.
    Ready,
    /// The last operation failed and was undone. The stack stands as it was before and can be updated again, but for
    /// whoever waited for the operation this is a failure.
    RolledBack,
    /// Nothing is under way and the stack cannot be updated as it is.
    Failed,
    /// A change set was made for a stack that does not exist yet. It holds no resources.
    Review,
    /// It is gone.
    Deleted,
}

/// A stack's status, by CloudFormation's name for it.
///
/// See <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html>.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StackStatus(String);

/// Name, meaning, and what to do about it where that is not plain.
const STATUSES: [(&str, Phase, &str); 23] = [
    ("CREATE_COMPLETE", Phase::Ready, ""),
    (
        "CREATE_FAILED",
        Phase::Failed,
        "correct the cause and apply again: the creation is gone on with from where it failed",
    ),
    ("CREATE_IN_PROGRESS", Phase::InProgress, ""),
    ("DELETE_COMPLETE", Phase::Deleted, ""),
    (
        "DELETE_FAILED",
        Phase::Failed,
        "remove what holds the resource (its reason names it) and destroy the stack again (`orch destroy` with `--only` and this node); apply then creates it anew",
    ),
    ("DELETE_IN_PROGRESS", Phase::InProgress, ""),
    ("IMPORT_COMPLETE", Phase::Ready, ""),
    ("IMPORT_IN_PROGRESS", Phase::InProgress, ""),
    ("IMPORT_ROLLBACK_COMPLETE", Phase::RolledBack, UNDONE),
    (
        "IMPORT_ROLLBACK_FAILED",
        Phase::Failed,
        "an import failed and could not be undone, and CloudFormation has no operation that takes a stack out of this: see its events for the resource that stopped the rollback, and turn to AWS Support; orch does not delete the stack, for it may have been complete before",
    ),
    ("IMPORT_ROLLBACK_IN_PROGRESS", Phase::InProgress, ""),
    (
        "REVIEW_IN_PROGRESS",
        Phase::Review,
        "only a change set that nobody executed is in it: apply deletes the stack and creates it anew",
    ),
    ("ROLLBACK_COMPLETE", Phase::Failed, NEVER_COMPLETE),
    ("ROLLBACK_FAILED", Phase::Failed, NEVER_COMPLETE),
    ("ROLLBACK_IN_PROGRESS", Phase::InProgress, ""),
    ("UPDATE_COMPLETE", Phase::Ready, ""),
    ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Phase::InProgress, ""),
    (
        "UPDATE_FAILED",
        Phase::Failed,
        "an update failed with rollback switched off: correct the cause and apply again, which rolls the stack back and then updates it",
    ),
    ("UPDATE_IN_PROGRESS", Phase::InProgress, ""),
    ("UPDATE_ROLLBACK_COMPLETE", Phase::RolledBack, UNDONE),
    ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", Phase::InProgress, ""),
    (
        "UPDATE_ROLLBACK_FAILED",
        Phase::Failed,
        "put right what stopped the rollback and apply again, which goes on with the rollback and then updates the stack",
    ),
    ("UPDATE_ROLLBACK_IN_PROGRESS", Phase::InProgress, ""),
];

const NEVER_COMPLETE: &str =
    "correct the cause and apply again: the stack, which never was complete, is deleted and created anew";
const UNDONE: &str = "everything is as it was before: correct the cause and run again";

impl StackStatus {
    /// A status by CloudFormation's name for it.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// CloudFormation's name for it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it means. A status that is newer than this program means what its name's end says.
    pub fn phase(&self) -> Phase {
        match STATUSES.iter().find(|(name, ..)| *name == self.0) {
            Some((_, phase, _)) => *phase,
            None if self.0.ends_with("_IN_PROGRESS") => Phase::InProgress,
            None => Phase::Failed,
        }
    }

    /// What to do about it; `None` where there is nothing to do.
    pub fn remedy(&self) -> Option<&'static str> {
        match STATUSES.iter().find(|(name, ..)| *name == self.0) {
            Some((_, _, "")) => None,
            Some((_, _, remedy)) => Some(remedy),
            None => Some("this status is newer than this version of orch: see CloudFormation's documentation"),
        }
    }

    /// The names of all statuses of stacks with something under way.
    pub(super) fn moving() -> impl Iterator<Item = &'static str> {
        STATUSES.iter().filter(|(_, phase, _)| *phase == Phase::InProgress).map(|(name, ..)| *name)
    }

    /// Whether nothing is under way.
    pub fn is_settled(&self) -> bool {
        self.phase() != Phase::InProgress
    }

    /// Whether the stack stands with all its resources, be it after a rollback.
    pub fn stands(&self) -> bool {
        matches!(self.phase(), Phase::Ready | Phase::RolledBack)
    }
}

impl fmt::Display for StackStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudformation::types::StackStatus as Sdk;

    use super::*;

    #[test]
    fn the_table_holds_every_status_of_the_sdk_and_no_other() {
        let table: Vec<&str> = STATUSES.iter().map(|(name, ..)| *name).collect();
        assert_eq!(table, Sdk::values());
    }

    /// Each status by itself, since each decides whether a node failed.
    macro_rules! means {
        ($($test:ident: $name:literal is $phase:ident, remedy $remedy:literal;)*) => {$(
            #[test]
            fn $test() {
                let status = StackStatus::new($name);
                assert_eq!(status.phase(), Phase::$phase);
                assert_eq!(status.remedy().is_some(), $remedy);
            }
        )*};
    }

    means! {
        create_complete_is_ready: "CREATE_COMPLETE" is Ready, remedy false;
        create_failed_has_failed: "CREATE_FAILED" is Failed, remedy true;
        create_in_progress_is_in_progress: "CREATE_IN_PROGRESS" is InProgress, remedy false;
        delete_complete_is_deleted: "DELETE_COMPLETE" is Deleted, remedy false;
        delete_failed_has_failed: "DELETE_FAILED" is Failed, remedy true;
        delete_in_progress_is_in_progress: "DELETE_IN_PROGRESS" is InProgress, remedy false;
        import_complete_is_ready: "IMPORT_COMPLETE" is Ready, remedy false;
        import_in_progress_is_in_progress: "IMPORT_IN_PROGRESS" is InProgress, remedy false;
        import_rollback_complete_is_rolled_back: "IMPORT_ROLLBACK_COMPLETE" is RolledBack, remedy true;
        import_rollback_failed_has_failed: "IMPORT_ROLLBACK_FAILED" is Failed, remedy true;
        import_rollback_in_progress_is_in_progress: "IMPORT_ROLLBACK_IN_PROGRESS" is InProgress, remedy false;
        review_in_progress_holds_nothing: "REVIEW_IN_PROGRESS" is Review, remedy true;
        rollback_complete_can_only_be_deleted: "ROLLBACK_COMPLETE" is Failed, remedy true;
        rollback_failed_has_failed: "ROLLBACK_FAILED" is Failed, remedy true;
        rollback_in_progress_is_in_progress: "ROLLBACK_IN_PROGRESS" is InProgress, remedy false;
        update_complete_is_ready: "UPDATE_COMPLETE" is Ready, remedy false;
        update_complete_cleanup_is_in_progress: "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" is InProgress, remedy false;
        update_failed_has_failed: "UPDATE_FAILED" is Failed, remedy true;
        update_in_progress_is_in_progress: "UPDATE_IN_PROGRESS" is InProgress, remedy false;
        update_rollback_complete_is_rolled_back: "UPDATE_ROLLBACK_COMPLETE" is RolledBack, remedy true;
        update_rollback_complete_cleanup_is_in_progress: "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS" is InProgress, remedy false;
        update_rollback_failed_has_failed: "UPDATE_ROLLBACK_FAILED" is Failed, remedy true;
        update_rollback_in_progress_is_in_progress: "UPDATE_ROLLBACK_IN_PROGRESS" is InProgress, remedy false;
        a_newer_status_under_way_is_in_progress: "REFACTOR_IN_PROGRESS" is InProgress, remedy true;
        a_newer_status_at_rest_has_failed: "REFACTOR_DONE" is Failed, remedy true;
    }
}
