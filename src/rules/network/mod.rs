//! Rules that hold the design against how VPCs, peerings and routes work.

pub(super) mod double_table;
pub(super) mod foreign_range;
pub(super) mod misplaced_id;
pub(super) mod one_way;
pub(super) mod overlap;
pub(super) mod quotas;
