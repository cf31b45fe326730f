//! Turns at calling AWS, for what is not to be sent any more once it is given up.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::call::{CallError, Class};
use super::rates::Permit;

/// A turn at calling AWS.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// What the first call is sent by.
    permit: Mutex<Option<Permit>>,
    /// Why there is nothing to sign a call with.
    unsigned: Option<CallError>,
    /// How many attempts were made so far.
    attempts: AtomicU32,
    /// How long AWS took over them, in milliseconds.
    took: AtomicU64,
    /// When its first call was to be made at first.
    since: Option<Instant>,
}

impl Turn {
    /// One whose first call is sent by this, if it waits for its rate at all, and waits since then.
    pub(super) fn of(permit: Option<Permit>, since: Instant) -> Self {
        Self { permit: Mutex::new(permit), since: Some(since), ..Self::default() }
    }

    /// One in which nothing can be sent.
    pub(super) fn unsigned(error: CallError) -> Self {
        Self { unsigned: Some(error), ..Self::default() }
    }

    /// Why nothing can be sent in it.
    pub(super) fn why_unsigned(&self) -> Option<&CallError> {
        self.unsigned.as_ref()
    }

    /// Whether its first call is not sent yet, for which there is a permit.
    pub(super) fn is_reserved(&self) -> bool {
        self.permit.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// What the first call is sent by, unless it was.
    pub(super) fn permit(&self) -> Option<Permit> {
        self.permit.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// When its first call was to be made at first.
    pub(super) fn since(&self) -> Option<Instant> {
        self.since
    }

    /// An attempt begins.
    pub(super) fn begin(&self) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
    }

    /// An attempt has ended, which began then.
    pub(super) fn end(&self, began: Instant) {
        let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.took.fetch_add(took, Ordering::Relaxed);
    }

    /// How many attempts were made so far.
    pub(super) fn attempts(&self) -> u32 {
        self.attempts.load(Ordering::Relaxed)
    }

    /// How long AWS took over them.
    pub(super) fn took(&self) -> Duration {
        Duration::from_millis(self.took.load(Ordering::Relaxed))
    }
}

/// The turns in which one call is made, one after the other until AWS takes it: see [`super::Regional::in_turn`].
#[derive(Debug)]
pub struct Turns {
    operation: &'static str,
    since: Instant,
    /// Whether no other turn is waited for if there is nothing to sign the call with.
    is_unsigned: AtomicBool,
    /// Whether no other turn is waited for if the session that signs the call is refused.
    is_refused: AtomicBool,
}

impl Turns {
    /// Those of a call of an operation, which is to be made now.
    pub fn of(operation: &'static str) -> Self {
        Self { operation, since: Instant::now(), is_unsigned: false.into(), is_refused: false.into() }
    }

    /// The operation.
    pub(super) fn operation(&self) -> &'static str {
        self.operation
    }

    /// When the call was to be made at first, so that it does not wait behind all that came later.
    pub(super) fn since(&self) -> Instant {
        self.since
    }

    /// Credentials cannot be had: no other turn is waited for on their account.
    pub(super) fn give_up(&self) {
        self.is_unsigned.store(true, Ordering::Relaxed);
    }

    /// Whether what is wrong with the call is that it was not let through, that its session was refused, or that there was
    /// nothing to sign it with. Either of the latter is repaired once until it is signed by what AWS takes.
    pub(super) fn go_on_after(&self, error: &CallError) -> bool {
        let is_sent = error.operation == self.operation;
        match error.class {
            Class::Expired if is_sent => !self.is_refused.swap(true, Ordering::Relaxed),
            Class::Expired => !self.is_unsigned.swap(true, Ordering::Relaxed),
            Class::Transient | Class::Lost if !is_sent => !self.is_unsigned.swap(true, Ordering::Relaxed),
            class => {
                self.is_refused.store(false, Ordering::Relaxed);
                self.is_unsigned.store(false, Ordering::Relaxed);
                class == Class::Throttled
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_that_is_refused_and_one_that_cannot_be_had_are_each_repaired_once() {
        let operation = "CreateStack";
        let refused = CallError::sample(operation, Class::Expired);
        let throttled = CallError::sample(operation, Class::Throttled);
        let unsigned = [
            CallError::sample("AssumeRole", Class::Transient),
            CallError::sample("AssumeRole", Class::Expired),
            CallError::sample("credentials", Class::Expired),
        ];
        for unsigned in &unsigned {
            let turns = Turns::of(operation);
            let story = [(unsigned, true), (&refused, true), (&refused, false), (unsigned, false), (&throttled, true)];
            for (n, (error, goes_on)) in story.into_iter().enumerate() {
                assert_eq!(turns.go_on_after(error), goes_on, "{n} {error:?}");
            }
            assert!(turns.go_on_after(&refused), "a call that was throttled had a session that AWS takes");
            turns.give_up();
            assert!(!turns.go_on_after(unsigned));
        }
        assert!(!Turns::of(operation).go_on_after(&CallError::sample(operation, Class::Lost)));
    }
}
