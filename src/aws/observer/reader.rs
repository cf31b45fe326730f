//! Reading the events of one operation, each of them once.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use super::Operation;
use crate::aws::call::{CallError, Class};
use crate::aws::events::StackEvent;
use crate::aws::regional::Regional;

/// The events of an operation that were read so far.
///
/// They are asked for by the operation's id, where that is known and the endpoint can, else by the stack. What takes back a
/// failed operation bears another id but the same token, so that after a failure they are asked for by the stack, too.
#[derive(Clone, Debug, Default)]
pub(super) struct Reader {
    seen: HashSet<String>,
    /// What they have told, where two ways tell it, which may not name an event alike.
    told: HashSet<u64>,
    by_stack: bool,
    /// Whether an event of the operation was met in the pages that are being read.
    met: bool,
    /// Whether the pages that are read next go on behind what is known.
    walks_on: bool,
}

impl Reader {
    /// Takes the new events of one page, out of pages that run from the newest to the oldest; false when everything before
    /// them is known or belongs to an earlier operation.
    fn take(&mut self, operation: &Operation, page: Vec<StackEvent>, fresh: &mut Vec<StackEvent>) -> bool {
        for event in page {
            let foreign = match (&operation.token, &event.token) {
                (Some(ours), Some(theirs)) => ours != theirs,
                _ => false,
            };
            // Somebody else has begun another operation since: what is left of ours comes before it.
            if foreign && !self.met && !self.seen.is_empty() {
                continue;
            }
            let is_known = !foreign && !self.seen.insert(event.id.clone());
            if foreign || is_known && !self.walks_on {
                return false;
            }
            self.met = true;
            let first = event.begins_operation();
            if !is_known && self.is_new(operation, &event) {
                fresh.push(event);
            }
            if first {
                return false;
            }
        }
        true
    }

    /// Whether an event tells what none has told before.
    fn is_new(&mut self, operation: &Operation, event: &StackEvent) -> bool {
        let StackEvent { resource, physical_id, status, reason, at, .. } = event;
        let told =
            || BuildHasherDefault::<DefaultHasher>::default().hash_one((resource, physical_id, status, reason, at));
        operation.id.is_none() || at.is_none() || self.told.insert(told())
    }

    /// Has all further events asked for by the stack; whether they were not before.
    pub(super) fn widen(&mut self, operation: &Operation) -> bool {
        operation.id.is_some() && !std::mem::replace(&mut self.by_stack, true)
    }

    /// The same, because the operation's own events do not tell of the stack itself: all that the stack tells of it is read.
    pub(super) fn widen_wholly(&mut self, operation: &Operation) -> bool {
        let is_wider = self.widen(operation);
        self.walks_on |= is_wider;
        is_wider
    }

    /// The operation's events since the last time, oldest first.
    ///
    /// # Errors
    ///
    /// The call was refused or did not come through.
    pub(super) async fn read(
        &mut self,
        regional: &Regional,
        operation: &Operation,
    ) -> Result<Vec<StackEvent>, CallError> {
        // This may be dropped between two pages: what was not given back is not known then.
        let mut now = self.clone();
        let mut fresh = match &operation.id {
            Some(id) if !now.by_stack => now.of_operation(regional, operation, id).await,
            _ => Vec::new(),
        };
        if now.by_stack || operation.id.is_none() {
            fresh.extend(now.of_stack(regional, operation).await?);
        }
        *self = now;
        Ok(fresh)
    }

    /// The new events that the operation tells, oldest first. Where it tells none, or that it has failed, they are to be asked for
    /// by the stack.
    async fn of_operation(&mut self, regional: &Regional, operation: &Operation, id: &str) -> Vec<StackEvent> {
        let mut now = Self { met: false, ..self.clone() };
        let mut fresh = Vec::new();
        let mut next = None;
        loop {
            let Some(mut page) = regional.told_by_operation(&operation.stack, id, next).await else {
                self.by_stack = true;
                return Vec::new();
            };
            // By its id it is sure to be of this operation.
            for event in page.events.iter_mut().filter(|event| event.token.is_none()) {
                event.token.clone_from(&operation.token);
            }
            now.by_stack |= page.has_failed;
            next = page.next;
            if !now.take(operation, page.events, &mut fresh) || next.is_none() {
                break;
            }
        }
        // An id that tells nothing, or not yet, is asked no more.
        now.by_stack |= now.seen.is_empty();
        *self = now;
        fresh.reverse();
        fresh
    }

