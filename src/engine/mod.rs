//! Runs nodes as soon as what they need is done, or released by a node that has not ended yet.
//!
//! A node may *release* what another needs of it before it has ended itself. The other then *stands on* it: it may begin,
//! is *provisional* when its own work is done, and ends when the first has ended well. If that fails, what the other has
//! done is taken back ([`Runner::withdraw`]), and so on: what was begun last goes first, but for what is said to wait for
//! nobody ([`Schedule::taking_back_at_once`]). Nobody is told to be done who stands on something that may fail.
//!
//! The decisions are in [`Schedule`], a state machine without a clock, a task or an await: an [`Input`] goes in,
//! [`Command`]s come out. [`drive()`] is the one loop that carries them out. Neither knows what a node does.

mod drive;
mod footing;
mod ready;
#[cfg(test)]
mod samples;
mod schedule;
mod standing;
mod status;
mod summary;
mod waves;
mod withdrawals;

pub use drive::{Control, EngineEvent, Runner, drive};
pub use footing::Footing;
pub use ready::Limits;
pub use schedule::{Command, Input, Schedule, Settings};
pub use status::{Fate, Illegal, Outcome, Status, Step};
pub use summary::Summary;
pub use waves::RollOut;
