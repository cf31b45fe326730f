//! A run as its journal tells of it.

use super::{Brief, Ending, Header, Losses, Replay};

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
    /// How long it took, in milliseconds: as the run itself has measured it where it came to its end; else by the times of
    /// the journal, as far as it reaches. These are of a clock that can be set: one that was set back shows nought.
    pub fn took_ms(&self) -> u64 {
        if self.replay.is_finished(self.header.prune) {
            return self.replay.parts.iter().filter_map(|part| part.finished).map(|finished| finished.took_ms).sum();
        }
        let last = self.replay.last.unwrap_or(self.header.started);
        u64::try_from(last.as_millisecond() - self.header.started.as_millisecond()).unwrap_or(0)
    }

    /// What a list tells of it: as small for a fleet as for a single stack.
    pub fn brief(&self) -> Brief {
        Brief {
            header: self.header.clone(),
            ending: self.ending,
            exit: self.replay.closing.map(|closing| closing.exit),
            took_ms: self.took_ms(),
            tally: self.replay.tally(),
            running: self.replay.running(),
            bytes: self.bytes,
        }
    }
}
