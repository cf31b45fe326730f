//! The runs of a folder.

use super::{Brief, RunId};

/// The runs of a folder, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Those that can be read.
    pub runs: Vec<Brief>,
    /// Those that cannot.
    pub unreadable: Vec<Unread>,
    /// How many older ones there are, which were not looked at.
    pub older: usize,
}

/// A run whose journal cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Its name.
    pub id: RunId,
    /// Why.
    pub why: String,
}
