//! How an account is reached, and why one could not be.

use std::fmt;
use std::str::FromStr;

use indexmap::IndexMap;

use super::{CallError, Class};
use crate::ids::{AccountId, AccountName, Region};

/// A role to assume in an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// By its name, with its path if it has one: `MasterAcctRole`, `ops/Deploy`. Its ARN follows from account and partition.
    Name(String),
    /// By its full ARN.
    Arn(String),
}

impl Role {
    /// The role's ARN in an account, in the partition of a region.
    pub fn arn(&self, account: &AccountId, region: &Region) -> String {
        match self {
            Self::Name(name) => {
                format!("arn:{}:iam::{account}:role/{}", region.partition(), name.trim_start_matches('/'))
            }
            Self::Arn(arn) => arn.clone(),
        }
    }
}

impl FromStr for Role {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text.starts_with("arn:") { Self::Arn(text.to_owned()) } else { Self::Name(text.to_owned()) })
    }
}

/// How the plan says that one account is reached. Without a role the account's credentials are those of the profile, or
/// of the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSpec {
    /// The account that the credentials must turn out to be for.
    pub id: AccountId,
    /// The region whose STS is asked; its partition is the account's.
    pub region: Region,
    /// The role to assume.
    pub role: Option<Role>,
    /// The external id that the role's trust policy asks for.
    pub external_id: Option<String>,
    /// The name that the session has in the account's logs.
    pub session_name: Option<String>,
    /// How long a session lasts, in seconds: 900 to 43,200, and 3,600 at most by way of another account.
    pub duration: Option<i32>,
    /// Tags of the session.
    pub session_tags: IndexMap<String, String>,
    /// The caller's MFA device, whose code is asked for once.
    pub mfa_serial: Option<String>,
    /// The named profile to start from, in place of the default credentials.
    pub profile: Option<String>,
    /// The account whose session assumes the role, in place of the caller.
    pub through: Option<AccountName>,
}

impl AccountSpec {
    /// An account that is reached with the caller's own credentials.
    pub fn new(id: AccountId, region: Region) -> Self {
        Self {
            id,
            region,
            role: None,
            external_id: None,
            session_name: None,
            duration: None,
            session_tags: IndexMap::new(),
            mfa_serial: None,
            profile: None,
            through: None,
        }
    }

    /// The same account, reached by assuming a role.
    #[must_use]
    pub fn with_role(mut self, role: &str) -> Self {
        let Ok(role) = role.parse();
        self.role = Some(role);
        self
    }
}

/// Why an account cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// There are no credentials to start from.
    NoCredentials {
        /// The profile that was to give them; `None` for the default chain.
        profile: Option<String>,
        /// What was tried and what came of it.
        detail: String,
    },
    /// The login of an SSO profile has run out, or never was.
    LoginExpired {
        /// The profile; `None` for the default one.
        profile: Option<String>,
    },
    /// The caller's credentials have run out.
    CredentialsExpired {
        /// The profile that they came from; `None` for the default chain.
        profile: Option<String>,
        /// What AWS said.
        error: Box<CallError>,
    },
    /// The caller's keys are not a pair that AWS knows.
    KeysRefused {
        /// The profile that they came from; `None` for the default chain.
        profile: Option<String>,
        /// What AWS said.
        error: Box<CallError>,
    },
    /// The role cannot be assumed.
    RoleDenied {
        /// The role's ARN.
        role: String,
        /// The ARN of the principal that tried; `None` when AWS would not say.
        principal: Option<String>,
        /// The external id that was sent.
        external_id: Option<String>,
        /// Whether an MFA session tried.
        mfa: bool,
        /// What AWS said.
        error: Box<CallError>,
    },
    /// The credentials are good, but for another account.
    WrongAccount {
        /// The account that the plan names.
        expected: AccountId,
        /// The account that the credentials are for.
        actual: String,
        /// The principal that they are for.
        principal: String,
        /// Whether a role was assumed.
        role: bool,
    },
    /// The account on the way could not be used; that account's own error says why.
    Through(AccountName),
    /// The accounts' `through` lead back to where they started, or to an account that is not declared.
    NoWay(AccountName),
    /// An MFA code cannot be used in the middle of a chain.
    MfaThrough {
        /// The account by way of which this one is reached.
        through: AccountName,
    },
    /// An MFA code cannot be used with the credentials of a session.
    MfaSession {
        /// The device.
        serial: String,
        /// The profile that they came from; `None` for the default chain.
        profile: Option<String>,
    },
    /// No MFA code could be had.
    NoMfaCode {
        /// The device.
        serial: String,
        /// Why not.
        detail: String,
    },
    /// The MFA code was refused.
    MfaRefused {
        /// The device.
        serial: String,
        /// What AWS said.
        error: Box<CallError>,
    },
    /// Any other call that failed on the way.
    Call(Box<CallError>),
}

