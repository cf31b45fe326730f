//! Turns at CloudFormation, which throttles at a few calls a second for each account and region.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::aws::Regional;
use crate::ids::{AccountName, Region};

/// How many calls of CloudFormation, of whatever kind, are under way in one account and region at the same time. EC2 is
/// asked a few times there and needs no turns.
const AT_ONCE: usize = 16;

/// The turns of each account and region, of which only so many are taken at once.
#[derive(Debug, Default)]
pub struct Turns(HashMap<(AccountName, Region), Arc<Semaphore>>);

impl Turns {
    /// The turns in an account and region.
    pub fn at(&mut self, regional: &Regional) -> Arc<Semaphore> {
        let place = (regional.account().clone(), regional.region().clone());
        Arc::clone(self.0.entry(place).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE))))
    }
}
