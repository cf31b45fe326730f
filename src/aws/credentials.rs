//! Credentials that stay fresh: each kept until shortly before it expires, then fetched anew by the one way it came.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_async::time::SharedTimeSource;
use tokio::time::Instant;

use super::account::{Cause, profile_flag};
use super::call::reasons;
use super::environment::AskCode;
use super::sts::{Assume, Caller, Opened, Sts};
use super::{CallError, Class};
use crate::ids::{AccountName, Region};
use crate::secret::keep_credential;

/// How long before its end a session is replaced. A call that was signed in time must also be answered in time, and a
/// stack outlives many sessions.
const AHEAD: Duration = Duration::from_mins(5);

/// How long to make do with a session that is about to end after it could not be renewed.
const TRY_AGAIN: Duration = Duration::from_secs(30);

/// Where credentials come from.
pub(super) enum Source {
    /// The caller's own, or a profile's.
    Base {
        /// What gives them.
        provider: SharedCredentialsProvider,
        /// The profile's name; `None` for the caller's own.
        profile: Option<String>,
    },
    /// The caller's own, strengthened by a code of an MFA device.
    ///
    /// AWS takes each code only once, so it cannot be sent along with every `AssumeRole`: it buys one session of the
    /// caller's own, and that session, which counts as MFA, assumes all the roles.
    Mfa {
        /// STS, called with the caller's own credentials.
        sts: Sts,
        /// The device.
        serial: String,
        /// The profile that those came from; for messages.
        profile: Option<String>,
        /// How to ask for a code; `None` when nobody can be asked.
        ask: Option<Arc<AskCode>>,
    },
    /// A role's.
    Role {
        /// STS, called with the credentials of whoever assumes the role.
        sts: Sts,
        /// The role and how to assume it.
        assume: Box<Assume>,
    },
}

impl Source {
    async fn fetch(&self) -> Result<Opened, Cause> {
        match self {
            Self::Base { provider, profile } => {
                let given = provider.provide_credentials().await;
                given.map(Opened::from).map_err(|error| base_cause(profile.clone(), &error))
            }
            Self::Mfa { sts, serial, profile, ask } => {
                if sts.is_called_by_session().await? {
                    return Err(Cause::MfaSession { serial: serial.clone(), profile: profile.clone() });
                }
                let code = ask_code(ask.clone(), serial).await?;
                sts.session_token(serial, &code).await.map(Opened::from).map_err(|error| {
                    if error.class == Class::Denied && error.message.contains("MultiFactorAuthentication") {
                        Cause::MfaRefused { serial: serial.clone(), error: Box::new(error) }
                    } else {
                        Cause::of_call(profile.as_ref(), error)
                    }
                })
            }
            Self::Role { sts, assume } => match sts.assume_role(assume).await {
                Ok(opened) => Ok(opened),
                Err(error) if error.class == Class::Denied && !error.is("SignatureDoesNotMatch") => {
                    Err(Cause::RoleDenied {
                        role: assume.role.clone(),
                        // Whoever tried is the first thing to know, and the caller may always ask for its own name.
                        principal: sts.caller().await.ok().map(|caller| caller.arn),
                        external_id: assume.external_id.clone(),
                        mfa: assume.mfa,
                        error: Box::new(error),
                    })
                }
                Err(error) => Err(Cause::of_call(assume.profile.as_ref(), error)),
            },
        }
    }
}

/// Asks for a code off the runtime's own thread, since a terminal blocks.
async fn ask_code(ask: Option<Arc<AskCode>>, serial: &str) -> Result<String, Cause> {
    let no_code = |detail: String| Cause::NoMfaCode { serial: serial.to_owned(), detail };
    let ask = ask.ok_or_else(|| no_code("there is no terminal to ask at".to_owned()))?;
    let device = serial.to_owned();
    let answer = tokio::task::spawn_blocking(move || ask(&device)).await.map_err(|error| no_code(error.to_string()))?;
    let code = answer.map_err(|error| no_code(error.to_string()))?;
    let code = code.trim();
    if code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(code.to_owned())
    } else {
        Err(no_code("a code has six digits".to_owned()))
    }
}

/// Why the caller's own credentials, or a profile's, could not be had.
fn base_cause(profile: Option<String>, error: &CredentialsError) -> Cause {
    let text = reasons(error);
    if is_missing_login(&text) {
        Cause::LoginExpired { profile }
    } else {
        Cause::NoCredentials { profile, detail: tidy(&text) }
    }
}

