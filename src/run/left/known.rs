//! In which places nothing of a plan can be, before they are looked into.

use std::collections::HashSet;

use super::super::meetings::hubs;
use super::search::{Found, Place};
use crate::aws::{PeeringSide, Stack};
use crate::ids::{AccountId, AccountName, Region};
use crate::inventory::Inventory;
use crate::kinds::PLAN_TAG;
use crate::plan::{Plan, Spec};

/// What is known of places before anything is asked.
///
/// A peering is between VPCs. Where a plan makes its own and has made none yet, it has no peering either, but for one between
/// VPCs of others that a former version of it made; and that is seen by the account on its other side.
pub(super) struct Known<'a> {
    /// The places in which the plan makes stacks.
    makes_stacks: HashSet<(&'a AccountId, &'a Region)>,
    /// Those in which most of its peerings meet.
    hubs: HashSet<(&'a AccountId, &'a Region)>,
    /// Those in which the inventory has routes.
    routes: HashSet<(&'a AccountId, &'a Region)>,
    plan: &'a str,
    /// The names of the plan's stacks.
    stacks: HashSet<&'a str>,
}

impl<'a> Known<'a> {
    pub(super) fn new(plan: &'a Plan, inventory: &'a Inventory) -> Self {
        let stacks = || {
            plan.nodes.iter().filter_map(|node| match &node.spec {
                Spec::Stack(spec) => Some((node, spec)),
                Spec::Peering(_) | Spec::Route(_) => None,
            })
        };
        let id = |name: &AccountName| plan.accounts.get(name).map(|account| &account.id);
        let made = stacks().filter(|(_, spec)| spec.manage).map(|(node, _)| (&node.account, &node.region));
        let place = |(account, region): (&'a AccountName, &'a Region)| Some((id(account)?, region));
        Self {
            makes_stacks: made.filter_map(place).collect(),
            hubs: hubs(plan).into_iter().filter_map(place).collect(),
            routes: inventory.routes.iter().map(|route| (&route.account, &route.region)).collect(),
            plan: &plan.name,
            stacks: stacks().map(|(_, spec)| &*spec.name).collect(),
        }
    }

    /// Whether a place may turn out to have nothing of the plan.
    pub(super) fn may_be_empty(&self, id: &AccountId, region: &Region) -> bool {
        let place = (id, region);
        self.makes_stacks.contains(&place) && !self.hubs.contains(&place) && !self.routes.contains(&place)
    }

    /// Takes out the places that may have something of the plan after all, by what was found so far: a stack that is the plan's or
    /// bears a name that it gives, or a peering that another account sees. Where anything is not known, that is all of them.
    pub(super) fn take_out<T>(&self, found: &Found, places: &mut Vec<(Place, T)>) -> Vec<T> {
        let side = |side: &PeeringSide| (side.account.clone(), side.region.clone());
        // One that is dead vanishes by itself.
        let peerings = found.peerings.values().flatten().filter(|peering| peering.state.is_live());
        let seen: HashSet<(String, String)> =
            peerings.flat_map(|peering| [side(&peering.requester), side(&peering.accepter)]).collect();
        let is_known = found.refused.is_empty() && found.unreached.is_empty();
        let is_empty = |place: &Place| {
            let stacks = found.stacks.get(place);
            is_known
                && stacks.is_some_and(|stacks| !stacks.iter().any(|stack| self.has(stack)))
                && !seen.contains(&(place.0.to_string(), place.1.to_string()))
        };
        places.extract_if(.., |(place, _)| !is_empty(place)).map(|(_, of)| of).collect()
    }

    fn has(&self, stack: &Stack) -> bool {
        self.stacks.contains(&*stack.name) || stack.tags.get(PLAN_TAG).is_some_and(|name| name == self.plan)
    }
}
