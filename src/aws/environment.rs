//! How AWS is reached: the network, the clock, and the credentials that everything starts from.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::{SharedTimeSource, SystemTimeSource, TimeSource};
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime::client::retries::{RetryPartition, TokenBucket};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use super::credentials::{BaseKey, Kept};
use super::network::{BadBundle, network};
use super::nonce::Nonces;
use super::rates::Rates;
use super::sockets::Sockets;
use crate::ids::Region;

/// Asks the user for the present code of an MFA device, given its serial number. It may block.
pub type AskCode = dyn Fn(&str) -> std::io::Result<String> + Send + Sync;

/// Gives the credentials to start from: of a named profile, or (`None`) of the caller.
type Given = dyn Fn(Option<&str>) -> Option<Credentials> + Send + Sync;

/// Where credentials come from before any role is assumed.
#[derive(Clone)]
enum Base {
    /// As every AWS tool finds them: environment, profiles, SSO, containers, instances.
    Chain,
    /// Handed in, for the embedded AWS and for tests.
    Given(Arc<Given>),
}

/// How to reach AWS.
#[derive(Clone)]
pub struct Environment {
    base: Base,
    http_client: SharedHttpClient,
    time_source: SharedTimeSource,
    even_backoff: bool,
    ask_code: Option<Arc<AskCode>>,
    is_near: bool,
    nonces: Arc<Nonces>,
    rates: Arc<Rates>,
    /// What chains of roles have started from so far: whoever opens sessions twice is asked for a code once.
    bases: Arc<Mutex<BTreeMap<BaseKey, Arc<Kept>>>>,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base = match self.base {
            Base::Chain => "the default chain",
            Base::Given(_) => "given",
        };
        f.debug_struct("Environment")
            .field("base", &base)
            .field("even_backoff", &self.even_backoff)
            .finish_non_exhaustive()
    }
}

impl Environment {
    /// The real AWS, with the caller's own credentials, by way of `HTTPS_PROXY` (and its kin, `NO_PROXY` among them) where
    /// that is set.
    ///
    /// `ca_bundle` is the content of the file that `AWS_CA_BUNDLE` names: certificates in PEM format, which are trusted
    /// besides the system's own. `AWS_PROFILE`, `AWS_ENDPOINT_URL` and the like are read by the SDK itself. `files` is how many the
    /// process may open, where that is limited: there are no more connections than go into that.
    ///
    /// # Errors
    ///
    /// The bundle cannot be used.
    pub fn real(ca_bundle: Option<&[u8]>, files: Option<u64>) -> Result<Self, BadBundle> {
        let sockets = Sockets::within(files);
        let time_source = SharedTimeSource::new(SystemTimeSource::new());
        Ok(Self {
            base: Base::Chain,
            http_client: network(ca_bundle, sockets.warm)?,
            nonces: Arc::new(Nonces::random(time_source.clone())),
            time_source,
            even_backoff: false,
            ask_code: None,
            is_near: false,
            rates: Arc::new(Rates::within(sockets)),
            bases: Arc::default(),
        })
    }

    /// Another AWS behind a given HTTP client, with given credentials and a given clock. Neither the process's
    /// environment nor the user's AWS configuration is read.
    ///
    /// Attempts are spaced evenly rather than at random, and requests are named by the clock, so that a run can be
    /// repeated exactly.
    pub fn given(
        http_client: SharedHttpClient,
        time_source: impl TimeSource + 'static,
        credentials: impl Fn(Option<&str>) -> Option<Credentials> + Send + Sync + 'static,
    ) -> Self {
        let time_source = SharedTimeSource::new(time_source);
        Self {
            base: Base::Given(Arc::new(credentials)),
            http_client,
            nonces: Arc::new(Nonces::by_the_clock(time_source.clone())),
            time_source,
            even_backoff: true,
            ask_code: None,
            is_near: false,
            rates: Arc::default(),
            bases: Arc::default(),
        }
    }

    /// The same, for one of several programs in a simulated world: tokens and names that it gives to requests are its own, and
    /// its pauses before it asks again are no other's.
    #[must_use]
    pub fn seeded(self, seed: u64) -> Self {
        Self { nonces: Arc::new(Nonces::seeded(seed, self.time_source.clone())), ..self }
    }

    /// The same, with a way to ask for the code of an MFA device.
    #[must_use]
    pub fn asking(mut self, ask_code: impl Fn(&str) -> std::io::Result<String> + Send + Sync + 'static) -> Self {
        self.ask_code = Some(Arc::new(ask_code));
        self
    }

    /// The same, of an AWS within this process: calls cost nothing, and stacks may be made in no time.
    #[must_use]
    pub fn near(self) -> Self {
        Self { is_near: true, ..self }
    }

    /// The same, of an AWS that grants every call, however many there are: none waits for its rate.
    #[must_use]
    pub fn granting_all(self) -> Self {
        Self { rates: Arc::new(Rates::boundless()), ..self }
    }

