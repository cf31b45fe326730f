//! Waiting for stacks.
//!
//! Not the SDK's waiters: those are spaced at random, and a stack of 90 seconds is noticed after 89 to 165.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::call::{CallError, Class};
use super::cloudformation::Stack;
use super::events::StackEvent;
use super::regional::Regional;
use super::status::{Phase, StackStatus};

/// One step on the way of a node, for whoever watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// What it happened to: a resource, a peering, a route.
    pub what: &'a str,
    /// What has become of it.
    pub status: &'a str,
    /// Why, if AWS says so.
    pub reason: Option<&'a str>,
}

/// Takes the steps of a node as they happen.
pub type Progress<'a> = &'a (dyn Fn(Step<'_>) + Send + Sync);

/// An operation on a stack whose end is waited for.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The stack's ARN.
    pub stack: String,
    /// The token that the operation was begun with; `None` for one that somebody else began.
    pub token: Option<String>,
    /// Status and time of the last update before the operation, where the stack was there before.
    pub before: Option<(StackStatus, Option<i64>)>,
}

/// How many stacks of one account and region are being watched.
#[derive(Debug, Default)]
pub(super) struct Watchers(AtomicU32);

/// One watched stack, counted for as long as it lives.
struct Watching<'a>(&'a Watchers);

impl Watchers {
    fn enter(&self) -> Watching<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Watching(self)
    }
}

impl Drop for Watching<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The pause before the next look: a tenth of the age, 1 s to 5 s; and with many stacks in one account and region as
/// much longer as keeps the whole at four looks a second, which is about what CloudFormation grants.
fn pause(age: Duration, watchers: u32) -> Duration {
    let by_age = (age / 10).clamp(Duration::from_secs(1), Duration::from_secs(5));
    by_age.max(Duration::from_millis(250) * watchers)
}

/// How long a stack may still show its old status after an operation was begun.
const LAG: Duration = Duration::from_secs(20);

/// CloudFormation ends every operation by itself, and well before this.
const AT_MOST: Duration = Duration::from_hours(24);

/// Whether the live stack shows that the operation has begun, rather than what was before it.
fn has_begun(operation: &Operation, stack: &Stack, events: &[StackEvent], age: Duration) -> bool {
    let Some((status, updated)) = &operation.before else { return true };
    let token = operation.token.as_deref();
    stack.status != *status
        || stack.updated != *updated
        || (token.is_some() && events.iter().any(|event| event.token.as_deref() == token))
        || age >= LAG
}

/// The events of the operation that are new, oldest first, out of pages that run from the newest to the oldest.
#[derive(Debug, Default)]
pub struct Reader {
    seen: HashSet<String>,
}

impl Reader {
    /// The operation's events since the last time, oldest first.
    ///
    /// # Errors
    ///
    /// The call was refused or did not come through.
    pub async fn read(&mut self, regional: &Regional, operation: &Operation) -> Result<Vec<StackEvent>, CallError> {
        regional.new_events(operation, self).await
    }

    /// Takes the new events of one page; false when everything before them is known or belongs to an earlier operation.
    fn take(&mut self, operation: &Operation, page: Vec<StackEvent>, fresh: &mut Vec<StackEvent>) -> bool {
        for event in page {
            let foreign = match (&operation.token, &event.token) {
                (Some(ours), Some(theirs)) => ours != theirs,
                _ => false,
            };
            if foreign || !self.seen.insert(event.id.clone()) {
                return false;
            }
            let first = event.begins_operation();
            fresh.push(event);
            if first {
                return false;
            }
        }
        true
    }
}

impl Regional {
    /// Waits for the end of an operation and gives the stack as it is then; `None` when it is gone. The events of the
    /// operation are reported as they come, and given back, oldest first; what failed first inside of a nested stack is then
    /// told in the place of that.
    ///
    /// # Errors
    ///
    /// A call was refused or did not come through, or the operation does not end.
    pub async fn settled(
        &self,
        operation: &Operation,
        progress: Progress<'_>,
    ) -> Result<(Option<Stack>, Vec<StackEvent>), CallError> {
        let _watching = self.watchers().enter();
        let began = Instant::now();
        let mut reader = Reader { seen: HashSet::new() };
        let mut events: Vec<StackEvent> = Vec::new();
        loop {
            let stack = self.stack(&operation.stack).await?;
            let Some(stack) = stack else {
                self.rests(&operation.stack);
                self.trace(&mut events).await;
                return Ok((None, events));
            };
            for event in self.new_events(operation, &mut reader).await? {
                progress(Step { what: &event.resource, status: &event.status, reason: event.reason.as_deref() });
                events.push(event);
            }
            let age = began.elapsed();
            if stack.status.is_settled() && has_begun(operation, &stack, &events, age) {
                self.rests(&operation.stack);
                self.trace(&mut events).await;
                let gone = stack.status.phase() == Phase::Deleted;
                return Ok((Some(stack).filter(|_| !gone), events));
            }
            if age > AT_MOST {
                return Err(CallError {
                    operation: "DescribeStacks",
                    account: self.account().clone(),
                    region: self.region().clone(),
                    code: None,
                    message: format!("the stack is in {} for more than a day", stack.status),
                    request_id: None,
                    class: Class::Other,
                });
            }
            tokio::time::sleep(pause(age, self.watchers().0.load(Ordering::Relaxed))).await;
        }
    }

