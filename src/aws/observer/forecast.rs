//! When an operation of AWS is expected to end, and when to look for that.

use std::time::Duration;

/// How close two looks at the same thing are at the closest.
const CLOSE: Duration = Duration::from_millis(500);

/// How long after the expected end the look is that is to meet it.
const MARGIN: Duration = Duration::from_millis(100);

/// How far an end may be from where it is expected, however well it is known: a part in so many of the whole.
const UNSURE: u32 = 20;

/// The same of what was not quite the same each time: a few runs do not show all that may be.
const VARYING: u32 = 14;

/// The same of what was seen fewer times than [`FEW`]: that tells little of how much it varies. What ends within [`SOON`] is not
/// looked for any earlier for that: it is noticed within about [`NEAR`] all the same, and looks would be most of what it costs.
const HARDLY_KNOWN: u32 = 7;

/// Below how many runs it is not known how much something varies.
const FEW: usize = 3;

/// How far apart looks are, at the closest, before an end that may be near.
const SPARSE: Duration = Duration::from_secs(10);

/// How far apart looks are at the most at what may end any moment and has not run for [`SOON`] yet.
const NEAR: Duration = Duration::from_secs(2);

/// Until when [`NEAR`] holds.
pub(super) const SOON: Duration = Duration::from_secs(30);

/// From when on something takes long: of each such thing there is a look in three seconds on the average, and no more.
pub(super) const LONG: Duration = Duration::from_mins(1);

/// Nothing takes longer: what is said to is not believed.
const AT_MOST: Duration = Duration::from_hours(24);

/// How long an operation is expected to take, from the moment that AWS has taken it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forecast {
    end: Duration,
    /// How far from `end` it may end just as well; `None` for a mere guess.
    spread: Option<Duration>,
    /// When it may be over instead, by what is done this time.
    sooner: Option<Duration>,
}

impl Forecast {
    /// Of what nothing is known about: it may end any moment.
    pub const UNKNOWN: Self = Self { end: Duration::ZERO, spread: None, sooner: None };

    /// By what it took before, so many times: so long, and every other time it was up to so much more or less. What was all
    /// but the same each time tells when to look; what was not tells no more than a guess.
    pub fn known(end: Duration, spread: Duration, runs: usize) -> Self {
        let (end, spread) = (end.min(AT_MOST), spread.min(AT_MOST));
        let wide = spread * 3;
        if wide > end / 3 {
            return Self::guessed(end.saturating_sub(wide));
        }
        let least = if runs < FEW && end >= SOON {
            end / HARDLY_KNOWN
        } else if runs >= FEW && spread.is_zero() {
            end / UNSURE
        } else {
            end / VARYING
        };
        Self { end, spread: Some(wide.max(least)), sooner: None }
    }

    /// The same of what is done another way this time, by which there is this guess: what may be over in less than half of
    /// the time is looked for from then on.
    #[must_use]
    pub fn or_sooner(self, guess: Self) -> Self {
        let is_sooner = !self.is_guessed() && self.end >= SOON && guess.end < self.end / 2;
        Self { sooner: is_sooner.then_some(guess.end), ..self }
    }

    /// By something that is only like it.
    pub fn guessed(end: Duration) -> Self {
        Self { end: end.min(AT_MOST), spread: None, sooner: None }
    }

    /// How long it is expected to take.
    pub fn end(self) -> Duration {
        self.end
    }

    /// Whether it is but a guess.
    pub(super) fn is_guessed(self) -> bool {
        self.spread.is_none()
    }

    /// Whether something that was under way at an age and over at another has ended about where it is known to end.
    pub(super) fn is_met_between(self, under_way: Duration, over: Duration) -> bool {
        let is_narrow = over.saturating_sub(under_way) <= CLOSE + MARGIN;
        !self.is_guessed() && is_narrow && under_way <= self.end + CLOSE && self.end <= over
    }

    /// The age at which to look next, of something that was last looked at, or begun, at an age.
    pub(super) fn next(self, age: Duration) -> Duration {
        match self.spread {
            Some(spread) => self.next_of_known(spread, age),
            None => self.next_of_guessed(age),
        }
    }

