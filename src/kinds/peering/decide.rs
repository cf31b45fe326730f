//! What to do about the peerings between two VPCs.

use super::super::adopt::remedies;
use super::Wanted;
use crate::aws::{Peering, PeeringState};
use crate::event::Failure;

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// There is none: ask for one.
    Request,
    /// This one is ours: bring it as far as it should be.
    Keep(Box<Peering>),
    /// It must not be touched, or stands in the way.
    Refuse(Failure),
}

impl Decision {
    /// The word for it; for the log.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Keep(_) => "keep",
            Self::Refuse(_) => "refuse",
        }
    }
}

/// Which way round a live peering was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// By the plan's requester.
    AsWanted,
    /// By the plan's accepter: the plan has been turned round since. A peering carries traffic both ways all the same.
    Reversed,
}

impl Direction {
    pub(super) fn of(wanted: &Wanted, peering: &Peering) -> Self {
        if peering.requester.vpc == wanted.requester.vpc { Self::AsWanted } else { Self::Reversed }
    }
}

/// Puts the peering that has come furthest first; ids make the order certain.
pub(super) fn furthest_first(peerings: &mut [&Peering]) {
    peerings.sort_by_key(|peering| (std::cmp::Reverse(progress(peering)), peering.id.clone()));
}

/// How much a live peering has over others: AWS lets two VPCs have one that is active, and any number that wait.
fn progress(peering: &Peering) -> u8 {
    match peering.state {
        PeeringState::Active => 4,
        PeeringState::Provisioning => 3,
        PeeringState::Pending => 2,
        PeeringState::Initiating => 1,
        PeeringState::Dead(_) => 0,
    }
}

/// Decides over all peerings between the two VPCs, either way round, with the requesting side's tags.
pub(super) fn decide(wanted: &Wanted, found: &[Peering]) -> Decision {
    let mut live: Vec<&Peering> = found.iter().filter(|peering| peering.state.is_live()).collect();
    furthest_first(&mut live);
    let ours = live.iter().find(|peering| wanted.owner.owns(&peering.tags));
    // Of those of others only the one that has come furthest can be the node's: it is in the way of any other.
    let adopted = live.first().filter(|first| wanted.adopt.takes(&wanted.owner.of(&first.tags)));
    match (ours.or(adopted), live.first()) {
        // Ours cannot become active beside somebody else's that is.
        (Some(ours), Some(first)) if ours.state != PeeringState::Active && first.state == PeeringState::Active => {
            Decision::Refuse(not_ours(wanted, first))
        }
        (Some(ours), _) => Decision::Keep(Box::new((*ours).clone())),
        (None, Some(theirs)) => Decision::Refuse(not_ours(wanted, theirs)),
        (None, None) if wanted.adopt.is_now() => Decision::Refuse(nothing_to_adopt(wanted)),
        (None, None) => Decision::Request,
    }
}

/// There is no live peering to take over.
fn nothing_to_adopt(wanted: &Wanted) -> Failure {
    let (one, other) = (&wanted.requester.vpc, &wanted.accepter.vpc);
    Failure::new(format!("there is no live peering between {one} and {other}, so none can be adopted"), "")
        .help("if one is to be made, run `orch apply`")
}

/// What to say about our own dead peerings when another is asked for.
pub(super) fn dead(wanted: &Wanted, found: &[Peering]) -> Vec<String> {
    let ours = found.iter().filter(|peering| !peering.state.is_live() && wanted.owner.owns(&peering.tags));
    ours.map(|peering| {
        let message = if peering.message.is_empty() { String::new() } else { format!(": {}", peering.message) };
        format!("an earlier one, {}, is {}{message}; AWS removes it by itself", peering.id, peering.state)
    })
    .collect()
}

