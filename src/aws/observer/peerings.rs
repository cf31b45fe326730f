//! Looking at many peerings of one place with few calls.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::{Instant, timeout};

use super::watch::{Due, Question, Seen, Watch, Watching};
use crate::aws::call::{CallError, Class};
use crate::aws::ec2::{FILTER_VALUES, Peering};
use crate::aws::regional::{BRIEF, Regional};

/// What was seen of a peering.
#[derive(Clone, Debug)]
pub(super) enum Glimpse {
    /// As it is, or that it is not to be seen here.
    Is(Option<Box<Peering>>),
    /// AWS does not answer about it: whoever waits for it is to look by himself.
    Stuck,
}

/// The peerings that one account sees in one region and that somebody waits for.
#[derive(Debug, Default)]
pub(in crate::aws) struct Peerings {
    watch: Watch<Glimpse>,
    /// How many were waited for so far.
    met: AtomicUsize,
}

/// A peering that is looked at together with others of its place, until this is dropped.
#[derive(Debug)]
pub struct WatchedPeering<'a> {
    regional: &'a Regional,
    id: &'a str,
    watching: Watching<'a, Glimpse>,
}

impl WatchedPeering<'_> {
    /// Where it is watched.
    pub fn regional(&self) -> &Regional {
        self.regional
    }

    /// The peering as it is at some time from now on, and at this time or as soon after it as a look may be; `None` if this
    /// account does not see it here.
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

    /// Looks at the peerings that are due, and at others where that costs nothing. Gives how many calls that took.
    ///
    /// What stands in the way of a look at many is nobody's failure: whoever waits for the longest time goes on by himself,
    /// and the others are looked at again.
    async fn look_at_peerings(&self, question: Question) -> (Seen<Glimpse>, u32) {
        let room = question.due.len().next_multiple_of(FILTER_VALUES);
        let every = question.due.into_iter().chain(question.others).map(|(id, _)| id);
        let ids: Vec<String> = every.take(room).collect();
        let brief = self.briefly();
        match timeout(BRIEF, brief.peerings_by_ids(&ids)).await {
            Ok(Ok((found, calls))) => {
                let mut found: HashMap<String, Peering> =
                    found.into_iter().map(|peering| (peering.id.clone(), peering)).collect();
                let seen = ids.into_iter().map(|id| {
                    let peering = found.remove(&id);
                    (id, Ok(Glimpse::Is(peering.map(Box::new))))
                });
                (seen.collect(), calls)
            }
            // So is any other look of the account.
            Ok(Err(error)) if error.class == Class::Denied => {
                (ids.into_iter().map(|id| (id, Err(error.clone()))).collect(), 1)
            }
            failed => {
                tracing::debug!(?failed, "peerings cannot be looked at together");
                // That he looks by himself is a call more.
                (ids.into_iter().take(1).map(|id| (id, Ok(Glimpse::Stuck))).collect(), 2)
            }
        }
    }
}
