//! The events of a stack's last operation.

use super::call::CallError;
use super::events::StackEvent;
use super::regional::Regional;

impl Regional {
    /// The events of the last operation on a stack, oldest first, whoever began it. What failed first inside of a nested
    /// stack is told in the place of that.
    ///
    /// # Errors
    ///
    /// The call was refused or did not come through.
    pub async fn last_operation(&self, stack: &str) -> Result<Vec<StackEvent>, CallError> {
        let mut events = Vec::new();
        let mut next = None;
        loop {
            let (page, more) = self.events_page(stack, next).await?;
            let first = page.iter().position(StackEvent::begins_operation);
            let count = first.map_or(page.len(), |first| first + 1);
            events.extend(page.into_iter().take(count));
            next = more;
            if first.is_some() || next.is_none() {
                events.reverse();
                self.trace(&mut events).await;
                return Ok(events);
            }
        }
    }
}
