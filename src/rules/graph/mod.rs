//! Rules that hold the nodes against each other.

pub(super) mod cycle;
pub(super) mod depends_on;
pub(super) mod early_inputs;
pub(super) mod same_peering;
pub(super) mod same_route;
pub(super) mod same_stack;
