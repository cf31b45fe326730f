//! The calls to STS.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sdk_sts::types::Tag;
use indexmap::IndexMap;
use tokio::time::Instant;

use super::account::Cause;
use super::call::{self, ATTEMPTS, CallError, Outages, Patience, Throttles};
use super::clients::{Services, signed_by};
use super::credentials::Kept;
use super::nonce::Nonces;
use super::rates::Room;
use super::regional::Shared;
use crate::ids::{AccountName, Region};

/// The longest session, in seconds, that a session of a role may open in turn.
///
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining>.
pub(super) const CHAINED_AT_MOST: i32 = 3600;

/// Who a caller is to AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    /// The account's id.
    pub(super) account: String,
    /// The principal's ARN.
    pub(super) arn: String,
}

impl Caller {
    /// Whoever bears an ARN, which has the account's id: `arn:aws:sts::222222222222:assumed-role/Deploy/orch`.
    fn of(arn: &str) -> Option<Self> {
        let account = arn.strip_prefix("arn:")?.split(':').nth(3)?;
        let is_id = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        is_id.then(|| Self { account: account.to_owned(), arn: arn.to_owned() })
    }
}

/// A session, with whom AWS says that it is for in the same answer.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    pub(super) credentials: Credentials,
    /// `None` where the answer does not tell.
    pub(super) caller: Option<Caller>,
}

impl From<Credentials> for Opened {
    fn from(credentials: Credentials) -> Self {
        Self { credentials, caller: None }
    }
}

/// A role and how to assume it.
#[derive(Clone, Debug)]
pub(super) struct Assume {
    pub(super) role: String,
    pub(super) external_id: Option<String>,
    pub(super) session_name: String,
    pub(super) duration: Option<i32>,
    pub(super) tags: IndexMap<String, String>,
    /// The profile that the caller's credentials came from; for messages.
    pub(super) profile: Option<String>,
    /// Whether the caller's session counts as MFA; for messages.
    pub(super) mfa: bool,
}

/// STS in one region, called with one set of credentials.
#[derive(Clone)]
pub(super) struct Sts {
    clients: Arc<Services>,
    room: Room,
    nonces: Arc<Nonces>,
    caller: Arc<Kept>,
    account: AccountName,
    region: Region,
}

impl Sts {
    /// STS on behalf of an account (whose name messages bear), called with the caller's credentials.
    pub(super) fn new(shared: &Shared, caller: Arc<Kept>, account: &AccountName, region: &Region) -> Self {
        let (clients, nonces) = (shared.clients.of(region), Arc::clone(&shared.nonces));
        let room = shared.rates.sts(region);
        Self { clients, room, nonces, caller, account: account.clone(), region: region.clone() }
    }