impl Cause {
    /// Why a call with credentials of a profile, or of the caller, failed on the way.
    pub(super) fn of_call(profile: Option<&String>, error: CallError) -> Self {
        let (profile, error) = (profile.cloned(), Box::new(error));
        if error.is("SignatureDoesNotMatch") || error.is("IncompleteSignature") {
            Self::KeysRefused { profile, error }
        } else if error.class == Class::Expired {
            Self::CredentialsExpired { profile, error }
        } else {
            Self::Call(error)
        }
    }
}

/// One account that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountError {
    /// The account, by the plan's name for it.
    pub account: AccountName,
    /// Its id in the plan.
    pub id: AccountId,
    /// Why it cannot be used.
    pub cause: Cause,
}

/// ` of profile x`, or nothing for the default chain.
fn of_profile(profile: Option<&String>) -> String {
    profile.map(|profile| format!(" of profile `{profile}`")).unwrap_or_default()
}

/// ` --profile x`, or nothing for the default one.
pub(super) fn profile_flag(profile: Option<&String>) -> String {
    profile.map(|profile| format!(" --profile {profile}")).unwrap_or_default()
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, id, cause } = self;
        write!(f, "account {account} ({id}) ")?;
        match cause {
            Cause::NoCredentials { profile: Some(profile), detail } => {
                write!(f, "has no credentials: profile `{profile}` gives none: {detail}")
            }
            Cause::NoCredentials { profile: None, detail } => {
                write!(f, "has no credentials: the default chain found none: {detail}")
            }
            Cause::LoginExpired { profile } => {
                write!(f, "cannot be reached: there is no SSO login{}, or it has expired", of_profile(profile.as_ref()))
            }
            Cause::CredentialsExpired { profile, error } => {
                write!(
                    f,
                    "cannot be reached: the credentials{} are no longer valid: {error}",
                    of_profile(profile.as_ref())
                )
            }
            Cause::KeysRefused { profile, error } => {
                write!(f, "cannot be reached: AWS refuses the keys{}: {}", of_profile(profile.as_ref()), error.message)
            }
            Cause::RoleDenied { role, principal, error, .. } => {
                let principal = principal.as_deref().unwrap_or("the caller");
                write!(f, "cannot be reached: {principal} may not assume {role}: {}", error.message)
            }
            Cause::WrongAccount { expected, actual, principal, .. } => {
                write!(
                    f,
                    "is not what its credentials are for: they are for {actual} ({principal}), the plan says {expected}"
                )
            }
            Cause::Through(through) => write!(f, "is reached by way of account {through}, which cannot be used"),
            Cause::NoWay(through) => {
                write!(f, "is reached by way of account {through}, which is not declared or leads back to it")
            }
            Cause::MfaThrough { through } => {
                write!(
                    f,
                    "has an MFA device, but is reached by way of account {through}: AWS takes a code from the caller only"
                )
            }
            Cause::MfaSession { serial, profile } => {
                write!(
                    f,
                    "has MFA device {serial}, but the credentials{} are a session's, with which AWS takes no code",
                    of_profile(profile.as_ref())
                )
            }
            Cause::NoMfaCode { serial, detail } => write!(f, "needs a code of MFA device {serial}: {detail}"),
            Cause::MfaRefused { serial, error } => {
                write!(f, "cannot be reached: the code of MFA device {serial} was refused: {}", error.message)
            }
            Cause::Call(error) => write!(f, "cannot be used: {error}"),
        }
    }
}

impl std::error::Error for AccountError {}

