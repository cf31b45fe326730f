//! Each safeguard of orch is switched off in turn, and a seed notices: the harness can fail.

use orch::safeguard::{Safeguard, without};
use orch::sim::{Effect, Fault};

use super::design::Version;
use super::story::{Story, What};
use super::suite::told;

/// How many stories are told at most until one notices.
const STORIES: usize = 60;

/// How many seeds are looked through for stories that have what it takes to notice.
const SEEDS: u64 = 20_000;

/// Whether a story has what it takes to notice that a safeguard is missing.
fn may_notice(story: &Story, safeguard: Safeguard) -> bool {
    match safeguard {
        Safeguard::IdentityCheck => story.misled && !story.runs.is_empty(),
        Safeguard::ExpiryRefresh => story.renews() && story.runs.iter().any(|(_, run)| run.revoked_after.is_some()),
        Safeguard::OwnershipBeforeChange => story.squatter && !story.runs.is_empty(),
        Safeguard::OwnershipBeforeDelete => {
            story.squatter && story.runs.iter().any(|(_, run)| run.what == What::Destroy)
        }
        Safeguard::StrictEnds => story.is_alone() && !story.resources.is_empty(),
        Safeguard::LookingAgain => {
            let lost = |fault: &Fault| {
                let is_route = fault.operation.as_deref().is_some_and(|on| on == "CreateRoute" || on == "Create*");
                fault.effect == Effect::LostAfter && is_route
            };
            let makes_routes = story.design.peerings(Version::Now).iter().any(|peering| !peering.routes.is_empty());
            story.is_alone()
                && makes_routes
                && story.runs.iter().any(|(_, run)| run.death.is_none())
                && story.calls.iter().any(|(_, fault)| lost(fault))
        }
        Safeguard::ReadBeforeCreate => story.applied,
        Safeguard::IdempotencyToken => story.is_alone(),
        Safeguard::WaitingForNeeds | Safeguard::TagsFromTheStart | Safeguard::DroppingChangeSets => true,
    }
}

/// The first seed that notices, and what it says.
fn noticed(safeguard: Safeguard) -> Option<(u64, String)> {
    let able = (0..SEEDS).map(Story::of).filter(|story| may_notice(story, safeguard));
    let mut told = able.take(STORIES).map(|story| (story.seed, without(safeguard, || told(&story))));
    told.find_map(|(seed, told)| Some((seed, told.err()?.lines().next()?.to_owned())))
}

#[test]
fn without_any_of_the_safeguards_a_seed_notices() {
    let mut missed = Vec::new();
    for safeguard in Safeguard::ALL {
        match noticed(safeguard) {
            Some((seed, wrong)) => {
                println!("{safeguard:?}: seed {seed}: {}", wrong.chars().take(300).collect::<String>())
            }
            None => missed.push(safeguard),
        }
    }
    assert!(missed.is_empty(), "no seed notices that these are missing: {missed:?}");
}

#[test]
fn the_safeguards_hold_again_afterwards() {
    let story = Story::of(0);
    without(Safeguard::WaitingForNeeds, || drop(told(&story)));
    assert!(told(&story).is_ok());
}
