//! Whoever opens the sessions: the roles that may be assumed, and no others.

use std::collections::BTreeSet;

use super::facts::Facts;
use super::{Holder, allow as statement};
use crate::iam::{Condition, Operator, Statement};
use crate::ids::AccountName;
use crate::plan::Account;

/// Who assumes an account's role.
pub(super) fn opener(facts: &Facts<'_>, account: &Account) -> Holder {
    if let Some(through) = &account.through {
        return Holder::Account(through.clone());
    }
    // Whoever is used as he is, by the same credentials.
    let direct = |(_, other): &(&AccountName, &Account)| other.role.is_none() && other.profile == account.profile;
    match (facts.plan.accounts.iter().find(direct), &account.profile) {
        (Some((name, _)), _) => Holder::Account(name.clone()),
        (None, Some(profile)) => Holder::Profile(profile.clone()),
        (None, None) => Holder::Caller,
    }
}

/// Those who assume roles and are no account of the plan.
pub(super) fn outside(facts: &Facts<'_>) -> BTreeSet<Holder> {
    let assumed = facts.plan.accounts.values().filter(|account| account.role.is_some());
    let openers = assumed.map(|account| opener(facts, account));
    openers.filter(|holder| !matches!(holder, Holder::Account(_))).collect()
}

pub(super) fn allow(into: &mut Vec<Statement>, facts: &Facts<'_>, holder: &Holder) {
    let assumed = facts.plan.accounts.values().filter(|account| opener(facts, account) == *holder);
    let (mut roles, mut tagged) = (BTreeSet::new(), BTreeSet::new());
    let mut by_id: Vec<(String, String)> = Vec::new();
    for account in assumed {
        let Some(role) = &account.role else { continue };
        let arn = facts.role_arn(role, account);
        if !account.session_tags.is_empty() {
            tagged.insert(arn.clone());
        }
        match &account.external_id {
            Some(id) => by_id.push((id.clone(), arn)),
            None => drop(roles.insert(arn)),
        }
    }
    let action = ["sts:AssumeRole"];
    statement(into, "AssumeRoles", &action, roles.into_iter().collect(), Vec::new());
    let ids: BTreeSet<&String> = by_id.iter().map(|(id, _)| id).collect();
    for (at, id) in ids.into_iter().enumerate() {
        let of: Vec<String> = by_id.iter().filter(|(own, _)| own == id).map(|(_, arn)| arn.clone()).collect();
        let said = Condition::new(Operator::StringEquals, "sts:ExternalId", vec![id.clone()]);
        statement(into, &format!("AssumeRolesById{}", at + 1), &action, of, vec![said]);
    }
    statement(into, "TagSessions", &["sts:TagSession"], tagged.into_iter().collect(), Vec::new());
}
