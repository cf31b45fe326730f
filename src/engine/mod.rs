//! Runs nodes as soon as what they need is done.
//!
//! The decisions are in [`Schedule`], a state machine without a clock, a task or an await: an [`Input`] goes in,
//! [`Command`]s come out. [`drive()`] is the one loop that carries them out. Neither knows what a node does.

mod drive;
mod ready;
mod schedule;
mod status;
mod summary;
mod waves;

pub use drive::{Control, EngineEvent, Runner, drive};
pub use ready::Limits;
pub use schedule::{Command, Input, Schedule, Settings};
pub use status::{Fate, Illegal, Outcome, Status, Step};
pub use summary::Summary;
pub use waves::RollOut;