    /// The operation's events since the last look, oldest first.
    async fn new_events(&self, operation: &Operation, reader: &mut Reader) -> Result<Vec<StackEvent>, CallError> {
        let mut fresh = Vec::new();
        let mut next = None;
        loop {
            let (page, more) = match self.events_page(&operation.stack, next).await {
                Ok(page) => page,
                // A stack that was deleted meanwhile; the next look at it tells.
                Err(error) if error.class == Class::NotFound => break,
                Err(error) => return Err(error),
            };
            next = more;
            if !reader.take(operation, page, &mut fresh) || next.is_none() {
                break;
            }
        }
        fresh.reverse();
        Ok(fresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_grow_rarer_with_age_and_with_company() {
        for (age, watchers, expected) in
            [(0, 1, 1000), (9, 1, 1000), (30, 1, 3000), (600, 1, 5000), (0, 4, 1000), (0, 20, 5000)]
        {
            assert_eq!(
                pause(Duration::from_secs(age), watchers),
                Duration::from_millis(expected),
                "{age} s, {watchers}"
            );
        }
    }

    fn event(id: &str, status: &str, token: Option<&str>) -> StackEvent {
        StackEvent {
            id: id.to_owned(),
            stack: "arn".to_owned(),
            resource: "dev".to_owned(),
            physical_id: "arn".to_owned(),
            kind: "AWS::CloudFormation::Stack".to_owned(),
            status: status.to_owned(),
            reason: None,
            token: token.map(str::to_owned),
        }
    }

    fn ids(events: &[StackEvent]) -> Vec<&str> {
        events.iter().map(|event| event.id.as_str()).collect()
    }

    #[test]
    fn each_event_of_the_operation_is_taken_once_and_none_of_an_earlier_one() {
        let operation = Operation { stack: "arn".to_owned(), token: None, before: None };
        let mut reader = Reader { seen: HashSet::new() };
        let mut fresh = Vec::new();
        let page = vec![
            event("3", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", None),
            event("2", "UPDATE_IN_PROGRESS", None),
            event("1", "CREATE_COMPLETE", None),
        ];
        assert!(!reader.take(&operation, page, &mut fresh));
        assert_eq!(ids(&fresh), ["3", "2"]);
        let mut fresh = Vec::new();
        let page = vec![event("4", "UPDATE_COMPLETE", None), event("3", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", None)];
        assert!(!reader.take(&operation, page, &mut fresh));
        assert_eq!(ids(&fresh), ["4"]);
    }

    #[test]
    fn events_with_another_token_belong_to_another_operation() {
        let operation = Operation { stack: "arn".to_owned(), token: Some("ours".to_owned()), before: None };
        let mut reader = Reader { seen: HashSet::new() };
        let mut fresh = Vec::new();
        assert!(!reader.take(&operation, vec![event("1", "UPDATE_COMPLETE", Some("theirs"))], &mut fresh));
        assert!(fresh.is_empty());
        assert!(!reader.take(&operation, vec![event("2", "UPDATE_IN_PROGRESS", Some("ours"))], &mut fresh));
        assert_eq!(ids(&fresh), ["2"]);
    }

    #[test]
    fn an_old_status_is_not_taken_for_the_end() {
        let stack = |status: &str, updated| Stack { updated, ..Stack::sample("dev", status) };
        let before = Some((StackStatus::new("UPDATE_COMPLETE"), Some(5)));
        let operation = Operation { stack: "arn".to_owned(), token: Some("ours".to_owned()), before };
        let second = Duration::from_secs(1);
        assert!(!has_begun(&operation, &stack("UPDATE_COMPLETE", Some(5)), &[], second));
        assert!(has_begun(&operation, &stack("UPDATE_COMPLETE", Some(6)), &[], second));
        assert!(has_begun(&operation, &stack("UPDATE_ROLLBACK_COMPLETE", Some(5)), &[], second));
        let ours = [event("1", "UPDATE_IN_PROGRESS", Some("ours"))];
        assert!(has_begun(&operation, &stack("UPDATE_COMPLETE", Some(5)), &ours, second));
        assert!(has_begun(&operation, &stack("UPDATE_COMPLETE", Some(5)), &[], LAG));
        let created = Operation { before: None, ..operation };
        assert!(has_begun(&created, &stack("CREATE_COMPLETE", None), &[], second));
    }
}
