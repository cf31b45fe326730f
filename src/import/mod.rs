//! A first plan from what stands: live facts as plain data, and the text of the plan that they come to.
//!
//! Whoever can ask AWS fills [`Facts`]; [`write()`] makes a plan of them that describes what is there and nothing else. What
//! it cannot say it tells beside it ([`Written::told`]).

mod facts;
mod outputs;
mod template;
#[cfg(test)]
mod tests;
mod toml;
mod write;

pub use facts::{Facts, Peering, Side, Stack, Table};
pub use toml::{key, text};
pub use write::{Head, Written, write};
