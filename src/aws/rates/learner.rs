//! One bucket at AWS as far as it is known: what it is believed to be, and what the throttles tell of it.

use std::time::Duration;

use super::contention::Contention;

/// The size of a bucket and how fast it is refilled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rate {
    /// How many calls a full bucket lets through at once.
    pub(super) burst: f64,
    /// How many more it lets through in a second.
    pub(super) per_second: f64,
}

/// By how much a rate that was never throttled grows with each call that had to wait for it and was let through: a tenth,
/// so that it doubles with every seventh.
const GROWTH: f64 = 1.1;

/// More than any service is known to grant.
const MOST_PER_SECOND: f64 = 200.0;

/// A call in twenty seconds is let through whatever was learnt, so that better times are noticed.
const LEAST_PER_SECOND: f64 = 0.05;

/// How much of what was measured between two throttles is made use of.
const MARGIN: f64 = 0.98;

/// By how many calls a count between two throttles may be wrong: the bucket had less than a token at both, and one may have
/// been under way.
const UNSURE: f64 = 1.5;

/// How far what is measured may be from what was believed first for that to be true all the same.
const NEAR: f64 = 0.25;

/// How many calls it takes to tell that what was believed first is not true.
const MANY: f64 = 20.0;

/// How far back what was counted is made use of.
const MEASURED_FOR: Duration = Duration::from_mins(1);

/// What a rate is cut down to at most by one throttle: a measurement over a few calls may be far off.
const DEEPEST_CUT: f64 = 0.5;

/// The same of a learnt rate at which a call was let through meanwhile: it was not far too high then.
const SHALLOW_CUT: f64 = 0.85;

/// How much of what came back since that call there is, after a throttle.
const LEFT: f64 = 0.8;

/// After how many calls that had to wait a learnt rate is tried at double its size. It rises with their cube: hardly at
/// first, where the rate is most likely right, and faster the longer no throttle says no.
const PROBE: f64 = 100.0;

/// The same for a rate that is only believed.
const UNMEASURED_PROBE: f64 = 80.0;

/// The same for a rate that was measured by few calls, and by many.
const SOONEST_PROBE: f64 = 10.0;
const SUREST_PROBE: f64 = 500.0;

/// How long after its last throttle a learnt rate is back at what was believed first.
pub(super) const FORGETTING: Duration = Duration::from_mins(10);

/// What is believed of one bucket. Times are counted from any one beginning.
#[derive(Clone, Debug)]
pub(super) struct Learner {
    /// What it was believed to be at first.
    first: Rate,
    burst: f64,
    per_second: f64,
    tokens: f64,
    /// How many more would have come back since the last call, had it room for them.
    spilt: f64,
    at: Duration,
    /// While calls have to wait for tokens without a pause: AWS's own bucket is as empty then, and what it lets through is
    /// what it is refilled with.
    drought: Option<Drought>,
    /// What the throttles have told.
    learnt: Option<Learnt>,
    /// Whether they have told that it is not refilled as it was believed first.
    is_refuted: bool,
    /// What they have told of others that call.
    contention: Contention,
    /// How many calls are let through in a second because of those, whatever was learnt.
    floor: f64,
}

/// A time in which all tokens were used.
#[derive(Clone, Copy, Debug)]
struct Drought {
    since: Duration,
    granted: u32,
    /// Whether AWS's bucket was empty when it began, which a throttle tells.
    is_sure: bool,
    /// The last throttle in it: when, and how many calls were let through before it.
    last: Option<(Duration, u32)>,
}

impl Drought {
    fn new(since: Duration, is_sure: bool) -> Self {
        Self { since, granted: 0, is_sure, last: None }
    }

    /// How a drought goes on after a throttle.
    fn after(before: Option<Self>, now: Duration) -> Self {
        let Some(drought) = before.filter(|drought| drought.is_sure) else { return Self::new(now, true) };
        let Self { since, granted, last, .. } = drought;
        match last {
            Some((at, before)) if drought.has_changed(now) || now.saturating_sub(since) > MEASURED_FOR => {
                Self { granted: granted - before, last: Some((now, granted - before)), ..Self::new(at, true) }
            }
            _ => Self { last: Some((now, granted)), ..drought },
        }
    }

    /// What was let through since it began.
    fn whole(&self, now: Duration) -> Option<Measured> {
        Measured::new(self.granted, self.since, now)
    }

    /// What was let through since its last throttle.
    fn recent(&self, now: Duration) -> Option<Measured> {
        let (at, before) = self.last?;
        Measured::new(self.granted - before, at, now)
    }

    /// Whether AWS does not grant any more what it did.
    fn has_changed(&self, now: Duration) -> bool {
        self.recent(now).zip(self.whole(now)).is_some_and(|(recent, whole)| !recent.agrees(whole))
    }

