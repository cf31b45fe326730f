//! What stands in a lock.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The version of the written form.
const VERSION: u32 = 1;

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// `alice@laptop`, as far as the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The process.
    pub pid: u32,
    /// What it does: `apply`.
    pub command: String,
    /// Since when, by the holder's clock, in milliseconds since 1970.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub since: Timestamp,
    /// A word that no other holder has: by it one knows one's own lock again when an answer was lost.
    pub token: String,
}

/// A lock as it is written: a new text at each renewal, so that its mark is another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locked {
    lock: u32,
    /// The plan.
    pub plan: String,
    /// Who holds it; nobody once it was given back. The object stays, since a deletion on a condition needs one more right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// How often it was written since the holder has it.
    pub beat: u64,
    /// When it was last written, by the writer's clock: for people only.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub renewed: Timestamp,
    /// Who gave it back, so that no two texts of a free lock are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    freed: Option<String>,
}

impl Locked {
    /// Held by somebody.
    pub(super) fn by(plan: &str, holder: &Holder, beat: u64, now: Timestamp) -> Self {
        Self { lock: VERSION, plan: plan.to_owned(), holder: Some(holder.clone()), beat, renewed: now, freed: None }
    }

    /// Given back, or broken, by somebody.
    pub(super) fn free(plan: &str, token: &str, beat: u64, now: Timestamp) -> Self {
        let freed = Some(token.to_owned());
        Self { lock: VERSION, plan: plan.to_owned(), holder: None, beat, renewed: now, freed }
    }

    /// The text that is written.
    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a lock.
    ///
    /// # Errors
    /// Why it is none that this orch can read.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let read: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if read.lock > VERSION {
            return Err(format!("it is of version {}, and this orch reads version {VERSION}", read.lock));
        }
        Ok(read)
    }
}
