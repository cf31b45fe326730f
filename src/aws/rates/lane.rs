//! Where the calls of one class wait, by one account to one region, and who goes first.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::allowance::{Allowance, Next, Ticket};
use super::class::Class;

/// How many times as much the length of the way that is left counts as the time that was waited already. So the longest
/// goes first, and whoever has waited ten times what another's way is longer goes before that one: nobody waits for ever.
const AGEING: i64 = 10;

/// As exact as the clock is.
const CLOCK: Duration = Duration::from_millis(1);

/// Calls that wait, and what is known of their rate.
#[derive(Debug)]
pub(in crate::aws) struct Lane {
    began: Instant,
    state: Mutex<State>,
    /// Those of the whole process.
    slots: Arc<Semaphore>,
}

#[derive(Debug)]
struct State {
    allowance: Allowance,
    waiting: HashMap<&'static str, BTreeMap<Place, Arc<Waiter>>>,
    arrivals: u64,
    /// Who looks at the clock for all: the first of those that wait.
    keeper: Option<Place>,
    /// When that one looks next; `None` if it waits to be told.
    due: Option<Duration>,
}

/// A place among those that wait: the lower goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    rank: i64,
    arrival: u64,
}

#[derive(Debug, Default)]
struct Waiter {
    ticket: Mutex<Option<Ticket>>,
    told: Notify,
}

impl Waiter {
    fn ticket(&self) -> MutexGuard<'_, Option<Ticket>> {
        self.ticket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lane {
    /// Nobody waits yet.
    pub(super) fn new(class: Class, slots: Arc<Semaphore>) -> Self {
        let allowance = Allowance::new(class, Duration::ZERO);
        let state = State { allowance, waiting: HashMap::new(), arrivals: 0, keeper: None, due: None };
        Self { began: Instant::now(), state: Mutex::new(state), slots }
    }

    /// Waits until a call of an operation may be sent. `urgency` is how long the longest way from here still takes, in
    /// milliseconds; `since` when the call was to be sent at first.
    ///
    /// Dropping the future gives the place up.
    pub(in crate::aws) async fn pass(
        self: &Arc<Self>,
        operation: &'static str,
        urgency: u64,
        since: Instant,
    ) -> Permit {
        let ticket = Some(self.ticket(operation, urgency, since).await);
        let mut permit = Permit { lane: Arc::clone(self), ticket, slot: None };
        // It is never closed; were it, a call without a slot does no harm.
        permit.slot = Arc::clone(&self.slots).acquire_owned().await.ok();
        permit
    }

    async fn ticket(self: &Arc<Self>, operation: &'static str, urgency: u64, since: Instant) -> Ticket {
        let waiting = self.enter(operation, urgency, since);
        loop {
            let next = {
                let mut state = self.lock();
                let next = state.let_through(self.now());
                if let Some(ticket) = waiting.waiter.ticket().take() {
                    return ticket;
                }
                next.filter(|_| state.keeper == Some(waiting.place))
            };
            let told = waiting.waiter.told.notified();
            match next {
                Some(at) => timeout_at(self.began + at, told).await.unwrap_or_default(),
                None => told.await,
            }
        }
    }

    fn enter(self: &Arc<Self>, operation: &'static str, urgency: u64, since: Instant) -> Waiting {
        let age = i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX);
        let now = i64::try_from(self.now().as_millis()).unwrap_or(i64::MAX);
        let urgency = i64::try_from(urgency).unwrap_or(i64::MAX);
        let rank = now.saturating_sub(age).saturating_sub(urgency.saturating_mul(AGEING));
        let mut state = self.lock();
        state.arrivals += 1;
        let (place, waiter) = (Place { rank, arrival: state.arrivals }, Arc::<Waiter>::default());
        state.waiting.entry(operation).or_default().insert(place, Arc::clone(&waiter));
        Waiting { lane: Arc::clone(self), operation, place, waiter }
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Every change under this lock is whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Gives tickets to those that may go now, and says when the next may.
    fn let_through(&mut self, now: Duration) -> Option<Duration> {
        let next = loop {
            let mut heads: Vec<(Place, &'static str)> = self
                .waiting
                .iter()
                .filter_map(|(operation, own)| Some((*own.first_key_value()?.0, *operation)))
                .collect();
            heads.sort_unstable();
            let operations: Vec<&'static str> = heads.into_iter().map(|(_, operation)| operation).collect();
            match self.allowance.next(&operations, now) {
                Next::Send(ticket) => {
                    let first = self.waiting.get_mut(ticket.operation).and_then(BTreeMap::pop_first);
                    let Some((_, waiter)) = first else {
                        self.allowance.give_back(ticket);
                        continue;
                    };
                    *waiter.ticket() = Some(ticket);
                    waiter.told.notify_one();
                }
                Next::At(at) => break Some(at),
                Next::Later => break None,
            }
        };
        let first = self.waiting.values().filter_map(BTreeMap::first_key_value).min_by_key(|(place, _)| **place);
        let keeper = first.map(|(place, _)| *place);
        let is_sooner = match (self.due, next) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(due), Some(next)) => next + CLOCK < due,
        };
        if (self.keeper != keeper || is_sooner)
            && let Some((_, waiter)) = first
        {
            waiter.told.notify_one();
        }
        (self.keeper, self.due) = (keeper, next);
        next
    }
}

/// One that waits, and leaves when it is dropped.
struct Waiting {
    lane: Arc<Lane>,
    operation: &'static str,
    place: Place,
    waiter: Arc<Waiter>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut state = self.lane.lock();
        let left = state.waiting.get_mut(self.operation).is_some_and(|own| own.remove(&self.place).is_some());
        let unused = self.waiter.ticket().take();
        if let Some(ticket) = unused {
            state.allowance.give_back(ticket);
        }
        if left || unused.is_some() {
            state.let_through(self.lane.now());
        }
    }
}

/// The right to send one call, until it is answered. Dropping it says that nobody knows what became of the call.
#[derive(Debug)]
pub(in crate::aws) struct Permit {
    lane: Arc<Lane>,
    /// `None` once it is told what became of the call.
    ticket: Option<Ticket>,
    /// `None` until the call may really be sent.
    slot: Option<OwnedSemaphorePermit>,
}

impl Permit {
    /// AWS has carried the call out, or refused it for another reason than its rate.
    pub(in crate::aws) fn granted(mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.lane.lock().allowance.granted(ticket);
        }
    }

    /// AWS has throttled the call.
    pub(in crate::aws) fn throttled(mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.lane.lock().allowance.throttled(ticket, self.lane.now());
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.lane.lock();
        match self.ticket.take() {
            Some(ticket) if self.slot.is_none() => state.allowance.give_back(ticket),
            Some(_) => state.allowance.unanswered(),
            None => {}
        }
        state.let_through(self.lane.now());
    }
}

#[cfg(test)]
#[path = "lane_tests.rs"]
mod tests;
