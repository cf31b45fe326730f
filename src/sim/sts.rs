//! AWS Security Token Service: who am I, and sessions of roles and users.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::caller::Caller;
use super::dispatch::unknown_operation;
use super::wire::{ApiError, Params, Request, Xml};
use super::world::{World, later};
use crate::ids::AccountId;

/// Temporary credentials that STS has issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The account that they act in.
    pub account: AccountId,
    /// Who acts, as `GetCallerIdentity` tells it.
    pub arn: String,
    /// The unique id of who acts.
    pub user_id: String,
    /// The session token that must come with the keys.
    pub token: String,
    /// When they end.
    pub expires: Timestamp,
    /// Whether they are a role's.
    pub is_role: bool,
    /// Whether they were got with a second factor.
    pub mfa: bool,
    /// The session's tags.
    pub tags: BTreeMap<String, String>,
}

/// Who may assume a role, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// Whether the role exists. To callers, one that does not exist looks like one that does not trust them.
    pub exists: bool,
    /// The accounts that may assume it; `None` for all.
    pub accounts: Option<BTreeSet<AccountId>>,
    /// The external id that must be given.
    pub external_id: Option<String>,
    /// Whether a second factor must be shown.
    pub mfa: bool,
    /// The longest session in seconds; 3600 as for every new role, 43200 at most.
    pub max_duration: u32,
}

impl Default for Trust {
    fn default() -> Self {
        Self { exists: true, accounts: None, external_id: None, mfa: false, max_duration: 3600 }
    }
}

impl Trust {
    /// A role that does not exist.
    pub fn missing() -> Self {
        Self { exists: false, ..Self::default() }
    }

    /// A role that may be assumed with this external id only.
    pub fn with_external_id(external_id: &str) -> Self {
        Self { external_id: Some(external_id.to_owned()), ..Self::default() }
    }

    fn admits(&self, caller: &Caller, params: &Params, mfa: bool) -> bool {
        self.exists
            && self.accounts.as_ref().is_none_or(|accounts| accounts.contains(&caller.account))
            && self.external_id.as_deref().is_none_or(|wanted| params.get("ExternalId") == Some(wanted))
            && (!self.mfa || mfa)
    }
}

/// Who may do what. What is not said is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trusts {
    /// The only accounts whose long-term keys are known; `None` for all.
    pub callers: Option<BTreeSet<AccountId>>,
    roles: BTreeMap<(AccountId, String), Trust>,
}

impl Trusts {
    /// Says who may assume a role. The name is without a path.
    pub fn set(&mut self, account: &AccountId, role: &str, trust: Trust) {
        self.roles.insert((account.clone(), role.to_owned()), trust);
    }

    fn of(&self, account: &AccountId, role: &str) -> Trust {
        self.roles.get(&(account.clone(), role.to_owned())).cloned().unwrap_or_default()
    }
}

/// The longest session of a role, in seconds.
const LONGEST: u32 = 43_200;
/// The longest session of a user, in seconds.
const LONGEST_OF_USER: u32 = 129_600;
/// The longest session of a role that was assumed by a role, in seconds.
const LONGEST_CHAINED: u32 = 3600;
/// The shortest session, in seconds.
const SHORTEST: u32 = 900;
/// Which code every MFA device of the embedded AWS refuses; any other six digits are right.
const WRONG_CODE: &str = "000000";

pub(crate) fn handle(world: &mut World, request: &Request) -> Result<Xml, ApiError> {
    match request.operation.as_str() {
        "GetCallerIdentity" => Ok(caller_identity(&request.caller)),
        "AssumeRole" => assume_role(world, request),
        "GetSessionToken" => session_token(world, request),
        _ => Err(unknown_operation(request)),
    }
}

fn caller_identity(caller: &Caller) -> Xml {
    let mut xml = Xml::new();
    xml.text("Arn", &caller.arn).text("UserId", &caller.user_id).text("Account", &caller.account);
    xml
}

