//! Events of an operation for somebody who follows it beside the one who waits for its end.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::aws::events::StackEvent;

/// Has the events of one operation read more often than its end alone asks for. Whoever waits for the end reads them; each is
/// handed on once.
#[derive(Debug, Default)]
pub struct Feed {
    state: Mutex<State>,
    asked: Notify,
    told: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// How long after a look at the events the next one is wanted, if any is.
    every: Option<Duration>,
    read: Option<Instant>,
    events: Vec<StackEvent>,
}

impl Feed {
    // Every change under this lock is whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for events that were not handed on before; they are looked for so long after the last look.
    pub async fn next(&self, every: Duration) -> Vec<StackEvent> {
        self.lock().every = Some(every);
        self.asked.notify_one();
        loop {
            let told = self.told.notified();
            let events = std::mem::take(&mut self.lock().events);
            if !events.is_empty() {
                return events;
            }
            told.await;
        }
    }

    /// Says that no more events are wanted.
    pub fn end(&self) {
        self.lock().every = None;
    }

    /// When the events were last looked at.
    pub(super) fn last_read(&self) -> Option<Instant> {
        self.lock().read
    }

    /// Waits until events are to be read for whoever follows; for ever, if nobody does.
    pub(super) async fn wanted(&self, began: Instant) {
        loop {
            let due = {
                let state = self.lock();
                state.every.map(|every| state.read.unwrap_or(began) + every)
            };
            match due {
                Some(due) if due <= Instant::now() => return,
                Some(due) => tokio::select! {
                    () = tokio::time::sleep_until(due) => {}
                    () = self.asked.notified() => {}
                },
                None => self.asked.notified().await,
            }
        }
    }

    /// Notes a look at the events, and what it showed.
    pub(super) fn tell(&self, events: &[StackEvent]) {
        let mut state = self.lock();
        state.read = Some(Instant::now());
        if state.every.is_some() {
            state.events.extend_from_slice(events);
        }
        drop(state);
        self.told.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::event;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn events_are_wanted_so_long_after_the_last_look_and_only_if_somebody_asks() {
        let feed = Feed::default();
        let began = Instant::now();
        let hour = Duration::from_hours(1);
        assert!(tokio::time::timeout(hour, feed.wanted(began)).await.is_err(), "nobody follows");
        let (seconds, now) = (Duration::from_secs, Instant::now());
        let reads = async {
            feed.wanted(now).await;
            assert_eq!(now.elapsed(), seconds(2));
            feed.tell(&[]);
            feed.wanted(now).await;
            assert_eq!(now.elapsed(), seconds(4), "nothing was to be told, so it goes on");
            feed.tell(&[event("1", "CREATE_IN_PROGRESS", None)]);
        };
        let (events, ()) = tokio::join!(feed.next(seconds(2)), reads);
        assert_eq!(events.len(), 1);
        feed.end();
        assert!(tokio::time::timeout(hour, feed.wanted(now)).await.is_err());
        feed.tell(&[event("2", "CREATE_COMPLETE", None)]);
        assert!(tokio::time::timeout(hour, feed.next(seconds(2))).await.is_err(), "what nobody wanted is not kept");
    }
}
