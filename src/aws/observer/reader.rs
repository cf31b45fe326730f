//! Reading the events of one operation, each of them once.

use std::collections::HashSet;

use super::Operation;
use crate::aws::call::{CallError, Class};
use crate::aws::events::StackEvent;
use crate::aws::regional::Regional;

/// The events of an operation that were read so far.
#[derive(Debug, Default)]
pub(super) struct Reader {
    seen: HashSet<String>,
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
            if foreign && fresh.is_empty() && !self.seen.is_empty() {
                continue;
            }
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
        let mut now = Self { seen: self.seen.clone() };
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
            if !now.take(operation, page, &mut fresh) || next.is_none() {
                break;
            }
        }
        *self = now;
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
    fn events_with_another_token_belong_to_another_operation() {
        let operation = operation();
        let mut reader = Reader::default();
        let mut fresh = Vec::new();
        assert!(!reader.take(&operation, vec![event("1", "UPDATE_COMPLETE", Some("theirs"))], &mut fresh));
        assert!(fresh.is_empty());
        assert!(!reader.take(&operation, vec![event("2", "UPDATE_IN_PROGRESS", Some("ours"))], &mut fresh));
        assert_eq!(ids(&fresh), ["2"]);
        // What somebody else begins right behind it does not hide its end.
        let mut fresh = Vec::new();
        let page = vec![
            event("4", "DELETE_IN_PROGRESS", Some("theirs")),
            event("3", "UPDATE_COMPLETE", Some("ours")),
            event("2", "UPDATE_IN_PROGRESS", Some("ours")),
        ];
        assert!(!reader.take(&operation, page, &mut fresh));
        assert_eq!(ids(&fresh), ["3"]);
    }
}
