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

use super::sockets::Sockets;
use crate::ids::{AccountId, Region};

/// The rates of every account, region and class, shared by all that call AWS in one process.
#[derive(Debug)]
pub(super) struct Rates {
    lanes: Mutex<HashMap<(AccountId, Region, Class), Arc<Lane>>>,
    regions: Mutex<HashMap<Region, Slots>>,
    /// Room in the whole process.
    slots: Slots,
    /// Whether AWS grants every call, so that none waits.
    grants_all: bool,
}

impl Default for Rates {
    fn default() -> Self {
        Self::within(Sockets::default())
    }
}

impl Rates {
    /// Those of calls that have so many connections.
    pub(super) fn within(sockets: Sockets) -> Self {
        // A quarter is kept from what nobody else waits for and changes nothing: a fleet begins with thousands of such reads,
        // behind which no look at what is under way and no deletion is to wait.
        let patient = sockets.calls * 3 / 4;
        let slots = Slots { all: Room::of(sockets.calls), patient: Room::of(patient), sts: Room::of(sockets.sts) };
        Self { lanes: Mutex::default(), regions: Mutex::default(), slots, grants_all: false }
    }

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

    /// Where calls to a region take their slots, also those that wait for no rate.
    pub(super) fn slots(&self, region: &Region) -> Slots {
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        regions.entry(region.clone()).or_insert_with(|| self.slots.for_one_region()).clone()
    }

    /// Where calls to a region's STS wait for room.
    pub(super) fn sts(&self, region: &Region) -> Room {
        self.slots(region).sts
    }
}

/// Room for calls to one region.
#[derive(Clone, Debug)]
pub(super) struct Slots {
    all: Room,
    patient: Room,
    sts: Room,
}

impl Slots {
    /// Waits for room for a call.
    pub(super) async fn take(&self) -> Slot {
        Slot { _patient: None, _all: self.all.take().await }
    }

    /// Waits for room for a call that lets others go first.
    pub(super) async fn take_patiently(&self) -> Slot {
        // Taken in this order by all, so that none waits for what another has that waits for its own.
        Slot { _patient: Some(self.patient.take().await), _all: self.all.take().await }
    }

    /// The same, if there is room now.
    fn try_take_patiently(&self) -> Option<Slot> {
        Some(Slot { _patient: Some(self.patient.try_take()?), _all: self.all.try_take()? })
    }

    fn for_one_region(&self) -> Self {
        Self { all: self.all.half(), patient: self.patient.half(), sts: self.sts.half() }
    }
}

/// Room for so many calls to one region, and in the whole process. At most half of that is for one region, so that one that does
/// not answer leaves as much to the others.
#[derive(Clone, Debug)]
pub(super) struct Room {
    region: Arc<Semaphore>,
    process: Arc<Semaphore>,
    /// How many calls there is room for in the process.
    size: usize,
}

/// Room for one call, until it is dropped. The semaphores are never closed; were they, a call without room does no harm.
pub(super) type Taken = [Option<OwnedSemaphorePermit>; 2];

impl Room {
    fn of(size: usize) -> Self {
        let process = Arc::new(Semaphore::new(size));
        Self { region: Arc::clone(&process), process, size }
    }

    /// The same for a region of its own.
    fn half(&self) -> Self {
        Self { region: Arc::new(Semaphore::new(self.size / 2)), ..self.clone() }
    }

    fn try_take(&self) -> Option<Taken> {
        let region = Arc::clone(&self.region).try_acquire_owned().ok()?;
        Some([Some(region), Some(Arc::clone(&self.process).try_acquire_owned().ok()?)])
    }

    /// Waits for room for a call.
    pub(super) async fn take(&self) -> Taken {
        let region = Arc::clone(&self.region).acquire_owned().await.ok();
        [region, Arc::clone(&self.process).acquire_owned().await.ok()]
    }
}

/// Room for one call, until this is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    _patient: Option<Taken>,
    _all: Taken,
}