/// See <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.
fn assume_role(world: &mut World, request: &Request) -> Result<Xml, ApiError> {
    let Request { caller, params, place, .. } = request;
    let arn = params.require("RoleArn")?;
    let role = RoleArn::read(arn).ok_or_else(|| ApiError::new("ValidationError", format!("{arn} is invalid")))?;
    let name = session_name(params.require("RoleSessionName")?)?;
    let seconds = duration(params, LONGEST, 3600)?;
    let tags = session_tags(params)?;
    let mfa = second_factor(params)? || caller.mfa;
    let trust = world.rules.trusts.of(&role.account, role.name);
    if role.partition != place.region.partition() || !trust.admits(caller, params, mfa) {
        return Err(not_trusted(caller, arn));
    }
    if caller.is_role && seconds > LONGEST_CHAINED {
        return Err(ApiError::new(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        ));
    }
    if seconds > trust.max_duration {
        return Err(ApiError::new(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    let session = Session {
        arn: format!("arn:{}:sts::{}:assumed-role/{}/{name}", role.partition, role.account, role.name),
        user_id: format!("AROA{}:{name}", role_id(&role)),
        account: role.account,
        token: String::new(),
        expires: later(world.now, Duration::from_secs(seconds.into())),
        is_role: true,
        // A role's session does not know how whoever assumed it has signed in.
        mfa: false,
        tags,
    };
    let mut xml = Xml::new();
    xml.within("AssumedRoleUser", |xml| {
        xml.text("AssumedRoleId", &session.user_id).text("Arn", &session.arn);
    });
    issue(world, session, &mut xml);
    xml.text("PackedPolicySize", 0);
    Ok(xml)
}

/// See <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>.
fn session_token(world: &mut World, request: &Request) -> Result<Xml, ApiError> {
    let Request { caller, params, .. } = request;
    if caller.is_role {
        let message = "Cannot call GetSessionToken with session credentials";
        return Err(ApiError::new("AccessDenied", message).with_status(403));
    }
    let seconds = duration(params, LONGEST_OF_USER, 43_200)?;
    let session = Session {
        account: caller.account.clone(),
        arn: caller.arn.clone(),
        user_id: caller.user_id.clone(),
        token: String::new(),
        expires: later(world.now, Duration::from_secs(seconds.into())),
        is_role: false,
        mfa: second_factor(params)?,
        tags: BTreeMap::new(),
    };
    let mut xml = Xml::new();
    issue(world, session, &mut xml);
    Ok(xml)
}

/// Gives a session its keys and tells them. Sessions that ended more than a day ago are forgotten on the way.
fn issue(world: &mut World, mut session: Session, xml: &mut Xml) {
    const MEMORY: Duration = Duration::from_hours(24);
    let now = world.now;
    // Each time that there are twice as many, so that a session costs the same however many there are.
    if world.sessions.len().is_power_of_two() {
        world.sessions.retain(|_, session| later(session.expires, MEMORY) > now);
    }
    let access_key = format!("ASIA{}", world.ids().key());
    session.token = format!("FwoG{}", world.ids().uuid());
    xml.within("Credentials", |xml| {
        xml.text("AccessKeyId", &access_key).text("SecretAccessKey", "not-checked");
        xml.text("SessionToken", &session.token).time("Expiration", session.expires);
    });
    world.sessions.insert(access_key, session);
}

/// A role's ARN, in parts.
struct RoleArn<'a> {
    partition: &'a str,
    account: AccountId,
    /// The name without its path.
    name: &'a str,
}

impl<'a> RoleArn<'a> {
    fn read(arn: &'a str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        let ("arn", partition, "iam", "", account, resource) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?)
        else {
            return None;
        };
        let name = resource.strip_prefix("role/")?.rsplit('/').next().filter(|name| !name.is_empty())?;
        Some(Self { partition, account: account.parse().ok()?, name })
    }
}

/// A role's unique id: sixteen characters that are always the same for it.
fn role_id(role: &RoleArn<'_>) -> String {
    let seed = role.account.as_str().bytes().chain(role.name.bytes());
    // FNV-1a: any spread will do, it only has to be the same in every world.
    let hash =
        seed.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016X}")
}

fn session_name(name: &str) -> Result<&str, ApiError> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if !name.chars().all(legal) {
        let constraint = r"Member must satisfy regular expression pattern: [\w+=,.@-]*";
        return Err(ApiError::constraint(name, "roleSessionName", constraint));
    }
    match name.len() {
        0 | 1 => {
            Err(ApiError::constraint(name, "roleSessionName", "Member must have length greater than or equal to 2"))
        }
        2..=64 => Ok(name),
        _ => Err(ApiError::constraint(name, "roleSessionName", "Member must have length less than or equal to 64")),
    }
}

fn duration(params: &Params, longest: u32, default: u32) -> Result<u32, ApiError> {
    let seconds = params.parsed("DurationSeconds")?.unwrap_or(default);
    let refuse = |constraint: String| Err(ApiError::constraint(&seconds.to_string(), "durationSeconds", &constraint));
    if seconds < SHORTEST {
        return refuse(format!("Member must have value greater than or equal to {SHORTEST}"));
    }
    if seconds > longest {
        return refuse(format!("Member must have value less than or equal to {longest}"));
    }
    Ok(seconds)
}

fn session_tags(params: &Params) -> Result<BTreeMap<String, String>, ApiError> {
    const MOST: usize = 50;
    let mut tags = BTreeMap::new();
    for tag in params.structures("Tags") {
        let (key, value) = (tag.require("Key")?, tag.get("Value").unwrap_or_default());
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            let message = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
            return Err(ApiError::new("InvalidParameterValue", message));
        }
    }
    if tags.len() > MOST {
        let constraint = format!("Member must have length less than or equal to {MOST}");
        return Err(ApiError::constraint(&format!("{} tags", tags.len()), "tags", &constraint));
    }
    Ok(tags)
}

/// Whether a second factor was shown, and is right.
fn second_factor(params: &Params) -> Result<bool, ApiError> {
    let refuse = |message: &str| Err(ApiError::new("AccessDenied", message).with_status(403));
    match (params.get("SerialNumber"), params.get("TokenCode")) {
        (None, None) => Ok(false),
        (Some(_), Some(code)) if code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()) && code != WRONG_CODE => {
            Ok(true)
        }
        (Some(_), Some(_)) => refuse("MultiFactorAuthentication failed with invalid MFA one time pass code. "),
        _ => refuse("MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code. "),
    }
}

fn not_trusted(caller: &Caller, role: &str) -> ApiError {
    let message = format!("User: {} is not authorized to perform: sts:AssumeRole on resource: {role}", caller.arn);
    ApiError::new("AccessDenied", message).with_status(403)
}
