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
    /// One whose first call is sent by this, and waits since then.
    pub(super) fn of(permit: Permit, since: Instant) -> Self {
        Self { permit: Mutex::new(Some(permit)), since: Some(since), ..Self::default() }
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
    is_renewed: AtomicBool,
}

impl Turns {
    /// Those of a call of an operation, which is to be made now.
    pub fn of(operation: &'static str) -> Self {
        Self { operation, since: Instant::now(), is_renewed: AtomicBool::new(false) }
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
        self.is_renewed.store(true, Ordering::Relaxed);
    }

    /// Whether what is wrong with the call is that it was not let through, or that there was nothing to sign it with, which is
    /// repaired once until it is signed.
    pub(super) fn go_on_after(&self, error: &CallError) -> bool {
        match error.class {
            Class::Expired => !self.is_renewed.swap(true, Ordering::Relaxed),
            Class::Transient | Class::Lost if error.operation != self.operation => {
                !self.is_renewed.swap(true, Ordering::Relaxed)
            }
            class => {
                self.is_renewed.store(false, Ordering::Relaxed);
                class == Class::Throttled
            }
        }
    }
}
