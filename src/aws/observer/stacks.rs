//! Looking at many stacks of one place with few calls.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::by_operation::ByOperation;
use super::pace::GAP;
use super::watch::{Looked, Question, Watch};
use crate::aws::call::{CallError, Class};
use crate::aws::cloudformation::Stack;
use crate::aws::denied::Told;
use crate::aws::regional::Regional;
use crate::aws::status::StackStatus;

/// For how long stacks are not listed after a listing has failed at once, for a reason that may pass. Each further failure
/// doubles it.
const UNLISTED: Duration = Duration::from_secs(2);

/// The same after one that was refused, or that others had to wait for.
const UNLISTED_LONG: Duration = Duration::from_mins(1);

/// For how long stacks are not listed at the most.
const UNLISTED_AT_MOST: Duration = Duration::from_mins(16);

/// After how many listings that did not show it a stack is asked for by itself, where many are not shown.
const MISSED: u32 = 4;

/// From when on others had to wait for a listing.
const SLOW: Duration = Duration::from_secs(2);

/// What was seen of a stack.
#[derive(Clone, Debug)]
pub(super) enum Sighting {
    /// Something is under way.
    Moves(StackStatus),
    /// Nothing is under way: the stack as it is, or that there is none.
    Rests(Option<Box<Stack>>),
    /// It is on its way out, and no listing shows it any more. Its events tell whether it is gone.
    Missing,
    /// AWS does not answer about it: whoever waits for it is to look by himself.
    Stuck,
}

impl Sighting {
    pub(super) fn of(stack: Option<Stack>) -> Self {
        match stack {
            Some(stack) if !stack.status.is_settled() => Self::Moves(stack.status),
            found => Self::Rests(found.map(Box::new)),
        }
    }
}

/// The stacks of one account in one region that somebody waits for.
#[derive(Debug)]
pub(in crate::aws) struct Stacks {
    pub(super) watch: Watch<Sighting>,
    /// Whether calls cost nothing, and stacks may be made in no time.
    pub(super) is_near: bool,
    pub(super) by_operation: ByOperation,
    /// What was told already of refused calls.
    pub(in crate::aws) told: Told,
    ways: Mutex<Ways>,
    /// When events were last read for somebody who follows them.
    read: tokio::sync::Mutex<Option<Instant>>,
}

/// What is known of the ways to look at stacks.
#[derive(Debug)]
struct Ways {
    /// How many pages all stacks together have.
    pages: usize,
    /// Whether stacks can be listed by their pages, and by what moves.
    all: Listing,
    moving: Listing,
    /// Those that are not among what moves.
    ended: HashSet<String>,
    /// Those that the pages of all stacks do not show, and how many times they did not.
    absent: HashMap<String, u32>,
    /// How many of these two were asked for by themselves in a row.
    in_a_row: usize,
}

impl Default for Ways {
    fn default() -> Self {
        let (all, moving) = (Listing::default(), Listing::default());
        Self { pages: 1, all, moving, ended: HashSet::new(), absent: HashMap::new(), in_a_row: 0 }
    }
}

/// What became of the last listings of one sort.
#[derive(Debug, Default)]
struct Listing {
    /// How many have failed since one has not.
    failed: u32,
    /// Until when there is none.
    not_before: Option<Instant>,
}

impl Listing {
    fn may_be(&self, now: Instant) -> bool {
        self.not_before.is_none_or(|until| now >= until)
    }

    fn succeeds(&mut self) {
        *self = Self::default();
    }

    /// Notes a failure of one that AWS took so long over. Until the next one each stack is asked for by itself.
    fn fails(&mut self, error: &CallError, took: Duration) {
        let passes = error.class == Class::Transient && took < SLOW;
        let first = if passes { UNLISTED } else { UNLISTED_LONG };
        let pause = first.saturating_mul(2_u32.saturating_pow(self.failed)).min(UNLISTED_AT_MOST);
        tracing::debug!(%error, ?pause, "stacks cannot be listed: asking for each by itself");
        self.failed = self.failed.saturating_add(1);
        self.not_before = Some(Instant::now() + pause);
    }
}

/// A way to look at stacks.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    /// One, by its ARN.
    One(String),
    /// All that there are, by pages of `DescribeStacks`.
    All,
    /// All with something under way, by `ListStacks`. Those that are not among them have ended, most likely.
    Moving,
}

