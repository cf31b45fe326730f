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

    /// Goes forward to a time that is later: that of a world that has come further.
    pub(crate) fn catch_up(&mut self, time: Timestamp) {
        self.now = self.now.max(time);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a world on disk lives in real time, which only its origin is taken from"
)]
pub(crate) fn wall() -> Timestamp {
    Timestamp::now()
}
