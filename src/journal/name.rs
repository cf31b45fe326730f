//! Names of runs.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::event::Command;

/// The name of a run: `20261130T160501.123Z-apply-1a2b`.
///
/// In the order of the alphabet runs stand in the order in which they began. The last word is chance, so that processes which begin
/// in the same moment have names of their own. It names a folder, so it is made of nothing that could lead out of one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(String);

/// A text that names no run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no name of a run; one reads 20261130T160501.123Z-apply-1a2b")]
pub struct NotARun(String);

/// How a moment is written, in UTC: of one length, so that names sort by it.
const MOMENT: &str = "%Y%m%dT%H%M%S.%3fZ";

impl RunId {
    /// The name of a run that begins at a moment.
    pub fn new(started: Timestamp, command: Command, chance: u16) -> Self {
        let moment = started.strftime(MOMENT).to_string();
        Self(format!("{moment}-{}-{chance:04x}", command.word()))
    }

    /// When it began, by its name.
    pub fn began(&self) -> Option<Timestamp> {
        let moment = self.0.split('-').next()?;
        let (date, time) = (moment.get(..8)?, moment.get(8..)?);
        format!("{}-{}-{}{time}", date.get(..4)?, date.get(4..6)?, date.get(6..)?).parse().ok()
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RunId {
    type Err = NotARun;

    fn from_str(text: &str) -> Result<Self, NotARun> {
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_moment = |text: &str| {
            text.len() == 20
                && text.is_ascii()
                && is_digits(&text[..8])
                && &text[8..9] == "T"
                && is_digits(&text[9..15])
                && &text[15..16] == "."
                && is_digits(&text[16..19])
                && &text[19..] == "Z"
        };
        let is_chance = |text: &str| text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mut parts = text.split('-');
        let whole = parts.next().is_some_and(is_moment)
            && parts.next().is_some_and(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()))
            && parts.next().is_some_and(is_chance)
            && parts.next().is_none();
        if whole { Ok(Self(text.to_owned())) } else { Err(NotARun(text.to_owned())) }
    }
}

impl Serialize for RunId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RunId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> RunId {
        RunId::new(Timestamp::from_millisecond(milliseconds).unwrap(), Command::Apply, 0x1a)
    }

    #[test]
    fn a_name_reads_back_and_sorts_by_time() {
        assert_eq!(at(1_796_054_701_007).as_str(), "20261130T160501.007Z-apply-001a");
        let names = [0, 7, 1_796_054_701_007, 1_796_054_701_120, 4_000_000_000_000].map(at);
        assert!(names.is_sorted(), "{names:?}");
        for name in names {
            assert_eq!(name.as_str().parse(), Ok(name.clone()));
            assert!(name.began().is_some(), "{name}");
        }
        assert_eq!(at(1_796_054_701_007).began(), Timestamp::from_millisecond(1_796_054_701_007).ok());
        let impossible: RunId = "99999999T999999.999Z-apply-0000".parse().unwrap();
        assert_eq!(impossible.began(), None);
    }

    #[test]
    fn what_could_lead_out_of_a_folder_is_no_name() {
        for text in [
            "",
            "last",
            "..",
            "20261130T160501.007Z",
            "20261130T160501.007Z-apply",
            "20261130T160501.007Z-apply-1a2b-",
            "20261130T160501.007Z-../-1a2b",
            "20261130T160501.007Z-apply-1a2g",
            "20261130T160501/007Z-apply-1a2b",
            "2026113ÖT160501.07Z-apply-1a2b",
        ] {
            assert!(text.parse::<RunId>().is_err(), "{text}");
        }
    }
}
