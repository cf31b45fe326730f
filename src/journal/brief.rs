//! What a list tells of a run.

use super::{Ending, Header};
use crate::event::Tally;

/// What a list tells of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brief {
    /// Which run it was.
    pub header: Header,
    /// How it ended.
    pub ending: Ending,
    /// The exit code, if one is written down.
    pub exit: Option<u8>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// How many nodes of all parts ended how.
    pub tally: Tally,
    /// How many nodes have begun and not ended.
    pub running: usize,
    /// How large the journal is, in bytes.
    pub bytes: u64,
}
