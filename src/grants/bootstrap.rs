//! A CloudFormation template of the role that a plan assumes in an account: who may assume it, and what it may do.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::caller::opener;
use super::facts::Facts;
use super::size::{INLINE, MANAGED, split};
use super::{Grant, Holder};
use crate::diag::Sources;
use crate::ids::AccountName;
use crate::plan::{Account, Plan, Role};

/// The shortest `MaxSessionDuration` that a role has, in seconds.
const SHORTEST: u32 = 3_600;

/// What a template is made from, besides the plan and the grant.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bootstrap<'a> {
    /// The ARN of the permissions boundary of the role.
    pub permissions_boundary: Option<&'a str>,
    /// The ARN of whoever assumes the role, where the plan does not say it.
    pub trust: Option<&'a str>,
}

/// Why there is no template for an account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTemplate {
    /// No role is assumed there.
    #[error("account {0} is used with credentials of its own: no role is assumed in it")]
    NoRole(AccountName),
    /// The role's ARN is of another account than the plan's.
    #[error("the role of account {account}, {arn}, is of another account")]
    Elsewhere {
        /// The account.
        account: AccountName,
        /// The role's ARN.
        arn: String,
    },
    /// The plan does not say whose credentials assume it.
    #[error("the plan does not say who assumes the role of account {0}: name them with --trust ARN")]
    NoCaller(AccountName),
}

/// The template of the role of one account, as JSON, which is YAML too.
///
/// # Errors
///
/// There is no role, or nobody who assumes it.
pub fn bootstrap(
    plan: &Plan,
    sources: &Sources,
    grant: &Grant,
    account: &AccountName,
    more: Bootstrap<'_>,
) -> Result<Json, NoTemplate> {
    let facts = Facts::of(plan, sources);
    let no_role = || NoTemplate::NoRole(account.clone());
    let spec = plan.accounts.get(account).ok_or_else(no_role)?;
    let role = spec.role.as_ref().ok_or_else(no_role)?;
    let (path, name) = path_and_name(account, spec, role)?;
    let trusted = match (more.trust, opener(&facts, spec)) {
        (Some(arn), _) => arn.to_owned(),
        (None, Holder::Account(caller)) => trusted(&facts, &caller),
        (None, Holder::Profile(_) | Holder::Caller) => return Err(NoTemplate::NoCaller(account.clone())),
    };
    let mut properties = Map::new();
    properties.insert("RoleName".to_owned(), name.into());
    properties.insert("Path".to_owned(), path.into());
    properties.insert("Description".to_owned(), format!("What orch assumes for the plan {}", plan.name).into());
    properties.insert("MaxSessionDuration".to_owned(), spec.duration.unwrap_or(SHORTEST).max(SHORTEST).into());
    properties.insert("AssumeRolePolicyDocument".to_owned(), trust(&trusted, spec));
    if let Some(boundary) = more.permissions_boundary {
        properties.insert("PermissionsBoundary".to_owned(), boundary.into());
    }
    let mut resources = Map::new();
    let mut policies = BTreeMap::from([("orch", &grant.policy)]);
    if let Some(estimate) = &grant.estimate {
        policies.insert("orch-templates", &estimate.policy);
    }
    policies.retain(|_, policy| !policy.statements.is_empty());
    // All inline policies of a role share one quota; what is larger goes into managed ones.
    if policies.values().map(|policy| policy.size()).sum::<usize>() <= INLINE {
        let inline: Vec<Json> = policies
            .iter()
            .map(|(name, policy)| json!({ "PolicyName": name, "PolicyDocument": policy.to_json() }))
            .collect();
        properties.insert("Policies".to_owned(), inline.into());
    } else {
        let parts = policies.values().flat_map(|policy| split(policy, MANAGED));
        for (at, part) in parts.enumerate() {
            let policy = json!({
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": { "PolicyDocument": part.to_json(), "Roles": [{ "Ref": "Role" }] },
            });
            resources.insert(format!("Policy{}", at + 1), policy);
        }
    }
    resources.insert("Role".to_owned(), json!({ "Type": "AWS::IAM::Role", "Properties": properties }));
    Ok(json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": format!("The role that orch assumes in account {account} for the plan {}.", plan.name),
        "Resources": resources,
        "Outputs": { "RoleArn": { "Value": { "Fn::GetAtt": ["Role", "Arn"] } } },
    }))
}

/// The path and the name of a role in its own account.
fn path_and_name(account: &AccountName, spec: &Account, role: &Role) -> Result<(String, String), NoTemplate> {
    let full = match role {
        Role::Name(name) => name.clone(),
        Role::Arn(arn) => {
            let elsewhere = || NoTemplate::Elsewhere { account: account.clone(), arn: arn.clone() };
            let mut parts = arn.splitn(6, ':').skip(4);
            let (Some(id), Some(rest)) = (parts.next(), parts.next()) else { return Err(elsewhere()) };
            let name = rest.strip_prefix("role/").filter(|_| id == spec.id.as_str());
            name.ok_or_else(elsewhere)?.to_owned()
        }
    };
    let full = full.trim_start_matches('/');
    Ok(match full.rsplit_once('/') {
        Some((path, name)) => (format!("/{path}/"), name.to_owned()),
        None => ("/".to_owned(), full.to_owned()),
    })
}

/// The ARN of whoever may assume a role, of an account of the plan: its own role, or all of it. A role that is trusted by its
/// ARN must exist before whoever trusts it.
fn trusted(facts: &Facts<'_>, caller: &AccountName) -> String {
    let account = &facts.plan.accounts[caller];
    match &account.role {
        Some(role) => facts.role_arn(role, account),
        None => format!("arn:{}:iam::{}:root", facts.partition(), account.id),
    }
}

fn trust(principal: &str, spec: &Account) -> Json {
    let mut conditions = Map::new();
    if let Some(id) = &spec.external_id {
        conditions.insert("StringEquals".to_owned(), json!({ "sts:ExternalId": id }));
    }
    if spec.mfa_serial.is_some() {
        conditions.insert("Bool".to_owned(), json!({ "aws:MultiFactorAuthPresent": "true" }));
    }
    let statement = |action: &str, conditions: &Map<String, Json>| {
        let mut statement = json!({ "Effect": "Allow", "Principal": { "AWS": principal }, "Action": action });
        if !conditions.is_empty() {
            statement["Condition"] = conditions.clone().into();
        }
        statement
    };
    let mut statements = vec![statement("sts:AssumeRole", &conditions)];
    if !spec.session_tags.is_empty() {
        // That call has no external id of its own.
        conditions.remove("StringEquals");
        statements.push(statement("sts:TagSession", &conditions));
    }
    json!({ "Version": "2012-10-17", "Statement": statements })
}