impl Ways {
    /// The way that takes the fewest calls for those that are due.
    fn choose(&mut self, due: &[(String, bool)], now: Instant) -> Option<Way> {
        let (missed, rest): (Vec<_>, Vec<_>) =
            due.iter().map(|(key, _)| key).partition(|key| self.absent.contains_key(*key) || self.ended.contains(*key));
        // Those that a listing has missed come first, but the rest waits for no more than a few of them.
        let is_their_turn = rest.is_empty() || self.in_a_row <= self.pages;
        let found = self.missed(&missed, now).filter(|_| is_their_turn);
        self.in_a_row = if matches!(found, Some(Way::One(_))) { self.in_a_row + 1 } else { 0 };
        found.or_else(|| self.fewest(&rest, now))
    }

    /// The way for those that a listing has not shown, be it because it lags behind: where these are many, the next one
    /// shows most of them. One that was missed again and again is asked for by itself.
    fn missed(&self, missed: &[&String], now: Instant) -> Option<Way> {
        let all = self.all.may_be(now);
        let absent = || missed.iter().filter_map(|key| Some((*key, *self.absent.get(*key)?)));
        let are_many = all && absent().count() > self.pages + 1;
        if let Some((key, _)) = absent().find(|(_, times)| !are_many || *times >= MISSED) {
            return Some(Way::One(key.clone()));
        }
        let (ended, first) = (missed.len() - absent().count(), missed.first()?);
        Some(if are_many || (all && ended >= self.pages) { Way::All } else { Way::One((*first).clone()) })
    }

    /// The way that takes the fewest calls for all others.
    fn fewest(&self, due: &[&String], now: Instant) -> Option<Way> {
        let (all, moving) = (self.all.may_be(now), self.moving.may_be(now));
        let first = (*due.first()?).clone();
        Some(match due.len() {
            1 => Way::One(first),
            _ if self.pages == 1 && all => Way::All,
            _ if moving => Way::Moving,
            count if self.pages <= count && all => Way::All,
            _ => Way::One(first),
        })
    }
}

impl Stacks {
    /// Nothing is watched yet.
    pub(in crate::aws) fn new(is_near: bool) -> Self {
        let (watch, by_operation, told, ways, read) = Default::default();
        Self { watch, is_near, by_operation, told, ways, read }
    }

    /// Notes how many pages a listing of all stacks had.
    pub(in crate::aws) fn note_pages(&self, pages: usize) {
        self.ways().pages = pages.max(1);
    }

    /// Notes that a listing of all stacks has more than so many pages.
    pub(in crate::aws) fn note_more_pages(&self, than: usize) {
        let mut ways = self.ways();
        ways.pages = ways.pages.max(than + 1);
    }

    /// Waits for the turn at reading events that somebody follows: it comes twice a second, whatever many do.
    pub(super) async fn events_turn(&self) {
        let mut read = self.read.lock().await;
        if let Some(last) = *read {
            tokio::time::sleep_until(last + GAP).await;
        }
        *read = Some(Instant::now());
    }

    /// Notes that a listing did not show a stack of which it is not known that it is gone.
    pub(super) fn misses(&self, key: &str) {
        *self.ways().absent.entry(key.to_owned()).or_default() += 1;
    }

