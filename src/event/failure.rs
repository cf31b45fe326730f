//! Why a node failed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a node failed, in words for the user and without layout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What went wrong, in one line: `stack us-east-1-dev ended in ROLLBACK_COMPLETE`.
    pub summary: String,
    /// What it came from, as near to the root as is known, in AWS's own words where they are AWS's; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cause: String,
    /// The place in the plan that it stems from: `plans/us-east-1.toml:14:3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What to do, one remedy an item.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub help: Vec<String>,
    /// AWS's name for the request that was refused; their support asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Box<str>>,
    /// Whether it is of a call to AWS itself: then it says nothing of what was to be looked at or changed.
    #[serde(skip)]
    pub of_a_call: bool,
}

impl Failure {
    /// A failure with its cause, which may be empty.
    pub fn new(summary: impl Into<String>, cause: impl Into<String>) -> Self {
        Self { summary: summary.into(), cause: cause.into(), ..Self::default() }
    }

    /// The same failure with its place in the plan.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// The same failure with one more remedy.
    #[must_use]
    pub fn help(mut self, remedy: impl Into<String>) -> Self {
        self.help.push(remedy.into());
        self
    }

    /// The same failure with AWS's request id.
    #[must_use]
    pub fn request(mut self, id: impl Into<Box<str>>) -> Self {
        self.request_id = Some(id.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary)?;
        if self.cause.is_empty() { Ok(()) } else { write!(f, ": {}", self.cause) }
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_reads_as_one_line() {
        assert_eq!(Failure::new("no such role", "").to_string(), "no such role");
        assert_eq!(Failure::new("no such role", "AccessDenied").to_string(), "no such role: AccessDenied");
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let json = serde_json::to_string(&Failure::new("no such role", "")).unwrap();
        assert_eq!(json, r#"{"summary":"no such role"}"#);
    }
}
