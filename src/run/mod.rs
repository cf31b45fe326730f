//! The middle of the house: takes the nodes of a plan through the engine.
//!
//! A [`Job`] says which nodes take part and what is done with each. [`execute()`] takes it through the engine: each node's
//! values are rendered from the outputs gathered so far, handed to the node's kind, and what that gives is kept for
//! those that follow. [`foresee()`] takes it through the engine without doing it, and [`rehearse()`] by doing it somewhere
//! else. [`look()`] asks AWS what a plan is to be held against, [`survey()`] how its nodes stand, [`drift()`] what has
//! drifted of them; all three change nothing. Events go out through a [`Sink`]; nothing here prints.

mod accounts;
mod course;
mod distinct;
mod drafts;
mod drift;
mod early;
mod execute;
mod foresee;
mod gathered;
mod guards;
mod held_back;
mod hidden;
mod import;
mod job;
mod leave;
mod left;
mod meetings;
mod names;
mod outlooks;
mod owner;
mod past;
mod rehearse;
mod remote;
mod results;
mod runner;
#[cfg(test)]
mod samples;
mod saved;
mod supply;
mod survey;
mod template;
mod template_checks;
mod turns;
mod urgencies;
mod wanted;

pub use accounts::specs;
pub use drift::drift;
pub use execute::{Means, Sink, execute};
pub use foresee::{Looking, foresee, foresee_destroy};
pub use gathered::{Gathered, Given};
pub use hidden::{hide, mark_handed_on, secret_outputs, shown_outputs};
pub use import::{every_account, gather};
pub use job::{Job, Task};
pub use leave::Leave;
pub use left::{Found, Ground, Grounds, Leaving, Left, Thing, Wanted as WantedRoutes, grounds, search, used};
pub use names::names;
pub use outlooks::Outlooks;
pub use rehearse::{Rehearsal, rehearse};
pub use remote::look;
pub use survey::survey;
pub use turns::Turns;