    /// Sparse looks, then a row of close ones from where the end may be on, one of which is right behind the expected
    /// end. Of what takes long there may only be a look in three seconds: where its end may lie far and wide, the row is
    /// wider too.
    fn next_of_known(self, spread: Duration, age: Duration) -> Duration {
        let is_wide = spread > self.end / 10;
        let step = if self.end < LONG {
            CLOSE
        } else {
            let share = spread.as_secs_f64() * 10.0 / self.end.as_secs_f64();
            // No more looks up to the end than can be saved up.
            let whole = if is_wide { spread.as_secs_f64() / 40.0 } else { 0.0 };
            CLOSE.mul_f64(share.max(whole).clamp(1.0, 4.0))
        };
        let middle = self.end + MARGIN;
        // The first look of the row notices an end that comes as early as can be within one step.
        let before = (spread + MARGIN).saturating_sub(step).as_secs_f64() / step.as_secs_f64();
        let first = middle.saturating_sub(step.mul_f64(before.ceil()));
        if age < first {
            let sparse = match self.sooner.map(|sooner| sooner.mul_f64(0.6)) {
                Some(from) if age >= from => (age / 4).clamp(NEAR, SPARSE),
                Some(from) => SPARSE.min(from.saturating_sub(age)),
                None if is_wide => SPARSE,
                None => (self.end / 10).clamp(SPARSE, Duration::from_secs(30)),
            };
            return if age + sparse + sparse / 2 > first { first } else { age + sparse };
        }
        if age < middle + spread + CLOSE {
            let passed = (age.saturating_sub(first).as_secs_f64() / step.as_secs_f64()).floor();
            let next = first + step.mul_f64(passed + 1.0);
            // What is a look apart may be less by a nanosecond.
            return if next > age + step / 4 { next } else { next + step };
        }
        age + (age.saturating_sub(middle + spread) / 4).clamp(step, most(age).max(step))
    }

    /// Without any knowledge every end is as likely, from the moment that the guess has passed, or nearly.
    fn next_of_guessed(self, age: Duration) -> Duration {
        if self.end < SOON {
            let first = self.end.max(NEAR);
            return if age < first { first } else { age + most(age) };
        }
        let (from, to) = (self.end.mul_f64(0.6), self.end.mul_f64(1.25));
        if age < from {
            (age + Duration::from_secs(10)).min(from)
        } else if age < to {
            age + NEAR
        } else {
            age + most(age)
        }
    }
}

