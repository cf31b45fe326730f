//! Where the calls of one class wait, by one account to one region, and who goes first.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::allowance::{Allowance, Next, Ticket};
use super::class::Class;
use super::{Slot, Slots};

/// How many times as much the length of the way that is left counts as the time that was waited already. So the longest
/// goes first, and whoever has waited ten times what another's way is longer goes before that one: nobody waits for ever.
const AGEING: i64 = 10;

/// How often it is told at the most that AWS throttles the calls of a lane.
const TOLD_EVERY: Duration = Duration::from_mins(5);

/// As exact as the clock is.
const CLOCK: Duration = Duration::from_millis(1);

/// Calls that wait, and what is known of their rate.
#[derive(Debug)]
pub(in crate::aws) struct Lane {
    began: Instant,
    class: Class,
    state: Mutex<State>,
    slots: Slots,
    /// Held by the one patient call that has met no slot and looks for a slot and a ticket.
    turn: tokio::sync::Mutex<()>,
}

/// How a call stands among those that wait.
#[derive(Clone, Copy, Debug)]
pub(in crate::aws) struct Standing {
    /// How long the longest way from it still takes, in milliseconds.
    pub(in crate::aws) urgency: u64,
    /// When it was to be sent at first.
    pub(in crate::aws) since: Instant,
    /// Whether it is a look that is repeated for as long as something is watched. Two of those are never sent in a row while
    /// another call could be: they would leave it nothing where AWS grants less than they ask for.
    pub(in crate::aws) is_look: bool,
}

