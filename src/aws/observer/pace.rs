//! How often one account is asked in one region.

use std::time::Duration;

use tokio::time::Instant;

/// The least time between two looks: two a second.
pub(super) const GAP: Duration = Duration::from_millis(500);

/// How many seconds there are for each look at one thing that takes long, on the average.
const EACH: f64 = 3.0;

/// How many looks can be saved up: a minute of them, when all that is watched is about to end.
const SAVED_AT_MOST: f64 = 120.0;

/// A whole look, but for what is lost in reckoning.
const WHOLE: f64 = 1.0 - 1e-6;

/// Says when the next look may be.
#[derive(Debug)]
pub(super) struct Pace {
    last: Option<Instant>,
    /// How many looks at what takes long there may be at once, and since when.
    saved: Option<(f64, Instant)>,
    /// How many things that take long are watched: those that end at different times have their looks each for itself.
    long: u32,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { last: None, saved: None, long: 1 }
    }

    /// Notes that there is something to watch after a while of nothing: from now on looks are saved up.
    pub(super) fn begin(&mut self, now: Instant) {
        self.saved = Some((0.0, now));
    }

    /// Notes how many things that take long are watched from now on.
    pub(super) fn watch(&mut self, now: Instant, long: usize) {
        self.saved = Some((self.saved(now), now));
        self.long = u32::try_from(long).unwrap_or(u32::MAX).max(1);
    }

    fn rate(&self) -> f64 {
        f64::from(self.long) / EACH
    }

    fn saved(&self, now: Instant) -> f64 {
        match self.saved {
            Some((saved, since)) => {
                let gained = now.saturating_duration_since(since).as_secs_f64() * self.rate();
                (saved + gained).min(SAVED_AT_MOST)
            }
            None => 0.0,
        }
    }

    /// When a look may be that is due at a time; `is_long` if it is only for what takes long.
    pub(super) fn next(&self, due: Instant, is_long: bool) -> Instant {
        let at = self.last.map_or(due, |last| due.max(last + GAP));
        if !is_long {
            return at;
        }
        // What is overdue has to be saved up for from now on.
        let at = self.saved.map_or(at, |(_, since)| at.max(since));
        let saved = self.saved(at);
        if saved < WHOLE { at + Duration::from_secs_f64((1.0 - saved) / self.rate()) } else { at }
    }

    /// Whether there is a look to spare for what takes long.
    pub(super) fn spares(&self, now: Instant) -> bool {
        self.saved(now) >= WHOLE
    }

    /// Notes how many calls the last look took that is over now: each counts as a look.
    pub(super) fn took(&mut self, calls: u32, now: Instant) {
        if let Some(last) = self.last.as_mut().filter(|_| calls > 1) {
            *last = now.max(*last + GAP * (calls - 1));
        }
    }

    /// Notes a look.
    pub(super) fn look(&mut self, now: Instant, is_long: bool) {
        let saved = self.saved(now);
        self.saved = Some((if is_long { (saved - 1.0).max(0.0) } else { saved }, now));
        self.last = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn looks_at_what_takes_long_are_saved_up_and_short_ones_are_two_a_second() {
        let start = Instant::now();
        let at = |seconds: f64| start + Duration::from_secs_f64(seconds);
        let mut pace = Pace::new();
        pace.begin(start);
        assert_eq!(pace.next(at(1.0), false), at(1.0));
        assert_eq!(pace.next(at(1.0), true), at(3.0), "there is none to spare before");
        pace.look(at(30.0), false);
        assert_eq!(pace.next(at(30.0), false), at(30.5));
        // Ten were saved up: what is short has taken none of them.
        for look in 0..10 {
            let due = at(30.5 + 0.5 * f64::from(look));
            assert_eq!(pace.next(due, true), due, "{look}");
            pace.look(due, true);
        }
        // Five seconds have brought one and two thirds more.
        assert_eq!(pace.next(at(35.5), true), at(35.5));
        pace.look(at(35.5), true);
        assert_eq!(pace.next(at(36.0), true), at(36.0));
        pace.look(at(36.0), true);
        assert_eq!(pace.next(at(36.5), true), at(39.0));
        assert_eq!(pace.next(at(36.5), false), at(36.5));
        pace.watch(at(39.0), 3);
        assert_eq!(pace.next(at(39.0), true), at(39.0));
        pace.look(at(39.0), true);
        assert_eq!(pace.next(at(39.5), true), at(40.0), "for three there are three times as many");
        pace.watch(at(40.0), 1);
        pace.begin(at(100.0));
        assert_eq!(pace.next(at(100.0), true), at(103.0), "time in which nothing was watched saves nothing up");
    }
}
