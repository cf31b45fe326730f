//! What happens in a run, as data.
//!
//! This is the one public description of a run: the terminal, the JSON lines and the journal are all written from it,
//! and none of them needs to know how a run works. The engine has events of its own, which stay inside.
//!
//! A [`Survey`] is what a look without a run finds, a [`DriftReport`] what has drifted.

mod change;
mod drift;
mod failure;
mod record;
mod standing;
mod what;

pub use change::Change;
pub use drift::{Difference, Drift, DriftReport, Fate, Incomparable, NodeDrift, PropertyDrift, ResourceDrift, Verdict};
pub use failure::Failure;
pub use record::{Record, VERSION};
pub use standing::{Health, NodeStanding, RouteState, Standing, Survey, TableStanding};
pub use what::{CallCount, Command, Event, Resource, StopReason, Tally};
