//! Waiting for stacks, and for peerings ([`peerings`]).
//!
//! Not the SDK's waiters: those are spaced at random, and a stack of 90 seconds is noticed after 89 to 165. All who wait for
//! stacks of one account in one region share what is seen there ([`watch`]); when to look is worked out from when each
//! operation is expected to end ([`forecast`]).

mod by_operation;
mod feed;
mod forecast;
mod pace;
mod peerings;
mod reader;
mod stacks;
#[cfg(test)]
mod tests;
mod watch;

use std::pin::{Pin, pin};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use self::reader::Reader;
use self::stacks::Sighting;
use self::watch::Due;
use super::call::{CallError, Class};
use super::cloudformation::Stack;
use super::events::StackEvent;
use super::regional::Regional;
use super::status::{Phase, StackStatus};

pub use feed::Feed;
pub use forecast::Forecast;
pub(super) use peerings::Peerings;
pub use peerings::WatchedPeering;
pub(super) use stacks::Stacks;

/// One step on the way of a node, for whoever watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// What it happened to: a resource, a peering, a route.
    pub what: &'a str,
    /// What has become of it.
    pub status: &'a str,
    /// Why, if AWS says so.
    pub reason: Option<&'a str>,
    /// The event that told it, if a stack's event did.
    pub event: Option<&'a StackEvent>,
}

