//! Looking at many peerings of one place with few calls.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::watch::{Due, Question, Seen, Watch, Watching};
use crate::aws::call::{CallError, Class};
use crate::aws::ec2::Peering;
use crate::aws::regional::Regional;

/// After which time a request is expected to have reached its accepter, where none has been seen yet.
const ARRIVES: Duration = Duration::from_millis(500);

/// How long at the most it is waited for a request to arrive, whatever an earlier one took.
const ARRIVES_AT_MOST: Duration = Duration::from_secs(5);

/// How long one look may hold up all others.
const LOOK_AT_MOST: Duration = Duration::from_secs(20);

/// What was seen of a peering.
#[derive(Clone, Debug)]
pub(super) enum Glimpse {
    /// As it is, or that it is not to be seen here.
    Is(Option<Box<Peering>>),
    /// The look has failed or takes too long: whoever is told so is to look by himself.
    Stuck,
}

/// The peerings that one account sees in one region and that somebody waits for.
#[derive(Debug)]
pub(in crate::aws) struct Peerings {
    watch: Watch<Glimpse>,
    /// How many were waited for so far.
    met: AtomicUsize,
    /// How long the last request took that had to be waited for.
    arrives: Mutex<Duration>,
}

impl Default for Peerings {
    fn default() -> Self {
        Self { watch: Watch::default(), met: AtomicUsize::new(0), arrives: Mutex::new(ARRIVES) }
    }
}

/// A peering that is looked at together with others of its place, until this is dropped.
#[derive(Debug)]
pub struct WatchedPeering<'a> {
    regional: &'a Regional,
    id: &'a str,
    watching: Watching<'a, Glimpse>,
}

impl WatchedPeering<'_> {
    /// The peering as it is at some time from now on, and at this time at the latest; `None` if this account does not see it
    /// here.
    ///
    /// # Errors
    ///
    /// The call was refused or did not come through.
    pub async fn seen_by(&self, at: Instant) -> Result<Option<Peering>, CallError> {
        let due = Due { at, is_long: false, leaves: false };
        let ask = |question| Box::pin(self.regional.look_at_peerings(question));
        match self.watching.sighting(due, ask).await? {
            Glimpse::Is(seen) => Ok(seen.map(|peering| *peering)),
            Glimpse::Stuck => self.regional.peering(self.id).await,
        }
    }
}

impl Regional {
    /// Begins to watch a peering, by its id.
    pub fn watch_peering<'a>(&'a self, id: &'a str) -> WatchedPeering<'a> {
        WatchedPeering { regional: self, id, watching: self.peerings_waited_for().watch.enter(id) }
    }

    /// Notes that a peering is waited for which this account sees here, and says how many that makes. Where many meet, one
    /// look shows most.
    pub fn meet_peering(&self) -> usize {
        self.peerings_waited_for().met.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// How long a request is expected to take until this account can accept it here.
    pub fn request_arrives(&self) -> Duration {
        *self.peerings_waited_for().arrives.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how long a request took that could not be accepted at first.
    pub fn note_arrival(&self, took: Duration) {
        let mut arrives = self.peerings_waited_for().arrives.lock().unwrap_or_else(PoisonError::into_inner);
        *arrives = took.clamp(ARRIVES, ARRIVES_AT_MOST);
    }

    /// Looks at all that are watched, due or not: it is one call all the same.
    async fn look_at_peerings(&self, question: Question) -> (Seen<Glimpse>, u32) {
        let ids: Vec<String> = question.due.into_iter().chain(question.others).map(|(id, _)| id).collect();
        let brief = self.briefly();
        let is_outage = |error: &CallError| matches!(error.class, Class::Transient | Class::Lost);
        match tokio::time::timeout(LOOK_AT_MOST, brief.peerings_by_ids(&ids)).await {
            Ok(Ok((found, calls))) => {
                let mut found: HashMap<String, Peering> =
                    found.into_iter().map(|peering| (peering.id.clone(), peering)).collect();
                let seen = ids.into_iter().map(|id| {
                    let peering = found.remove(&id);
                    (id, Ok(Glimpse::Is(peering.map(Box::new))))
                });
                (seen.collect(), calls)
            }
            // Each tells by himself what stands in his way.
            Ok(Err(error)) if !is_outage(&error) && ids.len() > 1 => {
                tracing::debug!(%error, "peerings cannot be looked at together");
                (ids.into_iter().map(|id| (id, Ok(Glimpse::Stuck))).collect(), 1)
            }
            Ok(Err(error)) if !is_outage(&error) => (ids.into_iter().map(|id| (id, Err(error.clone()))).collect(), 1),
            // An outage is outlasted by one of them, who looks by himself; the others look together again.
            Ok(Err(_)) | Err(_) => (ids.into_iter().take(1).map(|id| (id, Ok(Glimpse::Stuck))).collect(), 2),
        }
    }
}