    fn measured(&self, now: Duration) -> Option<Measured> {
        if self.has_changed(now) { self.recent(now) } else { self.whole(now) }
    }
}

/// How many calls were let through in some seconds in which all tokens were used.
#[derive(Clone, Copy, Debug)]
struct Measured {
    granted: f64,
    seconds: f64,
}

impl Measured {
    fn new(granted: u32, since: Duration, now: Duration) -> Option<Self> {
        let seconds = now.saturating_sub(since).as_secs_f64();
        (seconds > 0.0).then(|| Self { granted: f64::from(granted), seconds })
    }

    /// The rate, of which there is half a call for the one that was under way in the end.
    fn per_second(self) -> f64 {
        (self.granted + 0.5) / self.seconds * MARGIN
    }

    /// Whether the rate may be this one: few calls tell little.
    fn may_be(self, per_second: f64) -> bool {
        let is_near = (per_second / self.per_second() - 1.0).abs() <= NEAR;
        is_near && (per_second * self.seconds - self.granted).abs() <= UNSURE
    }

    /// Whether a call was throttled in the end that a bucket of this rate, even if it was empty in the beginning, would have
    /// let through.
    fn is_less_than(self, per_second: f64) -> bool {
        (self.granted + 1.0) / self.seconds < 0.9 * per_second
    }

    /// After how many calls it is to be tried at double the rate: when as many were let through as it is measured by, it is
    /// tried by as much as it may be wrong.
    fn probe(self) -> f64 {
        let unsure = UNSURE / (self.granted + 0.5);
        (self.granted / unsure.cbrt()).clamp(SOONEST_PROBE, SUREST_PROBE)
    }

    fn agrees(self, other: Self) -> bool {
        let (one, two) = (self.granted / self.seconds, other.granted / other.seconds);
        (one - two).abs() <= UNSURE / self.seconds + UNSURE / other.seconds
    }
}

#[derive(Clone, Copy, Debug)]
struct Learnt {
    /// When it was throttled last, and what the rate was found to be.
    at: Duration,
    per_second: f64,
    /// How many calls that had to wait were let through since.
    streak: f64,
    probe: f64,
}

impl Learner {
    /// A bucket that is full.
    pub(super) fn new(first: Rate, now: Duration) -> Self {
        let Rate { burst, per_second } = first;
        Self {
            first,
            burst,
            per_second,
            tokens: burst,
            spilt: 0.0,
            at: now,
            drought: None,
            learnt: None,
            is_refuted: false,
            contention: Contention::default(),
            floor: 0.0,
        }
    }

    /// One that was just found empty, and is believed to be refilled as it was believed first.
    pub(super) fn emptied(first: Rate, now: Duration) -> Self {
        let mut learner = Self { tokens: 0.0, drought: Some(Drought::new(now, true)), ..Self::new(first, now) };
        learner.learn(first.per_second, UNMEASURED_PROBE, now);
        learner
    }

    /// How many calls it lets through in a second.
    #[cfg(test)]
    pub(super) fn per_second(&self) -> f64 {
        self.per_second
    }

    /// How long until it lets a call through.
    pub(super) fn wait(&mut self, now: Duration) -> Duration {
        self.refill(now);
        // A token that is whole but for the rounding of a sum is whole.
        if self.tokens > 1.0 - 1e-9 {
            return Duration::ZERO;
        }
        Duration::from_secs_f64((1.0 - self.tokens) / self.rate()) + Duration::from_micros(1)
    }

    /// So many calls are there to be sent. Gives how many are to be tried in a second.
    pub(super) fn ask_for(&mut self, waiting: usize, now: Duration) -> f64 {
        self.refill(now);
        self.floor = self.contention.floor(waiting, self.first.per_second, now);
        self.rate()
    }

    /// Somebody waits for a token: from here on all are used.
    pub(super) fn run_dry(&mut self, now: Duration) {
        self.drought.get_or_insert(Drought::new(now, false));
    }

    /// A call is sent. Says whether it is one of those that have to wait.
    pub(super) fn take(&mut self, now: Duration) -> bool {
        self.refill(now);
        // While calls wait, tokens are taken as soon as they are whole, or nearly so: a call that is under way may be waited for.
        if self.tokens >= (self.burst / 2.0).max(2.0) || self.spilt >= 1.0 {
            self.drought = None;
        }
        self.spilt = 0.0;
        self.tokens -= 1.0;
        self.drought.is_some()
    }

    /// A call that was to be sent is not.
    pub(super) fn give_back(&mut self) {
        self.tokens = (self.tokens + 1.0).min(self.burst);
    }

    /// A call has taken a token, whatever else came of it.
    pub(super) fn has_taken(&mut self) {
        if let Some(drought) = &mut self.drought {
            drought.granted += 1;
        }
    }

