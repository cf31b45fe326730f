//! The kind *route*: one destination and one target in any number of route tables.

mod act;
mod decide;
mod foresee;
mod foresee_destroy;
mod parse;
mod standing;
mod take_back;
#[cfg(test)]
mod tests;

use super::{Adopt, Owner};

pub use act::{converge, destroy, leave, sweep};
pub use foresee::{Draft, foresee};
pub use foresee_destroy::{foresee_destroy, foresee_sweep};
pub use parse::place;
pub use standing::standing;
pub use take_back::take_back;

/// A route as the plan wants it, all values worked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The route tables, by id.
    pub route_tables: Vec<String>,
    /// An IPv4 or IPv6 range, or a prefix list's id (`pl-…`).
    pub destination: String,
    /// The target's id: `pcx-…`, `tgw-…`, `nat-…`, `igw-…`, `eni-…`, `vpce-…` and so on.
    pub target: String,
    /// Whether a route to the same destination by another target may be led here.
    pub replace: bool,
    /// Whether the route is only to be taken over, so that it must be there.
    pub adopt: Adopt,
    /// The node; for messages, since routes bear no tags.
    pub owner: Owner,
}

/// A route that was made in one table, or led elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Made {
    /// The table's id.
    pub table: String,
    /// The destination, in canonical form.
    pub destination: String,
    /// The target's id.
    pub target: String,
}
