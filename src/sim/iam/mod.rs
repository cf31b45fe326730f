//! Policies of users and roles, where a world has some: every call is held against those of whoever makes it.
//!
//! Who has no policy may do everything, so that a world without any is as open as it always was. What a call asks for is
//! worked out from the request, service by service: its actions, the ARNs of what it names, and what stands under each
//! condition key. A policy with a key that is not filled in here is refused.

mod acting;
mod cloudformation;
mod denial;
mod ec2;
mod s3;
mod stored;
mod sts;

use std::collections::BTreeMap;

use super::Caller;
use acting::Acting;

use super::wire::{ApiError, Request, Service};
use super::world::{Place, World};
use crate::iam::{Asked, Keys, OPERATIONS, Policy, Verdict, decide};
use crate::ids::AccountId;
use crate::sim::ec2::Tags;

pub(super) use acting::{note, refused};
pub(super) use s3::{may_know, permits as permits_object};

/// The keys that every request has.
const EVERYWHERE: [&str; 4] =
    ["aws:RequestedRegion", "aws:PrincipalAccount", "aws:PrincipalArn", "aws:SecureTransport"];

/// The policies of users and roles. Whoever has none may do everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identities {
    /// By account and role; without a role, of the account's user.
    policies: BTreeMap<(AccountId, Option<String>), Vec<Policy>>,
    /// Whether what CloudFormation does for them is held against them, too.
    of_templates: bool,
    acting: Acting,
}

/// A policy that cannot be held here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the embedded AWS does not know the condition key `{0}`, and will not guess what it would be")]
pub struct UnknownKey(String);

impl Identities {
    /// Gives a role its policies, or an account's user, in place of those that it had. None at all allow nothing.
    ///
    /// # Errors
    ///
    /// A policy has a condition whose key is never filled in here.
    pub fn set(&mut self, account: &AccountId, role: Option<&str>, policies: Vec<Policy>) -> Result<(), UnknownKey> {
        let conditions = policies.iter().flat_map(|policy| &policy.statements).flat_map(|one| &one.conditions);
        if let Some(condition) = conditions.into_iter().find(|condition| !is_known(&condition.key)) {
            return Err(UnknownKey(condition.key.clone()));
        }
        self.policies.insert((account.clone(), role.map(str::to_owned)), policies);
        Ok(())
    }

    /// Holds what CloudFormation makes of templates against the policies of whoever asks for it, too.
    #[must_use]
    pub fn for_templates(self) -> Self {
        Self { of_templates: true, ..self }
    }

    /// The policies of a caller; `None` if he may do everything.
    fn of(&self, caller: &Caller) -> Option<&[Policy]> {
        // As for almost every world.
        if self.policies.is_empty() {
            return None;
        }
        let key = (caller.account.clone(), caller.role().map(str::to_owned));
        self.policies.get(&key).map(Vec::as_slice)
    }
}

fn is_known(key: &str) -> bool {
    let name = |key: &str| match key.split_once('/') {
        Some((name, _)) => format!("{}/", name.to_ascii_lowercase()),
        None => key.to_ascii_lowercase(),
    };
    let of_operations = OPERATIONS.iter().flat_map(|operation| operation.needs).flat_map(|need| need.keys);
    EVERYWHERE.iter().chain(of_operations).any(|known| name(known) == name(key))
}

/// Refuses a request that the policies of its sender do not allow. Those to S3 are held against them where the bucket is
/// known, see [`permits_object`].
///
/// # Errors
///
/// The denial, in the service's own words.
pub(super) fn check(world: &World, request: &Request) -> Result<(), ApiError> {
    if let Some(policies) = world.rules.identities.of(&request.caller) {
        let asked = match request.service {
            Service::CloudFormation => cloudformation::asked(world, request),
            Service::Ec2 => ec2::asked(world, request),
            Service::Sts => sts::asked(request),
            Service::Ssm | Service::SecretsManager => stored::asked(world, request),
            Service::S3 => s3::asked(request),
        };
        // What is not worked out here is refused rather than passed by a policy that may not mean it.
        if request.service == Service::Ec2 && !ec2::is_known(&request.operation) {
            let asked = ask(Service::Ec2, &request.operation, "*", keys(request));
            return Err(denial::of(request, &asked, Verdict::NotAllowed));
        }
        for asked in asked {
            let verdict = decide(policies, &asked);
            if verdict != Verdict::Allowed {
                return Err(denial::of(request, &asked, verdict));
            }
        }
    }
    Ok(())
}

/// The keys that every request has.
fn keys(request: &Request) -> Keys {
    keys_of(&request.place, &request.caller.account, &request.caller.principal())
}

/// The same of whatever somebody does in a region.
fn keys_of(place: &Place, account: &AccountId, principal: &str) -> Keys {
    Keys::default()
        .with("aws:RequestedRegion", place.region.as_str())
        .with("aws:PrincipalAccount", account.as_str())
        .with("aws:PrincipalArn", principal)
        .with("aws:SecureTransport", "true")
}

/// What is asked, with an action of a service and the ARN of what it is done with.
fn ask(service: Service, action: &str, resource: impl Into<String>, keys: Keys) -> Asked {
    Asked { action: format!("{service}:{action}"), resource: resource.into(), keys }
}

/// The ARN of something in a place.
fn arn(service: Service, place: &Place, resource: &str) -> String {
    format!("arn:{}:{service}:{}:{}:{resource}", place.region.partition(), place.region, place.account)
}

/// The keys with the tags that a request gives.
fn with_request_tags<'a>(mut keys: Keys, tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Keys {
    for (key, value) in tags {
        keys.add(&format!("aws:RequestTag/{key}"), value);
        keys.add("aws:TagKeys", key);
    }
    keys
}

/// The keys with the tags that something of EC2 has.
fn with_resource_tags(mut keys: Keys, tags: Option<&Tags>) -> Keys {
    for (key, value) in tags.into_iter().flatten() {
        keys.add(&format!("aws:ResourceTag/{key}"), value.as_str());
        keys.add(&format!("ec2:ResourceTag/{key}"), value.as_str());
    }
    keys
}
