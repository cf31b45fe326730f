//! How many calls were made, for whoever wants to know later what a run has asked of AWS.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::call::{CallError, Class};
use crate::ids::{AccountName, Region};

/// Calls of one operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Every attempt that was sent.
    pub made: u64,
    /// Those of them that AWS has throttled.
    pub throttled: u64,
    /// Those of them that came to nothing for another reason.
    pub failed: u64,
}

/// The calls on each account's behalf in each region, by operation. Those to STS are not among them: they are made for sessions,
/// and no node's.
pub type Counts = BTreeMap<(AccountName, Region), BTreeMap<&'static str, Count>>;

/// Counts calls.
#[derive(Debug, Default)]
pub(super) struct Counted(Mutex<Counts>);

impl Counted {
    /// Counts an attempt at a call in.
    pub(super) fn count<T>(
        &self,
        account: &AccountName,
        region: &Region,
        operation: &'static str,
        answer: &Result<T, CallError>,
    ) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry((account.clone(), region.clone())).or_default().entry(operation).or_default();
        count.made += 1;
        match answer {
            Ok(_) => {}
            Err(CallError { class: Class::Throttled, .. }) => count.throttled += 1,
            Err(_) => count.failed += 1,
        }
    }

    /// What was counted since this was last asked.
    pub(super) fn take(&self) -> Counts {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
