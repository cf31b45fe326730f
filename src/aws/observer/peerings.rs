//! Looking at many peerings of one place with few calls.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::Instant;

use super::watch::{Due, Looked, Question, Watch, Watching};
use crate::aws::call::{CallError, Class};
use crate::aws::ec2::{FILTER_VALUES, Peering};
use crate::aws::regional::Regional;

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
    /// How many the plan has here.
    expected: AtomicUsize,
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
        let admit = || Box::pin(self.regional.look("DescribeVpcPeeringConnections"));
        let ask = |brief: Regional, question| Box::pin(brief.look_at_peerings(question));
        match self.watching.sighting(due, admit, ask).await? {
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

    /// Notes how many peerings of the plan this account will see here, as one of their two sides. Where many meet, one look shows
    /// most.
    pub fn expect_peerings(&self, count: usize) {
        self.peerings_waited_for().expected.store(count, Ordering::Relaxed);
    }

    /// How many peerings of the plan meet here, as far as that was noted.
    pub fn peerings_expected(&self) -> usize {
        self.peerings_waited_for().expected.load(Ordering::Relaxed)
    }

    /// Looks, in the turn that this has, at the peerings that are due, and at others where that costs nothing. Gives how many calls that took.
    ///
    /// What stands in the way of a look at many is nobody's failure: whoever waits for the longest time goes on by himself,
    /// and the others are looked at again.
    async fn look_at_peerings(self, question: Question) -> Looked<Glimpse> {
        let room = question.due.len().next_multiple_of(FILTER_VALUES);
        let every = question.due.into_iter().chain(question.others).map(|(id, _)| id);
        let ids: Vec<String> = every.take(room).collect();
        match self.peerings_by_ids(&ids).await {
            Ok((found, calls)) => {
                let mut found: HashMap<String, Peering> =
                    found.into_iter().map(|peering| (peering.id.clone(), peering)).collect();
                let seen = ids.into_iter().map(|id| {
                    let peering = found.remove(&id);
                    (id, Ok(Glimpse::Is(peering.map(Box::new))))
                });
                Looked::new(seen.collect(), calls)
            }
            // So is any other look of the account.
            Err(error) if error.class == Class::Denied => {
                Looked::new(ids.into_iter().map(|id| (id, Err(error.clone()))).collect(), 1)
            }
            Err(error) if error.class == Class::Throttled => Looked::throttled(self.attempts()),
            Err(error) => {
                tracing::debug!(%error, "peerings cannot be looked at together");
                // That he looks by himself is a call more.
                Looked::new(ids.into_iter().take(1).map(|id| (id, Ok(Glimpse::Stuck))).collect(), 2)
            }
        }
    }
}
