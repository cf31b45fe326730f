//! What has changed in a world since it was last written.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::shelf::Changes;
use super::timers::Entry;
use super::{Ids, Place, World};
use crate::sim::cloudformation;
use crate::sim::ec2::{Ec2, Peering};
use crate::sim::s3::{Bucket, Object};
use crate::sim::stored::Stored;
use crate::sim::sts::Session;

/// Everything that has changed between two saves. Its size is that of what has changed, not that of the world.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Delta {
    now: Timestamp,
    ids: Ids,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    timers: Vec<Entry>,
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    peerings: Changes<String, Peering>,
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    sessions: Changes<String, Session>,
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    buckets: Changes<String, Bucket>,
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    objects: Changes<String, Object>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    places: Vec<Part>,
}

/// What has changed in one place.
#[derive(Debug, Serialize, Deserialize)]
struct Part {
    place: Place,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ec2: Option<Ec2>,
    #[serde(default, skip_serializing_if = "cloudformation::Delta::is_empty")]
    cloudformation: cloudformation::Delta,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stored: Option<Stored>,
}

impl World {
    /// What has changed since the world was last [`World::written`].
    pub(crate) fn delta(&self) -> Delta {
        let places = self.places().filter_map(|(place, regional)| {
            let ec2 = regional.ec2.change().cloned();
            let cloudformation = regional.cloudformation.delta();
            let stored = regional.stored.change().cloned();
            let changed = ec2.is_some() || stored.is_some() || !cloudformation.is_empty();
            changed.then_some(Part { place, ec2, cloudformation, stored })
        });
        Delta {
            now: self.now,
            ids: self.ids.clone(),
            timers: self.timers.changes(),
            peerings: self.peerings.changes(),
            sessions: self.sessions.changes(),
            buckets: self.buckets.changes(),
            objects: self.objects.changes(),
            places: places.collect(),
        }
    }

    /// Takes over what has changed elsewhere.
    pub(crate) fn apply(&mut self, delta: Delta) {
        self.now = delta.now;
        self.ids = delta.ids;
        self.timers.apply(delta.timers);
        self.peerings.apply(delta.peerings);
        self.sessions.apply(delta.sessions);
        self.buckets.apply(delta.buckets);
        self.objects.apply(delta.objects);
        for Part { place, ec2, cloudformation, stored } in delta.places {
            let regional = self.at_mut(&place);
            if let Some(ec2) = ec2 {
                regional.ec2.apply(ec2);
            }
            regional.cloudformation.apply(cloudformation);
            if let Some(stored) = stored {
                regional.stored.apply(stored);
            }
        }
    }

    /// All changes are written.
    pub(crate) fn written(&mut self) {
        self.timers.written();
        self.peerings.written();
        self.sessions.written();
        self.buckets.written();
        self.objects.written();
        for regional in self.accounts.values_mut().flat_map(|account| account.regions.values_mut()) {
            regional.ec2.written();
            regional.cloudformation.written();
            regional.stored.written();
        }
    }
}
