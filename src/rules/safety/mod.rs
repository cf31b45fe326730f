//! Rules about what could be lost or given away.

pub(super) mod open_secret;
pub(super) mod refused_policy;
pub(super) mod unprotected_data;
