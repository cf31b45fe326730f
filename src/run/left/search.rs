//! Asks AWS what there is.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::pin::Pin;

use indexmap::IndexMap;
use tokio::task::JoinSet;

use super::judge::{Judge, Wanted};
use super::known::Known;
use super::order::{Before, End, order};
use super::{Grounds, Leaving, Thing};
use crate::aws::{AccountError, CallError, Peering, RouteTable, Sessions, Stack, joined};
use crate::event::Failure;
use crate::ids::{AccountId, AccountName, Region};
use crate::inventory::{Inventory, Laid};
use crate::plan::{Plan, Spec};

/// An account and a region.
pub(super) type Place = (AccountId, Region);

/// What there is in all places that were looked into.
#[derive(Debug, Default)]
pub struct Found {
    /// What each account is called here.
    pub(super) names: BTreeMap<AccountId, AccountName>,
    pub(super) stacks: BTreeMap<Place, Vec<Stack>>,
    pub(super) peerings: BTreeMap<Place, Vec<Peering>>,
    /// Only where a route may have left the plan.
    pub(super) tables: BTreeMap<Place, Vec<RouteTable>>,
    /// The stacks that import something of a stack, by its id.
    pub(super) importers: BTreeMap<String, Vec<String>>,
    /// The accounts that the plan does not have, and whether all of each was looked into.
    pub(super) past: BTreeMap<AccountId, bool>,
    pub(super) refused: Vec<CallError>,
    pub(super) unreached: Vec<Failure>,
}

/// What left the plan, and what is not known of that.
#[derive(Clone, Debug, Default)]
pub struct Left {
    /// Everything that left it, in the order in which it can be deleted.
    pub leaving: Vec<Leaving>,
    /// Of two stacks, which is to be deleted before which.
    pub order: Vec<Before>,
    /// Where nobody could look, and why.
    pub unsearched: Vec<Failure>,
    /// Routes of the inventory that are not there any more.
    pub gone: Vec<Laid>,
    /// Accounts that the plan does not have and in which nothing of it is left.
    pub emptied: Vec<AccountId>,
}

impl Left {
    /// The same without the routes that the plan turns out to want, and the peerings that its nodes have, with the routes
    /// into these.
    #[must_use]
    pub fn without(self, wanted: &Wanted) -> Self {
        let staying: HashSet<&str> = (self.leaving.iter())
            .filter_map(|left| match &left.thing {
                Thing::Peering(peering) => Some(peering.id.as_str()),
                Thing::Stack(_) | Thing::Route(_) => None,
            })
            .filter(|peering| wanted.peerings.contains(*peering))
            .collect();
        let keeps = |left: &Leaving| match &left.thing {
            Thing::Route(route) => !wanted.has(route) && !staying.contains(route.target.as_str()),
            Thing::Peering(peering) => !staying.contains(peering.id.as_str()),
            Thing::Stack(_) => true,
        };
        // Routes and peerings come before the stacks that an order is between.
        let before = |index: usize| self.leaving[..index].iter().filter(|left| keeps(left)).count();
        let place = |end: &End| match end {
            End::Left(index) => End::Left(before(*index)),
            End::Node(node) => End::Node(node.clone()),
        };
        let moved = |pair: &Before| Before { first: place(&pair.first), then: place(&pair.then), sure: pair.sure };
        let order = self.order.iter().map(moved).collect();
        let leaving = self.leaving.iter().filter(|left| keeps(left)).cloned().collect();
        Self { leaving, order, ..self }
    }
}

enum Fact {
    Stacks(Place, Result<Vec<Stack>, CallError>),
    Peerings(Place, Result<Vec<Peering>, CallError>),
    Tables(Place, Result<Vec<RouteTable>, CallError>),
    Importers(Place, String, Result<Vec<String>, CallError>),
}

type Asking = Pin<Box<dyn Future<Output = Fact> + Send>>;

