//! How many calls of one class AWS takes of an account in a region, as a pure state machine.
//!
//! Three things hold a call back. EC2 counts each operation by itself, as it documents; CloudFormation, and an EC2 that turns
//! out to, counts all calls of a class together; and only so many calls of a class are under way at once, so that a burst
//! that is larger than AWS's bucket is noticed by the first few.

use std::collections::HashMap;
use std::time::Duration;

use super::class::Class;
use super::learner::{FORGETTING, Learner, Rate};

/// How many calls of a class are under way at once, at first and at most. All of them are throttled when AWS's bucket turns
/// out to be smaller than is believed.
const AT_ONCE: f64 = 3.0;
const MOST_AT_ONCE: f64 = 32.0;

/// By how much that grows with each call that is let through.
const MORE_AT_ONCE: f64 = 0.0625;

/// How many more than are under way may be so while it is the rate that holds calls back.
const TO_SPARE: f64 = 2.0;

/// How many times as many may be under way as a rate needs by how long a call takes: each takes another time.
const AMPLE: f64 = 2.0;

/// How much one call counts in how long they take.
const WEIGHT: f64 = 0.125;

/// For how long one operation's throttle says something of another's.
const TOGETHER: Duration = Duration::from_mins(1);

/// What is known about the calls of one class.
#[derive(Debug)]
pub(super) struct Allowance {
    /// What is documented for each operation by itself.
    each: Option<Rate>,
    operations: HashMap<&'static str, Operation>,
    /// All calls of the class together; `None` while nothing tells that they are counted so.
    all: Option<Learner>,
    /// The operation that was throttled with tokens left, while nothing that was sent since is granted to any other: if
    /// another one is throttled so too, they share a bucket.
    emptied: Option<Emptied>,
    granted: u32,
    /// How many may be under way.
    at_once: f64,
    /// How long a call takes, in seconds.
    takes: f64,
    under_way: u32,
    /// When something was learnt from a throttle last, until that is forgotten.
    throttled: Option<Duration>,
    /// How often something was learnt from a throttle.
    lessons: u32,
}

/// An operation that was throttled with tokens left.
#[derive(Clone, Copy, Debug)]
struct Emptied {
    operation: &'static str,
    /// What was learnt by then: what was sent before tells nothing of it.
    lessons: u32,
    /// Whether a call of another operation is under way since: whether that is throttled as well, one tells as well as many.
    is_tried: bool,
}

impl Emptied {
    /// Whether what becomes of a call tells whether other operations are throttled as well.
    fn is_tried_by(&self, ticket: Ticket) -> bool {
        ticket.operation != self.operation && ticket.lessons >= self.lessons
    }
}

#[derive(Debug)]
struct Operation {
    learner: Learner,
    /// How many of its calls were granted since its last throttle.
    granted: u32,
    /// How many calls of the class were granted before that.
    granted_before: u32,
    /// When one of its calls was throttled last.
    throttled: Option<Duration>,
}

impl Operation {
    /// Whether an operation that is throttled takes its tokens out of the same bucket as others: it was granted less than it
    /// has by itself, and others were granted some.
    fn shares(&self, each: Rate, all_granted: u32, now: Duration) -> bool {
        let by_others = all_granted.wrapping_sub(self.granted_before).wrapping_sub(self.granted);
        by_others > 0 && self.learner.is_short_of(each, now)
    }
}

/// A call that may be sent, until it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) operation: &'static str,
    /// When it was sent.
    pub(super) at: Duration,
    /// What was learnt when it was let through.
    lessons: u32,
    /// Whether it had to wait because of its operation, and because of all.
    waited: (bool, bool),
}

/// What is to be done with calls that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// One of this operation may be sent.
    Send(Ticket),
    /// To be asked again then.
    At(Duration),
    /// To be asked again when a call was answered, or another one comes.
    Later,
}

impl Allowance {
    /// What is believed of a class at first.
    pub(super) fn new(class: Class, now: Duration) -> Self {
        let all = class.together().map(|rate| Learner::new(rate, now));
        let (each, operations) = (class.each(), HashMap::new());
        Self {
            each,
            operations,
            all,
            emptied: None,
            granted: 0,
            at_once: AT_ONCE,
            takes: 0.0,
            under_way: 0,
            throttled: None,
            lessons: 0,
        }
    }

