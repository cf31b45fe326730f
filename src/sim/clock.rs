//! The embedded AWS's clock.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::world::later;

/// A clock that starts at a given time and follows tokio's, which tests may pause.
///
/// It adds up what passes between two looks. So it goes on where a second runtime's clock starts anew: a test that
/// lets a "process" die and starts another one has a runtime for each.
#[derive(Debug)]
pub(crate) struct Clock {
    now: Timestamp,
    looked: Instant,
}

impl Clock {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { now, looked: Instant::now() }
    }

    /// The time.
    pub(crate) fn now(&mut self) -> Timestamp {
        let instant = Instant::now();
        self.skip(instant.saturating_duration_since(self.looked));
        self.looked = instant;
        self.now
    }

    /// Goes forward without anybody waiting.
    pub(crate) fn skip(&mut self, time: Duration) {
        self.now = later(self.now, time);
    }

    /// Goes forward to a time that is later: that of a world that has come further. What has passed since the last look is a
    /// part of it and does not come on top.
    pub(crate) fn catch_up(&mut self, time: Timestamp) {
        self.now = self.now().max(time);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a world on disk lives in real time, which only its origin is taken from"
)]
pub(crate) fn wall() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_passes_between_two_looks_counts_once_whoever_else_has_counted_it() {
        let began: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let mut clock = Clock::new(began);
        let after = |seconds| later(began, Duration::from_secs(seconds));
        tokio::time::sleep(Duration::from_secs(10)).await;
        clock.catch_up(after(10));
        assert_eq!(clock.now(), after(10));
        tokio::time::sleep(Duration::from_secs(10)).await;
        clock.catch_up(after(5));
        assert_eq!(clock.now(), after(20), "a world that is behind holds nothing up");
        clock.catch_up(after(100));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(clock.now(), after(101));
    }
}
