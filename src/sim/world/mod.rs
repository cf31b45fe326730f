//! Everything that exists in the embedded AWS: a value that can be written to a file and read back.

mod assumptions;
mod delta;
pub(crate) mod file;
pub mod ids;
mod log;
pub mod register;
pub mod shelf;
pub mod timers;
pub mod word;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use assumptions::{ASSUMED, MASK};
pub use assumptions::{Assumptions, UNDECIDED};
pub(crate) use delta::Delta;
pub use ids::Ids;
pub use register::Register;
pub use shelf::{Shelf, Tracked};
pub use timers::{Action, Timers};
pub use word::Word;

use crate::ids::{AccountId, Region};
use crate::sim::cloudformation::{self, CloudFormation};
use crate::sim::ec2::{self, Ec2, Peering};
use crate::sim::faults::SeenResources;
use crate::sim::s3::{Bucket, Object};
use crate::sim::stored::Stored;
use crate::sim::sts::Session;
use crate::sim::{Faults, Identities, Rates, Timing, Trusts};

/// An account in a region: what CloudFormation and EC2 keep apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.region)
    }
}

/// What one account has in one region, service by service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Regional {
    /// Amazon EC2.
    pub ec2: Tracked<Ec2>,
    /// AWS `CloudFormation`.
    pub cloudformation: CloudFormation,
    /// Systems Manager's parameters and Secrets Manager's secrets.
    #[serde(skip_serializing_if = "nothing_stored")]
    pub stored: Tracked<Stored>,
}

fn nothing_stored(stored: &Tracked<Stored>) -> bool {
    stored.is_empty()
}

impl Regional {
    /// Whether nothing is left but what AWS itself puts there.
    pub fn is_empty(&self) -> bool {
        self.ec2.is_empty() && self.cloudformation.is_empty() && self.stored.is_empty()
    }
}

/// What one account has: region by region.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Account {
    /// Its regions, as far as they were ever looked at.
    pub regions: BTreeMap<Region, Box<Regional>>,
}

/// How a world behaves, as opposed to what exists in it. It is given at every start and not written to the file.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// How long things take.
    pub timing: Timing,
    /// What goes wrong.
    pub faults: Faults,
    /// How many calls are taken before they are throttled.
    pub rates: Rates,
    /// How many resources each of the faults has seen in this process.
    pub failed: SeenResources,
    /// Who may assume which role.
    pub trusts: Trusts,
    /// What users and roles may do; whoever has no policy, everything.
    pub identities: Identities,
    /// Whether it is served on this machine, so that its objects have addresses here.
    pub served: bool,
    /// What is taken to be as it should, because it is not known here; `None` in a world that knows itself.
    pub assumptions: Option<Assumptions>,
    /// How far behind the world what is looked at at this moment is.
    pub(crate) staleness: Duration,
    /// What stacks were a moment ago, where looks may be behind.
    pub(crate) past: cloudformation::Past,
}

/// Everything that exists, in every account and region.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct World {
    /// The time that the world has come to.
    pub now: Timestamp,
    ids: Ids,
    timers: Timers,
    /// The accounts, as far as they were ever looked at.
    pub accounts: BTreeMap<AccountId, Account>,
    /// Peerings by id. They belong to two accounts at once and hence to none.
    pub peerings: Shelf<String, Peering>,
    /// Temporary credentials by access key id.
    pub sessions: Shelf<String, Session>,
    /// The buckets of S3 by name, which no two accounts share.
    #[serde(default)]
    pub buckets: Shelf<String, Bucket>,
    /// The objects of all buckets by [`object_key`](crate::sim::s3::object_key).
    #[serde(default)]
    pub objects: Shelf<String, Object>,
    /// How the world behaves.
    #[serde(skip)]
    pub rules: Rules,
}

impl World {
    /// A world without anything in it.
    pub fn new(seed: u64, now: Timestamp) -> Self {
        Self {
            now,
            ids: Ids::new(seed),
            timers: Timers::default(),
            accounts: BTreeMap::new(),
            peerings: Shelf::default(),
            sessions: Shelf::default(),
            buckets: Shelf::default(),
            objects: Shelf::default(),
            rules: Rules::default(),
        }
    }

