//! What a stack gives.

use serde::{Deserialize, Serialize};

/// One output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
    /// What it says of itself.
    pub description: Option<String>,
    /// The name under which other stacks import it.
    pub export: Option<String>,
}
