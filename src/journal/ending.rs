//! How a run ended, or that it did not.

use std::fmt;

use serde::Serialize;

use super::{Header, Replay};
use crate::event::Tally;

/// The exit code of a run that was interrupted.
const INTERRUPTED: u8 = 130;

/// How a run ended, or that it did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// All of it is as the plan says.
    Done,
    /// Something failed.
    Failed,
    /// Somebody has stopped it.
    Interrupted,
    /// It goes on at this moment.
    Running,
    /// Its process is gone before all of it was over.
    Killed,
    /// It has not written down any end, and nothing tells whether its process is there.
    Unknown,
}

impl Ending {
    /// How the run of a journal ended. `alive` says whether somebody holds the lock of the journal, where that can be known;
    /// what is written down comes first.
    ///
    /// Where only the last line is missing, the run has come to its end all the same: nothing is left to be taken up.
    pub fn of(header: &Header, replay: &Replay, alive: Option<bool>) -> Self {
        if let Some(closing) = replay.closing {
            return match closing.exit {
                0 => Self::Done,
                INTERRUPTED => Self::Interrupted,
                _ => Self::Failed,
            };
        }
        // That nobody holds it tells nothing of a process that could not get it.
        match alive.filter(|alive| *alive || header.locked) {
            Some(true) => Self::Running,
            Some(false) | None if replay.is_finished(header.prune) => Self::by_counts(replay.tally()),
            Some(false) => Self::Killed,
            None => Self::Unknown,
        }
    }

    /// How a run whose nodes have all ended did, as its exit code would say it.
    const fn by_counts(tally: Tally) -> Self {
        if tally.failed > 0 || tally.skipped > 0 {
            Self::Failed
        } else if tally.not_started > 0 || tally.aborted > 0 {
            Self::Interrupted
        } else {
            Self::Done
        }
    }

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Running => "running",
            Self::Killed => "killed",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