impl AccountError {
    /// What to do about it, one remedy an item.
    pub fn help(&self) -> Vec<String> {
        let Self { account, .. } = self;
        match &self.cause {
            Cause::NoCredentials { profile, .. } => vec![match profile {
                Some(profile) => format!("see `aws configure list --profile {profile}` and `~/.aws/config`"),
                None => {
                    "set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in with `aws sso login`; \
                         `aws sts get-caller-identity` shows what works"
                        .to_owned()
                }
            }],
            Cause::LoginExpired { profile } => {
                vec![format!("`aws sso login{}` renews it", profile_flag(profile.as_ref()))]
            }
            Cause::CredentialsExpired { profile, error } => expired_help(profile.as_ref(), error),
            Cause::KeysRefused { profile, .. } => {
                let keys = match profile {
                    Some(profile) => format!("the keys of profile `{profile}` (`aws configure --profile {profile}`)"),
                    None => "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the default profile's keys".to_owned(),
                };
                vec![format!("the secret does not belong to the access key, or is cut off: correct {keys}")]
            }
            Cause::RoleDenied { role, principal, error, .. } if error.message.contains("sts:TagSession") => {
                tag_help(account, role, principal.as_deref())
            }
            Cause::RoleDenied { role, principal, external_id, mfa, .. } => {
                role_help(role, principal.as_deref(), external_id.as_deref(), *mfa)
            }
            Cause::WrongAccount { role: true, .. } => {
                vec![format!("the role's ARN is of another account: correct `role` or `id` of accounts.{account}")]
            }
            Cause::WrongAccount { role: false, .. } => vec![format!(
                "use credentials of that account, or give accounts.{account} a `role` or a `profile` that leads to it"
            )],
            Cause::NoWay(_) => vec![format!("correct `through` of accounts.{account}")],
            Cause::MfaThrough { through } => {
                vec![format!("move `mfa_serial` from accounts.{account} to accounts.{through}")]
            }
            Cause::MfaSession { .. } => vec![
                format!(
                    "if the session has MFA already, as those of SSO may, take `mfa_serial` out of accounts.{account}"
                ),
                "else start from a user's own access key: AWS takes a code for GetSessionToken with that alone"
                    .to_owned(),
            ],
            Cause::NoMfaCode { .. } => vec!["run it from a terminal, where the code can be typed".to_owned()],
            Cause::MfaRefused { .. } => {
                vec!["wait for the device's next code: AWS takes each only once".to_owned()]
            }
            // Without a code it was not AWS that answered.
            Cause::Call(error) if error.code.is_none() => {
                vec!["see that AWS can be reached from here (HTTPS_PROXY, AWS_CA_BUNDLE, AWS_ENDPOINT_URL)".to_owned()]
            }
            Cause::Call(error) => call_help(account, error),
            Cause::Through(_) => vec![],
        }
    }
}

/// Regions that every account has. All others are switched on account by account, and until then AWS does not know the
/// account's credentials there.
///
/// See <https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html>.
const EVERYBODYS: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// What to do about a region that is not switched on.
fn switch_on(region: &Region, account: &AccountName) -> String {
    format!(
        "switch region {region} on for account {account} and for the caller's (`aws account enable-region --region-name {region}`), or use another one"
    )
}

/// What to do about credentials that AWS no longer, or not, takes.
fn expired_help(profile: Option<&String>, error: &CallError) -> Vec<String> {
    let mut help = vec![format!(
        "renew them, with `aws sso login{}` if they come from SSO, and see that the clock is right",
        profile_flag(profile)
    )];
    if error.is("InvalidClientTokenId") || error.is("UnrecognizedClientException") {
        help.push("if they are an access key, see that it is written right and still exists".to_owned());
        if error.region.partition() == "aws" && !EVERYBODYS.contains(&error.region.as_str()) {
            help.push(format!("{} is an opt-in region: {}", error.region, switch_on(&error.region, &error.account)));
        }
    }
    help
}

/// What to do about any other call to STS that was refused.
fn call_help(account: &AccountName, error: &CallError) -> Vec<String> {
    if error.message.contains("MaxSessionDuration") {
        return vec![
            format!("lower `duration` of accounts.{account}"),
            "or let the role's sessions last longer (`aws iam update-role --role-name … --max-session-duration …`)"
                .to_owned(),
        ];
    }
    if error.is("RegionDisabledException") {
        return vec![switch_on(&error.region, account)];
    }
    match (error.class, error.operation) {
        (Class::Denied, operation) => vec![format!("the caller's policies must allow sts:{operation}")],
        (Class::Other, "GetSessionToken") => vec![format!("see that `mfa_serial` of accounts.{account} is right")],
        (Class::Other, "AssumeRole") => {
            vec![format!(
                "see that `role`, `duration`, `session_name` and `session_tags` of accounts.{account} are right"
            )]
        }
        (Class::Transient | Class::Lost, _) => vec!["run again".to_owned()],
        _ => vec![],
    }
}

/// What must be so that a role can be assumed with session tags.
fn tag_help(account: &AccountName, role: &str, principal: Option<&str>) -> Vec<String> {
    let trusted = principal.map_or_else(|| "the caller".to_owned(), trusted_principal);
    vec![
        format!("the role's trust policy must allow sts:TagSession, besides sts:AssumeRole, to {trusted}"),
        format!("the caller's own policies must allow sts:TagSession on {role}"),
        format!("or take `session_tags` out of accounts.{account}"),
    ]
}

