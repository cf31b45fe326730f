//! Rules about how accounts are reached.

pub(super) mod account_id;
pub(super) mod contradiction;
pub(super) mod duration;
pub(super) mod partition;
pub(super) mod role;
pub(super) mod through;
pub(super) mod unknown_account;