/// Takes the steps of a node as they happen.
pub type Progress<'a> = &'a (dyn Fn(Step<'_>) + Send + Sync);

/// An operation on a stack whose end is waited for.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The stack's ARN.
    pub stack: String,
    /// The `OperationId` that its call was answered with, if it was.
    pub id: Option<String>,
    /// The token that the operation was begun with; `None` for one that somebody else began.
    pub token: Option<String>,
    /// Status and time of the last update before the operation, where the stack was there before.
    pub before: Option<(StackStatus, Option<i64>)>,
    /// How long it is expected to take from now on; `None` if it is not even sure that it was begun.
    pub forecast: Option<Forecast>,
    /// Whether it deletes the stack.
    pub deletes: bool,
}

/// How long a stack may still show its old status after an operation was begun.
const LAG: Duration = Duration::from_secs(20);

/// How soon to look again for an operation that is not to be seen yet.
const UNSEEN: Duration = Duration::from_secs(1);

/// CloudFormation ends every operation by itself, and well before this.
const AT_MOST: Duration = Duration::from_hours(24);

/// How long it is waited for what only tells when to look.
const HINT: Duration = Duration::from_secs(5);

/// How often the events of an operation that is under way are read: they are only told, and cost a call.
const EVENTS: Duration = Duration::from_secs(15);

/// How long the end of an operation is kept waiting for events that are being read for whoever follows them.
const FOLLOWED: Duration = Duration::from_secs(2);

/// What is expected of an operation of which nothing is known.
const UNKNOWN: Forecast = Forecast::UNKNOWN;

/// Whether the live stack shows that the operation has begun, rather than what was before it.
fn has_begun(operation: &Operation, stack: &Stack, events: &[StackEvent], age: Duration) -> bool {
    let Some((status, updated)) = &operation.before else { return true };
    let token = operation.token.as_deref();
    stack.status != *status
        || stack.updated != *updated
        || (token.is_some() && events.iter().any(|event| event.token.as_deref() == token))
        || age >= LAG
}

/// When to look at one operation.
#[derive(Debug)]
struct Schedule {
    forecast: Forecast,
    /// The age of the operation from which the forecast counts.
    from: Duration,
    status: Option<StackStatus>,
    is_near: bool,
}

impl Schedule {
    /// The age at which to look next.
    fn next(&self, age: Duration) -> Duration {
        if self.is_near && self.forecast.is_guessed() {
            return age + (age / 10).clamp(Duration::from_secs(1), Duration::from_secs(5));
        }
        self.from + self.forecast.next(age.saturating_sub(self.from))
    }

    /// Whether it takes long.
    fn is_long(&self, age: Duration) -> bool {
        age >= forecast::LONG || self.forecast.end() >= forecast::LONG
    }

    /// Takes note of the status that the stack has while the operation is under way. What goes back takes another time than
    /// was expected: about as long as it took to get there, if that was short.
    fn moves(&mut self, status: &StackStatus, age: Duration) {
        let goes_back = |status: &StackStatus| status.as_str().contains("ROLLBACK");
        if goes_back(status) && !self.status.as_ref().is_some_and(goes_back) {
            (self.forecast, self.from) = (UNKNOWN, age);
        }
        self.status = Some(status.clone());
    }
}

/// Whether the last that events tell of their stack is that it is gone.
fn is_deleted(events: &[StackEvent]) -> bool {
    events.iter().rev().find(|event| event.is_stack()).is_some_and(|last| last.status == "DELETE_COMPLETE")
}

/// Whether the last that events tell of their stack is that something is under way. Nothing is while it is only reviewed.
fn is_open(events: &[StackEvent]) -> bool {
    let last = events.iter().rev().find(|event| event.is_stack());
    last.is_some_and(|last| last.status.ends_with("_IN_PROGRESS") && last.status != "REVIEW_IN_PROGRESS")
}

/// Whether events tell how the operation on their stack has ended.
fn is_over(events: &[StackEvent]) -> bool {
    events.iter().any(StackEvent::is_stack) && !is_open(events)
}

/// Whether what is seen of a stack that was to be created is that this is taken back, which is an operation of its own.
fn is_taken_back(operation: &Operation, sighting: &Sighting) -> bool {
    let status = match sighting {
        Sighting::Moves(status) => Some(status),
        Sighting::Rests(stack) => stack.as_deref().map(|stack| &stack.status),
        Sighting::Missing | Sighting::Stuck => return false,
    };
    let goes_back = |status: &StackStatus| {
        let status = status.as_str();
        status.contains("ROLLBACK") || status.starts_with("DELETE_")
    };
    operation.before.is_none() && status.is_none_or(goes_back)
}

/// Whether a stack that was to be created is complete, and was so within half a second of when that was expected by what is
/// known of it: `moving` is the age at which it was last seen under way.
fn is_as_expected(
    operation: &Operation,
    forecast: Option<Forecast>,
    stack: &Stack,
    moving: Option<Duration>,
    age: Duration,
) -> bool {
    let creates = operation.before.is_none() && operation.token.is_some() && stack.status.as_str() == "CREATE_COMPLETE";
    creates && forecast.zip(moving).is_some_and(|(forecast, moving)| forecast.is_met_between(moving, age))
}

/// Whether a stack is gone, which no later operation changes.
fn is_gone(stack: Option<&Stack>) -> bool {
    stack.is_some_and(|stack| stack.status.phase() == Phase::Deleted)
}

impl Regional {
    /// Waits for the end of an operation and gives the stack as it is then; `None` when it is gone. The events of the
    /// operation are reported as they come to be known, and given back, oldest first; what failed first inside of a nested
    /// stack is then told in the place of that. There are none of a creation that was over before any were due, well and
    /// just when that was expected: they would tell what is known.
    ///
    /// # Errors
    ///
    /// A call was refused or did not come through, or the operation does not end.
    pub async fn settled(
        &self,
        operation: &Operation,
        progress: Progress<'_>,
    ) -> Result<(Option<Stack>, Vec<StackEvent>), CallError> {
        self.settled_feeding(operation, progress, &Feed::default()).await
    }

    /// The same, for somebody beside who follows the events.
    ///
    /// # Errors
    ///
    /// As for [`Regional::settled`].
    pub async fn settled_feeding(
        &self,
        operation: &Operation,
        progress: Progress<'_>,
        feed: &Feed,
    ) -> Result<(Option<Stack>, Vec<StackEvent>), CallError> {
        let watching = self.stacks().watch.enter(&operation.stack);
        let began = Instant::now();
        let mut reader = Reader::default();
        let mut events: Vec<StackEvent> = Vec::new();
        let forecast = self.sharpened(operation).await;
        let (from, is_near) = (Duration::ZERO, self.stacks().is_near);
        let mut schedule = Schedule { forecast: forecast.unwrap_or(UNKNOWN), from, status: None, is_near };
        let mut next = if forecast.is_some() { schedule.next(Duration::ZERO) } else { Duration::ZERO };
        let mut lag: Option<Duration> = None;
        let mut moving: Option<Duration> = None;
        loop {
            let leaves = (operation.deletes && forecast.is_some())
                || schedule.status.as_ref().is_some_and(|status| status.as_str() == "DELETE_IN_PROGRESS");
            let due = Due { at: began + next, is_long: schedule.is_long(next), leaves };
            // CloudFormation counts all ways to look together.
            let admit = || Box::pin(self.look("DescribeStacks"));
            let ask = |brief: Self, question| Box::pin(brief.look_at_stacks(question));
            let mut seen = pin!(watching.sighting(due, admit, ask));
            let sighting = loop {
                tokio::select! {
                    biased;
                    seen = &mut seen => break seen?,
                    () = feed.wanted(began) => {}
                }
                let (fresh, sighting) = with(self.follow(operation, &mut reader), seen.as_mut()).await;
                take(fresh, &mut events, feed, progress);
                if let Some(sighting) = sighting {
                    break sighting?;
                }
            };
            let sighting = match sighting {
                Sighting::Stuck => Sighting::of(self.stack(&operation.stack).await?),
                seen => seen,
            };
            let age = began.elapsed();
            // Of what was begun by others all is told that has happened so far.
            let is_due = match sighting {
                Sighting::Moves(_) => {
                    feed.last_read().unwrap_or(began).elapsed() >= EVENTS
                        || (forecast.is_none() && schedule.status.is_none())
                }
                // Its events would tell nothing that was not expected.
                Sighting::Rests(Some(ref stack)) if feed.last_read().is_none() => {
                    !is_as_expected(operation, forecast, stack, moving, age)
                }
                Sighting::Rests(_) | Sighting::Missing | Sighting::Stuck => true,
            };
            // Why it is taken back is told by the stack alone, and whoever took outputs of it early waits to hear so.
            let goes_back = is_taken_back(operation, &sighting);
            let has_turned = goes_back && reader.widen(operation);
            if is_due || has_turned {
                let rests = !matches!(sighting, Sighting::Moves(_));
                if rests && self.stacks().by_operation.lacks_ends() {
                    reader.widen_wholly(operation);
                }
                let fresh = reader.read(self, operation).await?;
                take(fresh, &mut events, feed, progress);
                // Its own events do not tell the end of what was taken back, or not yet, or no end at all.
                if rests && !is_over(&events) && reader.widen_wholly(operation) {
                    let fresh = reader.read(self, operation).await?;
                    take(fresh, &mut events, feed, progress);
                    if !goes_back && is_over(&events) {
                        self.stacks().by_operation.note_lack_of_ends();
                    }
                }
            }
            match sighting {
                Sighting::Moves(status) => {
                    schedule.moves(&status, age);
                    (lag, moving) = (None, Some(age));
                    if age > AT_MOST {
                        return Err(self.endless(&status));
                    }
                    next = schedule.next(age);
                }
                // A listing whose pages change meanwhile may pass over what is there: the stack's own events decide.
                Sighting::Missing | Sighting::Stuck if !is_deleted(&events) => {
                    self.stacks().misses(&operation.stack);
                    next = age + UNSEEN;
                }
                Sighting::Missing | Sighting::Stuck => {
                    self.rests(&operation.stack);
                    return Ok((None, events));
                }
                // What is seen is from before the operation, or its events lag behind.
                Sighting::Rests(ref stack)
                    if is_open(&events) && !is_gone(stack.as_deref()) && age < *lag.get_or_insert(age) + LAG =>
                {
                    next = age + UNSEEN;
                }
                Sighting::Rests(Some(stack)) if !has_begun(operation, &stack, &events, age) => next = age + UNSEEN,
                Sighting::Rests(stack) => {
                    self.rests(&operation.stack);
                    self.trace(&mut events).await;
                    return Ok((
                        stack.map(|stack| *stack).filter(|stack| stack.status.phase() != Phase::Deleted),
                        events,
                    ));
                }
            }
        }
    }

    /// Reads events for whoever follows them. Nobody fails by this: whoever waits for the end of the operation tells of an
    /// error that does not pass.
    async fn follow(&self, operation: &Operation, reader: &mut Reader) -> Vec<StackEvent> {
        self.stacks().events_turn().await;
        reader.read(self, operation).await.unwrap_or_else(|error| {
            self.passes_over(&error, "the events cannot be read");
            Vec::new()
        })
    }

    /// What is expected of an operation: of one that there is but a guess of, which may take long, what the stack's last
    /// operation took tells more.
    async fn sharpened(&self, operation: &Operation) -> Option<Forecast> {
        let forecast = operation.forecast?;
        if operation.before.is_none() || !forecast.is_guessed() || forecast.end() < forecast::SOON {
            return Some(forecast);
        }
        let last = tokio::time::timeout(HINT, self.last_took(operation)).await.ok().flatten();
        Some(last.map_or(forecast, Forecast::guessed))
    }

    /// How long the operation took that a stack went through before another one, as far as the newest events tell.
    async fn last_took(&self, operation: &Operation) -> Option<Duration> {
        let (page, _) = self.events_page(&operation.stack, None).await.ok()?;
        let earlier = page.iter().filter(|event| event.is_stack() && event.token != operation.token);
        let mut of_stack = earlier.skip_while(|event| event.status.ends_with("_IN_PROGRESS"));
        let end = of_stack.next()?.at?;
        let begin = of_stack.find(|event| event.begins_operation())?;
        // A creation tells nothing of an update.
        let is_alike = begin.status == if operation.deletes { "DELETE_IN_PROGRESS" } else { "UPDATE_IN_PROGRESS" };
        u64::try_from(end - begin.at.filter(|_| is_alike)?).ok().map(Duration::from_millis)
    }

    fn endless(&self, status: &StackStatus) -> CallError {
        CallError {
            operation: "DescribeStacks",
            account: self.account().clone(),
            region: self.region().clone(),
            code: None,
            message: format!("the stack is in {status} for more than a day"),
            request_id: None,
            class: Class::Other,
            is_after_silence: false,
        }
    }
}

/// Reads events while the operation is looked at; both go on at once, since others wait for that look. A look that ends first
/// does not end the reading, or frequent looks would have none come through; but the end is not kept waiting for long.
async fn with<S>(
    follow: impl Future<Output = Vec<StackEvent>>,
    mut seen: Pin<&mut impl Future<Output = S>>,
) -> (Vec<StackEvent>, Option<S>) {
    let mut follow = pin!(follow);
    tokio::select! {
        biased;
        fresh = &mut follow => (fresh, None),
        seen = &mut seen => (timeout(FOLLOWED, follow).await.unwrap_or_default(), Some(seen)),
    }
}

/// Takes events that were just read: they are told, handed on and kept.
fn take(fresh: Vec<StackEvent>, events: &mut Vec<StackEvent>, feed: &Feed, progress: Progress<'_>) {
    feed.tell(&fresh);
    for event in fresh {
        if !repeats_a_failure(&event, events) {
            let reason = event.reason.as_deref();
            progress(Step { what: &event.resource, status: &event.status, reason, event: Some(&event) });
        }
        events.push(event);
    }
}

/// Whether an event is another way to tell of a failure that was told last of its resource: in other words, or with no id.
fn repeats_a_failure(event: &StackEvent, events: &[StackEvent]) -> bool {
    event.status.ends_with("_FAILED")
        && (events.iter().rev())
            .find(|before| before.resource == event.resource && before.stack == event.stack)
            .is_some_and(|before| before.status == event.status)
}

/// How long AWS took over an operation, by the times of its events, oldest first; `None` if these do not tell.
pub fn took(events: &[StackEvent]) -> Option<Duration> {
    let first = events.iter().find(|event| event.begins_operation())?.at?;
    let last = events.iter().rev().find(|event| event.is_stack());
    let last = last.filter(|last| !last.status.ends_with("_IN_PROGRESS"))?.at?;
    u64::try_from(last - first).ok().map(Duration::from_millis)
}
