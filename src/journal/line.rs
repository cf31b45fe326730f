//! The lines of a journal.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::RunId;
use crate::event::{Command, Record};
use crate::secret::{redact, redact_json};

/// The version of the written form. New fields, new events and new words for what a node did do not change it: a reader passes
/// over what it does not know, and takes such a node for one that ended well. A new command does, since a reader has to know
/// what the run was for.
pub const VERSION: u32 = 1;

/// The first line: which run this is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the written form, in a field that no other line has first.
    pub journal: u32,
    /// The run's name.
    pub id: RunId,
    /// The plan's name.
    pub plan: String,
    /// The plan's file.
    pub file: String,
    /// The saved preview that was applied, if it was one: what was chosen is what it had settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<String>,
    /// What the command line asked for.
    pub command: Command,
    /// Whether what left the plan was to be deleted after it, which is a second part of the same run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prune: bool,
    /// Whether it was the embedded AWS.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub local: bool,
    /// What of the plan was chosen, as `--only` and `--skip` said it; nothing for all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// The other half of `only`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skip: Vec<String>,
    /// Who ran it: `alice@laptop`, as far as the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The process.
    pub pid: u32,
    /// The version of orch.
    pub orch: String,
    /// When it began; milliseconds since 1970 in UTC, as all times here.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub started: Timestamp,
    /// Whether the process holds a lock on the file for as long as it lives, so that one can tell that it does.
    #[serde(default)]
    pub locked: bool,
}

/// The last line: that the process came to its end by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// When it ended.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub closed: Timestamp,
    /// The run's exit code. The process has another one only where its results could not be written.
    pub exit: u8,
    /// How many lines could not be written.
    #[serde(default, skip_serializing_if = "is_nought")]
    pub lost: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it so")]
const fn is_nought(count: &usize) -> bool {
    *count == 0
}

impl Header {
    /// The header as a line.
    pub fn line(&self) -> String {
        line(self)
    }
}

impl Closing {
    /// The closing as a line.
    pub fn line(&self) -> String {
        line(self)
    }
}

/// A record as a line.
pub fn record_line(record: &Record) -> String {
    line(record)
}

/// What a plan calls its things. These names stand in the plan for everybody to read, and a record without them would be nobody's:
/// a secret that is called like a node does not take that away.
const NAMES: [&str; 8] = ["event", "node", "account", "region", "because", "after", "plan", "file"];

/// All lines of a journal come from here: what must never be written down is kept out of it in this place.
fn line(value: &impl Serialize) -> String {
    // Strings, numbers and names in maps with text for keys: there is nothing in it that JSON cannot say.
    let mut line = serde_json::to_string(value).unwrap_or_default();
    if let Cow::Owned(_) = redact(&line) {
        let mut document = serde_json::to_value(value).unwrap_or_default();
        let fields = document.as_object_mut().into_iter().flat_map(|object| object.iter_mut());
        for (_, field) in fields.filter(|(name, _)| !NAMES.contains(&name.as_str())) {
            redact_json(field);
        }
        line = document.to_string();
    }
    line.push('\n');
    line
}
