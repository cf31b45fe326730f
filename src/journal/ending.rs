//! How a run ended, or that it did not.

use std::fmt;

use serde::Serialize;

use super::Replay;

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
    /// Its process is gone and has not written down any end.
    Killed,
    /// It has not written down any end, and nothing tells whether its process is there.
    Unknown,
}

impl Ending {
    /// How the run of a journal ended. `alive` says whether its process is there, where that is known; what is written down
    /// comes first.
    pub fn of(replay: &Replay, alive: Option<bool>) -> Self {
        match (replay.closing.map(|closing| closing.exit), alive) {
            (Some(0), _) => Self::Done,
            (Some(INTERRUPTED), _) => Self::Interrupted,
            (Some(_), _) => Self::Failed,
            (None, Some(true)) => Self::Running,
            (None, Some(false)) => Self::Killed,
            (None, None) => Self::Unknown,
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