/// Looks into all grounds at once. `unreached` are the accounts that could not be reached; they are told beside the rest.
/// `everything` says that what is in the plan is to be deleted, too.
pub async fn search(
    plan: &Plan,
    inventory: &Inventory,
    grounds: &Grounds,
    sessions: &Sessions,
    unreached: &[AccountError],
    everything: bool,
) -> Found {
    let mut found = Found::default();
    let mut asking: Vec<Asking> = Vec::new();
    let (known, mut empty) = (Known::new(plan, inventory), Vec::new());
    for ground in &grounds.accounts {
        found.names.insert(ground.id.clone(), ground.account.clone());
        let mut whole = true;
        for region in &ground.regions {
            let place = (ground.id.clone(), region.clone());
            let Some(regional) = sessions.region(&ground.account, region) else {
                whole = false;
                continue;
            };
            let (here, at) = (regional.clone(), place.clone());
            asking.push(Box::pin(async move { Fact::Stacks(at, here.pictured_stacks().await) }));
            let at = place.clone();
            let peerings: Asking = Box::pin(async move { Fact::Peerings(at, regional.pictured_peerings().await) });
            if !everything && known.may_be_empty(&ground.id, region) {
                empty.push((place, peerings));
            } else {
                asking.push(peerings);
            }
        }
        if !ground.in_plan {
            found.past.insert(ground.id.clone(), whole);
        }
    }
    for error in unreached {
        let mut failure = Failure::new(error.to_string(), "");
        failure.help = error.help();
        if !plan.accounts.contains_key(&error.account) {
            failure
                .help
                .push("the plan has it no more: if nothing is left in it, take it out of the inventory".to_owned());
        }
        found.unreached.push(failure);
    }
    found.ask(asking).await;
    loop {
        // What is listed in one place may tell of another.
        let asking = known.take_out(&found, &mut empty);
        if asking.is_empty() {
            break;
        }
        found.ask(asking).await;
    }
    let mut asking: Vec<Asking> = Vec::new();
    for (id, region) in found.suspected(plan, inventory) {
        let Some(name) = found.names.get(&id) else { continue };
        let Some(regional) = sessions.region(name, &region) else { continue };
        asking.push(Box::pin(async move { Fact::Tables((id, region), regional.pictured_route_tables().await) }));
    }
    for (place, stack, export) in found.exports(plan, inventory, everything) {
        let Some(name) = found.names.get(&place.0) else { continue };
        let Some(regional) = sessions.region(name, &place.1) else { continue };
        asking.push(Box::pin(async move {
            let told = regional.importers(&export).await;
            Fact::Importers(place, stack, told)
        }));
    }
    found.ask(asking).await;
    found
}

/// How many stacks and peerings left the plan, by what was read of its places already: nothing is asked.
pub(in crate::run) fn known_left(plan: &Plan, sessions: &Sessions) -> usize {
    let mut found = Found::default();
    for node in &plan.nodes {
        let other = match &node.spec {
            Spec::Peering(peering) => Some((&peering.accepter.account, &peering.accepter.region)),
            Spec::Stack(_) | Spec::Route(_) => None,
        };
        for (account, region) in [(&node.account, &node.region)].into_iter().chain(other) {
            let known = plan.accounts.get(account).map(|account| account.id.clone());
            let Some((id, regional)) = known.zip(sessions.region(account, region)) else { continue };
            let place = (id, region.clone());
            if !found.stacks.contains_key(&place) {
                let (stacks, peerings) = regional.listed();
                found.stacks.insert(place.clone(), stacks);
                found.peerings.insert(place, peerings);
            }
        }
    }
    let inventory = Inventory::empty(&plan.name);
    let judge = Judge::new(plan, &inventory, &found);
    judge.stacks().0.len() + judge.peerings(&Wanted::default()).len()
}

impl Found {
    async fn ask(&mut self, asking: Vec<Asking>) {
        let mut tasks = JoinSet::new();
        for ask in asking {
            tasks.spawn(ask);
        }
        for fact in joined(tasks).await {
            let refused = match fact {
                Fact::Stacks(place, told) => kept(&mut self.stacks, place, told),
                Fact::Peerings(place, told) => kept(&mut self.peerings, place, told),
                Fact::Tables(place, told) => kept(&mut self.tables, place, told),
                Fact::Importers(_, stack, Ok(names)) => {
                    self.importers.entry(stack).or_default().extend(names);
                    None
                }
                Fact::Importers(place, _, Err(error)) => Some((place, error)),
            };
            let Some(((account, _), error)) = refused else { continue };
            if let Some(whole) = self.past.get_mut(&account) {
                *whole = false;
            }
            self.refused.push(error);
        }
    }

    /// The places in whose tables a route may be that left the plan: those of the inventory's routes, and those of the two
    /// accounts of each peering that left.
    fn suspected(&self, plan: &Plan, inventory: &Inventory) -> BTreeSet<Place> {
        let known = inventory.routes.iter().map(|route| (route.account.clone(), route.region.clone()));
        let mut places: BTreeSet<Place> = known.collect();
        let judge = Judge::new(plan, inventory, self);
        let sides: BTreeSet<String> = (judge.peerings(&Wanted::default()).into_iter())
            .filter_map(|leaving| match leaving.thing {
                Thing::Peering(peering) => Some([peering.requester.account, peering.accepter.account]),
                Thing::Stack(_) | Thing::Route(_) => None,
            })
            .flatten()
            .collect();
        places.extend(self.peerings.keys().filter(|(account, _)| sides.contains(account.as_str())).cloned());
        places
    }

