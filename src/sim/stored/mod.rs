//! Values that are stored for others to read: Systems Manager's parameters and Secrets Manager's secrets.

pub(crate) mod parameter;
pub(crate) mod secret;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use parameter::Parameter;
pub use secret::{Secret, Version};

use super::wire::ApiError;
use super::world::{Place, World};

/// What an account has stored in a region.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stored {
    /// Parameters of Systems Manager by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Parameter>,
    /// Secrets of Secrets Manager by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, Secret>,
}

impl Stored {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.parameters.is_empty() && self.secrets.is_empty()
    }
}

/// A value that is to be there from the beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// A parameter: its name, its value, and whether it is a secure one.
    Parameter(String, String, bool),
    /// A secret: its name and its text.
    Secret(String, String),
}

/// The name under which a world that assumes has one version of a secret, by its stage.
pub fn staged(name: &str, stage: &str) -> String {
    format!("{name}@{stage}")
}

/// Puts a value there, in place of one of that name.
///
/// # Errors
///
/// The name or the value is none.
pub(super) fn put(world: &mut World, place: &Place, given: &Given) -> Result<(), ApiError> {
    if world.assumes() {
        // It is as it was read elsewhere, by whatever name: nothing of it is held to anything.
        return assume(world, place, given);
    }
    match given {
        Given::Parameter(name, value, secure) => {
            let is_same = |own: &Parameter| own.value == *value && own.is_secure() == *secure;
            if world.at(place).stored.parameters.get(name).is_some_and(is_same) {
                return Ok(());
            }
            let kind = if *secure { parameter::SECURE } else { parameter::PLAIN };
            parameter::put(world, place, name, (value, kind), true).map(drop)
        }
        Given::Secret(name, text) => match world.at(place).stored.secrets.get(name).and_then(Secret::current) {
            Some(current) if current.text.as_deref() == Some(text) => Ok(()),
            Some(_) => secret::renew(world, place, name, (Some(text.clone()), None)).map(drop),
            None => secret::create(world, place, name, (Some(text.clone()), None)).map(drop),
        },
    }
}

fn assume(world: &mut World, place: &Place, given: &Given) -> Result<(), ApiError> {
    let modified = world.now;
    match given {
        Given::Parameter(name, value, secure) => {
            let kind = if *secure { parameter::SECURE } else { parameter::PLAIN }.to_owned();
            let parameter = Parameter { value: value.clone(), kind, version: 1, modified };
            world.at_mut(place).stored.parameters.insert(name.clone(), parameter);
            Ok(())
        }
        Given::Secret(name, text) => secret::create(world, place, name, (Some(text.clone()), None)).map(drop),
    }
}
