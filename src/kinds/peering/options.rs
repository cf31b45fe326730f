//! What can be set of an active peering: tags, and DNS resolution for each side.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::decide::Direction;
use super::{Sides, UNKNOWN_AT_MOST, Wanted, pause};
use crate::aws::{CallError, Class, Peering, Regional, Step};
use crate::event::Failure;
use crate::kinds::Progress;
use crate::kinds::lost::insist;

/// The DNS settings that differ, by AWS's names for the sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Dns {
    pub(super) requester: Option<bool>,
    pub(super) accepter: Option<bool>,
}

/// Which DNS settings are to be made. A side about which AWS says nothing has it off.
pub(super) fn dns_to_set(wanted: &Wanted, peering: &Peering, direction: Direction) -> Dns {
    let (requester, accepter) = match direction {
        Direction::AsWanted => (wanted.requester.dns, wanted.accepter.dns),
        Direction::Reversed => (wanted.accepter.dns, wanted.requester.dns),
    };
    let differs = |wanted: Option<bool>, live: Option<bool>| wanted.filter(|wanted| *wanted != live.unwrap_or(false));
    Dns { requester: differs(requester, peering.requester.dns), accepter: differs(accepter, peering.accepter.dns) }
}

/// The tags that are missing or differ, those that tell the owner among them or not. Others are left: somebody may have
/// their reasons.
pub(super) fn tags_to_set(wanted: &Wanted, peering: &Peering, marks: bool) -> BTreeMap<String, String> {
    let owner = wanted.adopt.names(&wanted.owner, &peering.tags);
    let wanted = if marks { owner.with(&wanted.tags) } else { wanted.tags.clone() };
    wanted.into_iter().filter(|(key, value)| peering.tags.get(key) != Some(value)).collect()
}

/// Sets the tags that differ, in the requesting account, and says so.
pub(super) async fn tags(
    sides: Sides<'_>,
    wanted: &Wanted,
    peering: &Peering,
    direction: Direction,
    marks: bool,
) -> Result<Option<String>, Failure> {
    let missing = tags_to_set(wanted, peering, marks);
    if missing.is_empty() {
        return Ok(None);
    }
    let (asking, _) = sides.as_asked(direction);
    insist(|| asking.set_tags(&peering.id, &missing)).await?;
    let keys: Vec<&str> = missing.keys().map(String::as_str).collect();
    Ok(Some(format!("set tags {}", keys.join(", "))))
}

/// Whether the plan says anything of the DNS setting of the side that was asked.
pub(super) fn wants_of_asked(wanted: &Wanted, direction: Direction) -> bool {
    let side = match direction {
        Direction::AsWanted => &wanted.accepter,
        Direction::Reversed => &wanted.requester,
    };
    side.dns.is_some()
}

/// A peering that the asking side has looked at, with the other side's own setting: each account is told its own side's
/// options for certain, and the other's at best.
pub(super) fn seen_by_asked(mut peering: Peering, theirs: &Peering) -> Peering {
    peering.accepter.dns = theirs.accepter.dns;
    peering
}

/// A peering that the asking side has looked at, with the other side's DNS setting where the plan wants one.
pub(super) async fn from_both(
    sides: Sides<'_>,
    wanted: &Wanted,
    peering: &Peering,
    direction: Direction,
) -> Result<Peering, CallError> {
    let (_, asked) = sides.as_asked(direction);
    if wants_of_asked(wanted, direction)
        && let Some(theirs) = asked.peering(&peering.id).await?
    {
        return Ok(seen_by_asked(peering.clone(), &theirs));
    }
    Ok(peering.clone())
}

/// Sets DNS resolution where it differs, each side by its own account, and says so. One that `is_new` was made and
/// accepted by this node just now, so that nobody has set anything of it.
pub(super) async fn dns(
    sides: Sides<'_>,
    wanted: &Wanted,
    (peering, direction): (&Peering, Direction),
    is_new: bool,
    progress: Progress<'_>,
) -> Result<Vec<String>, Failure> {
    let (asking, asked) = sides.as_asked(direction);
    // One that was just made has it off on both sides.
    let peering = if is_new { peering.clone() } else { from_both(sides, wanted, peering, direction).await? };
    let to_set = dns_to_set(wanted, &peering, direction);
    let mut details = Vec::new();
    if let Some(on) = to_set.requester {
        set_dns(asking, &peering.id, Some(on), None).await?;
        details.push(dns_line(on, &peering.requester.vpc));
    }
    if let Some(on) = to_set.accepter {
        set_dns(asked, &peering.id, None, Some(on)).await?;
        details.push(dns_line(on, &peering.accepter.vpc));
    }
    for detail in &details {
        progress(Step { what: &peering.id, status: "options", reason: Some(detail), event: None });
    }
    Ok(details)
}

