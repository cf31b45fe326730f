//! The owner of what a node of the plan makes.

use crate::kinds::Owner;
use crate::plan::{Node, Plan};

/// A node of a plan as the owner of what it makes, by the name that it has and the one that it had before.
pub(super) fn owner(plan: &Plan, node: &Node) -> Owner {
    Owner::new(&*plan.name, node.id.clone()).formerly(node.formerly.clone())
}
