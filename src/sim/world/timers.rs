//! What AWS will do by itself, and when.
//!
//! There are no background tasks: before each request the world goes through the timers that have come due, in order,
//! each at its own time. A world that was written to a file goes on from there.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::shelf::Shelf;
use super::{Place, World};
use crate::sim::{cloudformation, ec2};

/// Something that happens at a later time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Something in EC2.
    Ec2(Place, ec2::Action),
    /// Something in `CloudFormation`.
    CloudFormation(Place, cloudformation::Action),
}

impl Action {
    /// Does it. The world's clock stands at the time it was due.
    pub(crate) fn run(self, world: &mut World) {
        match self {
            Self::Ec2(place, action) => action.run(world, &place),
            Self::CloudFormation(place, action) => action.run(world, &place),
        }
    }
}

/// The queue: by time, and in the order of entry where times are equal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<Entry>", into = "Vec<Entry>")]
pub struct Timers {
    entered: u64,
    queue: Shelf<(Timestamp, u64), Action>,
}

/// One entry, as it stands in a file; without an action it is done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    due: Timestamp,
    number: u64,
    action: Option<Action>,
}

impl Entry {
    fn new(((due, number), action): ((Timestamp, u64), Option<Action>)) -> Self {
        Self { due, number, action }
    }
}

impl Timers {
    /// Enters something.
    pub(crate) fn add(&mut self, due: Timestamp, action: Action) {
        self.entered += 1;
        self.queue.insert((due, self.entered), action);
    }

    /// Takes the first entry, if it is due.
    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<(Timestamp, Action)> {
        let (key, _) = self.queue.first_key_value().filter(|((due, _), _)| *due <= now)?;
        let key = *key;
        Some((key.0, self.queue.remove(&key)?))
    }

    /// When the next entry is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.queue.first_key_value().map(|((due, _), _)| *due)
    }

    /// What was entered and what is done since the queue was last written.
    pub(super) fn changes(&self) -> Vec<Entry> {
        self.queue.changes().into_iter().map(Entry::new).collect()
    }

    /// Takes over what has changed elsewhere.
    pub(super) fn apply(&mut self, entries: Vec<Entry>) {
        self.entered = entries.iter().map(|entry| entry.number).fold(self.entered, u64::max);
        self.queue.apply(entries.into_iter().map(|entry| ((entry.due, entry.number), entry.action)).collect());
    }

    /// All changes are written.
    pub(super) fn written(&mut self) {
        self.queue.written();
    }
}

impl From<Vec<Entry>> for Timers {
    fn from(entries: Vec<Entry>) -> Self {
        let mut timers = Self::default();
        timers.apply(entries);
        timers
    }
}

impl From<Timers> for Vec<Entry> {
    fn from(timers: Timers) -> Self {
        timers.queue.iter().map(|(key, action)| Entry::new((*key, Some(action.clone())))).collect()
    }
}
