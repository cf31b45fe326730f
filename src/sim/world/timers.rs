//! What AWS will do by itself, and when.
//!
//! There are no background tasks: before each request the world goes through the timers that have come due, in order,
//! each at its own time. A world that was written to a file goes on from there.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Timer>", into = "Vec<Timer>")]
pub struct Timers {
    entered: u64,
    queue: BTreeMap<(Timestamp, u64), Action>,
}

/// One entry, as it stands in a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Timer {
    due: Timestamp,
    action: Action,
}

impl Timers {
    /// Enters something.
    pub(crate) fn add(&mut self, due: Timestamp, action: Action) {
        self.entered += 1;
        self.queue.insert((due, self.entered), action);
    }

    /// Takes the first entry, if it is due.
    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<(Timestamp, Action)> {
        let first = self.queue.first_entry().filter(|entry| entry.key().0 <= now)?;
        let ((due, _), action) = first.remove_entry();
        Some((due, action))
    }

    /// When the next entry is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.queue.first_key_value().map(|((due, _), _)| *due)
    }
}

impl From<Vec<Timer>> for Timers {
    fn from(entries: Vec<Timer>) -> Self {
        let mut timers = Self::default();
        for entry in entries {
            timers.add(entry.due, entry.action);
        }
        timers
    }
}

impl From<Timers> for Vec<Timer> {
    fn from(timers: Timers) -> Self {
        timers.queue.into_iter().map(|((due, _), action)| Timer { due, action }).collect()
    }
}
