//! A value before and after.

use serde::{Deserialize, Serialize};

/// A value as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// The value.
    Text(String),
    /// There is one, which is hidden (`NoEcho`).
    Hidden,
    /// Only the run will tell: the reference that it waits for.
    Until(String),
}

/// A parameter, a tag or a setting that differs. One that is new has no `before`, one that goes no `after`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Its name.
    pub name: String,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Shown>,
    /// What it would be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Shown>,
}
