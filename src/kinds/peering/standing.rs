//! How a peering stands.

use std::collections::BTreeMap;

use super::decide::furthest_first;
use crate::aws::{Peering, PeeringState};
use crate::event::{Health, Standing};
use crate::kinds::Claim;
use crate::kinds::adopt::{STANDS, remedies};

/// All peerings that either side sees; `None` where it could not be asked.
#[derive(Clone, Copy, Debug)]
pub struct Views<'a> {
    /// The plan's requester.
    pub requester: Option<&'a [Peering]>,
    /// The plan's accepter.
    pub accepter: Option<&'a [Peering]>,
}

impl Views<'_> {
    /// Every peering once, with the tags that either side gives it.
    fn merged(self) -> Vec<Peering> {
        let mut found: BTreeMap<&str, Peering> = BTreeMap::new();
        for peering in [self.requester, self.accepter].into_iter().flatten().flatten() {
            let known = found.entry(&peering.id).or_insert_with(|| peering.clone());
            known.tags.extend(peering.tags.clone());
        }
        found.into_values().collect()
    }
}

/// How the owner's peering stands. It is found by its tags; the VPCs that the plan wants it between, where they are known,
/// tell whether it is still the right one and whether somebody else's is in its place.
///
/// `None` if it cannot be told, since a side that was not read may see it.
pub fn standing(claim: Claim<'_>, vpcs: Option<(&str, &str)>, views: Views<'_>) -> Option<Standing> {
    let owner = claim.owner;
    let all = views.merged();
    let between = |peering: &&Peering| vpcs.is_some_and(|(one, other)| peering.is_between(one, other));
    let mut ours: Vec<&Peering> = all.iter().filter(|peering| owner.owns(&peering.tags)).collect();
    // One between the wanted VPCs comes before all others, whatever state either is in.
    furthest_first(&mut ours);
    ours.sort_by_key(|peering| (!peering.state.is_live(), !between(peering)));
    let mut theirs: Vec<&Peering> =
        all.iter().filter(|peering| !owner.owns(&peering.tags) && peering.state.is_live()).filter(between).collect();
    furthest_first(&mut theirs);
    match (ours.first().filter(|peering| peering.state.is_live()), theirs.first()) {
        (Some(ours), Some(theirs)) if ours.state != PeeringState::Active && theirs.state == PeeringState::Active => {
            Some(foreign(claim, theirs))
        }
        (Some(ours), _) => Some(live(ours, vpcs)),
        (None, Some(theirs)) if claim.holds(&theirs.tags) => {
            Some(live(theirs, vpcs).help(format!("{} {STANDS}", theirs.id)))
        }
        (None, Some(theirs)) => Some(foreign(claim, theirs)),
        (None, None) if views.requester.is_none() || views.accepter.is_none() => None,
        (None, None) => Some(gone(&ours)),
    }
}

/// Which sides of the owner's active peering have another DNS option than the plan says, each as its own account sees
/// it. `wanted` is what the plan says of the requester and of the accepter, by their VPCs.
pub fn options(id: &str, wanted: [(&str, Option<bool>); 2], views: Views<'_>) -> Vec<String> {
    let of = |view: Option<&[Peering]>| view.and_then(|view| view.iter().find(|peering| peering.id == id).cloned());
    let (asking, asked) = (of(views.requester), of(views.accepter));
    let side = |vpc: &str, seen: &Option<Peering>| {
        let seen = seen.as_ref()?;
        let side = [&seen.requester, &seen.accepter].into_iter().find(|side| side.vpc == vpc)?;
        Some(side.dns.unwrap_or(false))
    };
    let [(one, _), (other, _)] = wanted;
    let lives = [side(one, &asking), side(other, &asked)];
    let word = |on: bool| if on { "on" } else { "off" };
    let differs = wanted.into_iter().zip(lives).filter_map(|((vpc, wanted), live)| {
        let (wanted, live) = (wanted?, live?);
        let told = || {
            format!("DNS resolution of {vpc} from the other side is {}; the plan wants it {}", word(live), word(wanted))
        };
        (wanted != live).then(told)
    });
    differs.collect()
}

fn live(peering: &Peering, vpcs: Option<(&str, &str)>) -> Standing {
    let health = if peering.state == PeeringState::Active { Health::Fine } else { Health::UnderWay };
    let standing = Standing { id: Some(peering.id.clone()), ..Standing::new(health, peering.state.to_string()) };
    match vpcs {
        Some((one, other)) if !peering.is_between(one, other) => {
            let (from, to) = (&peering.requester.vpc, &peering.accepter.vpc);
            Standing { health: Health::Failed, ..standing }
                .because(format!("{} is between {from} and {to}; the plan wants {one} and {other}", peering.id))
                .help("`orch apply` asks for one between the wanted VPCs; the other is yours to delete")
        }
        _ => standing,
    }
}

fn foreign(claim: Claim<'_>, peering: &Peering) -> Standing {
    let (from, to) = (&peering.requester.vpc, &peering.accepter.vpc);
    let whose = claim.owner.of(&peering.tags);
    let help = remedies(claim.owner, &whose);
    Standing { id: Some(peering.id.clone()), help, ..Standing::new(Health::Foreign, peering.state.to_string()) }
        .because(format!("{} between {from} and {to}: {whose}", peering.id))
        .help("two VPCs can have one active peering: else take the node out of the plan and use the other one's id in the routes, or delete that one if nobody needs it")
}

