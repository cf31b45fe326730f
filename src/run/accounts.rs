//! The accounts of a plan, as the sessions want them.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::{Job, Task};
use crate::aws::{self, AccountSpec};
use crate::ids::AccountName;
use crate::plan::{Account, Plan, Role, Spec};

/// How to reach every account that some jobs of one plan touch, and those on the way to them. Others are left alone:
/// with `--only account:dev` nobody needs access to production.
pub fn specs(jobs: &[&Job]) -> IndexMap<AccountName, AccountSpec> {
    let Some(plan) = jobs.first().map(|job| job.plan()) else { return IndexMap::new() };
    let mut used: BTreeSet<&AccountName> = BTreeSet::new();
    // What left the plan may be in accounts that it does not have.
    let taking_part = jobs.iter().flat_map(|job| job.taking_part().map(|ix| (ix, job.task(ix))));
    for (node, task) in taking_part.filter_map(|(ix, task)| Some((plan.nodes.get(ix.index())?, task))) {
        reach(plan, &node.account, &mut used);
        if let Spec::Peering(peering) = &node.spec {
            reach(plan, &peering.accepter.account, &mut used);
        }
        // Nobody else reads what a stack is given: a destruction does not hang on where secrets are.
        if task == Task::Converge {
            node.read_in().for_each(|account| reach(plan, account, &mut used));
        }
    }
    let used = plan.accounts.iter().filter(|(name, _)| used.contains(name));
    used.map(|(name, account)| (name.clone(), spec(plan, account))).collect()
}

/// How to reach every account of a plan, whether a node touches it or not.
pub(super) fn every(plan: &Plan) -> IndexMap<AccountName, AccountSpec> {
    plan.accounts.iter().map(|(name, account)| (name.clone(), spec(plan, account))).collect()
}

/// Notes an account and those that it is reached by way of.
fn reach<'a>(plan: &'a Plan, name: &'a AccountName, used: &mut BTreeSet<&'a AccountName>) {
    let mut next = Some(name);
    while let Some(name) = next
        && used.insert(name)
    {
        next = plan.accounts.get(name).and_then(|account| account.through.as_ref());
    }
}

fn spec(plan: &Plan, account: &Account) -> AccountSpec {
    AccountSpec {
        id: account.id.clone(),
        region: plan.region.clone(),
        role: account.role.as_ref().map(|role| match role {
            Role::Name(name) => aws::Role::Name(name.clone()),
            Role::Arn(arn) => aws::Role::Arn(arn.clone()),
        }),
        external_id: account.external_id.clone(),
        session_name: account.session_name.clone(),
        // STS gives twelve hours at the most, so the number of seconds always fits.
        duration: account.duration.and_then(|seconds| i32::try_from(seconds).ok()),
        session_tags: account.session_tags.clone(),
        mfa_serial: account.mfa_serial.clone(),
        profile: account.profile.clone(),
        through: account.through.clone(),
    }
}
