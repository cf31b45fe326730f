//! Looking at many stacks of one place with few calls.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use super::watch::{Question, Seen, Watch};
use crate::aws::call::{CallError, Class};
use crate::aws::cloudformation::Stack;
use crate::aws::regional::Regional;
use crate::aws::status::StackStatus;

/// How many stacks a page of `DescribeStacks` has at the most.
const PAGE: usize = 100;

/// What was seen of a stack.
#[derive(Clone, Debug)]
pub(super) enum Sighting {
    /// Something is under way.
    Moves(StackStatus),
    /// Nothing is under way: the stack as it is, or that there is none.
    Rests(Option<Box<Stack>>),
}

impl Sighting {
    fn of(stack: Option<Stack>) -> Self {
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
    ways: Mutex<Ways>,
}

/// What is known of the ways to look at stacks.
#[derive(Debug)]
struct Ways {
    /// How many pages all stacks together have.
    pages: usize,
    /// Whether stacks may not be listed.
    denied: bool,
    /// Those that a listing did not show, and which must be asked for by themselves.
    unlisted: HashSet<String>,
}

impl Default for Ways {
    fn default() -> Self {
        Self { pages: 1, denied: false, unlisted: HashSet::new() }
    }
}

/// A way to look at stacks.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    /// One, by its ARN.
    One(String),
    /// All that there are, by pages of `DescribeStacks`.
    All,
    /// All with something under way, by `ListStacks`. One that is not among them is then asked for by itself.
    Moving,
}

impl Ways {
    /// The way that takes the fewest calls for those that are due.
    fn choose(&self, question: &Question) -> Option<Way> {
        let (first, _) = question.due.first()?;
        let unlisted = question.due.iter().find(|(key, _)| self.unlisted.contains(key));
        if let Some((key, _)) = unlisted {
            return Some(Way::One(key.clone()));
        }
        let due = question.due.len();
        Some(if due == 1 || self.denied {
            Way::One(first.clone())
        } else if self.pages <= due.min(2) {
            Way::All
        } else {
            Way::Moving
        })
    }
}

impl Stacks {
    /// Nothing is watched yet.
    pub(in crate::aws) fn new(is_near: bool) -> Self {
        Self { watch: Watch::default(), is_near, ways: Mutex::default() }
    }

    fn ways(&self) -> std::sync::MutexGuard<'_, Ways> {
        self.ways.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Regional {
    /// Looks at the stacks that are due, and at others where that costs nothing.
    pub(super) async fn look_at_stacks(&self, question: Question) -> Seen<Sighting> {
        let ways = || self.stacks().ways();
        let Some(way) = ways().choose(&question) else { return Vec::new() };
        match way {
            Way::One(key) => {
                let found = self.stack(&key).await.map(Sighting::of);
                ways().unlisted.remove(&key);
                vec![(key, found)]
            }
            Way::All => match self.every_stack().await {
                Ok(found) => {
                    let mut ways = ways();
                    ways.pages = found.len().div_ceil(PAGE).max(1);
                    let mut found: HashMap<String, Stack> =
                        found.into_iter().map(|stack| (stack.id.clone(), stack)).collect();
                    let mut seen = Vec::new();
                    for (key, leaves) in question.due.into_iter().chain(question.others) {
                        match found.remove(&key) {
                            Some(stack) => seen.push((key, Ok(Sighting::of(Some(stack))))),
                            None if leaves => seen.push((key, Ok(Sighting::Rests(None)))),
                            None => drop(ways.unlisted.insert(key)),
                        }
                    }
                    seen
                }
                Err(error) => self.refused(&error, question),
            },
            Way::Moving => match self.moving_stacks().await {
                Ok(found) => {
                    let mut ways = ways();
                    let mut seen = Vec::new();
                    for (key, _) in question.due.into_iter().chain(question.others) {
                        match found.get(&key) {
                            Some(status) => seen.push((key, Ok(Sighting::Moves(status.clone())))),
                            None => drop(ways.unlisted.insert(key)),
                        }
                    }
                    seen
                }
                Err(error) => self.refused(&error, question),
            },
        }
    }

    /// What to make of a listing that failed: those that are due have failed with it, unless stacks may only be asked for one
    /// by one.
    fn refused(&self, error: &CallError, question: Question) -> Seen<Sighting> {
        if error.class == Class::Denied {
            tracing::debug!(%error, "stacks may not be listed: asking for each by itself");
            self.stacks().ways().denied = true;
            return Vec::new();
        }
        question.due.into_iter().map(|(key, _)| (key, Err(error.clone()))).collect()
    }
}
