//! Who may do what: the operations that orch calls with the actions that allow them, and policies as IAM reads them.
//!
//! Nothing here knows a plan or makes a call. The embedded AWS enforces with it what `grants` writes for real accounts.

mod decide;
mod handlers;
mod operation;
mod policy;
mod test;

pub use decide::{Asked, Keys, Verdict, decide, matches_arn};
pub use handlers::{Handler, handler_actions};
pub use operation::{Need, OPERATIONS, On, Operation, action_in, operation};
pub use policy::{Effect, Policy, PolicyError, Statement, Which};
pub use test::{Condition, Operator, Quantifier, Test};