/// Calls that wait together: of one operation, looks apart.
type Kin = (&'static str, bool);

#[derive(Debug)]
struct State {
    allowance: Allowance,
    waiting: HashMap<Kin, BTreeMap<Place, Arc<Waiter>>>,
    /// Whether the last call that was let through is a look.
    has_looked: bool,
    arrivals: u64,
    /// Who looks at the clock for all: the first of those that wait.
    keeper: Option<Place>,
    /// When that one looks next; `None` if it waits to be told.
    due: Option<Duration>,
    /// When it was told last that AWS throttles.
    told: Option<Duration>,
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
    pub(super) fn new(class: Class, slots: Slots) -> Self {
        let (allowance, waiting) = (Allowance::new(class, Duration::ZERO), HashMap::new());
        let state = State { allowance, waiting, has_looked: false, arrivals: 0, keeper: None, due: None, told: None };
        Self { began: Instant::now(), class, state: Mutex::new(state), slots, turn: tokio::sync::Mutex::default() }
    }

    /// The class of its calls.
    pub(in crate::aws) fn class(&self) -> Class {
        self.class
    }

    /// Waits until a call of an operation may be sent.
    ///
    /// Dropping the future gives the place up.
    pub(in crate::aws) async fn pass(self: &Arc<Self>, operation: &'static str, standing: Standing) -> Permit {
        let mut permit = self.permit(self.ticket(operation, standing).await);
        if !self.class.is_patient(standing.is_look) {
            permit.slot = Some(self.slots.take().await);
            return permit;
        }
        permit.slot = self.slots.try_take_patiently();
        if permit.slot.is_some() {
            return permit;
        }
        // Whoever waits behind a whole fleet holds up no look of its own account meanwhile.
        drop(permit);
        // Of those that have met no slot, one looks for both at a time: one with a ticket and no slot and one with a slot and no
        // ticket would hand on to the next what the other needs, round and round, and no call would ever be made.
        let _turn = self.turn.lock().await;
        loop {
            let slot = self.slots.take_patiently().await;
            let ticket = tokio::select! {
                biased;
                ticket = self.ticket(operation, standing) => Some(ticket),
                () = std::future::ready(()) => None,
            };
            if let Some(ticket) = ticket {
                let mut permit = self.permit(ticket);
                permit.slot = Some(slot);
                return permit;
            }
            // Nor is a slot kept from other accounts while the rate of this one is waited for.
            drop(slot);
            let mut permit = self.permit(self.ticket(operation, standing).await);
            permit.slot = self.slots.try_take_patiently();
            if permit.slot.is_some() {
                return permit;
            }
        }
    }

    /// What is sent by a ticket, once it has a slot.
    fn permit(self: &Arc<Self>, ticket: Ticket) -> Permit {
        Permit { lane: Arc::clone(self), ticket: Some(ticket), slot: None, is_sent: false }
    }

    /// Whether it is to be told now that AWS throttles, which it is now and then.
    pub(in crate::aws) fn tells_of_throttles(&self) -> bool {
        let (now, mut state) = (self.now(), self.lock());
        let is_due = state.told.is_none_or(|told| now >= told + TOLD_EVERY) && state.allowance.was_throttled();
        if is_due {
            state.told = Some(now);
        }
        is_due
    }

    async fn ticket(self: &Arc<Self>, operation: &'static str, standing: Standing) -> Ticket {
        let waiting = self.enter(operation, standing);
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

    fn enter(self: &Arc<Self>, operation: &'static str, standing: Standing) -> Waiting {
        let Standing { urgency, since, is_look } = standing;
        let age = i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX);
        let now = i64::try_from(self.now().as_millis()).unwrap_or(i64::MAX);
        let urgency = i64::try_from(urgency).unwrap_or(i64::MAX);
        let rank = now.saturating_sub(age).saturating_sub(urgency.saturating_mul(AGEING));
        let mut state = self.lock();
        state.arrivals += 1;
        let (place, waiter) = (Place { rank, arrival: state.arrivals }, Arc::<Waiter>::default());
        let kin = (operation, is_look);
        state.waiting.entry(kin).or_default().insert(place, Arc::clone(&waiter));
        Waiting { lane: Arc::clone(self), kin, place, waiter }
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
            let mut heads: Vec<(bool, Place, Kin)> = self
                .waiting
                .iter()
                .filter_map(|(kin, own)| Some((kin.1 && self.has_looked, *own.first_key_value()?.0, *kin)))
                .collect();
            heads.sort_unstable();
            let mut operations: Vec<(&'static str, usize)> = Vec::new();
            for (_, _, kin) in &heads {
                let count = self.waiting.get(kin).map_or(0, BTreeMap::len);
                match operations.iter_mut().find(|(operation, _)| *operation == kin.0) {
                    Some((_, counted)) => *counted += count,
                    None => operations.push((kin.0, count)),
                }
            }
            match self.allowance.next(&operations, now) {
                Next::Send(ticket) => {
                    let kin = heads.into_iter().map(|(_, _, kin)| kin).find(|kin| kin.0 == ticket.operation);
                    let first = kin.and_then(|kin| self.waiting.get_mut(&kin)).and_then(BTreeMap::pop_first);
                    let Some((_, waiter)) = first else {
                        self.allowance.give_back(ticket);
                        continue;
                    };
                    self.has_looked = kin.is_some_and(|(_, is_look)| is_look);
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
    kin: Kin,
    place: Place,
    waiter: Arc<Waiter>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut state = self.lane.lock();
        let left = state.waiting.get_mut(&self.kin).is_some_and(|own| own.remove(&self.place).is_some());
        let unused = self.waiter.ticket().take();
        if let Some(ticket) = unused {
            state.allowance.give_back(ticket);
        }
        if left || unused.is_some() {
            state.let_through(self.lane.now());
        }
    }
}

/// The right to send one call, until it is answered. Dropped before the call is begun, it goes back; after that, dropping it
/// says that nobody knows what became of the call.
#[derive(Debug)]
pub(in crate::aws) struct Permit {
    lane: Arc<Lane>,
    /// `None` once it is told what became of the call.
    ticket: Option<Ticket>,
    /// `None` until the call may really be sent.
    slot: Option<Slot>,
    is_sent: bool,
}

impl Permit {
    /// Whether it is for calls of this lane.
    pub(in crate::aws) fn is_of(&self, lane: &Arc<Lane>) -> bool {
        Arc::ptr_eq(&self.lane, lane)
    }

    /// The call is sent now.
    pub(in crate::aws) fn begin(&mut self) {
        self.is_sent = true;
        // What it waited for a slot says nothing of how long AWS takes.
        if let Some(ticket) = &mut self.ticket {
            ticket.at = self.lane.now();
        }
    }

    /// AWS has carried the call out, or refused it for another reason than its rate.
    pub(in crate::aws) fn granted(mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.lane.lock().allowance.granted(ticket, self.lane.now());
        }
    }

    /// AWS has answered that it is out of order, which tells nothing of its rate.
    pub(in crate::aws) fn failed(mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.lane.lock().allowance.failed(ticket);
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
            Some(ticket) if !self.is_sent => state.allowance.give_back(ticket),
            Some(ticket) => state.allowance.unanswered(ticket),
            None => {}
        }
        state.let_through(self.lane.now());
    }
}

#[cfg(test)]
#[path = "lane_tests.rs"]
mod tests;
