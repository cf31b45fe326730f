//! Whether somebody else takes from the same bucket, which makes what is granted say little of what would be.
//!
//! What a bucket grants is its rate if nobody else calls. Beside another client it is a share of what both ask for: whoever
//! asks only for what he was granted is granted less and less of it, without an end. The two are told apart by what comes of
//! a rate that was learnt: a bucket of one's own grants nearly all of it, one that is shared refuses as many calls as before.

use std::time::Duration;

/// How much one call counts in the share that is refused: it is about that of the last dozen.
const WEIGHT: f64 = 1.0 / 12.0;

/// How much of what was learnt may be refused where nobody else calls. Learning a rate and trying whether there is more by now
/// costs one call in ten; beside a client that wants all there is half of them are refused, and more.
const MOST_REFUSED: f64 = 0.4;

/// Where the share begins anew after a time beside others: one refusal more says that they are there still.
const ALMOST: f64 = 0.95;

/// For how long it is believed that there are others.
const BELIEVED_FOR: Duration = Duration::from_mins(1);

/// How many of the calls in that time are granted at least if it is others who take the rest. Where it is fewer, there are
/// none as far as can be told: AWS just does not grant more, however often it is asked. Beside one that asks for more than nine
/// times as much as is granted, each is tried as often in one minute of two or three only.
const LEAST_GRANTED: f64 = 0.1;

/// How often each call that waits is tried beside others: as one does who backs off by himself.
const EACH_TRIED_EVERY: f64 = 10.0;

/// How many calls are tried in a second at least, however few wait.
const LEAST_TRIED: f64 = 0.25;

/// What is known of others at a bucket. Times are counted from any one beginning.
#[derive(Clone, Debug, Default)]
pub(super) struct Contention {
    /// Which share of what was learnt is refused.
    refused: f64,
    /// When it was told that there are others; `None` if there are not.
    since: Option<Duration>,
    /// How many calls were granted since, and how many there were.
    granted: f64,
    sent: f64,
}

impl Contention {
    /// A call that was sent at a learnt rate is granted, or refused.
    pub(super) fn note(&mut self, is_granted: bool, now: Duration) {
        if self.since.is_some() {
            self.sent += 1.0;
            self.granted += f64::from(u8::from(is_granted));
            return;
        }
        let refused = f64::from(u8::from(!is_granted));
        self.refused += (refused - self.refused) * WEIGHT;
        if !is_granted && self.refused > MOST_REFUSED {
            (self.since, self.granted, self.sent) = (Some(now), 0.0, 0.0);
        }
    }

    /// How many calls are to be tried in a second, whatever was learnt, while so many wait: 0 where nobody else calls, and never
    /// more than was believed at first.
    pub(super) fn floor(&mut self, waiting: usize, first: f64, now: Duration) -> f64 {
        let Some(since) = self.since else { return 0.0 };
        if now.saturating_sub(since) >= BELIEVED_FOR {
            let are_there = self.sent > 0.0 && self.granted >= self.sent * LEAST_GRANTED;
            *self = Self { refused: if are_there { MOST_REFUSED * ALMOST } else { 0.0 }, ..Self::default() };
            return 0.0;
        }
        let waiting = f64::from(u32::try_from(waiting).unwrap_or(u32::MAX));
        (waiting / EACH_TRIED_EVERY).max(LEAST_TRIED).min(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::ZERO;

    fn after(answers: impl IntoIterator<Item = bool>) -> Contention {
        let mut contention = Contention::default();
        for is_granted in answers {
            contention.note(is_granted, START);
        }
        contention
    }

    #[test]
    fn it_is_told_by_refusals_of_what_was_learnt() {
        let one_in = |n: usize| (0..200).map(move |call| call % n != n - 1);
        assert!(after(one_in(2)).floor(50, 5.0, START) > 0.0);
        for few in [4, 7, 10] {
            assert!(after(one_in(few)).floor(50, 5.0, START) <= 0.0, "one in {few} is refused");
        }
        // A rate that is cut down to a thirtieth has five refused on its way.
        assert!(after([false; 5]).floor(50, 5.0, START) <= 0.0);
    }

    #[test]
    fn each_that_waits_is_tried_every_ten_seconds_within_what_was_believed() {
        let mut contention = after([false; 9]);
        for (waiting, tried) in [(1, 0.25), (30, 3.0), (50, 5.0), (900, 5.0)] {
            assert!((contention.floor(waiting, 5.0, START) - tried).abs() < 1e-9, "{waiting}");
        }
        assert!((contention.floor(1, 0.1, START) - 0.1).abs() < 1e-9);
    }

    #[test]
    fn after_a_minute_it_takes_one_refusal_to_tell_again_or_many_where_asking_was_of_no_use() {
        for (granted, refusals) in [(3, 1), (1, 6)] {
            let mut contention = after([false; 9]);
            for call in 0..20 {
                contention.note(call < granted, START);
            }
            assert!(contention.floor(50, 5.0, BELIEVED_FOR) <= 0.0);
            let told = (1..9).find(|_| {
                contention.note(false, BELIEVED_FOR);
                contention.floor(50, 5.0, BELIEVED_FOR) > 0.0
            });
            assert_eq!(told, Some(refusals), "{granted} of 20 were granted");
        }
    }

    #[test]
    fn once_they_are_gone_it_is_over() {
        let mut contention = after([false; 9]);
        for _ in 0..20 {
            contention.note(true, START);
        }
        contention.floor(50, 5.0, BELIEVED_FOR);
        contention.note(true, BELIEVED_FOR);
        contention.note(false, BELIEVED_FOR);
        assert!(contention.floor(50, 5.0, BELIEVED_FOR) > 0.0, "one granted in between is too few");
        let mut contention = after([false; 9]);
        contention.note(true, START);
        contention.floor(50, 5.0, BELIEVED_FOR);
        for _ in 0..9 {
            contention.note(true, BELIEVED_FOR);
        }
        contention.note(false, BELIEVED_FOR);
        assert!(contention.floor(50, 5.0, BELIEVED_FOR) <= 0.0);
    }
}
