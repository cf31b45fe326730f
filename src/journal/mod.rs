//! The journal: what a run has left behind of itself, for people and reports.
//!
//! It is a file of lines of JSON: a [`Header`], then every [`Record`](crate::event::Record) of the run as it happened, then a
//! [`Closing`]. It only grows, one line an event, so whoever reads it while the run goes on, or after the process was killed, has
//! all but what was being written. It is never the truth about AWS: nothing is decided by it.
//!
//! Here is its written form and what it comes to ([`Replay`]); where it is kept is the business of the edge.

mod brief;
mod ending;
mod entries;
mod line;
mod listing;
mod name;
mod past;
mod replay;

#[cfg(test)]
mod tests;

pub use brief::Brief;
pub use ending::Ending;
pub use entries::{Entries, Entry, Losses, Unreadable};
pub use line::{Closing, Header, VERSION, record_line};
pub use listing::{Listing, Unread};
pub use name::{NotARun, RunId};
pub use past::PastRun;
pub use replay::{Finished, Held, NodePast, NodeState, Part, Replay};
