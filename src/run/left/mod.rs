//! What left the plan: stacks and peerings that bear the plan's name and belong to none of its nodes any more, and routes
//! that it made. They are looked for in all accounts and regions of the plan and of the inventory, all at once.

mod grounds;
mod judge;
mod known;
mod order;
mod search;
#[cfg(test)]
mod tests;
mod thing;

pub use grounds::{Ground, Grounds, grounds, used};
pub use judge::Wanted;
pub(super) use order::{Before, End};
pub(super) use search::known_left;
pub use search::{Found, Left, search};
pub use thing::{Leaving, Thing};
