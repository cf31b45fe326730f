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

/// What is said where it is missing: any of these.
fn complaints(safeguard: Safeguard) -> &'static [&'static str] {
    match safeguard {
        Safeguard::IdentityCheck => &["with the keys of another account", "which the plan does not have"],
        Safeguard::ExpiryRefresh => &["fails for its session"],
        Safeguard::IdempotencyToken => &["was told as Unchanged"],
        Safeguard::ReadBeforeCreate => &["was told as", "cannot be applied", "is not reached"],
        Safeguard::OwnershipBeforeChange | Safeguard::OwnershipBeforeDelete => &["what is not the plan's was changed"],
        Safeguard::StrictEnds => &["and the stack is in"],
        Safeguard::WaitingForNeeds => &["begins while"],
        Safeguard::LookingAgain => &["for what is there already"],
        Safeguard::TagsFromTheStart => &["is not reached", "cannot be applied"],
        Safeguard::DroppingChangeSets => &["these change sets are left"],
    }
}

/// The first seed that notices, and what it says. The same story holds where nothing is missing.
fn noticed(safeguard: Safeguard) -> Option<(u64, String)> {
    let able = (0..SEEDS).map(Story::of).filter(|story| may_notice(story, safeguard));
    able.take(STORIES).find_map(|story| {
        let wrong = without(safeguard, || told(&story)).err()?;
        let first = wrong.lines().next()?.to_owned();
        let is_it = complaints(safeguard).iter().any(|complaint| first.contains(complaint));
        (is_it && told(&story).is_ok()).then_some((story.seed, first))
    })
}

#[test]
fn without_any_of_the_safeguards_a_seed_notices() {
    let mut missed = Vec::new();
    for safeguard in Safeguard::ALL {
        match noticed(safeguard) {
            Some((seed, wrong)) => {
                println!("{safeguard:?}: seed {seed}: {}", wrong.chars().take(300).collect::<String>());
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
