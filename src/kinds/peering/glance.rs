//! What the picture of both accounts alone tells of a peering.

use super::adopted::is_marked;
use super::decide::{Decision, Direction, decide};
use super::options::{Dns, dns_to_set, seen_by_asked, tags_to_set, wants_of_asked};
use super::{Sides, Wanted};
use crate::aws::{Peering, PeeringState};
use crate::event::Failure;

/// What needs no look at the peering itself.
#[derive(Debug)]
pub(super) enum Glance {
    /// There is none between the two VPCs; with the dead ones that there are.
    Absent(Vec<Peering>),
    /// The node's own is all that the plan wants.
    Same(Box<Peering>),
    /// Anything else, which may be different by now: look at it.
    Unsure,
    /// The picture does not tell.
    Unknown,
}

/// Takes a glance at a peering from both sides.
///
/// # Errors
///
/// A call was refused or did not come through.
pub(super) async fn glance(sides: Sides<'_>, wanted: &Wanted) -> Result<Glance, Failure> {
    let Some(found) = sides.glance(wanted).await? else { return Ok(Glance::Unknown) };
    let peering = match decide(wanted, &found) {
        Decision::Request => return Ok(Glance::Absent(found)),
        Decision::Refuse(_) => return Ok(Glance::Unsure),
        Decision::Keep(peering) => peering,
    };
    let marks = is_marked(wanted, &peering, &[]);
    if peering.state != PeeringState::Active || !tags_to_set(wanted, &peering, marks).is_empty() {
        return Ok(Glance::Unsure);
    }
    let direction = Direction::of(wanted, &peering);
    let mut seen = (*peering).clone();
    if wants_of_asked(wanted, direction) {
        let (_, asked) = sides.as_asked(direction);
        let Some(theirs) = asked.pictured_peering(&peering.id).await? else { return Ok(Glance::Unsure) };
        seen = seen_by_asked(seen, &theirs);
    }
    let is_set = dns_to_set(wanted, &seen, direction) == Dns::default();
    Ok(if is_set { Glance::Same(peering) } else { Glance::Unsure })
}
