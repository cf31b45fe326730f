//! The three kinds of nodes: stacks, peerings and routes.
//!
//! Each reads what is there, decides by a pure function what is to be done, and does that and no more: converging twice
//! changes nothing the second time, and converging again is the way to go on after a crash. Every future may be dropped
//! at any time for the same reason.
//!
//! What is orch's own is told by two constant tags ([`Owner`]). Nothing else is ever changed or deleted.

pub mod peering;
pub mod route;
pub mod stack;

mod adopt;
mod course;
mod expected;
mod lost;
mod outlook;
mod owner;
mod refusal;
mod shown;
mod taken_back;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

pub use crate::aws::{Progress, Regional, Step};
pub use crate::event::{Change, Failure};
pub use crate::preview::Until;
pub use adopt::{Adopt, Claim};
#[cfg(test)]
pub(crate) use course::Firm;
pub use course::{Course, Footing, Made, Trace};
pub use expected::{Expected, Later};
pub use outlook::Outlook;
pub use owner::{NODE_TAG, Owner, PLAN_TAG};
pub use shown::Shown;
pub use taken_back::TakenBack;

/// A node that ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// What was done.
    pub change: Change,
    /// What there is to say about it, one line an item.
    pub details: Vec<String>,
    /// A stack's outputs; empty for the other kinds.
    pub outputs: BTreeMap<String, String>,
    /// A stack's ARN, a peering's id; `None` for a route, and for what is gone.
    pub id: Option<String>,
    /// How long AWS's own operation took, where that can be told.
    pub took: Option<Duration>,
}

impl Done {
    /// A node that ended with this change and has nothing more to say.
    pub fn new(change: Change) -> Self {
        Self { change, details: Vec::new(), outputs: BTreeMap::new(), id: None, took: None }
    }
}