    /// A call was let through that was sent after all that is learnt already: what was learnt holds.
    pub(super) fn confirmed(&mut self, now: Duration) {
        if self.learnt.is_some() {
            self.contention.note(true, now);
        }
    }

    /// A call was let through.
    pub(super) fn granted(&mut self, waited: bool) {
        self.has_taken();
        if !waited {
            return;
        }
        self.per_second = match &mut self.learnt {
            None => (self.per_second * GROWTH).min(MOST_PER_SECOND),
            Some(learnt) => {
                learnt.streak += 1.0;
                let probed = learnt.per_second * (1.0 + (learnt.streak / learnt.probe).powi(3));
                // What was forgotten meanwhile counts too.
                probed.min(MOST_PER_SECOND).max(self.per_second)
            }
        };
    }

    /// A call was throttled, so the bucket is empty.
    pub(super) fn drain(&mut self, now: Duration) {
        self.refill(now);
        self.tokens = self.tokens.min(0.0);
    }

    /// A call was throttled that was sent after all that is learnt already: there is something to be learnt from it.
    pub(super) fn throttled(&mut self, now: Duration) {
        self.drain(now);
        if self.learnt.is_some() {
            self.contention.note(false, now);
        }
        let before = self.learnt.filter(|learnt| learnt.streak > 0.0).map(|_| self.per_second);
        let (per_second, probe) = match self.drought.and_then(|drought| drought.measured(now)) {
            // There were tokens left: it holds fewer than was believed, or somebody else takes from it.
            None => {
                self.burst = (self.burst / 2.0).max(1.0);
                (self.per_second, self.learnt.map_or(PROBE, |learnt| learnt.probe))
            }
            // It is what was believed first, of which more is known than a few calls tell.
            Some(measured) if !self.is_refuted && measured.may_be(self.first.per_second) => {
                (self.first.per_second, measured.probe().max(PROBE))
            }
            Some(measured) => {
                self.is_refuted |= measured.granted >= MANY;
                let least = self.per_second * if before.is_some() { SHALLOW_CUT } else { DEEPEST_CUT };
                (measured.per_second().max(least).min(self.per_second), measured.probe())
            }
        };
        // The call before was let through, and the throttled one has taken nothing.
        if let Some(before) = before {
            self.tokens = self.tokens.max(LEFT * (per_second / before).min(1.0));
        }
        self.drought = Some(Drought::after(self.drought, now));
        self.learn(per_second.max(LEAST_PER_SECOND), probe, now);
    }

    /// Whether nothing is known any more of what was learnt.
    pub(super) fn has_forgotten(&mut self, now: Duration) -> bool {
        self.refill(now);
        self.learnt.is_none()
    }

    /// Whether nothing was learnt yet, and there are tokens left of what was believed first.
    pub(super) fn is_as_at_first(&self) -> bool {
        self.drought.is_none() && self.learnt.is_none() && self.per_second <= self.first.per_second
    }

    /// Whether a call that is throttled now would not be if AWS granted it this rate.
    pub(super) fn is_short_of(&self, rate: Rate, now: Duration) -> bool {
        match &self.drought {
            // A bucket that is empty when it begins holds this many by now.
            Some(drought) => drought.whole(now).is_some_and(|whole| whole.is_less_than(rate.per_second)),
            None => false,
        }
    }

    fn learn(&mut self, per_second: f64, probe: f64, now: Duration) {
        self.per_second = per_second;
        self.learnt = Some(Learnt { at: now, per_second, streak: 0.0, probe });
    }

    fn rate(&self) -> f64 {
        self.per_second.max(self.floor)
    }

    fn refill(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.at = self.at.max(now);
        if let Some(learnt) = self.learnt
            && passed > 0.0
        {
            self.forget(now.saturating_sub(learnt.at));
        }
        let tokens = self.tokens + passed * self.rate();
        self.tokens = tokens.min(self.burst);
        self.spilt += tokens - self.tokens;
    }

