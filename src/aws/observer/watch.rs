//! Watching many things of one place together.
//!
//! Whoever waits takes a turn at looking for all; the others are told what was seen. There is no task in the background: when
//! the one whose turn it is goes away, be it in the middle of a call, the next one goes on.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::pace::Pace;
use crate::aws::call::CallError;

/// How long one look may hold up all others.
const LOOK_AT_MOST: Duration = Duration::from_secs(20);

/// When something is to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// At this time at the latest.
    pub(super) at: Instant,
    /// Whether it takes long, so that looks at it are to be few.
    pub(super) is_long: bool,
    /// Whether it is on its way out, so that not to see it means that it is gone.
    pub(super) leaves: bool,
}

/// What is to be asked for.
#[derive(Debug)]
pub(super) struct Question {
    /// The keys that are due, and whether they are on their way out: those that are due for the longest time first.
    pub(super) due: Vec<(String, bool)>,
    /// All other keys, which may be looked at where that costs nothing.
    pub(super) others: Vec<(String, bool)>,
}

/// What was seen of some keys. One of which nothing was seen stays due.
pub(super) type Seen<T> = Vec<(String, Result<T, CallError>)>;

/// Things that are watched in one place.
#[derive(Debug)]
pub(super) struct Watch<T> {
    entries: Mutex<Entries<T>>,
    /// Held by whoever looks.
    turn: tokio::sync::Mutex<()>,
    pace: Arc<Mutex<Pace>>,
    /// Stirred when something is due that was not before.
    stirred: Notify,
}

#[derive(Debug)]
struct Entries<T> {
    next: u64,
    /// Whether there was nothing to watch until now.
    is_new: bool,
    all: BTreeMap<u64, Watched<T>>,
    /// The same by their keys.
    of: HashMap<String, Vec<u64>>,
    /// When whoever looks means to look next.
    planned: Option<Instant>,
}

impl<T> Entries<T> {
    /// All who watch one thing.
    fn of(&mut self, key: &str, mut each: impl FnMut(&mut Watched<T>)) {
        for id in self.of.get(key).into_iter().flatten() {
            if let Some(entry) = self.all.get_mut(id) {
                each(entry);
            }
        }
    }
}

#[derive(Debug)]
struct Watched<T> {
    key: String,
    due: Option<Due>,
    seen: Option<Result<T, CallError>>,
    told: Arc<Notify>,
}

impl<T> Default for Watch<T> {
    fn default() -> Self {
        Self::new(Arc::default())
    }
}

/// Something that is watched until this is dropped.
#[derive(Debug)]
pub(super) struct Watching<'a, T> {
    watch: &'a Watch<T>,
    id: u64,
    told: Arc<Notify>,
}

impl<T> Drop for Watching<'_, T> {
    fn drop(&mut self) {
        let mut entries = self.watch.lock();
        if let Some(entry) = entries.all.remove(&self.id)
            && let Entry::Occupied(mut of) = entries.of.entry(entry.key)
        {
            of.get_mut().retain(|id| *id != self.id);
            if of.get().is_empty() {
                of.remove();
            }
        }
    }
}

impl<T> Watch<T> {
    /// Nothing is watched yet; with the pace of the place.
    pub(super) fn new(pace: Arc<Mutex<Pace>>) -> Self {
        let (all, of) = Default::default();
        let entries = Entries { next: 0, is_new: true, all, of, planned: None };
        Self { entries: Mutex::new(entries), turn: tokio::sync::Mutex::default(), pace, stirred: Notify::new() }
    }

    // Every change under this lock is whole. It may be taken within that of the pace.
    fn lock(&self) -> MutexGuard<'_, Entries<T>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // Every change under this lock is whole.
    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone> Watch<T> {
    /// Begins to watch something.
    pub(super) fn enter(&self, key: &str) -> Watching<'_, T> {
        let told = Arc::new(Notify::new());
        let mut entries = self.lock();
        entries.is_new |= entries.all.is_empty();
        let id = entries.next;
        entries.next += 1;
        let entry = Watched { key: key.to_owned(), due: None, seen: None, told: Arc::clone(&told) };
        entries.all.insert(id, entry);
        entries.of.entry(key.to_owned()).or_default().push(id);
        Watching { watch: self, id, told }
    }

    /// When the next look may be, and whether it is only for what takes long.
    fn next(&self, pace: &Pace) -> Option<(Instant, bool)> {
        let entries = self.lock();
        let first = |is_long: bool| {
            let dues = entries.all.values().filter_map(|entry| entry.due).filter(|due| due.is_long == is_long);
            dues.map(|due| due.at).min().map(|at| (pace.next(at, is_long), is_long))
        };
        first(false).into_iter().chain(first(true)).min()
    }