    // Every change under this lock is whole.
    fn ways(&self) -> MutexGuard<'_, Ways> {
        self.ways.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Regional {
    /// Looks, in the turn that this has, at the stacks that are due, and at others where that costs nothing. Gives how many calls that took.
    ///
    /// What stands in the way of a listing is nobody's failure, and what stands in the way of one stack is no other's. One that
    /// is throttled has shown nothing.
    pub(super) async fn look_at_stacks(self, question: Question) -> Looked<Sighting> {
        let ways = || self.stacks().ways();
        let Some(way) = ways().choose(&question.due, Instant::now()) else {
            return Looked::new(Vec::new(), 1);
        };
        let every = question.due.into_iter().chain(question.others);
        match way {
            Way::One(key) => {
                let (found, calls) = match self.stack(&key).await {
                    Err(error) if error.class == Class::Throttled => return Looked::throttled(self.attempts()),
                    // That he looks by himself is a call more.
                    Err(error) if matches!(error.class, Class::Transient | Class::Lost) => (Ok(Sighting::Stuck), 2),
                    found => (found.map(Sighting::of), 1),
                };
                let mut ways = ways();
                ways.ended.remove(&key);
                ways.absent.remove(&key);
                Looked::new(vec![(key, found)], calls)
            }
            Way::All => {
                let found = match self.every_stack().await {
                    Ok(found) => found,
                    Err(error) if error.class == Class::Throttled => return Looked::throttled(self.attempts()),
                    Err(error) => {
                        ways().all.fails(&error, self.took());
                        return Looked::new(Vec::new(), self.attempts());
                    }
                };
                let mut ways = ways();
                ways.all.succeeds();
                let found: HashMap<&str, &Stack> = found.iter().map(|stack| (stack.id.as_str(), stack)).collect();
                let mut seen = Vec::new();
                for (key, leaves) in every {
                    ways.ended.remove(&key);
                    match found.get(key.as_str()) {
                        Some(stack) => {
                            ways.absent.remove(&key);
                            seen.push((key, Ok(Sighting::of(Some((*stack).clone())))));
                        }
                        None if leaves => seen.push((key, Ok(Sighting::Missing))),
                        None => *ways.absent.entry(key).or_default() += 1,
                    }
                }
                Looked::new(seen, self.attempts())
            }
            Way::Moving => {
                let found = match self.moving_stacks().await {
                    Ok(found) => found,
                    Err(error) if error.class == Class::Throttled => return Looked::throttled(self.attempts()),
                    Err(error) => {
                        ways().moving.fails(&error, self.took());
                        return Looked::new(Vec::new(), self.attempts());
                    }
                };
                let mut ended = Vec::new();
                let mut seen = Vec::new();
                for (key, _) in every {
                    match found.get(&key) {
                        Some(status) => seen.push((key, Ok(Sighting::Moves(status.clone())))),
                        None => ended.push(key),
                    }
                }
                // They have ended, be it before their time.
                self.stacks().watch.hasten(&ended);
                let mut ways = ways();
                ways.moving.succeeds();
                ways.ended.extend(ended);
                Looked::new(seen, self.attempts())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[&str]) -> Vec<(String, bool)> {
        keys.iter().map(|key| ((*key).to_owned(), false)).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_way_with_the_fewest_calls_is_taken() {
        let now = Instant::now();
        let one = |key: &str| Some(Way::One(key.to_owned()));
        let mut ways = Ways::default();
        assert_eq!(ways.choose(&keys(&[]), now), None);
        assert_eq!(ways.choose(&keys(&["a"]), now), one("a"));
        assert_eq!(ways.choose(&keys(&["a", "b"]), now), Some(Way::All));
        ways.pages = 3;
        assert_eq!(ways.choose(&keys(&["a", "b"]), now), Some(Way::Moving));
        ways.ended = ["b".to_owned()].into();
        assert_eq!(ways.choose(&keys(&["a", "b"]), now), one("b"));
        ways.ended = ["a", "b", "c"].map(str::to_owned).into();
        assert_eq!(ways.choose(&keys(&["a", "b", "c", "d"]), now), Some(Way::All));
        ways.absent = [("c".to_owned(), 1)].into();
        assert_eq!(ways.choose(&keys(&["a", "b", "c", "d"]), now), one("c"));
        // Many that a listing does not show are listed again, a few times.
        ways = Ways { absent: ["a", "b", "c"].map(|key| (key.to_owned(), 1)).into(), ..Ways::default() };
        assert_eq!(ways.choose(&keys(&["a", "b", "c"]), now), Some(Way::All));
        ways.absent.insert("b".to_owned(), MISSED);
        assert_eq!(ways.choose(&keys(&["a", "b", "c"]), now), one("b"));
        ways.absent = ["a", "b", "c"].map(|key| (key.to_owned(), MISSED)).into();
        // And what a listing shows has its turn among them.
        for expected in [one("a"), Some(Way::All), one("a"), one("a"), Some(Way::All)] {
            assert_eq!(ways.choose(&keys(&["d", "a", "b", "c", "e"]), now), expected);
        }
        // Where listing has failed, each is asked for by itself, for a while.
        let closed = || Listing { not_before: Some(now + UNLISTED), ..Listing::default() };
        ways = Ways { pages: 3, moving: closed(), ..Ways::default() };
        assert_eq!(ways.choose(&keys(&["a", "b"]), now), one("a"));
        assert_eq!(ways.choose(&keys(&["a", "b", "c"]), now), Some(Way::All));
        ways.all = closed();
        assert_eq!(ways.choose(&keys(&["a", "b", "c"]), now), one("a"));
        assert_eq!(ways.choose(&keys(&["a", "b", "c"]), now + UNLISTED), Some(Way::Moving));
    }
}