/// Whether the text of an error tells of an SSO login that is over or never was. The SDK has no public type for it.
fn is_missing_login(text: &str) -> bool {
    text.contains("SSO token")
        || text.contains("/.aws/sso/cache/")
        || (text.contains("UnauthorizedException") && text.contains("Session token"))
}

/// The SDK's list of what it tried, in one line and without what it says of each.
fn tidy(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.join("; ").replace("the credential provider was not enabled: ", "").replace("Attempted:; ", "Attempted: ")
}

/// Credentials as fetched.
struct Held {
    credentials: Credentials,
    /// Whom they are for, where that came with them.
    caller: Option<Caller>,
    fetched: Instant,
    /// No attempt to renew before this.
    not_before: Option<Instant>,
}

/// Where an account's chain of roles starts: a profile (or the caller's own credentials) and an MFA device.
pub(super) type BaseKey = (Option<String>, Option<String>);

/// Credentials, kept and renewed. One for each account, for its calls in all regions.
///
/// The SDK's own identity cache is not used: it shifts the time of renewal at random, cannot be told that AWS calls a
/// session expired, and drops a session that is still good when the renewal fails.
pub(super) struct Kept {
    account: AccountName,
    region: Region,
    source: Source,
    time_source: SharedTimeSource,
    /// Never locked over an await: nobody has to wait to be told what is known, or to have it forgotten.
    known: Mutex<Known>,
    /// Held by whoever fetches.
    fetching: tokio::sync::Mutex<()>,
}

/// What is known of credentials.
#[derive(Default)]
struct Known {
    held: Option<Held>,
    /// How many fetches have ended.
    ended: u64,
    /// Why the last of them gave nothing, if so.
    failed: Option<Cause>,
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("account", &self.account).finish_non_exhaustive()
    }
}

impl Kept {
    /// Credentials that are fetched when they are first asked for. The account and region are for messages.
    pub(super) fn new(
        account: AccountName,
        region: Region,
        source: Source,
        time_source: SharedTimeSource,
    ) -> Arc<Self> {
        let (known, fetching) = Default::default();
        Arc::new(Self { account, region, source, time_source, known, fetching })
    }

    /// The credentials; fetched if there are none yet or their end is near. Whoever asks meanwhile waits for the same
    /// answer, also if that is why there are none.
    pub(super) async fn get(&self) -> Result<Credentials, Cause> {
        let before = match self.in_hand() {
            Some(credentials) => return Ok(credentials),
            None => self.known().ended,
        };
        let _fetching = self.fetching.lock().await;
        if let Some(answer) = self.answer_since(before) {
            return answer;
        }
        let answer = self.source.fetch().await;
        let (mut known, now) = (self.known(), self.time_source.now());
        known.ended += 1;
        known.failed = None;
        match answer {
            Ok(Opened { credentials, caller }) => {
                keep_credential(credentials.secret_access_key());
                credentials.session_token().into_iter().for_each(keep_credential);
                let fresh = Held { credentials, caller, fetched: Instant::now(), not_before: None };
                Ok(known.held.insert(fresh).credentials.clone())
            }
            Err(cause) => {
                if let Some(held) = known.held.as_mut().filter(|held| held.is_good(now)) {
                    tracing::warn!(account = %self.account, ?cause, "the session could not be renewed yet");
                    held.not_before = Some(Instant::now() + TRY_AGAIN);
                    return Ok(held.credentials.clone());
                }
                known.failed = Some(cause.clone());
                Err(cause)
            }
        }
    }

    /// The credentials, if they need not be fetched. Nothing is waited for.
    pub(super) fn in_hand(&self) -> Option<Credentials> {
        let (known, now) = (self.known(), self.time_source.now());
        known.held.as_ref().filter(|held| held.lasts(now)).map(|held| held.credentials.clone())
    }

    /// What others have fetched, or why they could not, since so many fetches had ended.
    fn answer_since(&self, before: u64) -> Option<Result<Credentials, Cause>> {
        if let Some(credentials) = self.in_hand() {
            return Some(Ok(credentials));
        }
        let known = self.known();
        known.failed.clone().filter(|_| known.ended > before).map(Err)
    }