    /// What is in a place.
    pub fn at(&self, place: &Place) -> &Regional {
        static NOTHING: LazyLock<Regional> = LazyLock::new(Regional::default);
        self.accounts
            .get(&place.account)
            .and_then(|account| account.regions.get(&place.region))
            .map_or(&NOTHING, Box::as_ref)
    }

    /// What is in a place, to be changed.
    pub fn at_mut(&mut self, place: &Place) -> &mut Regional {
        let account = self.accounts.entry(place.account.clone()).or_default();
        account.regions.entry(place.region.clone()).or_default()
    }

    /// EC2 in a place.
    pub fn ec2(&self, place: &Place) -> &Ec2 {
        &self.at(place).ec2
    }

    /// EC2 in a place, to be changed.
    pub fn ec2_mut(&mut self, place: &Place) -> &mut Ec2 {
        &mut self.at_mut(place).ec2
    }

    /// Every place that was ever looked at, with what is in it.
    pub fn places(&self) -> impl Iterator<Item = (Place, &Regional)> {
        self.accounts.iter().flat_map(|(account, own)| {
            own.regions
                .iter()
                .map(|(region, regional)| (Place { account: account.clone(), region: region.clone() }, &**regional))
        })
    }

    /// Whether nothing is left but what AWS itself puts there and peerings that are dead.
    pub fn is_empty(&self) -> bool {
        self.places().all(|(_, regional)| regional.is_empty())
            && self.buckets.is_empty()
            && self.peerings.values().all(ec2::Peering::is_dead)
    }

    /// Whether what is not embedded is taken to exist and to work.
    pub(crate) fn assumes(&self) -> bool {
        self.rules.assumptions.is_some()
    }

    /// Notes that something about a stack is taken to be as it should. Nothing is noted in a world that knows itself.
    pub(crate) fn assume(&mut self, place: &Place, stack: &str, what: String) {
        if let Some(assumptions) = &mut self.rules.assumptions {
            assumptions.note(place, stack, what);
        }
    }

    /// Notes that an id was made up for something that is only taken to be there.
    pub(crate) fn made_up(&mut self, id: &str) {
        if let Some(assumptions) = &mut self.rules.assumptions {
            assumptions.note_made_up(id);
        }
    }

    /// Whether something in a text was made up, see [`Assumptions::has_made_up`]. Nothing is in a world that knows itself.
    pub(crate) fn has_made_up(&self, text: &str) -> bool {
        self.rules.assumptions.as_ref().is_some_and(|assumptions| assumptions.has_made_up(text))
    }

    /// In a world that assumes, a bucket that is not known is taken to be there, in this place.
    pub(crate) fn assume_bucket(&mut self, place: &Place, name: &str) {
        if let Some(assumptions) = self.rules.assumptions.as_mut().filter(|_| !self.buckets.contains_key(name)) {
            assumptions.note_bucket(name);
            let bucket = Bucket { place: place.clone(), created: self.now };
            self.buckets.insert(name.to_owned(), bucket);
        }
    }

    /// The source of new ids.
    pub(crate) fn ids(&mut self) -> &mut Ids {
        &mut self.ids
    }

    /// Lets new ids be numbers in a row, see [`Ids::counted`].
    pub(crate) fn count_ids(&mut self) {
        self.ids = std::mem::take(&mut self.ids).counted();
    }

    /// The seed that the world was made from.
    pub(crate) fn seed(&self) -> u64 {
        self.ids.seed()
    }

    /// Lets something happen after a while.
    pub(crate) fn after(&mut self, wait: Duration, action: Action) {
        let due = later(self.now, wait);
        self.timers.add(due, action);
    }

    /// When something will next happen by itself.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.timers.next_due()
    }

    /// Goes on to a time: everything that is due by then happens, in order and each at its own time. The world never
    /// goes back. Says whether anything has happened.
    pub fn advance(&mut self, now: Timestamp) -> bool {
        let mut happened = false;
        while let Some((due, action)) = self.timers.pop_due(now) {
            self.now = self.now.max(due);
            action.run(self);
            happened = true;
        }
        self.now = self.now.max(now);
        happened
    }
}

/// A time after another, or the last that there is.
pub(crate) fn later(time: Timestamp, wait: Duration) -> Timestamp {
    time.checked_add(wait).unwrap_or(Timestamp::MAX)
}