    /// That of a class of which it is learnt that AWS grants one call a second, and that the last one was throttled.
    #[cfg(test)]
    pub(super) fn slow(class: Class) -> Self {
        let all = Some(Learner::emptied(Rate { burst: 1.0, per_second: 1.0 }, Duration::ZERO));
        Self { all, ..Self::new(class, Duration::ZERO) }
    }

    /// Whether AWS has throttled a call, as far as that is not forgotten.
    pub(super) fn was_throttled(&self) -> bool {
        self.throttled.is_some()
    }

    /// What is next, of operations that have so many calls waiting, those first that are to go first.
    pub(super) fn next(&mut self, waiting: &[(&'static str, usize)], now: Duration) -> Next {
        self.forget(now);
        if waiting.is_empty() || self.room(waiting, now) <= f64::from(self.under_way) {
            return Next::Later;
        }
        if let Some(all) = &mut self.all {
            let wait = all.wait(now);
            if !wait.is_zero() {
                all.run_dry(now);
                return Next::At(now + wait);
            }
        }
        let mut soonest: Option<Duration> = None;
        for (operation, _) in waiting {
            if self.emptied.is_some_and(|emptied| emptied.is_tried && emptied.operation != *operation) {
                continue;
            }
            let wait = match self.operation(operation, now) {
                Some(own) => own.learner.wait(now),
                None => Duration::ZERO,
            };
            if wait.is_zero() {
                return Next::Send(self.take(operation, now));
            }
            self.run_dry(operation, now);
            soonest = Some(soonest.map_or(wait, |soonest| soonest.min(wait)));
        }
        soonest.map_or(Next::Later, |wait| Next::At(now + wait))
    }

    /// How many calls may be under way: once a rate is learnt, as many as it takes to make use of it at least, where a call
    /// takes long.
    fn room(&mut self, waiting: &[(&'static str, usize)], now: Duration) -> f64 {
        let mut per_second: f64 = 0.0;
        if let Some(all) = &mut self.all {
            per_second = all.ask_for(waiting.iter().map(|(_, count)| count).sum(), now);
        }
        let is_counted_together = self.all.is_some();
        for (operation, count) in waiting {
            if let Some(own) = self.operation(operation, now) {
                let of_its_own = own.learner.ask_for(*count, now);
                if !is_counted_together {
                    per_second = per_second.max(of_its_own);
                }
            }
        }
        let needed = if self.throttled.is_some() { (per_second * self.takes * AMPLE).ceil() } else { 0.0 };
        self.at_once.floor().max(needed.min(MOST_AT_ONCE))
    }

    /// AWS has carried the call out, or refused it for another reason than its rate.
    pub(super) fn granted(&mut self, ticket: Ticket, now: Duration) {
        let under_way = f64::from(self.under_way);
        self.answered(ticket, now);
        self.granted = self.granted.wrapping_add(1);
        let is_news = ticket.lessons == self.lessons;
        if self.emptied.is_some_and(|emptied| emptied.is_tried_by(ticket)) {
            self.emptied = None;
        }
        let (by_operation, by_all) = ticket.waited;
        let has_waited = by_operation || by_all;
        if has_waited {
            // It is the rate that holds calls back. Room for more of them would only be filled when the rate is tried too high.
            self.at_once = self.at_once.min(under_way.max(AT_ONCE) + TO_SPARE);
        }
        self.at_once = (self.at_once + MORE_AT_ONCE).min(MOST_AT_ONCE);
        if let Some(own) = self.operations.get_mut(ticket.operation) {
            own.learner.granted(by_operation);
            if is_news {
                own.learner.confirmed(now);
            }
            own.granted = own.granted.wrapping_add(1);
        }
        if let Some(all) = &mut self.all {
            all.granted(by_all);
            if is_news {
                all.confirmed(now);
            }
        }
    }

    /// AWS has throttled the call.
    pub(super) fn throttled(&mut self, ticket: Ticket, now: Duration) {
        self.answered(ticket, now);
        // One lesson is enough of all calls that were under way when it was learnt.
        let is_news = ticket.lessons == self.lessons;
        if is_news {
            self.lessons += 1;
            self.throttled = Some(now);
            self.at_once = (self.at_once / 2.0).max(1.0);
        }
        if let Some(all) = &mut self.all {
            return if is_news { all.throttled(now) } else { all.drain(now) };
        }
        // Whoever else calls one operation leaves the others alone, and so does AWS where it counts each by itself.
        let others = self.operations.iter().filter(|(operation, _)| **operation != ticket.operation);
        let is_another = others.filter_map(|(_, other)| other.throttled).any(|at| now.saturating_sub(at) <= TOGETHER);
        let (Some(each), Some(own)) = (self.each, self.operations.get_mut(ticket.operation)) else { return };
        own.throttled = Some(now);
        let has_tokens_left = own.learner.is_as_at_first();
        let shares = match self.emptied {
            Some(other) if has_tokens_left => other.operation != ticket.operation,
            _ => is_news && is_another && own.shares(each, self.granted, now),
        };
        if shares {
            return self.counts_together(each, now);
        }
        if has_tokens_left {
            let (operation, lessons) = (ticket.operation, self.lessons);
            self.emptied = Some(Emptied { operation, lessons, is_tried: false });
        }
        if is_news {
            own.learner.throttled(now);
            (own.granted, own.granted_before) = (0, self.granted);
        } else {
            own.learner.drain(now);
        }
    }

    fn answered(&mut self, ticket: Ticket, now: Duration) {
        self.is_over(ticket);
        self.takes += (now.saturating_sub(ticket.at).as_secs_f64() - self.takes) * WEIGHT;
    }

    /// AWS has answered that it is out of order: that has taken a token, and tells nothing of the rate.
    pub(super) fn failed(&mut self, ticket: Ticket) {
        self.is_over(ticket);
        if let Some(own) = self.operations.get_mut(ticket.operation) {
            own.learner.has_taken();
        }
        if let Some(all) = &mut self.all {
            all.has_taken();
        }
    }

    /// Nobody knows what became of the call.
    pub(super) fn unanswered(&mut self, ticket: Ticket) {
        self.is_over(ticket);
    }

    fn is_over(&mut self, ticket: Ticket) {
        self.under_way = self.under_way.saturating_sub(1);
        if let Some(emptied) = self.emptied.as_mut().filter(|emptied| emptied.is_tried_by(ticket)) {
            emptied.is_tried = false;
        }
    }

    /// A call that was to be sent is not.
    pub(super) fn give_back(&mut self, ticket: Ticket) {
        self.is_over(ticket);
        if let Some(own) = self.operations.get_mut(ticket.operation) {
            own.learner.give_back();
        }
        if let Some(all) = &mut self.all {
            all.give_back();
        }
    }

    fn take(&mut self, operation: &'static str, now: Duration) -> Ticket {
        let by_operation = self.operation(operation, now).is_some_and(|own| own.learner.take(now));
        let by_all = self.all.as_mut().is_some_and(|all| all.take(now));
        self.under_way += 1;
        if let Some(emptied) = self.emptied.as_mut().filter(|emptied| emptied.operation != operation) {
            emptied.is_tried = true;
        }
        Ticket { operation, at: now, lessons: self.lessons, waited: (by_operation, by_all) }
    }

    /// From here on all calls of the class are counted together; what was learnt of each by itself was not so.
    fn counts_together(&mut self, each: Rate, now: Duration) {
        let first = Rate { burst: (each.burst / 5.0).max(1.0), per_second: each.per_second };
        (self.all, self.emptied) = (Some(Learner::emptied(first, now)), None);
        for own in self.operations.values_mut() {
            (own.learner, own.throttled) = (Learner::new(each, now), None);
        }
    }

    /// That operations share a bucket is forgotten with what was learnt of that, and that few calls may be under way with time.
    fn forget(&mut self, now: Duration) {
        if let Some(at) = self.throttled {
            let share = (now.saturating_sub(at).as_secs_f64() / FORGETTING.as_secs_f64()).min(1.0);
            self.at_once = self.at_once.max(AT_ONCE * share);
            if share >= 1.0 {
                self.throttled = None;
            }
        }
        if self.each.is_some() && self.all.as_mut().is_some_and(|all| all.has_forgotten(now)) {
            (self.all, self.emptied) = (None, None);
        }
    }

    fn operation(&mut self, operation: &'static str, now: Duration) -> Option<&mut Operation> {
        let (each, granted_before) = (self.each?, self.granted);
        let new = || Operation { learner: Learner::new(each, now), granted_before, granted: 0, throttled: None };
        Some(self.operations.entry(operation).or_insert_with(new))
    }

    fn run_dry(&mut self, operation: &'static str, now: Duration) {
        if let Some(own) = self.operations.get_mut(operation) {
            own.learner.run_dry(now);
        }
    }
}

#[cfg(test)]
#[path = "allowance_tests.rs"]
mod tests;
