//! A run as its journal tells of it.

use super::{Ending, Header, Losses, Replay};

/// A run as its journal tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastRun {
    /// Which run it was.
    pub header: Header,
    /// What came of it.
    pub replay: Replay,
    /// How it ended.
    pub ending: Ending,
    /// What of the journal could not be read.
    pub losses: Losses,
    /// How large the journal is, in bytes.
    pub bytes: u64,
}

impl PastRun {
    /// How long it took, in milliseconds, as far as the journal reaches. A clock that was set back shows nought.
    pub fn took_ms(&self) -> u64 {
        let last = self.replay.last.unwrap_or(self.header.started);
        u64::try_from(last.as_millisecond() - self.header.started.as_millisecond()).unwrap_or(0)
    }
}