    /// Plans the next look, and says when it is and whether it is only for what takes long.
    fn plan(&self) -> Option<(Instant, bool)> {
        let (mut pace, now) = (self.pace(), Instant::now());
        if std::mem::take(&mut self.lock().is_new) {
            pace.begin(now);
        }
        pace.watch(now, self.long());
        let next = self.next(&pace);
        self.lock().planned = next.map(|(at, _)| at);
        next
    }

    /// How many things that take long are watched.
    fn long(&self) -> usize {
        self.lock().all.values().filter(|entry| entry.due.is_some_and(|due| due.is_long)).count()
    }

    /// What to ask for now. What takes long waits for a look of its own, and is looked at before where that costs nothing.
    fn question(&self, now: Instant, is_long: bool) -> Question {
        let entries = self.lock();
        let mut due: Vec<(Instant, String, bool)> = Vec::new();
        let mut others: Vec<(String, bool)> = Vec::new();
        for entry in entries.all.values() {
            match entry.due {
                Some(when) if when.at <= now && (is_long || !when.is_long) => {
                    due.push((when.at, entry.key.clone(), when.leaves));
                }
                Some(when) => others.push((entry.key.clone(), when.leaves)),
                None => {}
            }
        }
        due.sort_by_key(|(at, ..)| *at);
        let mut met = HashSet::new();
        due.retain(|(_, key, _)| met.insert(key.clone()));
        others.retain(|(key, _)| met.insert(key.clone()));
        let due = due.into_iter().map(|(_, key, leaves)| (key, leaves)).collect();
        Question { due, others }
    }

    /// Has some be looked at as soon as may be.
    pub(super) fn hasten(&self, keys: &[String]) {
        let now = Instant::now();
        let mut entries = self.lock();
        for key in keys {
            entries.of(key, |entry| {
                if let Some(due) = &mut entry.due {
                    due.at = due.at.min(now);
                }
            });
        }
    }

    fn tell(&self, seen: Seen<T>) {
        let mut entries = self.lock();
        for (key, result) in seen {
            entries.of(&key, |entry| {
                if entry.due.take().is_some() {
                    entry.seen = Some(result.clone());
                    entry.told.notify_one();
                }
            });
        }
    }
}

impl<T: Clone> Watching<'_, T> {
    fn take(&self) -> Option<Result<T, CallError>> {
        self.watch.lock().all.get_mut(&self.id).and_then(|entry| entry.seen.take())
    }

    /// Waits until it was looked at, by whomever; `stuck` is what is seen when a look takes too long.
    ///
    /// # Errors
    ///
    /// The look failed.
    pub(super) async fn sighting<F>(&self, due: Due, stuck: T, ask: impl Fn(Question) -> F) -> Result<T, CallError>
    where
        F: Future<Output = (Seen<T>, u32)>,
    {
        let is_sooner = {
            let mut entries = self.watch.lock();
            if let Some(entry) = entries.all.get_mut(&self.id) {
                (entry.due, entry.seen) = (Some(due), None);
            }
            entries.planned.is_none_or(|planned| due.at < planned)
        };
        if is_sooner {
            self.watch.stirred.notify_one();
        }
        loop {
            if let Some(seen) = self.take() {
                return seen;
            }
            tokio::select! {
                biased;
                () = self.told.notified() => {}
                _turn = self.watch.turn.lock() => {
                    if let Some(seen) = self.lead(&stuck, &ask).await {
                        return seen;
                    }
                }
            }
        }
    }

    /// Looks for all until its own is seen.
    async fn lead<F>(&self, stuck: &T, ask: &impl Fn(Question) -> F) -> Option<Result<T, CallError>>
    where
        F: Future<Output = (Seen<T>, u32)>,
    {
        loop {
            if let Some(seen) = self.take() {
                return Some(seen);
            }
            // Its own is due, or was seen.
            let (at, is_long) = self.watch.plan()?;
            tokio::select! {
                biased;
                () = self.watch.stirred.notified() => continue,
                () = tokio::time::sleep_until(at) => {}
            }
            let question = self.watch.question(Instant::now(), is_long);
            if question.due.is_empty() {
                continue;
            }
            {
                let (mut pace, now) = (self.watch.pace(), Instant::now());
                // Somebody else may have looked at this place meanwhile, by another name of the account.
                if pace.next(now, is_long) > now {
                    continue;
                }
                pace.look(now, is_long);
            }
            let due: Vec<String> = question.due.iter().map(|(key, _)| key.clone()).collect();
            match tokio::time::timeout(LOOK_AT_MOST, ask(question)).await {
                Ok((seen, calls)) => {
                    self.watch.pace().took(calls);
                    self.watch.tell(seen);
                }
                // A call is repeated for minutes while AWS is out of order: the turn is not held for as long.
                Err(_) => self.watch.tell(due.into_iter().map(|key| (key, Ok(stuck.clone()))).collect()),
            }
        }
    }
}
