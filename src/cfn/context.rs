//! What an evaluation may ask of the world around a template.

use serde_json::Value as Json;

use super::pseudo::Pseudo;

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Lookup {
    /// The value.
    Known(Json),
    /// There is one, but it is not known yet.
    Unknown,
    /// There is no such thing.
    Missing,
}

impl<T: Into<Json>> From<T> for Lookup {
    fn from(value: T) -> Self {
        Self::Known(value.into())
    }
}

/// The world around a template: its parameters' values and what became of its resources.
pub trait Context {
    /// The value of a parameter that the template declares: a text, or a list of texts for list types.
    fn parameter(&self, name: &str) -> Lookup;

    /// A pseudo parameter. [`Pseudo::NoValue`] is never asked for.
    fn pseudo(&self, pseudo: Pseudo) -> Lookup;

    /// What `Ref` gives for a resource that the template declares.
    fn resource(&self, id: &str) -> Lookup;

    /// What `Fn::GetAtt` gives for a resource that the template declares; missing if its type has no such attribute.
    fn attribute(&self, id: &str, attribute: &str) -> Lookup;

    /// The value that another stack of the account and region exports under a name.
    fn export(&self, name: &str) -> Lookup;

    /// Whether a text stands for another one that is not known yet, such as the id of a resource to be made. Whatever
    /// depends on its letters is then unknown.
    fn opaque(&self, _text: &str) -> bool {
        false
    }

    /// Whether a text stands in for another one that is told nowhere, and that may be empty. No comparison is decided by it.
    fn hidden(&self, _text: &str) -> bool {
        false
    }

    /// Whether a decimal number without quotes, such as `1.10`, is the text that the evaluator makes of it. CloudFormation
    /// does not say; if not, no comparison is decided by it.
    fn knows_spelling(&self) -> bool {
        true
    }

    /// The availability zones of a region, as a list of names.
    fn zones(&self, region: &str) -> Lookup;
}
