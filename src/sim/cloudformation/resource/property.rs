//! Properties of a type, as far as `CloudFormation` itself looks at them.

/// What it takes to change a property of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Update {
    /// The resource is changed.
    InPlace,
    /// Another resource takes its place.
    Replacement,
}

/// One property.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Property {
    /// Its name.
    pub(crate) name: &'static str,
    /// Whether a resource cannot do without it.
    pub(crate) required: bool,
    /// What it takes to change it.
    pub(crate) update: Update,
}

/// A property that can be changed.
pub(super) const fn live(name: &'static str) -> Property {
    Property { name, required: false, update: Update::InPlace }
}

/// A property that only another resource can have otherwise.
pub(super) const fn fixed(name: &'static str) -> Property {
    Property { name, required: false, update: Update::Replacement }
}

impl Property {
    /// The same property, which a resource cannot do without.
    pub(super) const fn required(self) -> Self {
        Self { required: true, ..self }
    }
}
