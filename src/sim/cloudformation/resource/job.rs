//! What a provider is to make of a resource.

use serde_json::{Map, Value as Json};

use super::Failure;
use crate::sim::cloudformation::stack::{Stack, scalar};
use crate::sim::ec2::Tags;
use crate::sim::world::Place;

/// A resource as it is to be.
pub(crate) struct Job<'a> {
    /// Where.
    pub(crate) place: &'a Place,
    /// The stack's name.
    pub(crate) stack: &'a str,
    /// The stack itself, where one is at work.
    pub(crate) parent: Option<&'a Stack>,
    /// The resource's name in the template.
    pub(crate) logical_id: &'a str,
    /// Its type.
    pub(crate) type_name: &'a str,
    /// Its properties, worked out.
    pub(crate) properties: &'a Map<String, Json>,
    /// All its tags.
    pub(crate) tags: &'a Tags,
}

impl Job<'_> {
    /// A property's text, whether it is one or a number or a truth value.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        scalar(self.properties.get(name)?)
    }

    /// The text of a property that the resource cannot do without.
    pub(super) fn require(&self, name: &str) -> Result<String, Failure> {
        self.text(name).ok_or_else(|| Failure::plain(format!("Property {name} cannot be empty.")))
    }

    /// Whether a property is true; `None` if it is not given.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.text(name).map(|text| text.eq_ignore_ascii_case("true"))
    }

    /// The texts of a list, or of the one text that stands for it.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        match self.properties.get(name) {
            Some(Json::Array(items)) => items.iter().filter_map(scalar).collect(),
            Some(single) => scalar(single).into_iter().collect(),
            None => Vec::new(),
        }
    }
}