    /// What was learnt counts less the longer ago it was, in so far as it was less than what was believed first.
    fn forget(&mut self, age: Duration) {
        let share = (age.as_secs_f64() / FORGETTING.as_secs_f64()).min(1.0);
        // Of a rate that is found too high again and again, nothing is forgotten: each throttle begins the time anew.
        self.burst = self.burst.max(self.first.burst * share * share);
        self.per_second = self.per_second.max(self.first.per_second * share * share);
        if share >= 1.0 {
            (self.learnt, self.is_refuted) = (None, false);
            (self.contention, self.floor) = (Contention::default(), 0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn learner() -> Learner {
        Learner::new(Rate { burst: 5.0, per_second: 2.0 }, Duration::ZERO)
    }

    /// Takes all that there is at a time.
    fn drain(learner: &mut Learner, now: f64) -> usize {
        let mut taken = 0;
        while learner.wait(secs(now)).is_zero() {
            learner.take(secs(now));
            taken += 1;
        }
        taken
    }

    #[test]
    fn a_full_bucket_lets_its_burst_through_and_then_what_comes_back() {
        let mut learner = learner();
        assert_eq!(drain(&mut learner, 0.0), 5);
        assert!((0.5..0.501).contains(&learner.wait(secs(0.0)).as_secs_f64()));
        assert_eq!(drain(&mut learner, 1.0), 2);
        assert_eq!(drain(&mut learner, 100.0), 5, "never more than it holds");
    }

    #[test]
    fn only_calls_that_had_to_wait_make_it_faster() {
        let mut learner = learner();
        for _ in 0..100 {
            learner.granted(false);
        }
        assert!((learner.per_second() - 2.0).abs() < 1e-9);
        for _ in 0..8 {
            learner.granted(true);
        }
        assert!(learner.per_second() > 4.0, "{}", learner.per_second());
        for _ in 0..1000 {
            learner.granted(true);
        }
        assert!(learner.per_second() <= MOST_PER_SECOND);
    }

    #[test]
    fn a_throttle_empties_it_and_what_was_let_through_in_a_drought_is_its_rate() {
        let mut learner = learner();
        drain(&mut learner, 0.0);
        learner.run_dry(secs(0.0));
        for _ in 0..10 {
            learner.granted(true);
        }
        assert!(learner.per_second() > 5.0, "it had grown");
        learner.throttled(secs(3.0));
        let measured = 10.5 / 3.0 * MARGIN;
        assert!((learner.per_second() - measured).abs() < 1e-9, "{}", learner.per_second());
        assert!(!learner.wait(secs(3.0)).is_zero());
        // Soon afterwards one throttle more tells nothing; after two seconds without a grant it does.
        learner.throttled(secs(3.1));
        assert!((learner.per_second() - measured).abs() < 1e-9, "{}", learner.per_second());
        learner.throttled(secs(5.1));
        assert!((learner.per_second() - measured * DEEPEST_CUT).abs() < 1e-9, "{}", learner.per_second());
    }

    #[test]
    fn what_was_counted_before_a_pause_tells_nothing_of_what_comes_after() {
        for burst in [1.0, 1.5, 2.0, 5.0, 50.0] {
            let mut learner = Learner::new(Rate { burst, per_second: 2.0 }, Duration::ZERO);
            drain(&mut learner, 0.0);
            learner.run_dry(secs(0.0));
            learner.take(secs(0.5));
            learner.granted(true);
            // Nothing is asked for a minute; then the bucket turns out to hold less than was believed.
            learner.wait(secs(60.0));
            assert!(!learner.take(secs(60.0)), "nobody waits, of {burst}");
            learner.throttled(secs(60.0));
            assert!(learner.per_second() > 2.0, "{} of {burst}", learner.per_second());
        }
    }

    #[test]
    fn a_throttle_while_there_are_tokens_makes_it_smaller_and_not_slower() {
        let mut learner = learner();
        learner.take(secs(0.0));
        learner.throttled(secs(0.0));
        assert!((learner.per_second() - 2.0).abs() < 1e-9);
        assert_eq!(drain(&mut learner, 60.0), 2);
    }

    #[test]
    fn one_throttle_cuts_it_by_half_at_most_and_never_to_nothing() {
        let mut learner = Learner::new(Rate { burst: 50.0, per_second: 5.0 }, Duration::ZERO);
        drain(&mut learner, 0.0);
        learner.run_dry(secs(0.0));
        let mut now = 0.0;
        for _ in 0..20 {
            let before = learner.per_second();
            now += 1000.0 / 60.0;
            learner.throttled(secs(now));
            assert!(learner.per_second() >= (before * DEEPEST_CUT).max(LEAST_PER_SECOND) - 1e-9);
        }
        assert!(learner.per_second() < 0.06, "{}", learner.per_second());
    }

    #[test]
    fn what_was_learnt_is_forgotten_within_ten_minutes() {
        let mut learner = learner();
        drain(&mut learner, 0.0);
        learner.run_dry(secs(0.0));
        for n in 1..9 {
            learner.throttled(secs(f64::from(n) * 10.0));
        }
        let low = learner.per_second();
        assert!(low < 0.1, "{low}");
        learner.wait(secs(80.0 + 60.0));
        assert!(learner.per_second() < 0.2, "hardly anything after a minute: {}", learner.per_second());
        learner.wait(secs(80.0 + 600.0));
        assert!((learner.per_second() - 2.0).abs() < 1e-9);
        assert_eq!(drain(&mut learner, 1000.0), 5);
    }
}