    /// Whether calls cost nothing, and stacks may be made in no time.
    pub(super) fn is_near(&self) -> bool {
        self.is_near
    }

    /// How to ask for the code of an MFA device, if there is a way.
    pub(super) fn ask_code(&self) -> Option<&Arc<AskCode>> {
        self.ask_code.as_ref()
    }

    /// The clock that credentials expire by.
    pub(super) fn time_source(&self) -> SharedTimeSource {
        self.time_source.clone()
    }

    /// What chains of roles have started from so far, and could be fetched.
    pub(super) fn bases(&self) -> MutexGuard<'_, BTreeMap<BaseKey, Arc<Kept>>> {
        self.bases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the tokens of requests come from.
    pub(super) fn nonces(&self) -> &Arc<Nonces> {
        &self.nonces
    }

    /// The rates that all calls keep to.
    pub(super) fn rates(&self) -> &Arc<Rates> {
        &self.rates
    }

    /// The configuration that every client starts from; it has no region and no credentials of its own.
    pub(super) async fn config(&self) -> SdkConfig {
        let shared = match self.base {
            Base::Chain => {
                aws_config::defaults(BehaviorVersion::latest())
                    .http_client(self.http_client.clone())
                    .time_source(self.time_source.clone())
                    .no_credentials()
                    .load()
                    .await
            }
            Base::Given(_) => SdkConfig::builder()
                .behavior_version(BehaviorVersion::latest())
                .http_client(self.http_client.clone())
                .time_source(self.time_source.clone())
                .build(),
        };
        shared
            .into_builder()
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .retry_config(self.retries())
            .timeout_config(timeouts())
            // A whole attempt is bounded already, and answers are small.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            // A client serves all accounts of its region and asks `clients::PerCall` whom the call is for: whatever it kept
            // would sign the calls of others. `credentials::Kept` keeps an account's, told when AWS calls a session expired.
            .identity_cache(IdentityCache::no_cache())
            .build()
    }

    /// Five attempts within about half a minute, of calls to S3: for the others `call::patiently` makes them. What is throttled
    /// goes on there after these.
    fn retries(&self) -> RetryConfig {
        RetryConfig::standard()
            .with_max_attempts(5)
            .with_max_backoff(Duration::from_secs(10))
            .with_use_static_exponential_base(self.even_backoff)
    }

    /// What gives the credentials of a profile, or of the caller.
    pub(super) async fn base(&self, profile: Option<&str>, region: &Region) -> SharedCredentialsProvider {
        let region = aws_config::Region::new(region.as_str().to_owned());
        match (&self.base, profile) {
            (Base::Given(given), profile) => match given(profile) {
                Some(credentials) => SharedCredentialsProvider::new(credentials),
                None => SharedCredentialsProvider::new(Nothing),
            },
            (Base::Chain, None) => {
                let config = aws_config::defaults(BehaviorVersion::latest())
                    .http_client(self.http_client.clone())
                    .time_source(self.time_source.clone())
                    .region(region)
                    .load()
                    .await;
                config.credentials_provider().unwrap_or_else(|| SharedCredentialsProvider::new(Nothing))
            }
            // Not the default chain with the profile's name: there AWS_ACCESS_KEY_ID would win over the profile.
            (Base::Chain, Some(profile)) => {
                let config = ProviderConfig::without_region()
                    .with_http_client(self.http_client.clone())
                    .with_time_source(self.time_source.clone())
                    .with_region(Some(region))
                    .with_behavior_version(Some(BehaviorVersion::latest()));
                SharedCredentialsProvider::new(
                    ProfileFileCredentialsProvider::builder().configure(&config).profile_name(profile).build(),
                )
            }
        }
    }
}

/// A provider that has nothing to give.
#[derive(Debug)]
struct Nothing;

impl ProvideCredentials for Nothing {
    fn provide_credentials<'a>(&'a self) -> aws_credential_types::provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        aws_credential_types::provider::future::ProvideCredentials::ready(Err(
            aws_credential_types::provider::error::CredentialsError::not_loaded("none are given"),
        ))
    }
}

/// One attempt is over after half a minute: nothing that is called here takes longer to answer.
const ATTEMPT: Duration = Duration::from_secs(30);

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(Duration::from_secs(5)).operation_attempt_timeout(ATTEMPT).build()
}

/// Keeps the retries of one account from using up another's, for a client that all accounts share in a region.
///
/// By default every call of a service and region draws on one bucket of retry tokens, whatever account it is for: one
/// throttled account would switch the retries of all others off. Here the bucket never runs dry, since the number of
/// attempts bounds the retries already.
pub(super) fn retries_apart(region: &Region) -> RetryPartition {
    RetryPartition::custom(region.as_str().to_owned()).token_bucket(TokenBucket::unlimited()).build()
}