/// What there is to say where nothing lives. One that was deleted is just not there; one that failed is worth a word.
fn gone(ours: &[&Peering]) -> Standing {
    let told = |peering: &&&Peering| !matches!(peering.state.to_string().as_str(), "deleting" | "deleted");
    match ours.iter().find(told) {
        Some(dead) => Standing { id: Some(dead.id.clone()), ..Standing::new(Health::Failed, dead.state.to_string()) }
            .because(format!("{}: {}", dead.id, dead.message).trim_end_matches(": "))
            .help("`orch apply` asks for another; AWS removes this one by itself"),
        None => Standing::new(Health::Missing, "not there"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::decide::tests::wanted;
    use super::*;
    use crate::aws::PeeringSide;
    use crate::kinds::{Adopt, Owner};

    fn claim(owner: &Owner, adopt: Adopt) -> Claim<'_> {
        Claim { owner, adopt }
    }

    fn peering(id: &str, state: &str, to: &str, ours: bool) -> Peering {
        let side = |vpc: &str| PeeringSide { vpc: vpc.to_owned(), ..PeeringSide::default() };
        let tags = wanted().owner.tags().map(|(key, value)| (key.to_owned(), value));
        Peering {
            id: id.to_owned(),
            state: PeeringState::new(state),
            message: "its words".to_owned(),
            requester: side("vpc-dev"),
            accepter: side(to),
            tags: if ours { tags.into() } else { BTreeMap::new() },
        }
    }

    fn told(found: &[Peering]) -> String {
        told_adopting(Adopt::Never, found)
    }

    fn told_adopting(adopt: Adopt, found: &[Peering]) -> String {
        let views = Views { requester: Some(found), accepter: Some(&[]) };
        let standing = standing(claim(&wanted().owner, adopt), Some(("vpc-dev", "vpc-hub")), views).unwrap();
        format!("{}, {}", standing.health, standing.state)
    }

    #[test]
    fn every_state_of_our_own_peering_has_its_health() {
        for (state, expected) in [
            ("initiating-request", "under way, initiating-request"),
            ("pending-acceptance", "under way, pending-acceptance"),
            ("provisioning", "under way, provisioning"),
            ("active", "fine, active"),
            ("failed", "failed, failed"),
            ("rejected", "failed, rejected"),
            ("expired", "failed, expired"),
            ("deleting", "missing, not there"),
            ("deleted", "missing, not there"),
        ] {
            assert_eq!(told(&[peering("pcx-1", state, "vpc-hub", true)]), expected);
        }
        assert_eq!(told(&[]), "missing, not there");
    }

    #[test]
    fn one_in_its_place_or_between_other_vpcs_is_told() {
        let (active, pending) = ("active", "pending-acceptance");
        assert_eq!(told(&[peering("pcx-1", active, "vpc-hub", false)]), "not ours, active");
        assert_eq!(told_adopting(Adopt::Declared, &[peering("pcx-1", active, "vpc-hub", false)]), "fine, active");
        assert_eq!(told(&[peering("pcx-1", active, "vpc-other", false)]), "missing, not there");
        assert_eq!(told(&[peering("pcx-1", active, "vpc-old", true)]), "failed, active");
        let moved = [peering("pcx-1", active, "vpc-old", true), peering("pcx-2", pending, "vpc-hub", true)];
        assert_eq!(told(&moved), "under way, pending-acceptance");
        let beside = [peering("pcx-1", pending, "vpc-hub", true), peering("pcx-2", active, "vpc-hub", false)];
        assert_eq!(told(&beside), "not ours, active");
        let again = [peering("pcx-1", "failed", "vpc-hub", true), peering("pcx-2", active, "vpc-hub", true)];
        assert_eq!(told(&again), "fine, active");
    }

    #[test]
    fn an_option_that_differs_is_told_as_its_own_side_sees_it() {
        let seen = |of_dev, of_hub| {
            let mut peering = peering("pcx-1", "active", "vpc-hub", true);
            (peering.requester.dns, peering.accepter.dns) = (of_dev, of_hub);
            [peering]
        };
        let (dev, hub) = (seen(Some(true), None), seen(None, Some(true)));
        let views = Views { requester: Some(&dev), accepter: Some(&hub) };
        let told = |one, other| options("pcx-1", [("vpc-dev", one), ("vpc-hub", other)], views);
        assert!(told(None, None).is_empty() && told(Some(true), Some(true)).is_empty());
        assert_eq!(
            told(Some(false), Some(true)),
            ["DNS resolution of vpc-dev from the other side is on; the plan wants it off"]
        );
        assert_eq!(told(Some(true), Some(false)).len(), 1);
    }

    #[test]
    fn what_a_side_that_was_not_read_may_see_is_not_called_missing() {
        let owner = wanted().owner;
        let ours = [peering("pcx-1", "active", "vpc-hub", true)];
        let half = |requester| Views { requester, accepter: None };
        let claim = claim(&owner, Adopt::Never);
        assert_eq!(standing(claim, None, half(Some(&[]))), None);
        assert_eq!(standing(claim, None, half(Some(&ours))).unwrap().health, Health::Fine);
    }
}
