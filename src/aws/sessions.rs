//! One session for each account, all opened and checked at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use indexmap::IndexMap;
use tokio::task::JoinSet;

use super::account::{AccountError, AccountSpec, Cause};
use super::clients::Clients;
use super::counts::Counts;
use super::credentials::{BaseKey, Kept, Source};
use super::environment::Environment;
use super::regional::{Regional, Shared};
use super::sts::{Assume, CHAINED_AT_MOST, Sts};
use super::tasks::joined;
use crate::ids::{AccountId, AccountName, Region};
use crate::safeguard::{self, Safeguard};

/// The name of a session whose plan gives none.
const SESSION_NAME: &str = "orch";

/// An account that was reached and is the one that the plan names.
struct Session {
    id: AccountId,
    principal: String,
    credentials: Arc<Kept>,
}

/// A session for each account of a plan.
///
/// Credentials renew themselves five minutes before their end, for as long as this lives.
pub struct Sessions {
    accounts: BTreeMap<AccountName, Session>,
    regionals: Mutex<BTreeMap<(AccountName, Region), Regional>>,
    shared: Shared,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sessions").field("accounts", &self.accounts.keys()).finish_non_exhaustive()
    }
}

impl Sessions {
    /// Opens a session for every account, all at once, and makes sure that each is for the account it is meant for: by what
    /// AWS says when it opens a role's session, else by asking STS. Nothing but STS is called.
    ///
    /// # Errors
    ///
    /// Every account that cannot be used, in the order of `accounts`, each with its reason.
    pub async fn open(
        accounts: &IndexMap<AccountName, AccountSpec>,
        environment: &Environment,
    ) -> Result<Self, Vec<AccountError>> {
        // Boxed, since one future within the other would nest too deep for the compiler where it is awaited.
        let (sessions, errors) = Box::pin(Self::reach(accounts, environment)).await;
        if errors.is_empty() { Ok(sessions) } else { Err(errors) }
    }

    /// The same, with a session for each account that can be used beside an error for each that cannot, in the order of
    /// `accounts`.
    pub async fn reach(
        accounts: &IndexMap<AccountName, AccountSpec>,
        environment: &Environment,
    ) -> (Self, Vec<AccountError>) {
        let clients = Arc::new(Clients::new(environment.config().await));
        let (nonces, rates) = (environment.nonces().clone(), environment.rates().clone());
        let shared = Shared::new(clients, nonces, rates, environment.is_near());
        let mut opening = Opening {
            accounts,
            environment,
            shared: &shared,
            bases: environment.bases().clone(),
            failed: BTreeMap::new(),
        };
        let bases = opening.bases().await;
        let mut ready: BTreeMap<AccountName, Session> = BTreeMap::new();
        for level in opening.levels() {
            let mut checks = Vec::new();
            for name in level {
                match opening.credentials(&name, &bases, &ready) {
                    Ok(credentials) => checks.push((name, credentials)),
                    Err(cause) => opening.fail(name, cause),
                }
            }
            for (name, result) in opening.check(checks).await {
                match result {
                    Ok(session) => drop(ready.insert(name, session)),
                    Err(cause) => opening.fail(name, cause),
                }
            }
        }
        let mut failed = opening.failed;
        let errors: Vec<_> = accounts
            .iter()
            .filter_map(|(name, spec)| {
                let cause = failed.remove(name)?;
                Some(AccountError { account: name.clone(), id: spec.id.clone(), cause })
            })
            .collect();
        let regionals = Mutex::default();
        (Self { accounts: ready, regionals, shared }, errors)
    }

    /// The account's services in a region; `None` when no such account was opened. Clients are made once and shared.
    pub fn region(&self, account: &AccountName, region: &Region) -> Option<Regional> {
        let session = self.accounts.get(account)?;
        let mut regionals = self.regionals.lock().unwrap_or_else(PoisonError::into_inner);
        let regional = regionals.entry((account.clone(), region.clone())).or_insert_with(|| {
            Regional::new(
                account.clone(),
                session.id.clone(),
                region.clone(),
                session.credentials.clone(),
                &self.shared,
            )
        });
        Some(regional.clone())
    }

    /// Has everything that was listed be listed anew by whoever asks next: somebody may have thought for an hour.
    pub fn look_anew(&self) {
        self.shared.written.look_anew();
        self.shared.stored.forget();
    }

