//! How fast AWS is called: every attempt of every call waits here until its account, its region and its class of calls may
//! be asked again.
//!
//! AWS throttles by token buckets for each account and region. What is over their rate is refused, and a client that tries
//! again by itself at a chance time neither uses what it is granted nor asks for the right thing first. So the rates are
//! learnt here (`learner`, `allowance`: pure), and whoever has the longest way to go is let through first (`lane`).

mod allowance;
mod class;
mod contention;
mod lane;
mod learner;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(super) use class::Class;
pub(super) use lane::{Lane, Permit, Standing};

use crate::ids::{AccountId, Region};

/// How many calls are under way in the whole process: each has a connection, and a thousand accounts at once would use up
/// the files that a process may open. At a tenth of a second a call it is thousands of calls a second.
const AT_ONCE: usize = 256;

/// How many of those go to one region, so that one that does not answer leaves as many to the others.
const AT_ONCE_TO_ONE: usize = AT_ONCE / 2;

/// The rates of every account, region and class, shared by all that call AWS in one process.
#[derive(Debug)]
pub(super) struct Rates {
    lanes: Mutex<HashMap<(AccountId, Region, Class), Arc<Lane>>>,
    slots: Arc<Semaphore>,
    regions: Mutex<HashMap<Region, Arc<Semaphore>>>,
    /// Whether AWS grants every call, so that none waits.
    grants_all: bool,
}

impl Default for Rates {
    fn default() -> Self {
        let slots = Arc::new(Semaphore::new(AT_ONCE));
        Self { lanes: Mutex::default(), slots, regions: Mutex::default(), grants_all: false }
    }
}

impl Rates {
    /// Those of an AWS that grants every call.
    pub(super) fn boundless() -> Self {
        Self { grants_all: true, ..Self::default() }
    }

    /// Where calls of a class by an account to a region wait; `None` if they need not.
    pub(super) fn lane(&self, account: &AccountId, region: &Region, class: Class) -> Option<Arc<Lane>> {
        if self.grants_all {
            return None;
        }
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = lanes.entry((account.clone(), region.clone(), class));
        Some(Arc::clone(lane.or_insert_with(|| Arc::new(Lane::new(class, self.slots(region))))))
    }

    fn slots(&self, region: &Region) -> Slots {
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        let own = regions.entry(region.clone()).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE_TO_ONE)));
        Slots { region: Arc::clone(own), all: Arc::clone(&self.slots) }
    }
}

/// Where the calls to one region take their slots.
#[derive(Clone, Debug)]
struct Slots {
    region: Arc<Semaphore>,
    all: Arc<Semaphore>,
}

/// Room for one call, until this is dropped. The semaphores are never closed; were they, a call without room does no harm.
#[derive(Debug)]
struct Slot {
    _region: Option<OwnedSemaphorePermit>,
    _all: Option<OwnedSemaphorePermit>,
}

impl Slots {
    async fn take(&self) -> Slot {
        let region = Arc::clone(&self.region).acquire_owned().await.ok();
        Slot { _region: region, _all: Arc::clone(&self.all).acquire_owned().await.ok() }
    }
}
