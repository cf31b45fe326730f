//! Nodes and what they need of each other.
//!
//! A [`Graph`] can only be built without cycles, so nothing that holds one has to think of them. petgraph stays
//! behind it: the other rooms see positions ([`Ix`]), names and reasons.

mod cycle;
mod dag;
mod of_plan;
mod path;
mod roll_out;
mod select;

pub use cycle::{CYCLE, Cycle};
pub use dag::{Cycles, Edge, Graph, Ix, Join, Reached, Reason};
pub use of_plan::{Unsound, of_plan};
pub use path::CriticalPath;
pub use roll_out::{RolledOut, rolled_out};
pub use select::{BadPattern, Flag, NoMatch, Selection};

#[cfg(test)]
pub(crate) mod samples;
