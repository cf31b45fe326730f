//! What each account of a plan must allow: exactly what orch calls for it, on what it is called with.
//!
//! What a plan has in an account (`facts`) and what is to be done with it ([`Purpose`]) decide which operations are called;
//! `iam` says which actions allow them. Nothing is asked of AWS.

mod bootstrap;
mod caller;
mod facts;
mod peerings;
mod purpose;
mod routes;
mod size;
mod stacks;
mod storage;
mod supplies;
mod templates;

use std::collections::BTreeSet;

use crate::diag::Sources;
use crate::iam::{Condition, Operator, Policy, Statement};
use crate::ids::{AccountId, AccountName, Region};
use crate::plan::Plan;

pub use bootstrap::{Bootstrap, NoTemplate, bootstrap};
pub use purpose::Purpose;
pub use size::{INLINE, MANAGED, split};

use facts::Facts;

/// What the policies are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The commands that are to be run.
    pub purposes: BTreeSet<Purpose>,
    /// Whether nothing is granted on all of an account that can be granted by name.
    pub strict: bool,
    /// Whether what the templates' resources need is estimated, too.
    pub for_templates: bool,
}

/// Whose policy it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// The role that is assumed in an account, or what its own credentials are for.
    Account(AccountName),
    /// Whoever a profile's credentials are for.
    Profile(String),
    /// Whoever the default credentials are for, where that is no account of the plan.
    Caller,
}

/// What one holder must be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Whose it is.
    pub holder: Holder,
    /// The account, where it is one of the plan's.
    pub id: Option<AccountId>,
    /// The ARN of the role that is assumed, if there is one.
    pub role: Option<String>,
    /// What orch itself calls.
    pub policy: Policy,
    /// What CloudFormation needs on its behalf, by the types' own schemas.
    pub estimate: Option<Estimate>,
    /// What is to be known besides.
    pub notes: Vec<String>,
}

/// What templates need, as far as is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// What the types of resources need that are known.
    pub policy: Policy,
    /// The types that nothing is known of.
    pub unknown: Vec<String>,
}

/// What every account of a plan must allow, which may be nothing; the callers' last.
pub fn grants(plan: &Plan, sources: &Sources, wanted: &Wanted) -> Vec<Grant> {
    let facts = Facts::of(plan, sources);
    let mut wanted = wanted.clone();
    // What left is deleted once all else was applied.
    if wanted.purposes.contains(&Purpose::Prune) {
        wanted.purposes.insert(Purpose::Apply);
    }
    let wanted = &wanted;
    let mut grants: Vec<Grant> = Vec::new();
    for (name, account) in &plan.accounts {
        let mut statements = Vec::new();
        let here = facts.at(name);
        stacks::statements(&mut statements, &here, wanted);
        peerings::statements(&mut statements, &here, wanted);
        routes::statements(&mut statements, &here, wanted);
        storage::statements(&mut statements, &here, wanted);
        supplies::statements(&mut statements, &here, wanted);
        caller::allow(&mut statements, &facts, &Holder::Account(name.clone()));
        let estimate = wanted.for_templates.then(|| templates::estimate(&here, wanted));
        let role = account.role.as_ref().map(|role| facts.role_arn(role, account));
        let notes = notes(&here, wanted);
        let grant = Grant {
            holder: Holder::Account(name.clone()),
            id: Some(account.id.clone()),
            role,
            policy: Policy { statements },
            estimate,
            notes,
        };
        grants.push(grant);
    }
    for holder in caller::outside(&facts) {
        let mut statements = Vec::new();
        caller::allow(&mut statements, &facts, &holder);
        let policy = Policy { statements };
        grants.push(Grant { holder, id: None, role: None, policy, estimate: None, notes: Vec::new() });
    }
    grants
}

/// What a reader of an account's policy should know.
fn notes(here: &facts::Here<'_>, wanted: &Wanted) -> Vec<String> {
    let mut notes = Vec::new();
    if wanted.strict {
        notes
            .push("stacks are granted by their names only: stacks and peerings that left the plan are neither found nor deleted".to_owned());
    }
    if !here.stacks.is_empty() && !wanted.for_templates && wanted.purposes.contains(&Purpose::Apply) {
        let acts = "CloudFormation acts with these permissions, unless a stack has a `service_role`: what the templates \
                    make must be allowed, too (--for-templates estimates it)";
        notes.push(acts.to_owned());
    }
    if wanted.for_templates && !wanted.strict && wanted.purposes.iter().any(|purpose| purpose.deletes_left()) {
        let left = "what left the plan is in no template of it any more, and not in the estimate: delete it while the \
                    estimate of the plan that had it still holds";
        notes.push(left.to_owned());
    }
    if supplies::are_read(here, wanted) {
        let keys = "a parameter or secret that is encrypted with a key of your own needs kms:Decrypt on that key, too: the plan \
                    does not say which it is";
        notes.push(keys.to_owned());
    }
    if here.has_unread_templates {
        notes.push("a template at a URL was not read: what it makes is not in the estimate".to_owned());
    }
    notes
}

/// A statement about some actions, unless there are none or nothing that they are about.
fn allow(into: &mut Vec<Statement>, sid: &str, actions: &[&str], resources: Vec<String>, when: Vec<Condition>) {
    if actions.is_empty() || resources.is_empty() {
        return;
    }
    let mut actions: Vec<String> = actions.iter().map(|action| (*action).to_owned()).collect();
    actions.sort();
    actions.dedup();
    let mut resources = resources;
    resources.sort();
    resources.dedup();
    let mut statement = Statement::allow(sid, actions, resources);
    statement.conditions = when;
    into.push(statement);
}

/// That a call is made in one of these regions.
fn in_regions<'a>(regions: impl IntoIterator<Item = &'a Region>) -> Condition {
    let regions: BTreeSet<String> = regions.into_iter().map(ToString::to_string).collect();
    Condition::new(Operator::StringEquals, "aws:RequestedRegion", regions.into_iter().collect())
}

/// That what is there bears the plan's name.
fn of_plan(plan: &Plan) -> Condition {
    Condition::new(Operator::StringEquals, "aws:ResourceTag/orch:plan", vec![plan.name.to_string()])
}