    /// Whom the credentials are for, if that came with them: AWS names the account of a role's session in the answer that
    /// opens it.
    pub(super) async fn caller(&self) -> Result<Option<Caller>, Cause> {
        self.get().await?;
        Ok(self.known().held.as_ref().and_then(|held| held.caller.clone()))
    }

    /// Forgets credentials that AWS no longer takes, unless they were fetched after `since`: another call has seen to it
    /// already. Others that are being fetched are not waited for.
    pub(super) fn forget(&self, since: Instant) {
        let mut known = self.known();
        if known.held.as_ref().is_some_and(|held| held.fetched <= since) {
            known.held = None;
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What went wrong on the way to the credentials, as an error of the call that needed them.
    pub(super) fn call_error(&self, cause: &Cause) -> CallError {
        match cause {
            Cause::Call(error)
            | Cause::RoleDenied { error, .. }
            | Cause::MfaRefused { error, .. }
            | Cause::KeysRefused { error, .. }
            | Cause::CredentialsExpired { error, .. } => CallError::clone(error),
            cause => {
                let message = match cause {
                    Cause::LoginExpired { profile } => {
                        format!(
                            "the SSO login has expired; `aws sso login{}` renews it",
                            profile_flag(profile.as_ref())
                        )
                    }
                    Cause::NoCredentials { detail, .. } | Cause::NoMfaCode { detail, .. } => detail.clone(),
                    other => format!("{other:?}"),
                };
                CallError {
                    operation: "credentials",
                    account: self.account.clone(),
                    region: self.region.clone(),
                    code: None,
                    message,
                    request_id: None,
                    class: Class::Expired,
                    is_after_silence: false,
                }
            }
        }
    }
}

impl Held {
    /// Whether they can still be used.
    fn is_good(&self, now: SystemTime) -> bool {
        self.credentials.expiry().is_none_or(|expiry| now < expiry)
    }

    /// Whether they need no renewal yet.
    fn lasts(&self, now: SystemTime) -> bool {
        let due = self.credentials.expiry().is_some_and(|expiry| now + AHEAD >= expiry);
        !due || (self.is_good(now) && self.not_before.is_some_and(|instant| Instant::now() < instant))
    }
}

impl ProvideCredentials for Kept {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            self.get().await.map_err(|cause| CredentialsError::provider_error(self.call_error(&cause)))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::UNIX_EPOCH;

    use aws_smithy_async::time::TimeSource;

    use super::*;

    /// A clock that follows tokio's, from the epoch on.
    #[derive(Debug)]
    struct Clock(Instant);

    impl TimeSource for Clock {
        fn now(&self) -> SystemTime {
            UNIX_EPOCH + self.0.elapsed()
        }
    }

    /// Gives sessions of fifteen minutes, numbered, and none from the `until`th on.
    #[derive(Debug)]
    struct Sessions {
        clock: SharedTimeSource,
        given: Arc<AtomicU64>,
        until: u64,
        takes: Duration,
    }

    impl ProvideCredentials for Sessions {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let number = self.given.fetch_add(1, Ordering::SeqCst);
            let expiry = self.clock.now() + Duration::from_mins(15);
            future::ProvideCredentials::new(async move {
                tokio::time::sleep(self.takes).await;
                if number < self.until {
                    Ok(Credentials::new(format!("KEY{number}"), "secret", None, Some(expiry), "test"))
                } else {
                    Err(CredentialsError::provider_error("out of order"))
                }
            })
        }
    }

    fn kept(until: u64) -> (Arc<Kept>, Arc<AtomicU64>) {
        slowly(until, Duration::ZERO)
    }

    fn slowly(until: u64, takes: Duration) -> (Arc<Kept>, Arc<AtomicU64>) {
        let clock = SharedTimeSource::new(Clock(Instant::now()));
        let given = Arc::new(AtomicU64::new(0));
        let sessions = Sessions { clock: clock.clone(), given: given.clone(), until, takes };
        let source = Source::Base { provider: SharedCredentialsProvider::new(sessions), profile: None };
        (Kept::new("dev".into(), "us-east-1".into(), source, clock), given)
    }

    async fn key(kept: &Kept) -> String {
        kept.get().await.unwrap().access_key_id().to_owned()
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_is_renewed_five_minutes_before_its_end_and_not_sooner() {
        let (kept, given) = kept(u64::MAX);
        assert_eq!(key(&kept).await, "KEY0");
        tokio::time::advance(Duration::from_secs(599)).await;
        assert_eq!(key(&kept).await, "KEY0");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(key(&kept).await, "KEY1");
        assert_eq!(given.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_ask_at_once_get_the_same_session() {
        let (kept, given) = kept(u64::MAX);
        let asked: Vec<_> = (0..50)
            .map(|_| {
                let kept = kept.clone();
                tokio::spawn(async move { key(&kept).await })
            })
            .collect();
        for asked in asked {
            assert_eq!(asked.await.unwrap(), "KEY0");
        }
        assert_eq!(given.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_ask_while_none_can_be_had_hear_so_at_once_and_who_asks_later_has_it_tried_again() {
        let (kept, given) = slowly(0, Duration::from_secs(10));
        let began = Instant::now();
        let mut asked = tokio::task::JoinSet::new();
        for n in 0..50 {
            let kept = kept.clone();
            asked.spawn(async move {
                tokio::time::sleep(Duration::from_millis(100 * n)).await;
                kept.get().await
            });
        }
        assert!(asked.join_all().await.iter().all(Result::is_err));
        assert_eq!((began.elapsed().as_secs(), given.load(Ordering::SeqCst)), (10, 1));
        assert!(kept.get().await.is_err());
        assert_eq!((began.elapsed().as_secs(), given.load(Ordering::SeqCst)), (20, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_fetch_that_is_given_up_is_made_by_the_next_who_waits() {
        let (kept, given) = slowly(u64::MAX, Duration::from_secs(10));
        let (first, second) = (tokio::time::timeout(Duration::from_secs(5), kept.get()), key(&kept));
        let (first, second) = tokio::join!(first, second);
        assert!(first.is_err());
        assert_eq!((second.as_str(), given.load(Ordering::SeqCst)), ("KEY1", 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_that_cannot_be_renewed_serves_until_its_end() {
        let (kept, given) = kept(1);
        assert_eq!(key(&kept).await, "KEY0");
        tokio::time::advance(Duration::from_secs(700)).await;
        assert_eq!(key(&kept).await, "KEY0");
        assert_eq!(key(&kept).await, "KEY0");
        assert_eq!(given.load(Ordering::SeqCst), 2, "not at every call");
        tokio::time::advance(Duration::from_secs(200)).await;
        assert!(kept.get().await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_that_aws_refuses_is_forgotten_once() {
        let (kept, _) = kept(u64::MAX);
        assert_eq!(key(&kept).await, "KEY0");
        tokio::time::advance(Duration::from_secs(1)).await;
        let since = Instant::now();
        kept.forget(since);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(key(&kept).await, "KEY1");
        kept.forget(since);
        assert_eq!(key(&kept).await, "KEY1");
    }

    #[test]
    fn an_sso_login_that_is_over_is_told_apart() {
        let expired = CredentialsError::provider_error("the SSO token has expired and cannot be refreshed");
        assert_eq!(base_cause(Some("dev".into()), &expired), Cause::LoginExpired { profile: Some("dev".into()) });
        let never = CredentialsError::provider_error("failed to read `/home/jane/.aws/sso/cache/0.json`: No such file");
        assert_eq!(base_cause(None, &never), Cause::LoginExpired { profile: None });
    }

    #[tokio::test(start_paused = true)]
    async fn a_login_that_ends_in_the_middle_of_a_run_says_which_command_renews_it() {
        let (kept, _) = kept(0);
        for (profile, command) in [(Some("dev"), "`aws sso login --profile dev`"), (None, "`aws sso login`")] {
            let error = kept.call_error(&Cause::LoginExpired { profile: profile.map(str::to_owned) });
            assert_eq!(error.class, Class::Expired);
            assert!(error.message.contains(command), "{error}");
        }
    }

    #[test]
    fn what_was_tried_for_credentials_is_said_in_one_line() {
        let text = "no credentials found in chain. Attempted:\n  \
            Environment: the credential provider was not enabled: environment variable not set\n  \
            Profile: the credential provider was not enabled: profile `x` was not defined";
        let Cause::NoCredentials { detail, .. } = base_cause(None, &CredentialsError::not_loaded(text)) else {
            panic!()
        };
        assert_eq!(
            detail,
            "no credentials found in chain. Attempted: Environment: environment variable not set; \
             Profile: profile `x` was not defined"
        );
    }
}