pub(super) fn dns_line(on: bool, vpc: &str) -> String {
    format!("DNS resolution of {vpc} from the other side is {}", if on { "on" } else { "off" })
}

/// Sets one side's DNS option. For some seconds that side may not know yet that the peering is active; and a setting whose
/// answer is lost is set again.
async fn set_dns(side: &Regional, id: &str, requester: Option<bool>, accepter: Option<bool>) -> Result<(), CallError> {
    let began = Instant::now();
    loop {
        match side.set_peering_dns(id, requester, accepter).await {
            Err(error) if (is_too_early(&error) || error.class == Class::Lost) && began.elapsed() < UNKNOWN_AT_MOST => {
                tokio::time::sleep(pause(began.elapsed())).await;
            }
            answer => return answer,
        }
    }
}

/// Whether the side does not know the peering yet, or not that it is active.
fn is_too_early(error: &CallError) -> bool {
    matches!(error.class, Class::NotFound | Class::Conflict)
        || (error.is("OperationNotPermitted") && error.message.contains("active"))
}

#[cfg(test)]
mod tests {
    use super::super::decide::tests::wanted;
    use super::*;
    use crate::aws::{PeeringSide, PeeringState};

    fn peering(requester: Option<bool>, accepter: Option<bool>) -> Peering {
        let side = |vpc: &str, dns| PeeringSide { vpc: vpc.to_owned(), dns, ..PeeringSide::default() };
        Peering {
            id: "pcx-1".to_owned(),
            state: PeeringState::Active,
            message: String::new(),
            requester: side("vpc-dev", requester),
            accepter: side("vpc-hub", accepter),
            tags: wanted().owner.tags().map(|(key, value)| (key.to_owned(), value)).into(),
        }
    }

    #[test]
    fn dns_is_set_only_where_it_differs() {
        const ON: Option<bool> = Some(true);
        const OFF: Option<bool> = Some(false);
        for ((wanted_requester, wanted_accepter), (requester, accepter), expected) in [
            ((None, None), (ON, OFF), (None, None)),
            ((ON, ON), (None, None), (ON, ON)),
            ((ON, OFF), (ON, OFF), (None, None)),
            ((OFF, OFF), (None, ON), (None, OFF)),
            ((OFF, None), (ON, ON), (OFF, None)),
        ] {
            let mut wanted = wanted();
            wanted.requester.dns = wanted_requester;
            wanted.accepter.dns = wanted_accepter;
            let to_set = dns_to_set(&wanted, &peering(requester, accepter), Direction::AsWanted);
            assert_eq!((to_set.requester, to_set.accepter), expected);
        }
    }

    #[test]
    fn a_peering_that_was_asked_for_the_other_way_round_gets_each_sides_option_all_the_same() {
        let mut wanted = wanted();
        wanted.requester.dns = Some(true);
        let to_set = dns_to_set(&wanted, &peering(None, None), Direction::Reversed);
        assert_eq!(to_set, Dns { requester: None, accepter: Some(true) });
    }

    #[test]
    fn a_side_that_does_not_know_the_peering_to_be_active_is_asked_again() {
        let error = |code: &str, message: &str, class| {
            CallError::sample("ModifyVpcPeeringConnectionOptions", class).saying(code, message)
        };
        let inactive = "Peering pcx-1 is not active. Peering options can be added only to active peerings.";
        assert!(is_too_early(&error("OperationNotPermitted", inactive, Class::Other)));
        assert!(!is_too_early(&error("OperationNotPermitted", "User 1 cannot modify pcx-1", Class::Other)));
        assert!(is_too_early(&error("InvalidVpcPeeringConnectionID.NotFound", "", Class::NotFound)));
        assert!(is_too_early(&error("InvalidStateTransition", "", Class::Conflict)));
        assert!(!is_too_early(&error("UnauthorizedOperation", "", Class::Denied)));
    }

    #[test]
    fn tags_of_others_stay() {
        let mut wanted = wanted();
        let mut peering = peering(None, None);
        peering.tags.insert("Team".to_owned(), "net".to_owned());
        assert!(tags_to_set(&wanted, &peering, true).is_empty());
        wanted.tags.insert("Purpose".to_owned(), "Infrastructure".to_owned());
        assert_eq!(
            tags_to_set(&wanted, &peering, true),
            BTreeMap::from([("Purpose".to_owned(), "Infrastructure".to_owned())])
        );
    }
}
