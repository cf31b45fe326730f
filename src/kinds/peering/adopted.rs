//! Peerings that somebody else has made and that are the node's by the plan's word.

use super::Wanted;
use super::options::tags_to_set;
use crate::aws::Peering;

/// Whether the tags that tell the owner are written on a peering that the node takes over, given what else is left to do
/// at it: one that needs nothing else is not touched for them, unless that is what was asked for.
pub(super) fn is_marked(wanted: &Wanted, peering: &Peering, left: &[String]) -> bool {
    !wanted.adopt.spares(&wanted.owner, &peering.tags)
        || !left.is_empty()
        || !tags_to_set(wanted, peering, false).is_empty()
}
