//! The inventory: what AWS cannot tell about a plan's past.
//!
//! Stacks and peerings bear their plan's name, so AWS itself is the record of what exists. But it does not tell in which
//! accounts to look once the plan names them no more, which routes were made by the plan (they bear no tags), and how
//! long things took. That is kept here: a small document that can be deleted at any time, with
//! which nothing is lost but discovery. It holds no secrets.
//!
//! [`Inventory::read`] and [`Inventory::written`] are its written form; where it is kept is the business of the edge.
//! [`Inventory::take_in`] adds what one run has to tell, so that the document may be read again right before it is written.

mod account;
mod durations;
mod news;
mod route;
mod tolerant;
mod whole;

pub use account::Account;
pub use durations::{Durations, Past};
pub use news::News;
pub use route::Laid;
pub use whole::{Damaged, Inventory, VERSION};
