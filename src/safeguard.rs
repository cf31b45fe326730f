//! Safeguards that a test can switch off one at a time, to see that something is amiss without each of them.
//!
//! Only a build with the feature `sabotage` can do so, which the package's own tests switch on and no other build has: without
//! it every safeguard holds, and asking costs nothing. `.ci/run` sees to it that nothing else asks for the feature, and `just seeds`
//! builds into a folder of its own.

/// Something that keeps harm away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Safeguard {
    /// The credentials of an account are held against the account that the plan names.
    IdentityCheck,
    /// A session that AWS calls expired is fetched anew.
    ExpiryRefresh,
    /// A request bears the token of its attempt, by which AWS knows that it is repeated, and orch what it has begun.
    IdempotencyToken,
    /// What is there is looked at before something is made.
    ReadBeforeCreate,
    /// What bears no tags of the node is not changed.
    OwnershipBeforeChange,
    /// What bears no tags of the node is not deleted.
    OwnershipBeforeDelete,
    /// Only an operation that went through has ended well: what was taken back has failed.
    StrictEnds,
    /// A node waits for all that it needs, and not for the first of it.
    WaitingForNeeds,
    /// After an answer that was lost it is looked again.
    LookingAgain,
    /// What is made bears the owner's tags from the call on that makes it.
    TagsFromTheStart,
    /// A change set that is of no use is deleted.
    DroppingChangeSets,
}

impl Safeguard {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::IdentityCheck,
        Self::ExpiryRefresh,
        Self::IdempotencyToken,
        Self::ReadBeforeCreate,
        Self::OwnershipBeforeChange,
        Self::OwnershipBeforeDelete,
        Self::StrictEnds,
        Self::WaitingForNeeds,
        Self::LookingAgain,
        Self::TagsFromTheStart,
        Self::DroppingChangeSets,
    ];
}

/// Whether a safeguard is at work.
#[cfg(not(feature = "sabotage"))]
#[inline]
pub(crate) const fn holds(_: Safeguard) -> bool {
    true
}

#[cfg(feature = "sabotage")]
pub(crate) use sabotage::holds;
#[cfg(feature = "sabotage")]
pub use sabotage::without;

#[cfg(feature = "sabotage")]
mod sabotage {
    use std::cell::Cell;

    use super::Safeguard;

    thread_local! {
        /// The one that is switched off: a simulated world with all its processes lives in one thread.
        static OFF: Cell<Option<Safeguard>> = const { Cell::new(None) };
    }

    /// Whether a safeguard is at work.
    pub(crate) fn holds(safeguard: Safeguard) -> bool {
        OFF.get() != Some(safeguard)
    }

    /// Does something in this thread without one of the safeguards.
    pub fn without<T>(safeguard: Safeguard, work: impl FnOnce() -> T) -> T {
        struct Restored;
        impl Drop for Restored {
            fn drop(&mut self) {
                OFF.set(None);
            }
        }
        OFF.set(Some(safeguard));
        let _restored = Restored;
        work()
    }
}