    /// Makes a call until it is let through; with renewed credentials once if they have run out.
    ///
    /// Each attempt has its credentials in hand when it takes room: to fetch them may take a call to STS itself, which would
    /// wait for what this one has.
    async fn call<T, E, F>(&self, operation: &'static str, send: impl Fn() -> F) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, call::SdkError<E>>>,
        E: aws_smithy_types::error::metadata::ProvideErrorMetadata + std::error::Error + 'static,
    {
        let asked = Mutex::new(Instant::now());
        let attempt = || async {
            let (credentials, _room) = loop {
                // Boxed, since to fetch credentials may itself be such a call.
                let fetched = match Box::pin(self.caller.get()).await {
                    Ok(credentials) => credentials,
                    // It was tried often enough by who fetches them.
                    Err(cause) => return Ok(Err(self.caller.call_error(&cause))),
                };
                // There are some that are too short to last at all.
                let lasts = self.caller.in_hand().is_some();
                let room = self.room.take().await;
                match self.caller.in_hand() {
                    Some(newest) => break (newest, room),
                    None if !lasts => break (fetched, room),
                    // They have run out meanwhile, or were refused: the room is not kept while others are fetched.
                    None => {}
                }
            };
            *asked.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            // Boxed, since each call that needs a session holds this one within it, and would be as large.
            let told = Box::pin(call::told(operation, &self.account, &self.region, send()));
            signed_by(credentials, told).await.map(Ok)
        };
        let share = || self.nonces.share();
        // Whoever renews a session in the middle of a run comes back for it.
        let (outages, throttles) = (Outages::Report, Throttles::HoldBack);
        let patience = Patience { outages, throttles, in_turn: false, attempts: ATTEMPTS, share: &share };
        let renew = || self.caller.forget(*asked.lock().unwrap_or_else(PoisonError::into_inner));
        call::patiently(operation, patience, attempt, renew).await?
    }

    /// Whether the caller's credentials are a session's rather than a user's own.
    pub(super) async fn is_called_by_session(&self) -> Result<bool, Cause> {
        // Boxed, since fetching credentials may itself be asked by a session of these.
        Ok(Box::pin(self.caller.get()).await?.session_token().is_some())
    }

    /// Who the caller is.
    pub(super) async fn caller(&self) -> Result<Caller, CallError> {
        let answer = self.call("GetCallerIdentity", || self.clients.sts.get_caller_identity().send()).await?;
        match (answer.account, answer.arn) {
            (Some(account), Some(arn)) => Ok(Caller { account, arn }),
            _ => Err(CallError::odd_answer("GetCallerIdentity", &self.account, &self.region, "account")),
        }
    }

    /// A session of a role.
    pub(super) async fn assume_role(&self, assume: &Assume) -> Result<Opened, CallError> {
        let assumed = self.assume_for(assume, assume.duration).await;
        match assumed {
            // The caller is a role's session itself (SSO's are), which only AWS can tell.
            Err(error) if error.message.contains("role chaining") && assume.duration != Some(CHAINED_AT_MOST) => {
                tracing::warn!(
                    role = assume.role,
                    "the session lasts an hour: AWS grants no more to a caller that is a role itself"
                );
                self.assume_for(assume, Some(CHAINED_AT_MOST)).await
            }
            assumed => assumed,
        }
    }

    async fn assume_for(&self, assume: &Assume, duration: Option<i32>) -> Result<Opened, CallError> {
        let tags = assume
            .tags
            .iter()
            .map(|(key, value)| Tag::builder().key(key).value(value).build())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| CallError::odd_answer("AssumeRole", &self.account, &self.region, &error.to_string()))?;
        let answer = self
            .call("AssumeRole", || {
                self.clients
                    .sts
                    .assume_role()
                    .role_arn(&assume.role)
                    .role_session_name(&assume.session_name)
                    .set_external_id(assume.external_id.clone())
                    .set_duration_seconds(duration)
                    .set_tags(Some(tags.clone()).filter(|tags| !tags.is_empty()))
                    .send()
            })
            .await?;
        let caller = answer.assumed_role_user.as_ref().and_then(|user| Caller::of(user.arn()));
        let credentials = answer.credentials.map(|given| credentials(&given));
        let opened = credentials.map(|credentials| Opened { credentials, caller });
        opened.ok_or_else(|| CallError::odd_answer("AssumeRole", &self.account, &self.region, "credentials"))
    }

    /// A session of the caller's own that counts as MFA.
    pub(super) async fn session_token(&self, serial: &str, code: &str) -> Result<Credentials, CallError> {
        let answer = self
            .call("GetSessionToken", || {
                self.clients.sts.get_session_token().serial_number(serial).token_code(code).send()
            })
            .await?;
        let credentials = answer.credentials.map(|given| credentials(&given));
        credentials.ok_or_else(|| CallError::odd_answer("GetSessionToken", &self.account, &self.region, "credentials"))
    }
}

/// A session as STS gives it.
fn credentials(given: &aws_sdk_sts::types::Credentials) -> Credentials {
    Credentials::new(
        given.access_key_id(),
        given.secret_access_key(),
        Some(given.session_token().to_owned()),
        SystemTime::try_from(*given.expiration()).ok(),
        "sts",
    )
}

#[cfg(test)]
mod tests {
    use super::Caller;

    #[test]
    fn a_sessions_arn_tells_its_account() {
        for (arn, account) in [
            ("arn:aws:sts::222222222222:assumed-role/Deploy/orch", Some("222222222222")),
            ("arn:aws-us-gov:sts::222222222222:assumed-role/ops/Deploy/a:b", Some("222222222222")),
            ("arn:aws:sts:::assumed-role/Deploy/orch", None),
            ("arn:aws:sts::22222222222x:assumed-role/Deploy/orch", None),
            ("aws:sts::222222222222:assumed-role/Deploy/orch", None),
            ("", None),
        ] {
            let caller = account.map(|account| Caller { account: account.to_owned(), arn: arn.to_owned() });
            assert_eq!(Caller::of(arn), caller, "{arn}");
        }
    }
}