    /// How many calls were made since this was last asked.
    pub fn take_counts(&self) -> Counts {
        self.shared.counted.take()
    }

    /// The ARN of the principal that acts in an account.
    pub fn principal(&self, account: &AccountName) -> Option<&str> {
        self.accounts.get(account).map(|session| session.principal.as_str())
    }
}

/// The state of [`Sessions::open`].
struct Opening<'a> {
    accounts: &'a IndexMap<AccountName, AccountSpec>,
    environment: &'a Environment,
    shared: &'a Shared,
    bases: BTreeMap<BaseKey, Arc<Kept>>,
    failed: BTreeMap<AccountName, Cause>,
}

impl Opening<'_> {
    fn fail(&mut self, account: AccountName, cause: Cause) {
        self.failed.insert(account, cause);
    }

    /// The starting points of all chains, each fetched once however many accounts start from it: one SSO exchange, one
    /// question for a code, one failure.
    async fn bases(&mut self) -> BTreeMap<BaseKey, Result<Arc<Kept>, Cause>> {
        let accounts = self.accounts;
        for (name, spec) in accounts.iter().filter(|(_, spec)| spec.through.is_none()) {
            let plain = (spec.profile.clone(), None);
            if !self.bases.contains_key(&plain) {
                let provider = self.environment.base(spec.profile.as_deref(), &spec.region).await;
                let source = Source::Base { provider, profile: spec.profile.clone() };
                self.bases.insert(plain.clone(), self.keep(name, spec, source));
            }
            let Some(serial) = &spec.mfa_serial else { continue };
            let strong = (spec.profile.clone(), Some(serial.clone()));
            if !self.bases.contains_key(&strong) {
                let sts = Sts::new(self.shared, self.bases[&plain].clone(), name, &spec.region);
                let (profile, ask) = (spec.profile.clone(), self.environment.ask_code().cloned());
                let source = Source::Mfa { sts, serial: serial.clone(), profile, ask };
                self.bases.insert(strong, self.keep(name, spec, source));
            }
        }
        let all = || self.bases.iter().map(|(key, kept)| (key.clone(), kept.clone()));
        let mut fetched = fetch_at_once(all().filter(|((_, serial), _)| serial.is_none())).await;
        // One after the other: two devices must not ask at the same time. A profile's are not asked for when it fails.
        for (key, kept) in all().filter(|((_, serial), _)| serial.is_some()) {
            let plain = (key.0.clone(), None);
            let result = match fetched.get(&plain) {
                Some(Err(cause)) => Err(cause.clone()),
                _ => kept.get().await.map(|_| kept.clone()),
            };
            fetched.insert(key, result);
        }
        let good = fetched.iter().filter_map(|(key, result)| Some((key.clone(), result.as_ref().ok()?.clone())));
        self.environment.bases().extend(good);
        fetched
    }

    fn keep(&self, name: &AccountName, spec: &AccountSpec, source: Source) -> Arc<Kept> {
        Kept::new(name.clone(), spec.region.clone(), source, self.environment.time_source())
    }

    /// The accounts in levels: those reached directly, those reached by way of these, and so on. Accounts whose way
    /// leads nowhere fail here.
    fn levels(&mut self) -> Vec<Vec<AccountName>> {
        let mut left: Vec<&AccountName> = self.accounts.keys().collect();
        let mut placed: BTreeSet<&AccountName> = BTreeSet::new();
        let mut levels = Vec::new();
        while !left.is_empty() {
            let (level, rest): (Vec<&AccountName>, Vec<&AccountName>) = left
                .into_iter()
                .partition(|name| self.accounts[*name].through.as_ref().is_none_or(|through| placed.contains(through)));
            if level.is_empty() {
                for name in rest {
                    if let Some(through) = &self.accounts[name].through {
                        self.failed.insert(name.clone(), Cause::NoWay(through.clone()));
                    }
                }
                break;
            }
            placed.extend(level.iter().copied());
            levels.push(level.into_iter().cloned().collect());
            left = rest;
        }
        levels
    }

    /// The credentials of one account, not yet fetched.
    fn credentials(
        &self,
        name: &AccountName,
        bases: &BTreeMap<BaseKey, Result<Arc<Kept>, Cause>>,
        ready: &BTreeMap<AccountName, Session>,
    ) -> Result<Arc<Kept>, Cause> {
        let spec = &self.accounts[name];
        let caller = match &spec.through {
            Some(through) if spec.mfa_serial.is_some() => return Err(Cause::MfaThrough { through: through.clone() }),
            Some(through) => {
                ready.get(through).map(|session| session.credentials.clone()).ok_or(Cause::Through(through.clone()))?
            }
            None => match bases.get(&(spec.profile.clone(), spec.mfa_serial.clone())) {
                Some(base) => base.clone()?,
                None => return Err(Cause::NoWay(name.clone())),
            },
        };
        let Some(role) = &spec.role else { return Ok(caller) };
        let assume = Assume {
            role: role.arn(&spec.id, &spec.region),
            external_id: spec.external_id.clone(),
            session_name: spec.session_name.clone().unwrap_or_else(|| SESSION_NAME.to_owned()),
            duration: match &spec.through {
                Some(_) => spec.duration.map(|seconds| seconds.min(CHAINED_AT_MOST)),
                None => spec.duration,
            },
            tags: spec.session_tags.clone(),
            profile: spec.profile.clone(),
            mfa: spec.mfa_serial.is_some(),
        };
        let sts = Sts::new(self.shared, caller, name, &spec.region);
        Ok(self.keep(name, spec, Source::Role { sts, assume: Box::new(assume) }))
    }

    /// Fetches the credentials of accounts and learns whom they are for.
    async fn check(&self, accounts: Vec<(AccountName, Arc<Kept>)>) -> Vec<(AccountName, Result<Session, Cause>)> {
        let mut checks = JoinSet::new();
        for (name, credentials) in accounts {
            let spec = self.accounts[&name].clone();
            let sts = Sts::new(self.shared, credentials.clone(), &name, &spec.region);
            checks.spawn(async move { (name, check_one(&spec, credentials, &sts).await) });
        }
        joined(checks).await
    }
}

