//! Asks AWS what there is.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;

use indexmap::IndexMap;
use tokio::task::JoinSet;

use super::super::drafts::Drafter;
use super::super::{Job, Outlooks};
use super::judge::{Judge, Wanted};
use super::{Grounds, Leaving, Thing};
use crate::aws::{AccountError, CallError, Peering, RouteTable, Sessions, Stack, joined};
use crate::diag::Sources;
use crate::event::Failure;
use crate::ids::{AccountId, AccountName, Region};
use crate::inventory::{Inventory, Laid};
use crate::kinds::{Expected, Owner, route};
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
    /// Where nobody could look, and why.
    pub unsearched: Vec<Failure>,
    /// Routes of the inventory that are not there any more.
    pub gone: Vec<Laid>,
    /// Accounts that the plan does not have and in which nothing of it is left.
    pub emptied: Vec<AccountId>,
}

enum Fact {
    Stacks(Place, Result<Vec<Stack>, CallError>),
    Peerings(Place, Result<Vec<Peering>, CallError>),
    Tables(Place, Result<Vec<RouteTable>, CallError>),
}

type Asking = Pin<Box<dyn Future<Output = Fact> + Send>>;

/// Looks into all grounds at once. `unreached` are the accounts that could not be reached; they are told beside the rest.
pub async fn search(
    plan: &Plan,
    inventory: &Inventory,
    grounds: &Grounds,
    sessions: &Sessions,
    unreached: &[AccountError],
) -> Found {
    let mut found = Found::default();
    let mut asking: Vec<Asking> = Vec::new();
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
            asking.push(Box::pin(async move { Fact::Stacks(at, here.every_stack().await) }));
            asking.push(Box::pin(async move { Fact::Peerings(place, regional.every_peering().await) }));
        }
        if !ground.in_plan {
            found.past.insert(ground.id.clone(), whole);
        }
    }
    found.ask(asking).await;
    let mut asking: Vec<Asking> = Vec::new();
    for (id, region) in found.suspected(plan, inventory) {
        let Some(name) = found.names.get(&id) else { continue };
        let Some(regional) = sessions.region(name, &region) else { continue };
        asking.push(Box::pin(async move { Fact::Tables((id, region), regional.every_route_table().await) }));
    }
    found.ask(asking).await;
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
    found
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
        let sides: BTreeSet<String> = (judge.peerings().into_iter())
            .filter_map(|leaving| match leaving.thing {
                Thing::Peering(peering) => Some([peering.requester.account, peering.accepter.account]),
                Thing::Stack(_) | Thing::Route(_) => None,
            })
            .flatten()
            .collect();
        places.extend(self.peerings.keys().filter(|(account, _)| sides.contains(account.as_str())).cloned());
        places
    }

    /// What left the plan, by what was found and by what the plan's nodes want as far as that is known.
    pub fn left(&self, job: &Job, outlooks: &Outlooks, sources: &Sources, inventory: &Inventory) -> Left {
        let plan = job.plan();
        let judge = Judge::new(plan, inventory, self);
        let (stacks, odd) = judge.stacks();
        let peerings = judge.peerings();
        let (mut leaving, gone) = judge.routes(&peerings, &wanted(plan, outlooks, sources));
        leaving.extend(peerings);
        leaving.extend(stacks);
        let mut unsearched = self.unreached.clone();
        unsearched.extend(refusals(&self.refused));
        unsearched.extend(odd);
        let holds = |id: &AccountId| leaving.iter().any(|left| Some(&left.account) == self.names.get(id));
        let whole = self.past.iter().filter(|(_, whole)| **whole).map(|(id, _)| id);
        let emptied = whole.filter(|id| !holds(id)).cloned().collect();
        Left { leaving, unsearched, gone, emptied }
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

/// Where the plan's routes are, as far as that is known.
fn wanted(plan: &Plan, outlooks: &Outlooks, sources: &Sources) -> Wanted {
    let mut wanted = Wanted::default();
    for node in &plan.nodes {
        let Spec::Route(spec) = &node.spec else { continue };
        let owner = Owner { plan: plan.name.to_string(), node: node.id.clone() };
        // One whose values do not fit fails, and that is told of the node.
        let Ok(draft) = Drafter { outlooks, sources, owner }.route(spec) else { continue };
        let tables: Vec<String> = draft.route_tables.iter().filter_map(Expected::known).map(str::to_owned).collect();
        let certain = tables.len() == draft.route_tables.len();
        let Some(Ok((tables, destination))) = draft.destination.known().map(|range| route::place(&tables, range))
        else {
            continue;
        };
        wanted.places.extend(tables.into_iter().map(|table| (table, destination.clone())));
        if certain {
            wanted.certain.insert(node.id.clone());
        }
    }
    wanted
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
