//! Whether events can be asked for by their operation.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::timeout;

use crate::aws::call::{CallError, Class};
use crate::aws::cloudformation::OperationPage;
use crate::aws::regional::Regional;

/// The call that is asked by.
const CALL: &str = "DescribeEvents";

/// How long an answer is waited for, its turn included: who finds out whether there is one holds up all others in the place.
const WAITED: Duration = Duration::from_secs(20);

/// What is known of that in one account and region: not every endpoint has it, and not every role may.
#[derive(Debug, Default)]
pub(super) struct ByOperation {
    known: Mutex<Known>,
    /// Held by whoever finds out.
    first: tokio::sync::Mutex<()>,
    /// Whether the events of an operation have not told its end, though their stack's did.
    lacks_ends: AtomicBool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Known {
    #[default]
    Nothing,
    Answers,
    Refuses,
}

impl Known {
    /// What is known after an answer.
    fn after(self, answer: Result<(), &CallError>) -> Self {
        match answer {
            Ok(()) => Self::Answers,
            // That there are no credentials says nothing of it, and nor does an operation that is not known (yet).
            Err(error)
                if error.operation != CALL
                    || matches!(error.class, Class::NotFound | Class::Throttled | Class::Expired) =>
            {
                self
            }
            Err(error) if self == Self::Answers && matches!(error.class, Class::Transient | Class::Lost) => self,
            // What has never answered is not waited for.
            Err(_) => Self::Refuses,
        }
    }
}

impl ByOperation {
    fn known(&self) -> Known {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, answer: Result<(), &CallError>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let after = known.after(answer);
        if let (Known::Refuses, Err(error)) = (after, answer) {
            tracing::debug!(%error, "events are asked for by their stack from now on");
        }
        *known = after;
    }

    /// Notes that the stack alone tells how an operation has ended.
    pub(super) fn note_lack_of_ends(&self) {
        self.lacks_ends.store(true, Ordering::Relaxed);
    }

    /// Whether the stack is to be asked how an operation has ended.
    pub(super) fn lacks_ends(&self) -> bool {
        self.lacks_ends.load(Ordering::Relaxed)
    }

    /// What has never answered is not waited for again: every one that asks would wait as long, one after the other.
    fn note_silence(&self) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if *known == Known::Nothing {
            *known = Known::Refuses;
        }
    }
}

impl Regional {
    /// One page of what an operation on a stack has told, the newest first; `None` where that is to be asked of the stack. What
    /// stands in the way here is nobody's failure. The first who asks finds out for all.
    pub(super) async fn told_by_operation(
        &self,
        stack: &str,
        operation: &str,
        next: Option<String>,
    ) -> Option<OperationPage> {
        let place = &self.stacks().by_operation;
        let first = match place.known() {
            Known::Nothing => Some(place.first.lock().await),
            _ => None,
        };
        // It may have been found out meanwhile.
        let _first = match place.known() {
            Known::Nothing => first,
            Known::Answers => None,
            Known::Refuses => return None,
        };
        // A call that is throttled by itself is repeated without end elsewhere; here the stack tells the same.
        let Ok(answer) = timeout(WAITED, self.operation_page(stack, operation, next)).await else {
            tracing::debug!("{CALL} takes too long; these events are asked for by their stack");
            place.note_silence();
            return None;
        };
        place.note(answer.as_ref().map(|_| ()));
        answer.inspect_err(|error| self.passes_over(error, "these events are asked for by their stack")).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_refused_is_not_asked_for_again_and_what_may_pass_only_if_it_never_answered() {
        use Known::{Answers, Nothing, Refuses};
        for (class, first, later) in [
            (Class::Denied, Refuses, Refuses),
            (Class::Other, Refuses, Refuses),
            (Class::Transient, Refuses, Answers),
            (Class::NotFound, Nothing, Answers),
            (Class::Throttled, Nothing, Answers),
            (Class::Expired, Nothing, Answers),
        ] {
            let error = |operation| CallError::sample(operation, class);
            assert_eq!(Nothing.after(Err(&error(CALL))), first, "{class:?}");
            assert_eq!(Answers.after(Err(&error(CALL))), later, "{class:?}");
            assert_eq!(Nothing.after(Err(&error("AssumeRole"))), Nothing, "{class:?}");
        }
        assert_eq!(Nothing.after(Ok(())), Answers);
    }

    #[test]
    fn what_has_never_answered_is_not_waited_for_twice() {
        for (known, after) in [(Known::Nothing, Known::Refuses), (Known::Answers, Known::Answers)] {
            let place = ByOperation { known: Mutex::new(known), ..ByOperation::default() };
            place.note_silence();
            assert_eq!(place.known(), after);
        }
    }
}