/// What must be so that a role can be assumed. AWS says "not authorized" alike for a role that is missing, one that
/// does not trust the caller and a caller who may not, and says on purpose not which.
fn role_help(role: &str, principal: Option<&str>, external_id: Option<&str>, mfa: bool) -> Vec<String> {
    let trusted = principal.map_or_else(|| "the caller".to_owned(), trusted_principal);
    let mut condition = match external_id {
        Some(id) => format!(" with the external id `{id}`"),
        None => " (and, if it asks for an external id, the plan must give `external_id`)".to_owned(),
    };
    if mfa {
        condition.push_str(" and MFA");
    }
    vec![
        format!("the role must exist and its trust policy must allow sts:AssumeRole to {trusted}{condition}"),
        format!("the caller's own policies must allow sts:AssumeRole on {role}"),
    ]
}

/// The principal to write into a trust policy for a caller: a session's role rather than the session.
fn trusted_principal(arn: &str) -> String {
    // arn:aws:sts::111111111111:assumed-role/Name/session
    let mut parts = arn.splitn(6, ':');
    let (Some(arn_), Some(partition), Some("sts"), Some(""), Some(account), Some(resource)) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return arn.to_owned();
    };
    match resource.split('/').collect::<Vec<_>>().as_slice() {
        ["assumed-role", name, _session] => format!("{arn_}:{partition}:iam::{account}:role/{name}"),
        _ => arn.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Class;
    use super::*;

    fn refused() -> CallError {
        CallError::sample("AssumeRole", Class::Denied).saying("AccessDenied", "not authorized")
    }

    fn shown(cause: Cause) -> String {
        let error = AccountError { account: "dev".into(), id: "222222222222".parse().unwrap(), cause };
        let mut text = error.to_string();
        for help in error.help() {
            text.push_str("\n  help: ");
            text.push_str(&help);
        }
        text
    }

    #[test]
    fn a_role_has_its_arn_in_the_regions_partition() {
        let id: AccountId = "222222222222".parse().unwrap();
        let name: Role = "MasterAcctRole".parse().unwrap();
        assert_eq!(name.arn(&id, &"us-east-1".into()), "arn:aws:iam::222222222222:role/MasterAcctRole");
        assert_eq!(name.arn(&id, &"cn-north-1".into()), "arn:aws-cn:iam::222222222222:role/MasterAcctRole");
        assert_eq!(name.arn(&id, &"us-gov-west-1".into()), "arn:aws-us-gov:iam::222222222222:role/MasterAcctRole");
        let path: Role = "/ops/Deploy".parse().unwrap();
        assert_eq!(path.arn(&id, &"us-east-1".into()), "arn:aws:iam::222222222222:role/ops/Deploy");
        let arn: Role = "arn:aws:iam::333333333333:role/X".parse().unwrap();
        assert_eq!(arn.arn(&id, &"us-east-1".into()), "arn:aws:iam::333333333333:role/X");
    }

    #[test]
    fn a_role_that_is_denied_says_who_tried_and_what_must_trust_whom() {
        insta::assert_snapshot!(shown(Cause::RoleDenied {
            role: "arn:aws:iam::222222222222:role/Deploy".to_owned(),
            principal: Some("arn:aws:sts::111111111111:assumed-role/Admin/jane".to_owned()),
            external_id: None,
            mfa: false,
            error: Box::new(refused()),
        }), @"
        account dev (222222222222) cannot be reached: arn:aws:sts::111111111111:assumed-role/Admin/jane may not assume arn:aws:iam::222222222222:role/Deploy: not authorized
          help: the role must exist and its trust policy must allow sts:AssumeRole to arn:aws:iam::111111111111:role/Admin (and, if it asks for an external id, the plan must give `external_id`)
          help: the caller's own policies must allow sts:AssumeRole on arn:aws:iam::222222222222:role/Deploy
        ");
    }

    #[test]
    fn an_expired_login_says_which_command_renews_it() {
        insta::assert_snapshot!(shown(Cause::LoginExpired { profile: Some("dev".to_owned()) }), @"
        account dev (222222222222) cannot be reached: there is no SSO login of profile `dev`, or it has expired
          help: `aws sso login --profile dev` renews it
        ");
    }

    #[test]
    fn the_wrong_account_says_which_it_is() {
        insta::assert_snapshot!(shown(Cause::WrongAccount {
            expected: "222222222222".parse().unwrap(),
            actual: "999999999999".to_owned(),
            principal: "arn:aws:iam::999999999999:user/jane".to_owned(),
            role: false,
        }), @"
        account dev (222222222222) is not what its credentials are for: they are for 999999999999 (arn:aws:iam::999999999999:user/jane), the plan says 222222222222
          help: use credentials of that account, or give accounts.dev a `role` or a `profile` that leads to it
        ");
    }
}