    /// The new events that the stack tells, oldest first.
    async fn of_stack(&mut self, regional: &Regional, operation: &Operation) -> Result<Vec<StackEvent>, CallError> {
        self.met = false;
        let mut fresh = Vec::new();
        let mut next = None;
        loop {
            let (page, more) = match regional.events_page(&operation.stack, next).await {
                Ok(page) => page,
                // A stack that was deleted meanwhile; the next look at it tells.
                Err(error) if error.class == Class::NotFound => break,
                Err(error) => return Err(error),
            };
            next = more;
            if !self.take(operation, page, &mut fresh) || next.is_none() {
                break;
            }
        }
        self.walks_on = false;
        fresh.reverse();
        Ok(fresh)
    }
}

impl Regional {
    /// The events of an operation so far, oldest first.
    ///
    /// # Errors
    ///
    /// The call was refused or did not come through.
    pub async fn events_of(&self, operation: &Operation) -> Result<Vec<StackEvent>, CallError> {
        Reader::default().read(self, operation).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{event, operation};
    use super::*;

    fn ids(events: &[StackEvent]) -> Vec<&str> {
        events.iter().map(|event| event.id.as_str()).collect()
    }

    #[test]
    fn each_event_of_the_operation_is_taken_once_and_none_of_an_earlier_one() {
        let operation = Operation { token: None, ..operation() };
        let mut reader = Reader::default();
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
    fn what_is_told_both_ways_is_taken_once_however_its_events_are_named() {
        let at = |id: &str, status: &str, at: i64| StackEvent { at: Some(at), ..event(id, status, Some("ours")) };
        let operation = Operation { id: Some("1".to_owned()), ..operation() };
        let mut reader = Reader::default();
        let mut fresh = Vec::new();
        // A failure may be told as progress and as an error.
        let page =
            vec![at("error", "CREATE_FAILED", 3), at("o3", "CREATE_FAILED", 3), at("o1", "CREATE_IN_PROGRESS", 1)];
        assert!(!reader.take(&operation, page, &mut fresh));
        assert_eq!(ids(&fresh), ["error", "o1"]);
        assert!(reader.widen(&operation) && !reader.widen(&operation));
        let page = vec![
            at("s4", "ROLLBACK_IN_PROGRESS", 4),
            at("s3", "CREATE_FAILED", 3),
            at("s1", "CREATE_IN_PROGRESS", 1),
            at("s0", "DELETE_COMPLETE", 0),
        ];
        let mut fresh = Vec::new();
        assert!(!reader.take(&operation, page, &mut fresh));
        assert_eq!(ids(&fresh), ["s4"]);
        assert!(!Reader::default().widen(&Operation { id: None, ..operation }), "there is no other way");
    }

    #[test]
    fn what_came_before_the_operation_is_not_its_own_although_all_of_it_was_told_by_other_names() {
        let at = |id: &str, status: &str, at: i64, token| StackEvent { at: Some(at), ..event(id, status, token) };
        let operation = Operation { id: Some("1".to_owned()), ..operation() };
        let (mut reader, mut fresh) = (Reader::default(), Vec::new());
        reader.take(&operation, vec![at("o3", "UPDATE_FAILED", 3, Some("ours"))], &mut fresh);
        assert!(reader.widen(&operation));
        (reader.met, fresh) = (false, Vec::new());
        let page = vec![
            at("s3", "UPDATE_FAILED", 3, Some("ours")),
            at("s2", "UPDATE_COMPLETE", 2, Some("theirs")),
            at("s1", "DELETE_COMPLETE", 1, None),
        ];
        assert!(!reader.take(&operation, page, &mut fresh), "there is nothing of ours before another's");
        assert_eq!(ids(&fresh), [""; 0]);
    }

    #[test]
    fn events_with_another_token_belong_to_another_operation() {
        let operation = operation();
        let mut reader = Reader::default();
        let mut fresh = Vec::new();
        assert!(!reader.take(&operation, vec![event("1", "UPDATE_COMPLETE", Some("theirs"))], &mut fresh));
        assert!(fresh.is_empty());
        assert!(!reader.take(&operation, vec![event("2", "UPDATE_IN_PROGRESS", Some("ours"))], &mut fresh));
        assert_eq!(ids(&fresh), ["2"]);
        // What somebody else begins right behind it does not hide its end.
        (reader.met, fresh) = (false, Vec::new());
        let page = vec![
            event("4", "DELETE_IN_PROGRESS", Some("theirs")),
            event("3", "UPDATE_COMPLETE", Some("ours")),
            event("2", "UPDATE_IN_PROGRESS", Some("ours")),
        ];
        assert!(!reader.take(&operation, page, &mut fresh));
        assert_eq!(ids(&fresh), ["3"]);
    }
}
