//! What a run would do, as data: for every node an action, what exactly changes, and what cannot be known yet.
//!
//! It is made by reading only (and by change sets, which are CloudFormation's own previews), and is what `orch preview`
//! shows, what `apply` asks about, and what a saved preview holds. Nothing in it is made up: a value that only the run
//! will bring forth is told as unknown, with the reference that it waits for.

mod action;
mod changed;
mod difference;
mod foreseen;
mod grounds;
mod order;
mod resource;
mod saved;
mod whole;

pub use action::Action;
pub use changed::{Changed, Place, changed, changed_accounts};
pub use difference::{Difference, Shown};
pub use foreseen::{Foreseen, Until};
pub use grounds::{DIGEST, Grounds};
pub use order::{Order, RollOut};
pub use resource::{Effect, PropertyChange, Recreates, ResourceChange};
pub use saved::{Saved, Unreadable, Waiting, digest};
pub use whole::{Count, Preview, Simulation, VERSION};
