//! Values as they are known before a run.

use indexmap::IndexMap;

use crate::preview::Until;

/// A value that only the run will bring forth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Later {
    /// What it waits for.
    pub until: Vec<Until>,
    /// Whether all of that comes from what the run would make: then nothing that is there already can have this value.
    pub fresh: bool,
}

impl Later {
    /// What it waits for, in one line.
    pub(super) fn values(&self) -> String {
        self.until.iter().map(|until| until.value.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// A value before the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It is known, and the run does not change it.
    Known(String),
    /// It is not known.
    Later(Later),
}

impl Expected {
    /// The value, if it is known.
    pub fn known(&self) -> Option<&str> {
        match self {
            Self::Known(value) => Some(value),
            Self::Later(_) => None,
        }
    }

    /// What it waits for, if it is not.
    pub fn later(&self) -> Option<&Later> {
        match self {
            Self::Known(_) => None,
            Self::Later(later) => Some(later),
        }
    }
}

/// Values by name, the known apart from those that are not.
pub(super) fn parted(values: &IndexMap<String, Expected>) -> (IndexMap<String, String>, IndexMap<&str, &Later>) {
    let known = values.iter().filter_map(|(name, value)| Some((name.clone(), value.known()?.to_owned()))).collect();
    let later = values.iter().filter_map(|(name, value)| Some((name.as_str(), value.later()?))).collect();
    (known, later)
}

/// Everything that some values wait for, each reference once.
pub(super) fn until<'a>(values: impl IntoIterator<Item = &'a Later>) -> Vec<Until> {
    let mut all: Vec<Until> = Vec::new();
    for one in values.into_iter().flat_map(|later| &later.until) {
        if !all.iter().any(|known| known.value == one.value && known.place == one.place) {
            all.push(one.clone());
        }
    }
    all
}