/// How far apart looks are at the most at what may end any moment, by its age.
fn most(age: Duration) -> Duration {
    if age < SOON {
        NEAR
    } else if age < LONG {
        Duration::from_secs(5)
    } else {
        (age / 40).clamp(Duration::from_secs(5), Duration::from_secs(10))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// The ages of the looks until an age.
    fn looks(forecast: Forecast, until: f64) -> Vec<f64> {
        let mut ages = Vec::new();
        let mut age = Duration::ZERO;
        loop {
            let next = forecast.next(age);
            assert!(next > age, "{forecast:?} at {age:?}");
            if next > seconds(until) {
                return ages;
            }
            age = next;
            ages.push((age.as_secs_f64() * 100.0).round() / 100.0);
        }
    }

    #[test]
    fn what_is_known_well_is_looked_at_once_where_it_is_expected_to_end() {
        for (end, expected) in [
            (0.5, vec![0.6]),
            (4.0, vec![4.1]),
            (8.0, vec![8.1]),
            // A twentieth of twelve seconds is more than half a second: it may end a look earlier.
            (12.0, vec![11.6, 12.1]),
            (30.0, vec![10.0, 20.0, 28.6, 29.1, 29.6, 30.1]),
        ] {
            let forecast = Forecast::known(seconds(end), Duration::ZERO, 3);
            assert_eq!(looks(forecast, end + 0.2), expected, "{end} s");
        }
    }

    #[test]
    fn looks_are_close_as_far_as_the_end_may_be_and_back_off_behind_it() {
        let forecast = Forecast::known(seconds(20.0), seconds(0.5), 5);
        assert_eq!(looks(forecast, 22.0), [10.0, 18.6, 19.1, 19.6, 20.1, 20.6, 21.1, 21.6]);
        // As far behind it, they are as far apart as anything of that age.
        let late = looks(forecast, 200.0);
        let gaps: Vec<f64> = late.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps[2..].windows(2).all(|pair| pair[1] >= pair[0] - 0.011), "{late:?}");
        assert!(*gaps.last().unwrap() > 4.5, "{late:?}");
        // An end that may be far and wide is not looked for as closely.
        let wide = looks(Forecast::known(seconds(100.0), seconds(10.0), 5), 100.0);
        let last = &wide[wide.len() - 2..];
        assert!((last[1] - last[0] - 1.5).abs() < 0.01, "{wide:?}");
    }

    #[test]
    fn what_is_only_guessed_is_looked_at_from_where_it_may_end_on() {
        let short = looks(Forecast::UNKNOWN, 45.0);
        assert_eq!(short[..4], [2.0, 4.0, 6.0, 8.0]);
        assert_eq!(short[short.len() - 3..], [35.0, 40.0, 45.0]);
        assert_eq!(looks(Forecast::guessed(seconds(6.0)), 13.0), [6.0, 8.0, 10.0, 12.0]);
        let long = looks(Forecast::guessed(seconds(110.0)), 200.0);
        assert_eq!(long[..8], [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 66.0, 68.0]);
        assert!(long.contains(&136.0) && long.contains(&138.0), "{long:?}");
        let gap = long[long.len() - 1] - long[long.len() - 2];
        assert!((gap - 5.0).abs() < 0.2, "{long:?}");
        let hours = looks(Forecast::UNKNOWN, 20_000.0);
        assert!((hours[hours.len() - 1] - hours[hours.len() - 2] - 10.0).abs() < 0.01, "six a minute in the end");
    }
    #[test]
    fn whatever_is_remembered_looks_are_never_far_apart() {
        let ends = [0.0, 0.001, 0.4, 3.0, 5.0, 10.0, 29.0, 31.0, 60.0, 61.0, 400.0, 3_600.0, 86_400.0, 1e9];
        for end in ends {
            for spread in [0.0, 0.01, 0.2, 1.0, 7.0, 145.0, 3_000.0, 1e9] {
                let known = |runs| Forecast::known(seconds(end), seconds(spread), runs);
                let guessed = Forecast::guessed(seconds(end));
                let sooner = known(5).or_sooner(Forecast::guessed(seconds(end / 3.0)));
                for forecast in [known(1), known(5), sooner, known(1).or_sooner(Forecast::UNKNOWN), guessed] {
                    let mut age = Duration::ZERO;
                    while age < seconds(7_200.0) {
                        let next = forecast.next(age);
                        let first = if forecast.is_guessed() && age.is_zero() { SOON } else { Duration::ZERO };
                        let sparse = if age < forecast.end() { seconds(45.0) } else { Duration::ZERO };
                        let bound = most(age).max(sparse).max(first);
                        assert!(next > age && next <= age + bound, "{end} {spread}: {age:?} to {next:?}");
                        age = next;
                    }
                }
            }
        }
    }

    #[test]
    fn one_run_does_not_tell_how_much_the_next_ones_vary() {
        let once = looks(Forecast::known(seconds(300.0), Duration::ZERO, 1), 300.5);
        assert_eq!(once[..3], [10.0, 20.0, 30.0]);
        // A seventh earlier the row begins, which still meets the end where it is expected.
        let (sparse, row): (Vec<f64>, Vec<f64>) = once.iter().partition(|age| **age < 257.0);
        assert!(row[0] < 258.5 && row.contains(&300.1), "{row:?}");
        assert!(sparse.len() + row.len() <= 100, "as many as there may be: {} and {}", sparse.len(), row.len());
        // What is over soon is noticed within little more than two seconds, should it end a seventh earlier.
        for end in [4.0, 8.0, 12.0, 29.0] {
            let first = looks(Forecast::known(seconds(end), Duration::ZERO, 1), end)
                .into_iter()
                .find(|age| *age > end * 6.0 / 7.0);
            assert!(first.unwrap_or(end + 0.1) - end * 6.0 / 7.0 <= 2.3, "{end} s: {first:?}");
        }
        let short = looks(Forecast::known(seconds(12.0), Duration::ZERO, 1), 12.2);
        assert_eq!(short, [11.6, 12.1]);
        // Of what takes long, too, the looks last until the end.
        let row = looks(Forecast::known(seconds(3_000.0), Duration::ZERO, 1), 3_000.2);
        assert!(row.iter().filter(|age| **age > 2_560.0).count() <= 260, "{row:?}");
    }

    #[test]
    fn what_may_be_over_much_sooner_this_time_is_looked_for_from_then_on() {
        let known = Forecast::known(seconds(300.0), seconds(2.0), 5);
        let quick = looks(known.or_sooner(Forecast::UNKNOWN), 300.5);
        assert_eq!(quick[..6], [2.0, 4.0, 6.0, 8.0, 10.0, 12.5]);
        assert!(quick.windows(2).all(|pair| pair[1] - pair[0] <= 15.0) && quick.contains(&300.1), "{quick:?}");
        let slower = looks(known.or_sooner(Forecast::guessed(seconds(110.0))), 90.0);
        assert_eq!(slower, [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 66.0, 76.0, 86.0]);
        // What takes as long by either is looked for once, and so is what is over soon anyway.
        assert_eq!(known.or_sooner(Forecast::guessed(seconds(150.0))), known);
        let short = Forecast::known(seconds(12.0), Duration::ZERO, 5);
        assert_eq!(short.or_sooner(Forecast::UNKNOWN), short);
    }

    #[test]
    fn what_was_different_each_time_is_but_guessed() {
        let forecast = Forecast::known(seconds(8.0), seconds(2.0), 5);
        assert_eq!(looks(forecast, 9.0), [2.0, 4.0, 6.0, 8.0]);
    }
}
