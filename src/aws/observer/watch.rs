//! Watching many things of one place together.
//!
//! Whoever waits takes a turn at looking for all; the others are told what was seen. There is no task in the background: when
//! the one whose turn it is goes away, be it in the middle of a call, the next one goes on.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::pace::Pace;
use crate::aws::call::CallError;

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
    turn: tokio::sync::Mutex<Pace>,
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
    /// Has something done with all who watch one thing.
    fn of(&mut self, key: &str, mut each: impl FnMut(&mut Watched<T>)) {
        for id in self.of.get(key).into_iter().flatten() {
            if let Some(watched) = self.all.get_mut(id) {
                each(watched);
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
        let entries = Entries { next: 0, is_new: true, all: BTreeMap::new(), of: HashMap::new(), planned: None };
        Self { entries: Mutex::new(entries), turn: tokio::sync::Mutex::new(Pace::new()), stirred: Notify::new() }
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
        if let Some(watched) = entries.all.remove(&self.id)
            && let Entry::Occupied(mut of) = entries.of.entry(watched.key)
        {
            of.get_mut().retain(|id| *id != self.id);
            if of.get().is_empty() {
                of.remove();
            }
        }
    }
}

impl<T> Watch<T> {
    // Every change under this lock is whole.
    fn lock(&self) -> MutexGuard<'_, Entries<T>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
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
        let watched = Watched { key: key.to_owned(), due: None, seen: None, told: Arc::clone(&told) };
        entries.all.insert(id, watched);
        entries.of.entry(key.to_owned()).or_default().push(id);
        Watching { watch: self, id, told }
    }

    /// Plans the next look, and says when it may be.
    fn plan(&self, pace: &Pace) -> Option<Instant> {
        let mut entries = self.lock();
        let first = |is_long: bool| {
            let dues = entries.all.values().filter_map(|entry| entry.due).filter(|due| due.is_long == is_long);
            dues.map(|due| due.at).min().map(|at| pace.next(at, is_long))
        };
        let next = first(false).into_iter().chain(first(true)).min();
        entries.planned = next;
        next
    }

    /// How many things that take long are watched.
    fn long(&self) -> usize {
        self.lock().all.values().filter(|entry| entry.due.is_some_and(|due| due.is_long)).count()
    }

    /// What to ask for now, and whether what is due for the longest time takes long. While there is no look to spare for
    /// what takes long, that is looked at only where it costs nothing; else it waits for its turn like all others.
    fn question(&self, now: Instant, spares: bool) -> (Question, bool) {
        let entries = self.lock();
        let mut due: Vec<(Due, String)> = Vec::new();
        let mut others: Vec<(String, bool)> = Vec::new();
        for entry in entries.all.values() {
            match entry.due {
                Some(when) if when.at <= now && (spares || !when.is_long) => due.push((when, entry.key.clone())),
                Some(when) => others.push((entry.key.clone(), when.leaves)),
                None => {}
            }
        }
        due.sort_by_key(|(when, _)| when.at);
        let mut met = HashSet::new();
        due.retain(|(_, key)| met.insert(key.clone()));
        others.retain(|(key, _)| met.insert(key.clone()));
        let is_long = due.first().is_some_and(|(when, _)| when.is_long);
        let due = due.into_iter().map(|(when, key)| (key, when.leaves)).collect();
        (Question { due, others }, is_long)
    }

    /// Has some be looked at as soon as may be.
    pub(super) fn hasten(&self, keys: &[String]) {
        let now = Instant::now();
        let mut entries = self.lock();
        for key in keys {
            entries.of(key, |watched| {
                if let Some(due) = &mut watched.due {
                    due.at = due.at.min(now);
                }
            });
        }
    }

    fn tell(&self, seen: Seen<T>) {
        let mut entries = self.lock();
        for (key, result) in seen {
            entries.of(&key, |watched| {
                if watched.due.take().is_some() {
                    watched.seen = Some(result.clone());
                    watched.told.notify_one();
                }
            });
        }
    }
}

impl<T: Clone> Watching<'_, T> {
    fn take(&self) -> Option<Result<T, CallError>> {
        self.watch.lock().all.get_mut(&self.id).and_then(|entry| entry.seen.take())
    }

    /// Waits until it was looked at, by whomever. While one asks, all others wait: what is asked is to be over soon.
    ///
    /// # Errors
    ///
    /// The look failed.
    pub(super) async fn sighting<F>(&self, due: Due, ask: impl Fn(Question) -> F) -> Result<T, CallError>
    where
        F: Future<Output = (Seen<T>, u32)>,
    {
        let is_sooner = {
            let mut entries = self.watch.lock();
            if let Some(watched) = entries.all.get_mut(&self.id) {
                (watched.due, watched.seen) = (Some(due), None);
            }
            entries.planned.is_none_or(|planned| due.at < planned)
        };
        // Whoever looks need not think again for what is due later than that look.
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
                mut pace = self.watch.turn.lock() => {
                    if let Some(seen) = self.lead(&mut pace, &ask).await {
                        return seen;
                    }
                }
            }
        }
    }

    /// Looks for all until its own is seen.
    async fn lead<F>(&self, pace: &mut Pace, ask: &impl Fn(Question) -> F) -> Option<Result<T, CallError>>
    where
        F: Future<Output = (Seen<T>, u32)>,
    {
        loop {
            if let Some(seen) = self.take() {
                return Some(seen);
            }
            if std::mem::take(&mut self.watch.lock().is_new) {
                pace.begin(Instant::now());
            }
            pace.watch(Instant::now(), self.watch.long());
            // Its own is due, or was seen.
            let at = self.watch.plan(pace)?;
            tokio::select! {
                biased;
                () = self.watch.stirred.notified() => continue,
                () = tokio::time::sleep_until(at) => {}
            }
            let (question, is_long) = self.watch.question(Instant::now(), pace.spares(Instant::now()));
            if question.due.is_empty() {
                continue;
            }
            pace.look(Instant::now(), is_long);
            let (seen, calls) = ask(question).await;
            pace.took(calls, Instant::now());
            self.watch.tell(seen);
        }
    }
}
