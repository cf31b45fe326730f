//! Who sent a request.

use std::collections::BTreeSet;

use crate::ids::{AccountId, Region};

use super::wire::request::Incoming;
use super::wire::{ApiError, Service};
use super::world::World;

/// The sender of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account it belongs to.
    pub account: AccountId,
    /// Its ARN, as `GetCallerIdentity` tells it.
    pub arn: String,
    /// Its unique id.
    pub user_id: String,
    /// Whether it is a role's session: one that assumes a further role is chaining.
    pub is_role: bool,
    /// Whether it has shown a second factor.
    pub mfa: bool,
}

/// What the user behind an account's long-term keys is called.
pub(crate) const USER: &str = "orch";

const KEY_START: &str = "AKIA";
const KEY_END: &str = "ORCH";

/// The long-term access key id of an account's user. It holds the account's digits.
pub(crate) fn access_key(account: &str) -> String {
    format!("{KEY_START}{account}{KEY_END}")
}

/// The account of a long-term access key id.
fn account_of(access_key: &str) -> Option<AccountId> {
    access_key.strip_prefix(KEY_START)?.strip_suffix(KEY_END)?.parse().ok()
}

impl Caller {
    /// The user behind an account's long-term keys.
    fn user(account: AccountId, region: &Region) -> Self {
        let arn = format!("arn:{}:iam::{account}:user/{USER}", region.partition());
        Self { user_id: format!("AIDA{account}{KEY_END}"), arn, account, is_role: false, mfa: false }
    }

    /// The name of the role whose session it is.
    pub(crate) fn role(&self) -> Option<&str> {
        self.arn.split_once(":assumed-role/")?.1.split('/').next()
    }

    /// The ARN of the user or of the role.
    pub(crate) fn principal(&self) -> String {
        match (self.role(), self.arn.split(':').nth(1)) {
            (Some(role), Some(partition)) => format!("arn:{partition}:iam::{}:role/{role}", self.account),
            _ => self.arn.clone(),
        }
    }

    /// The account that a request's access key belongs to, valid or not.
    pub(crate) fn account_of(world: &World, incoming: &Incoming) -> Option<AccountId> {
        account_of(&incoming.access_key).or_else(|| Some(world.sessions.get(&incoming.access_key)?.account.clone()))
    }

    /// The sender of a request.
    ///
    /// # Errors
    /// Credentials that are nobody's or have expired, in the service's own words.
    pub(crate) fn authenticate(world: &World, incoming: &Incoming) -> Result<Self, ApiError> {
        let callers = world.rules.trusts.callers.as_ref();
        if let Some(account) = account_of(&incoming.access_key)
            && callers.is_none_or(|callers: &BTreeSet<AccountId>| callers.contains(&account))
        {
            return Ok(Self::user(account, &incoming.region));
        }
        let session = world
            .sessions
            .get(&incoming.access_key)
            .filter(|session| incoming.token.as_deref() == Some(session.token.as_str()))
            .ok_or_else(|| unknown(incoming.service))?;
        if session.expires <= world.now {
            return Err(expired(incoming.service));
        }
        Ok(Self {
            account: session.account.clone(),
            arn: session.arn.clone(),
            user_id: session.user_id.clone(),
            is_role: session.is_role,
            mfa: session.mfa,
        })
    }
}

/// What a service says to credentials that are nobody's.
pub(crate) fn unknown(service: Service) -> ApiError {
    match service {
        Service::Ec2 => ApiError::new("AuthFailure", "AWS was not able to validate the provided access credentials")
            .with_status(401),
        Service::S3 => {
            let message = "The AWS Access Key Id you provided does not exist in our records.";
            ApiError::new("InvalidAccessKeyId", message).with_status(403)
        }
        Service::Ssm | Service::SecretsManager => {
            ApiError::new("UnrecognizedClientException", "The security token included in the request is invalid.")
        }
        Service::Sts | Service::CloudFormation => {
            ApiError::new("InvalidClientTokenId", "The security token included in the request is invalid.")
                .with_status(403)
        }
    }
}

/// What a service says to credentials that have expired.
pub(crate) fn expired(service: Service) -> ApiError {
    match service {
        Service::Ec2 => ApiError::new("RequestExpired", "Request has expired."),
        Service::S3 => ApiError::new("ExpiredToken", "The provided token has expired."),
        Service::Ssm | Service::SecretsManager => {
            ApiError::new("ExpiredTokenException", "The security token included in the request is expired")
        }
        Service::Sts | Service::CloudFormation => {
            ApiError::new("ExpiredToken", "The security token included in the request is expired").with_status(403)
        }
    }
}

/// What a service says to a caller without permission.
pub(crate) fn denied(service: Service, operation: &str, caller: &str) -> ApiError {
    let reason = format!("User: {caller} is not authorized to perform: {service}:{operation}");
    match service {
        Service::Ec2 => {
            let message = format!("You are not authorized to perform this operation. {reason}");
            ApiError::new("UnauthorizedOperation", message).with_status(403)
        }
        Service::Ssm | Service::SecretsManager => ApiError::new("AccessDeniedException", reason),
        Service::Sts | Service::CloudFormation | Service::S3 => ApiError::new("AccessDenied", reason).with_status(403),
    }
}