/// Fetches credentials that do not wait for each other: each may be an exchange with SSO, or a process.
async fn fetch_at_once(
    bases: impl Iterator<Item = (BaseKey, Arc<Kept>)>,
) -> BTreeMap<BaseKey, Result<Arc<Kept>, Cause>> {
    let mut fetching = JoinSet::new();
    for (key, kept) in bases {
        fetching.spawn(async move {
            let result = kept.get().await.map(|_| kept.clone());
            (key, result)
        });
    }
    joined(fetching).await.into_iter().collect()
}

async fn check_one(spec: &AccountSpec, credentials: Arc<Kept>, sts: &Sts) -> Result<Session, Cause> {
    let caller = match credentials.caller().await? {
        Some(caller) => caller,
        None => sts.caller().await.map_err(|error| Cause::of_call(spec.profile.as_ref(), error))?,
    };
    if caller.account == spec.id.as_str() || !safeguard::holds(Safeguard::IdentityCheck) {
        Ok(Session { id: spec.id.clone(), principal: caller.arn, credentials })
    } else {
        Err(Cause::WrongAccount {
            expected: spec.id.clone(),
            actual: caller.account,
            principal: caller.arn,
            role: spec.role.is_some(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_credential_types::Credentials;
    use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
    use aws_smithy_async::time::SystemTimeSource;
    use tokio::time::Instant;

    use super::*;

    /// Credentials that take ten seconds, as an exchange with SSO may.
    #[derive(Debug)]
    struct Slow;

    impl ProvideCredentials for Slow {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::new(async {
                tokio::time::sleep(Duration::from_secs(10)).await;
                Ok(Credentials::new("KEY", "secret", None, None, "test"))
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn profiles_do_not_wait_for_each_other() {
        let base = |number: u32| {
            let provider = SharedCredentialsProvider::new(Slow);
            let source = Source::Base { provider, profile: Some(number.to_string()) };
            let time_source = aws_smithy_async::time::SharedTimeSource::new(SystemTimeSource::new());
            let kept = Kept::new("dev".into(), "us-east-1".into(), source, time_source);
            ((Some(number.to_string()), None), kept)
        };
        let began = Instant::now();
        let fetched = fetch_at_once((0..20).map(base)).await;
        assert!(fetched.len() == 20 && fetched.values().all(Result::is_ok));
        assert_eq!(began.elapsed().as_secs(), 10);
    }
}
