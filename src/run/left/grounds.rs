//! Where to look for what left a plan.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use indexmap::IndexMap;

use super::super::accounts::every;
use crate::aws::AccountSpec;
use crate::ids::{AccountId, AccountName, Region};
use crate::inventory::{Account, Inventory};
use crate::plan::{Plan, Spec};

/// An account of the plan or of the inventory, and the regions of it to look into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    /// What the account is called here.
    pub account: AccountName,
    /// Its id, by which it is known whatever it is called.
    pub id: AccountId,
    /// The regions.
    pub regions: BTreeSet<Region>,
    /// Whether the plan has it.
    pub in_plan: bool,
}

/// Where to look, and how to get there.
#[derive(Clone, Debug, Default)]
pub struct Grounds {
    /// Each account once.
    pub accounts: Vec<Ground>,
    /// How each of them is reached, and those on the way.
    pub specs: IndexMap<AccountName, AccountSpec>,
}

/// All accounts of the plan in all of its regions, and those of the inventory in theirs.
pub fn grounds(plan: &Plan, inventory: &Inventory) -> Grounds {
    let regions = regions(plan);
    let mut specs = every(plan);
    let mut accounts: Vec<Ground> = Vec::new();
    let mut names: BTreeMap<AccountId, AccountName> = BTreeMap::new();
    for (name, account) in &plan.accounts {
        if names.contains_key(&account.id) {
            continue;
        }
        names.insert(account.id.clone(), name.clone());
        let known = inventory.accounts.get(&account.id).map(|known| known.regions.clone()).unwrap_or_default();
        let regions = regions.union(&known).cloned().collect();
        accounts.push(Ground { account: name.clone(), id: account.id.clone(), regions, in_plan: true });
    }
    let past: Vec<_> = inventory.accounts.iter().filter(|(id, _)| !names.contains_key(*id)).collect();
    for (id, known) in &past {
        // The plan, or another account of the past, may call another account so.
        let taken = plan.accounts.contains_key(&known.name) || names.values().any(|name| *name == known.name);
        let name = if taken { AccountName::from(format!("{}/{id}", known.name)) } else { known.name.clone() };
        names.insert((*id).clone(), name);
    }
    for (id, known) in past {
        let name = names[id].clone();
        specs.insert(name.clone(), spec(plan, id, known, &names));
        accounts.push(Ground { account: name, id: id.clone(), regions: known.regions.clone(), in_plan: false });
    }
    Grounds { accounts, specs }
}

/// The regions that a plan has nodes in, and its own.
fn regions(plan: &Plan) -> BTreeSet<Region> {
    let mut regions = BTreeSet::from([plan.region.clone()]);
    for node in &plan.nodes {
        regions.insert(node.region.clone());
        if let Spec::Peering(peering) = &node.spec {
            regions.insert(peering.accepter.region.clone());
        }
    }
    regions
}

fn spec(plan: &Plan, id: &AccountId, known: &Account, names: &BTreeMap<AccountId, AccountName>) -> AccountSpec {
    let region = known.regions.first().unwrap_or(&plan.region).clone();
    // What has no name any more leads nowhere, which is told when it is tried.
    let through = known.through.as_ref();
    let through = through.map(|id| names.get(id).cloned().unwrap_or_else(|| AccountName::from(id.as_str())));
    AccountSpec {
        role: known.role.as_ref().map(|role| match role.parse() {
            Ok(role) => role,
            Err(never) => match never {},
        }),
        external_id: known.external_id.clone(),
        session_name: known.session_name.clone(),
        duration: known.duration.and_then(|seconds| i32::try_from(seconds).ok()),
        session_tags: known.session_tags.clone().into_iter().collect(),
        mfa_serial: known.mfa_serial.clone(),
        profile: known.profile.clone(),
        through,
        ..AccountSpec::new(id.clone(), region)
    }
}

/// The accounts of a plan that have nodes, as the inventory remembers them.
pub fn used(plan: &Plan) -> Vec<(AccountId, Account)> {
    let mut regions: BTreeMap<&AccountName, BTreeSet<Region>> = BTreeMap::new();
    for node in &plan.nodes {
        regions.entry(&node.account).or_default().insert(node.region.clone());
        if let Spec::Peering(peering) = &node.spec {
            let accepter = &peering.accepter;
            regions.entry(&accepter.account).or_default().insert(accepter.region.clone());
        }
    }
    // Those on the way are needed to get there.
    let mut on_the_way: Vec<&AccountName> = regions.keys().copied().collect();
    while let Some(name) = on_the_way.pop() {
        if let Some(through) = plan.accounts.get(name).and_then(|account| account.through.as_ref())
            && !regions.contains_key(through)
        {
            regions.insert(through, BTreeSet::new());
            on_the_way.push(through);
        }
    }
    let mut seen = HashSet::new();
    let mut used: Vec<(AccountId, Account)> = Vec::new();
    for (name, spec) in every(plan) {
        let Some(regions) = regions.remove(&name) else { continue };
        if !seen.insert(spec.id.clone()) {
            // Two names of one account are two ways into it; the first is as good as the other.
            used.iter_mut()
                .filter(|(id, _)| *id == spec.id)
                .for_each(|(_, known)| known.regions.extend(regions.clone()));
            continue;
        }
        let through = spec.through.as_ref().and_then(|name| Some(plan.accounts.get(name)?.id.clone()));
        let role = spec.role.map(|role| match role {
            crate::aws::Role::Name(text) | crate::aws::Role::Arn(text) => text,
        });
        let account = Account {
            regions,
            role,
            external_id: spec.external_id,
            session_name: spec.session_name,
            duration: spec.duration.and_then(|seconds| u32::try_from(seconds).ok()),
            session_tags: spec.session_tags.into_iter().collect(),
            mfa_serial: spec.mfa_serial,
            profile: spec.profile,
            through,
            ..Account::new(name)
        };
        used.push((spec.id, account));
    }
    used
}
