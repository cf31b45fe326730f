//! In whose name CloudFormation acts on a stack's resources: that of whoever began the operation, or the stack's service
//! role's.
//!
//! What a resource's handlers call is taken from the types' own schemas, for whatever properties it has, and each action is
//! held against policies as if it were on all resources: so a policy that names single ones is refused here where AWS
//! may not refuse it. It is known as long as the process lives; what a nested stack makes is not held against anything.

use std::collections::BTreeMap;

use super::{denial, keys_of};
use crate::iam::{Asked, Handler, Verdict, decide, handler_actions};
use crate::ids::AccountId;
use crate::sim::wire::Request;
use crate::sim::world::{Place, World};

/// A user, or a role, of an account, with its ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Principal {
    account: AccountId,
    role: Option<String>,
    arn: String,
}

/// Who acts on each stack, by its place and name.
pub(super) type Acting = BTreeMap<(Place, String), Principal>;

/// Notes in whose name an operation on a stack goes on.
pub(in crate::sim) fn note(world: &mut World, request: &Request) {
    const BEGIN: [&str; 7] = [
        "CreateStack",
        "UpdateStack",
        "ExecuteChangeSet",
        "DeleteStack",
        "RollbackStack",
        "ContinueUpdateRollback",
        "CancelUpdateStack",
    ];
    if !world.rules.identities.of_templates || !BEGIN.contains(&request.operation.as_str()) {
        return;
    }
    let (place, params) = (&request.place, &request.params);
    let service = &world.at(place).cloudformation;
    let by_change_set = || {
        let set = params.get("ChangeSetName")?;
        service.all().find(|stack| stack.change_sets.iter().any(|own| own.id == set || own.name == set))
    };
    let found = params.get("StackName").and_then(|name| service.find(name)).or_else(by_change_set);
    let name = found.map(|stack| stack.name.clone()).or_else(|| params.get("StackName").map(str::to_owned));
    let Some(name) = name else { return };
    let own = found.and_then(|stack| stack.config.as_ref()?.role_arn.clone());
    let role = params.get("RoleARN").map(str::to_owned).or(own);
    let principal = match role.as_deref().and_then(|arn| Some((arn.rsplit('/').next()?, arn.split(':').nth(4)?))) {
        Some((role, account)) => {
            let account = account.parse().unwrap_or_else(|_| place.account.clone());
            let arn = format!("arn:{}:sts::{account}:assumed-role/{role}/AWSCloudFormation", place.region.partition());
            Principal { account, role: Some(role.to_owned()), arn }
        }
        None => Principal {
            account: request.caller.account.clone(),
            role: request.caller.role().map(str::to_owned),
            arn: request.caller.arn.clone(),
        },
    };
    world.rules.identities.acting.insert((place.clone(), name), principal);
}

/// Why CloudFormation may not do something to a resource in the name of whoever has asked for it, in its own words.
pub(in crate::sim) fn refused(
    world: &World,
    place: &Place,
    stack: &str,
    type_name: &str,
    action: &str,
) -> Option<String> {
    let identities = &world.rules.identities;
    let principal = identities.acting.get(&(place.clone(), stack.to_owned()))?;
    let policies = identities.policies.get(&(principal.account.clone(), principal.role.clone()))?;
    let handler = match action {
        "CREATE" => Handler::Create,
        "UPDATE" => Handler::Update,
        "DELETE" => Handler::Delete,
        _ => Handler::Read,
    };
    let keys = keys_of(place, &principal.account, &principal.arn);
    let asked = |action| Asked { action, resource: "*".to_owned(), keys: keys.clone() };
    let denied = handler_actions(type_name, &[handler])?.into_iter().map(asked).find_map(|asked| {
        let verdict = decide(policies, &asked);
        (verdict != Verdict::Allowed).then_some((asked, verdict))
    });
    let (asked, verdict) = denied?;
    let sentence = denial::sentence(&principal.arn, &asked, verdict);
    Some(format!("Resource handler returned message: \"{sentence}\" (HandlerErrorCode: AccessDenied)"))
}
