//! How soon requests for peerings reach those who are to accept them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::regional::Regional;
use crate::ids::Region;

/// After which time the first request from one region to another is looked for, in case that they arrive as good as at once.
pub const AT_ONCE: Duration = Duration::from_millis(100);

/// After which time a request is expected to have arrived where nothing else is known.
pub const ARRIVES: Duration = Duration::from_millis(500);

/// After what time requests from one region to another are accepted without a look, if at all: how long EC2 takes to tell its
/// regions of each other, and nothing of the accounts.
#[derive(Debug, Default)]
pub(super) struct Arrivals(Mutex<HashMap<(Region, Region), Option<Duration>>>);

impl Arrivals {
    // Every change under this lock is whole.
    fn lock(&self) -> MutexGuard<'_, HashMap<(Region, Region), Option<Duration>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Regional {
    fn way_from(&self, from: &Region) -> (Region, Region) {
        (from.clone(), self.region().clone())
    }

    /// Whether to look at once for a request from a region: for the first there is, so that one look tells for all.
    pub fn is_first_from(&self, from: &Region) -> bool {
        let mut arrivals = self.arrivals().lock();
        let is_first = !arrivals.contains_key(&self.way_from(from));
        arrivals.entry(self.way_from(from)).or_insert(Some(ARRIVES));
        is_first
    }

    /// How long after it was asked for a peering from a region is to be accepted here without a look; `None` if it is to be
    /// looked for.
    pub fn accepted_after(&self, from: &Region) -> Option<Duration> {
        self.arrivals().lock().get(&self.way_from(from)).copied().unwrap_or(Some(ARRIVES))
    }

    /// Notes that a peering from a region could be accepted here so long after it was asked for.
    pub fn note_in_time(&self, from: &Region, after: Duration) {
        let mut arrivals = self.arrivals().lock();
        let known = arrivals.entry(self.way_from(from)).or_insert(Some(after));
        match known {
            Some(known) => *known = after.min(*known),
            None => *known = Some(ARRIVES),
        }
    }

    /// Notes that a peering from a region could not be accepted here yet, so long after it was asked for.
    pub fn note_too_early(&self, from: &Region, after: Duration) {
        let mut arrivals = self.arrivals().lock();
        let known = arrivals.entry(self.way_from(from)).or_insert(Some(ARRIVES));
        if after >= ARRIVES {
            *known = None;
        } else if *known == Some(AT_ONCE) {
            *known = Some(ARRIVES);
        }
    }
}
