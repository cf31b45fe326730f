//! What a world that is seeded with what stands elsewhere takes to be as it should, because it cannot know it.

use std::collections::{BTreeMap, BTreeSet};

use super::Place;

/// What is known of what stands elsewhere, and what was taken to be as it should.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assumptions {
    /// The places whose VPCs, route tables and peerings are all known.
    known: BTreeSet<Place>,
    notes: BTreeMap<(Place, String), BTreeSet<String>>,
}

impl Assumptions {
    /// Nothing is assumed yet, and these places are known.
    pub(crate) fn new(known: impl IntoIterator<Item = Place>) -> Self {
        Self { known: known.into_iter().collect(), notes: BTreeMap::new() }
    }

    /// Whether the VPCs, route tables and peerings of a place are all known.
    pub(crate) fn knows(&self, place: &Place) -> bool {
        self.known.contains(place)
    }

    /// Notes that something about a stack is taken to be as it should.
    pub(super) fn note(&mut self, place: &Place, stack: &str, what: String) {
        self.notes.entry((place.clone(), stack.to_owned())).or_default().insert(what);
    }

    /// What was taken to be as it should about a stack, a sentence each.
    pub fn about(&self, place: &Place, stack: &str) -> impl Iterator<Item = &str> {
        self.notes.get(&(place.clone(), stack.to_owned())).into_iter().flatten().map(String::as_str)
    }
}