/// A live peering of somebody else's between the same VPCs.
pub(super) fn not_ours(wanted: &Wanted, peering: &Peering) -> Failure {
    let ownership = wanted.owner.of(&peering.tags);
    let mut failure = Failure::new(
        format!(
            "peering {} between {} and {} is {} and not this node's",
            peering.id, peering.requester.vpc, peering.accepter.vpc, peering.state
        ),
        ownership.to_string(),
    );
    failure.help = remedies(&wanted.owner, &ownership);
    failure
        .help("two VPCs can have one active peering: else take this node out of the plan and use the other one's id in the routes")
        .help("or, if nobody needs it, delete it, and run again")
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use indexmap::IndexMap;

    use super::super::Side;
    use super::*;
    use crate::aws::PeeringSide;
    use crate::kinds::{Adopt, Owner};

    pub(in super::super) fn wanted() -> Wanted {
        Wanted {
            requester: Side { vpc: "vpc-dev".to_owned(), dns: None },
            accepter: Side { vpc: "vpc-hub".to_owned(), dns: None },
            tags: IndexMap::new(),
            owner: Owner::new("network", "peerings.spoke[dev]".parse().unwrap()),
            adopt: Adopt::Never,
        }
    }

    fn peering(id: &str, state: &str, from: &str, to: &str, ours: bool) -> Peering {
        let side = |vpc: &str| PeeringSide { vpc: vpc.to_owned(), ..PeeringSide::default() };
        let tags = wanted().owner.tags().map(|(key, value)| (key.to_owned(), value));
        Peering {
            id: id.to_owned(),
            state: PeeringState::new(state),
            message: String::new(),
            requester: side(from),
            accepter: side(to),
            tags: if ours { BTreeMap::from(tags) } else { BTreeMap::new() },
        }
    }

    fn decision(found: &[Peering]) -> String {
        decision_adopting(Adopt::Never, found)
    }

    fn decision_adopting(adopt: Adopt, found: &[Peering]) -> String {
        match decide(&Wanted { adopt, ..wanted() }, found) {
            Decision::Request => "request".to_owned(),
            Decision::Keep(peering) => format!("keep {}", peering.id),
            Decision::Refuse(_) => "refuse".to_owned(),
        }
    }

    #[test]
    fn every_state_of_our_own_peering_has_its_decision() {
        for (state, expected) in [
            ("initiating-request", "keep pcx-1"),
            ("pending-acceptance", "keep pcx-1"),
            ("provisioning", "keep pcx-1"),
            ("active", "keep pcx-1"),
            ("failed", "request"),
            ("rejected", "request"),
            ("expired", "request"),
            ("deleting", "request"),
            ("deleted", "request"),
        ] {
            for (from, to) in [("vpc-dev", "vpc-hub"), ("vpc-hub", "vpc-dev")] {
                assert_eq!(decision(&[peering("pcx-1", state, from, to, true)]), expected, "{state}, {from} to {to}");
            }
        }
    }

    #[test]
    fn somebody_elses_live_peering_is_refused_either_way_round_and_a_dead_one_ignored() {
        for (from, to) in [("vpc-dev", "vpc-hub"), ("vpc-hub", "vpc-dev")] {
            for state in ["initiating-request", "pending-acceptance", "provisioning", "active"] {
                assert_eq!(decision(&[peering("pcx-1", state, from, to, false)]), "refuse", "{state}, {from} to {to}");
            }
            assert_eq!(decision(&[peering("pcx-1", "rejected", from, to, false)]), "request");
        }
    }

    #[test]
    fn a_live_peering_without_tags_is_adopted_either_way_round_and_one_of_another_node_only_on_purpose() {
        let (now, from_others) = (Adopt::Now { from_others: false }, Adopt::Now { from_others: true });
        for (from, to) in [("vpc-dev", "vpc-hub"), ("vpc-hub", "vpc-dev")] {
            for state in ["initiating-request", "pending-acceptance", "provisioning", "active"] {
                let nobodys = peering("pcx-1", state, from, to, false);
                let mut others = nobodys.clone();
                others.tags.insert("orch:plan".to_owned(), "other".to_owned());
                for (adopt, of_nobody, of_others) in [
                    (Adopt::Declared, "keep pcx-1", "refuse"),
                    (now, "keep pcx-1", "refuse"),
                    (from_others, "keep pcx-1", "keep pcx-1"),
                ] {
                    assert_eq!(
                        decision_adopting(adopt, std::slice::from_ref(&nobodys)),
                        of_nobody,
                        "{state} {adopt:?}"
                    );
                    assert_eq!(decision_adopting(adopt, std::slice::from_ref(&others)), of_others, "{state} {adopt:?}");
                }
            }
            let dead = [peering("pcx-1", "rejected", from, to, false)];
            assert_eq!(decision_adopting(Adopt::Declared, &dead), "request");
            assert_eq!(decision_adopting(now, &dead), "refuse", "there is nothing to take over");
        }
        let mut active = peering("pcx-1", "active", "vpc-dev", "vpc-hub", false);
        active.tags.insert("orch:plan".to_owned(), "other".to_owned());
        let pending = peering("pcx-2", "pending-acceptance", "vpc-dev", "vpc-hub", false);
        assert_eq!(decision_adopting(Adopt::Declared, &[pending, active]), "refuse", "another one is in its way");
    }

    #[test]
    fn of_several_the_one_that_has_come_furthest_counts() {
        let pending = peering("pcx-1", "pending-acceptance", "vpc-dev", "vpc-hub", true);
        let active = peering("pcx-2", "active", "vpc-hub", "vpc-dev", true);
        let theirs = peering("pcx-0", "active", "vpc-dev", "vpc-hub", false);
        let waiting = peering("pcx-0", "pending-acceptance", "vpc-dev", "vpc-hub", false);
        assert_eq!(decision(&[pending.clone(), active.clone()]), "keep pcx-2");
        assert_eq!(decision(&[pending.clone(), theirs]), "refuse");
        assert_eq!(decision(&[pending, waiting.clone()]), "keep pcx-1");
        assert_eq!(decision(&[active, waiting]), "keep pcx-2");
        assert_eq!(decision(&[]), "request");
    }

    #[test]
    fn a_peering_of_another_node_is_not_ours() {
        let mut found = peering("pcx-1", "active", "vpc-dev", "vpc-hub", true);
        found.tags.insert("orch:node".to_owned(), "peerings/other".to_owned());
        let Decision::Refuse(failure) = decide(&wanted(), &[found]) else { panic!("not refused") };
        assert_eq!(failure.summary, "peering pcx-1 between vpc-dev and vpc-hub is active and not this node's");
        assert_eq!(failure.cause, "its tags say that it belongs to plan `network`, node `peerings/other`");
    }

    #[test]
    fn only_our_own_dead_ones_are_told_of() {
        let mut failed = peering("pcx-1", "failed", "vpc-dev", "vpc-hub", true);
        failed.message = "CIDR overlap".to_owned();
        let theirs = peering("pcx-2", "failed", "vpc-dev", "vpc-hub", false);
        assert_eq!(
            dead(&wanted(), &[failed, theirs]),
            ["an earlier one, pcx-1, is failed: CIDR overlap; AWS removes it by itself"]
        );
    }
}
