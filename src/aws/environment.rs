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
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime::client::retries::{RetryPartition, TokenBucket};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::credentials::{BaseKey, Kept};
use super::nonce::Nonces;
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

/// A certificate bundle that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadBundle {
    /// It is not PEM.
    #[error("the bundle is not in PEM format: {0}")]
    NotPem(String),
    /// It holds no certificate at all.
    #[error("the bundle holds no certificate (a block that starts with `-----BEGIN CERTIFICATE-----`)")]
    Empty,
    /// One of its certificates cannot be read.
    #[error("certificate {number} of the bundle cannot be read: {detail}")]
    BadCertificate {
        /// Its place in the bundle, from 1.
        number: usize,
        /// What is wrong with it.
        detail: String,
    },
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
    /// besides the system's own. `AWS_PROFILE`, `AWS_ENDPOINT_URL` and the like are read by the SDK itself.
    ///
    /// # Errors
    ///
    /// The bundle cannot be used.
    pub fn real(ca_bundle: Option<&[u8]>) -> Result<Self, BadBundle> {
        let time_source = SharedTimeSource::new(SystemTimeSource::new());
        Ok(Self {
            base: Base::Chain,
            http_client: network(ca_bundle)?,
            nonces: Arc::new(Nonces::random(time_source.clone())),
            time_source,
            even_backoff: false,
            ask_code: None,
            is_near: false,
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
            bases: Arc::default(),
        }
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
            .timeout_config(timeouts(ATTEMPT))
            // A whole attempt is bounded already, and answers are small.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            // A client serves all accounts of its region and asks `clients::PerCall` whom the call is for: whatever it kept
            // would sign the calls of others. `credentials::Kept` keeps an account's, told when AWS calls a session expired.
            .identity_cache(IdentityCache::no_cache())
            .build()
    }

    /// Five attempts within about half a minute; a throttled call goes on after that in `call::patiently`.
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

/// One attempt at a call is over after so long.
pub(super) fn timeouts(attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(Duration::from_secs(5)).operation_attempt_timeout(attempt).build()
}

/// Keeps the retries of one account from using up another's, for the client of some accounts in a region.
///
/// By default every call of a service and region draws on one bucket of retry tokens, whatever account it is for: one
/// throttled account would switch the retries of all others off. Here the bucket never runs dry, since the number of
/// attempts bounds the retries already.
pub(super) fn retries_apart(whose: &str, region: &Region) -> RetryPartition {
    RetryPartition::custom(format!("{whose}-{region}")).token_bucket(TokenBucket::unlimited()).build()
}

/// The network: HTTPS by the system's certificates and those of the bundle, by way of a proxy where one is set.
fn network(ca_bundle: Option<&[u8]>) -> Result<SharedHttpClient, BadBundle> {
    let mut trust = TrustStore::default();
    if let Some(bundle) = ca_bundle {
        check_bundle(bundle)?;
        trust.add_pem_certificate(bundle);
    }
    let client = Builder::new().build_with_connector_fn(move |settings, components| {
        let mut builder = Connector::builder();
        builder.set_connector_settings(settings.cloned());
        builder.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        let mut builder = builder
            // Off in the SDK's own client, and users behind a proxy expect it.
            .proxy_config(ProxyConfig::from_env())
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc));
        if let Ok(context) = TlsContext::builder().with_trust_store(trust.clone()).build() {
            builder.set_tls_context(context);
        }
        builder.build()
    });
    Ok(client)
}

/// The SDK panics over a certificate that it cannot read, so each is read here first, in the same way.
fn check_bundle(bundle: &[u8]) -> Result<(), BadBundle> {
    let mut roots = RootCertStore::empty();
    for (index, certificate) in CertificateDer::pem_slice_iter(bundle).enumerate() {
        let certificate = certificate.map_err(|error| BadBundle::NotPem(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| BadBundle::BadCertificate { number: index + 1, detail: error.to_string() })?;
    }
    if roots.is_empty() { Err(BadBundle::Empty) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_that_cannot_be_used_is_an_error_and_no_panic() {
        assert!(matches!(check_bundle(b""), Err(BadBundle::Empty)));
        assert!(matches!(check_bundle(b"hello"), Err(BadBundle::Empty)));
        let torn = b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
        assert!(matches!(check_bundle(torn), Err(BadBundle::NotPem(_))));
        let other = b"-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
        assert!(matches!(check_bundle(other), Err(BadBundle::BadCertificate { number: 1, .. })));
        assert!(Environment::real(Some(b"hello")).is_err());
    }
}
