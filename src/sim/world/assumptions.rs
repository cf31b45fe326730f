//! What a world that is seeded with what stands elsewhere takes to be as it should, because it cannot know it.

use std::collections::{BTreeMap, BTreeSet};

use super::Place;

/// What is in every value that was made up and has no id of its own; no service of AWS is called so.
pub(crate) const ASSUMED: &str = ":assumed:";

/// What stands in place of a value that is hidden.
pub(crate) const MASK: &str = "****";

/// What an error says that is none of what was asked for: this world does not know enough to carry it out.
pub const UNDECIDED: &str = "hangs on what is hidden or was made up";

/// What is known of what stands elsewhere, and what was taken to be as it should.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assumptions {
    /// The places whose VPCs, route tables and peerings are all known.
    known: BTreeSet<Place>,
    notes: BTreeMap<(Place, String), BTreeSet<String>>,
    /// Buckets that are taken to be there.
    buckets: BTreeSet<String>,
    /// The ids that were made up for what is only taken to be there.
    made_up: BTreeSet<String>,
}

impl Assumptions {
    /// Nothing is assumed yet, and these places are known.
    pub(crate) fn new(known: impl IntoIterator<Item = Place>) -> Self {
        Self { known: known.into_iter().collect(), ..Self::default() }
    }

    /// Whether the VPCs, route tables and peerings of a place are all known.
    pub(crate) fn knows(&self, place: &Place) -> bool {
        self.known.contains(place)
    }

    /// Notes that something about a stack is taken to be as it should.
    pub(super) fn note(&mut self, place: &Place, stack: &str, what: String) {
        self.notes.entry((place.clone(), stack.to_owned())).or_default().insert(what);
    }

    /// Notes that an id was made up for something that is only taken to be there.
    pub(super) fn note_made_up(&mut self, id: &str) {
        self.made_up.insert(id.to_owned());
    }

    /// Whether something in a text was made up, so that nothing can be concluded from it.
    pub fn has_made_up(&self, text: &str) -> bool {
        let is_marked = [ASSUMED, MASK, "{{resolve:"].iter().any(|mark| text.contains(mark));
        is_marked || self.made_up.iter().any(|id| text.contains(id))
    }

    /// Notes that a bucket is taken to be there.
    pub(super) fn note_bucket(&mut self, name: &str) {
        self.buckets.insert(name.to_owned());
    }

    /// The buckets that were taken to be there, and to be everybody's here to use.
    pub fn buckets(&self) -> impl Iterator<Item = &str> {
        self.buckets.iter().map(String::as_str)
    }

    /// What was taken to be as it should about a stack, a sentence each.
    pub fn about(&self, place: &Place, stack: &str) -> impl Iterator<Item = &str> {
        self.notes.get(&(place.clone(), stack.to_owned())).into_iter().flatten().map(String::as_str)
    }
}