    /// What is exported by the stacks that are to be deleted: place, stack and name.
    fn exports(&self, plan: &Plan, inventory: &Inventory, everything: bool) -> Vec<(Place, String, String)> {
        let judge = Judge::new(plan, inventory, self);
        let (left, _) = judge.stacks();
        let standing = judge.standing(&left).into_iter();
        let deleted = standing.filter(|own| everything || matches!(own.end, End::Left(_)));
        let exports = deleted.flat_map(|own| {
            own.stack.exports.iter().map(move |name| (own.place.clone(), own.stack.id.clone(), name.clone()))
        });
        exports.collect()
    }

    /// What left the plan, by what was found and by what the plan's nodes want as far as that is known.
    pub fn left(&self, plan: &Plan, wanted: &Wanted, inventory: &Inventory) -> Left {
        let judge = Judge::new(plan, inventory, self);
        let (stacks, odd) = judge.stacks();
        let peerings = judge.peerings(wanted);
        let (mut leaving, gone) = judge.routes(&peerings, wanted);
        leaving.extend(peerings);
        leaving.extend(stacks);
        let mut unsearched = self.unreached.clone();
        unsearched.extend(refusals(&self.refused));
        unsearched.extend(odd);
        let holds = |id: &AccountId| leaving.iter().any(|left| Some(&left.account) == self.names.get(id));
        let whole = self.past.iter().filter(|(_, whole)| **whole).map(|(id, _)| id);
        let mut emptied: Vec<AccountId> = whole.filter(|id| !holds(id)).cloned().collect();
        // Whoever is on the way to an account that still holds something stays known, and so does whoever is on the way there.
        loop {
            let known = inventory.accounts.iter().filter(|(id, _)| !emptied.contains(id));
            let ways: HashSet<&AccountId> = known.filter_map(|(_, account)| account.through.as_ref()).collect();
            let before = emptied.len();
            emptied.retain(|id| !ways.contains(id));
            if emptied.len() == before {
                break;
            }
        }
        let importers = self.importers.iter().map(|(id, names)| (id.as_str(), names.as_slice())).collect();
        let (pairs, all) = order(&judge.standing(&leaving), &importers);
        // Told in the order of deletion: what is no stack first, as it stands.
        let rank = |index: usize| all.iter().position(|end| *end == End::Left(index));
        let mut sorted: Vec<usize> = (0..leaving.len()).collect();
        sorted.sort_by_key(|index| rank(*index));
        let place = |end: End| match end {
            End::Left(old) => End::Left(sorted.iter().position(|index| *index == old).unwrap_or(old)),
            End::Node(node) => End::Node(node),
        };
        let order = pairs.into_iter().map(|Before { first, then, sure }| {
            let (first, then) = (place(first), place(then));
            Before { first, then, sure }
        });
        let order = order.collect();
        let leaving = sorted.iter().map(|index| leaving[*index].clone()).collect();
        Left { leaving, order, unsearched, gone, emptied }
    }
}

/// Keeps an answer, or gives back why there is none.
fn kept<T>(into: &mut BTreeMap<Place, T>, place: Place, told: Result<T, CallError>) -> Option<(Place, CallError)> {
    match told {
        Ok(told) => {
            into.insert(place, told);
            None
        }
        Err(error) => Some((place, error)),
    }
}

/// Refused calls in words, those that were refused alike as one: a policy is that of many accounts.
fn refusals(errors: &[CallError]) -> Vec<Failure> {
    const NAMED: usize = 3;
    let mut alike: IndexMap<(&str, Option<&str>), Vec<&CallError>> = IndexMap::new();
    for error in errors {
        alike.entry((error.operation, error.code.as_deref())).or_default().push(error);
    }
    let told = alike.into_values().filter_map(|mut errors| {
        errors.sort_by_key(|error| (error.account.clone(), error.region.clone()));
        let first = *errors.first()?;
        let mut failure = Failure::from(first.clone());
        if errors.len() > 1 {
            let places = errors.iter().take(NAMED).map(|error| format!("{} ({})", error.account, error.region));
            let mut places: Vec<String> = places.collect();
            if errors.len() > NAMED {
                places.push(format!("{} more", errors.len() - NAMED));
            }
            failure.summary = format!("{} {} in {}", first.operation, first.fate(), places.join(", "));
            // Each call has an id of its own.
            failure.request_id = None;
        }
        Some(failure)
    });
    told.collect()
}
