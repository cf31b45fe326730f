//! What really stands of a resource, whoever made it so.

use serde_json::{Map, Value as Json};

use crate::sim::ec2::Tags;

/// A resource as its service knows it.
pub(crate) enum Live {
    /// `CloudFormation` does not look at resources of this type.
    Unsupported,
    /// There is none (any more).
    Gone,
    /// It stands.
    Stands(Standing),
}

/// What its service says of a resource that stands.
#[derive(Default)]
pub(crate) struct Standing {
    /// Its properties, as far as they are looked at; one that is `null` is not set.
    pub(crate) properties: Map<String, Json>,
    /// Its tags, if it is of a type that has any.
    pub(crate) tags: Option<Tags>,
}

impl Live {
    /// A resource that stands, with these properties.
    pub(super) fn of<const N: usize>(properties: [(&str, Json); N]) -> Self {
        let properties = properties.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self::Stands(Standing { properties, tags: None })
    }

    /// The same with its tags.
    pub(super) fn tagged(self, tags: &Tags) -> Self {
        match self {
            Self::Stands(standing) => Self::Stands(Standing { tags: Some(tags.clone()), ..standing }),
            other => other,
        }
    }
}
