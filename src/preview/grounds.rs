//! What a preview stands on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What the preview of one node was made of, each fact by its name. If one of them is another, so may be what a run does.
///
/// Nothing in it is a secret: the value of a parameter that its template hides is left out, also as a digest, since a
/// short one could be guessed by it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grounds {
    /// What the plan wants: `parameter CidrBlock`, `template` (by its digest). Where a value is not known yet, the
    /// reference stands in its place.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub wanted: BTreeMap<String, String>,
    /// What stands at AWS: `status`, `last updated`, `route table rtb-1`. Empty where there is nothing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub live: BTreeMap<String, String>,
}

/// What a digest begins with; whoever shows facts leaves digests out.
pub const DIGEST: &str = "sha256:";

impl Grounds {
    /// A text that is too long to be kept, as a fact.
    pub fn digest(text: &str) -> String {
        format!("{DIGEST}{}", super::digest(text))
    }
}
