//! The states of stacks and of their resources.
//!
//! See <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html>.

use serde::{Deserialize, Serialize};

/// Declares an enum whose variants have names on the wire.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// The one of this name on the wire.
            pub fn read(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// Its name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(super) use named;

named! {
    /// The state of a stack.
    Status {
        /// It is being created.
        CreateInProgress = "CREATE_IN_PROGRESS",
        /// Its creation failed, and nothing was taken back.
        CreateFailed = "CREATE_FAILED",
        /// It stands.
        CreateComplete = "CREATE_COMPLETE",
        /// Its creation failed and is being taken back.
        RollbackInProgress = "ROLLBACK_IN_PROGRESS",
        /// Its creation failed, and so did taking it back.
        RollbackFailed = "ROLLBACK_FAILED",
        /// Its creation failed and was taken back: it can only be deleted.
        RollbackComplete = "ROLLBACK_COMPLETE",
        /// It is being deleted.
        DeleteInProgress = "DELETE_IN_PROGRESS",
        /// Its deletion failed.
        DeleteFailed = "DELETE_FAILED",
        /// It is gone.
        DeleteComplete = "DELETE_COMPLETE",
        /// It is being updated.
        UpdateInProgress = "UPDATE_IN_PROGRESS",
        /// It is updated, and what it no longer needs is being deleted.
        UpdateCompleteCleanupInProgress = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        /// It is updated.
        UpdateComplete = "UPDATE_COMPLETE",
        /// Its update failed, and nothing was taken back.
        UpdateFailed = "UPDATE_FAILED",
        /// Its update failed and is being taken back.
        UpdateRollbackInProgress = "UPDATE_ROLLBACK_IN_PROGRESS",
        /// Its update failed, and so did taking it back.
        UpdateRollbackFailed = "UPDATE_ROLLBACK_FAILED",
        /// Its update is taken back, and what it no longer needs is being deleted.
        UpdateRollbackCompleteCleanupInProgress = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        /// Its update failed and was taken back.
        UpdateRollbackComplete = "UPDATE_ROLLBACK_COMPLETE",
        /// A change set is to create it and was not executed yet.
        ReviewInProgress = "REVIEW_IN_PROGRESS",
    }
}

impl Status {
    /// Whether `CloudFormation` is at work on the stack.
    pub fn is_in_progress(self) -> bool {
        self != Self::ReviewInProgress && self.as_str().ends_with("_IN_PROGRESS")
    }

    /// Whether the stack may be updated.
    pub fn is_updatable(self) -> bool {
        matches!(
            self,
            Self::CreateComplete
                | Self::UpdateComplete
                | Self::UpdateRollbackComplete
                | Self::UpdateFailed
                | Self::CreateFailed
        )
    }
}

named! {
    /// The state of a stack's resource.
    ResourceStatus {
        /// It is being created.
        CreateInProgress = "CREATE_IN_PROGRESS",
        /// Its creation failed.
        CreateFailed = "CREATE_FAILED",
        /// It is created.
        CreateComplete = "CREATE_COMPLETE",
        /// It is being updated or replaced.
        UpdateInProgress = "UPDATE_IN_PROGRESS",
        /// Its update failed.
        UpdateFailed = "UPDATE_FAILED",
        /// It is updated.
        UpdateComplete = "UPDATE_COMPLETE",
        /// It is being deleted.
        DeleteInProgress = "DELETE_IN_PROGRESS",
        /// Its deletion failed.
        DeleteFailed = "DELETE_FAILED",
        /// It is deleted.
        DeleteComplete = "DELETE_COMPLETE",
        /// It left the stack and stays in the account.
        DeleteSkipped = "DELETE_SKIPPED",
    }
}
