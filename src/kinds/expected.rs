//! Values as they are known before a run.

use indexmap::IndexMap;

use crate::aws::Settings;
use crate::preview::{Difference, Shown, Until};

/// A value that only the run will bring forth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Later {
    /// The value with names in place of what is not known.
    pub text: String,
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
    /// The value as it is known: with names in place of what is not.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Known(text) => text,
            Self::Later(later) => &later.text,
        }
    }

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

    /// The value as a preview tells it.
    pub(super) fn shown(&self, hidden: bool) -> Shown {
        match self {
            Self::Later(later) => Shown::Until(later.values()),
            Self::Known(_) if hidden => Shown::Hidden,
            Self::Known(text) => Shown::Text(text.clone()),
        }
    }
}

/// The values of something that is to be made: there is nothing to compare them with.
pub(super) fn given(values: &IndexMap<String, Expected>, hidden: impl Fn(&str) -> bool) -> Vec<Difference> {
    let difference = |(name, value): (&String, &Expected)| Difference {
        name: name.clone(),
        before: None,
        after: Some(value.shown(hidden(name))),
    };
    values.iter().map(difference).collect()
}

/// Those of some values that are known.
pub(super) fn known(values: &IndexMap<String, Expected>) -> IndexMap<String, String> {
    values.iter().filter_map(|(name, value)| Some((name.clone(), value.known()?.to_owned()))).collect()
}

/// Those of some settings that are known.
pub(super) fn known_settings(settings: &Settings<Expected>) -> Settings {
    settings.filter_map(|value| value.known().map(str::to_owned))
}

/// Everything that some values wait for, each reference once; empty if all of them are known.
pub(super) fn until<'a>(values: impl IntoIterator<Item = &'a Expected>) -> Vec<Until> {
    let mut all: Vec<Until> = Vec::new();
    for one in values.into_iter().filter_map(Expected::later).flat_map(|later| &later.until) {
        if !all.iter().any(|known| known.value == one.value && known.place == one.place) {
            all.push(one.clone());
        }
    }
    all
}
