//! What failed first where that was in a nested stack: only the nested stack's own events know it.

use super::call::CallError;
use super::events::{StackEvent, first_failure};
use super::regional::Regional;

/// The type of a nested stack.
const NESTED: &str = "AWS::CloudFormation::Stack";

/// How deep nested stacks are looked into.
const DEEPEST: usize = 10;

/// Whether the operation that events tell of, oldest first, ended badly.
fn ended_badly(events: &[StackEvent]) -> bool {
    let last = events.iter().rev().find(|event| event.is_stack());
    last.is_some_and(|last| last.status.ends_with("_FAILED") || last.status.contains("ROLLBACK"))
}

impl Regional {
    /// Puts what failed first inside of a nested stack in the place of the event that only says that something did: the
    /// resource is then named with the nested stacks before it (`Net.Vpc`). What cannot be read stays as it is.
    pub(super) async fn trace(&self, events: &mut [StackEvent]) {
        if !ended_badly(events) {
            return;
        }
        let Some(first) = first_failure(events).filter(|first| first.is_nested()).cloned() else { return };
        let Some(event) = events.iter_mut().find(|event| event.id == first.id) else { return };
        let mut cause = first;
        for _ in 0..DEEPEST {
            if !cause.is_nested() {
                break;
            }
            let below = match self.failed_operation(&cause.physical_id).await {
                Ok(below) => below,
                Err(error) => {
                    self.passes_over(&error, "the events of a nested stack cannot be read");
                    break;
                }
            };
            let Some(found) = first_failure(&below) else { break };
            let resource = if found.is_stack() {
                cause.resource.clone()
            } else {
                format!("{}.{}", cause.resource, found.resource)
            };
            cause = StackEvent { resource, ..found.clone() };
        }
        (event.resource, event.kind, event.reason) = (cause.resource, cause.kind, cause.reason);
    }

    /// The events of the last operation on a stack in which something failed, oldest first; of a stack that was deleted
    /// after its creation had failed, this is the creation.
    async fn failed_operation(&self, stack: &str) -> Result<Vec<StackEvent>, CallError> {
        let mut events = Vec::new();
        let mut next = None;
        loop {
            let (page, more) = self.events_page(stack, next).await?;
            for event in page {
                let begins = event.begins_operation();
                events.push(event);
                if begins {
                    events.reverse();
                    if first_failure(&events).is_some() {
                        return Ok(events);
                    }
                    events.clear();
                }
            }
            next = more;
            if next.is_none() {
                return Ok(events);
            }
        }
    }
}

impl StackEvent {
    /// Whether it is about a stack that is nested in the one whose event it is.
    fn is_nested(&self) -> bool {
        self.kind == NESTED && !self.is_stack() && self.physical_id.starts_with("arn:")
    }
}
