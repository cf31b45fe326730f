//! What sections of a plan that could not be read may have said.
//!
//! A name that is not found in such a section may be there all the same: that the section is wrong was reported, and what
//! would follow from it is nothing new and may not even be true.

use std::collections::BTreeSet;

use super::document::{Item, Table};
use super::load::{DEFAULTS, KEYS};
use super::nearest::nearest;
use crate::ids::Kind;

/// The sections that may have said more than is known.
#[derive(Debug, Default)]
pub(super) struct Lost {
    /// Sections and other keys of the plan itself.
    sections: BTreeSet<&'static str>,
    /// Sections of `[defaults]`.
    defaults: BTreeSet<&'static str>,
}

impl Lost {
    /// Looks for them: sections that are no table, or whose name is misspelt.
    pub(super) fn of(plan: &Table) -> Self {
        let mut lost = Self { sections: misspelt(plan, &KEYS).collect(), defaults: BTreeSet::new() };
        for section in ["vars", "accounts", "defaults", "stacks", "peerings", "routes"] {
            let Some(entry) = plan.get(section) else { continue };
            // A node that is no table has no name that could be referred to.
            let is_node = |item: &Item| Kind::from_table(section).is_none() || item.table().is_some();
            if entry.item.table().is_none_or(|table| !table.values().all(|entry| is_node(&entry.item))) {
                lost.sections.insert(section);
            }
        }
        match plan.get("defaults").and_then(|entry| entry.item.table()) {
            _ if lost.has("defaults") => lost.defaults.extend(DEFAULTS),
            None => {}
            Some(defaults) => lost.defaults.extend(misspelt(defaults, &DEFAULTS)),
        }
        lost
    }

    /// Whether a section of the plan, or another key of it, may have said more.
    pub(super) fn has(&self, section: &str) -> bool {
        self.sections.contains(section)
    }

    /// Whether the defaults of a section may have said more.
    pub(super) fn has_defaults(&self, section: &str) -> bool {
        self.defaults.contains(section)
    }

    /// Notes that the defaults of a section cannot be used as they are.
    pub(super) fn lose_defaults(&mut self, section: &str) {
        self.defaults.extend(DEFAULTS.iter().filter(|known| **known == section));
    }
}

/// The keys that others of a table were most likely meant to be.
fn misspelt(table: &Table, known: &'static [&'static str]) -> impl Iterator<Item = &'static str> {
    let strangers = table.keys().filter(|key| !known.contains(&&***key));
    strangers.filter_map(|key| nearest(key, known.iter().copied()))
}
