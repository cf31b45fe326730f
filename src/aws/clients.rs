//! The SDK's clients, one of each service for a region.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_types::retry::RetryConfig;
use tokio::time::Instant;

use super::credentials::Kept;
use super::environment::retries_apart;
use crate::ids::Region;

/// The clients of all regions, made when they are first asked for. A client is worth some tens of kilobytes, and a fleet has
/// thousands of accounts: so all accounts share them, and each call says on whose behalf it is made, see [`on_behalf_of`].
pub(super) struct Clients {
    config: SdkConfig,
    regions: Mutex<BTreeMap<Region, Arc<Services>>>,
    /// Those of S3, by the region of the buckets; most commands need none.
    s3: Mutex<BTreeMap<Region, aws_sdk_s3::Client>>,
    /// Those of Systems Manager and of Secrets Manager, which only plans need that name values there.
    systems_manager: Mutex<BTreeMap<Region, aws_sdk_ssm::Client>>,
    secrets_manager: Mutex<BTreeMap<Region, aws_sdk_secretsmanager::Client>>,
}

/// The clients of one region, one of each service that every plan needs.
pub(super) struct Services {
    pub(super) cloudformation: aws_sdk_cloudformation::Client,
    pub(super) ec2: aws_sdk_ec2::Client,
    pub(super) sts: aws_sdk_sts::Client,
}

impl Clients {
    /// Clients of a configuration that has neither a region nor credentials of its own.
    pub(super) fn new(config: SdkConfig) -> Self {
        let (regions, s3, systems_manager, secrets_manager) = Default::default();
        Self { config, regions, s3, systems_manager, secrets_manager }
    }

    /// The clients of a region.
    pub(super) fn of(&self, region: &Region) -> Arc<Services> {
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(regions.entry(region.clone()).or_insert_with(|| Arc::new(self.services(region))))
    }

    /// The client of S3 for buckets in a region.
    pub(super) fn s3(&self, region: &Region) -> aws_sdk_s3::Client {
        let mut clients = self.s3.lock().unwrap_or_else(PoisonError::into_inner);
        let client = clients.entry(region.clone()).or_insert_with(|| {
            let config = aws_sdk_s3::config::Builder::from(&self.config)
                .region(aws_config::Region::new(region.as_str().to_owned()))
                .credentials_provider(SharedCredentialsProvider::new(PerCall))
                .retry_partition(retries_apart(region))
                .build();
            aws_sdk_s3::Client::from_conf(config)
        });
        client.clone()
    }

    /// The client of Systems Manager in a region.
    pub(super) fn systems_manager(&self, region: &Region) -> aws_sdk_ssm::Client {
        let mut clients = self.systems_manager.lock().unwrap_or_else(PoisonError::into_inner);
        let client = clients.entry(region.clone()).or_insert_with(|| {
            let config = aws_sdk_ssm::config::Builder::from(&self.config)
                .region(aws_config::Region::new(region.as_str().to_owned()))
                .credentials_provider(SharedCredentialsProvider::new(PerCall))
                .retry_config(RetryConfig::disabled())
                .build();
            aws_sdk_ssm::Client::from_conf(config)
        });
        client.clone()
    }

    /// The client of Secrets Manager in a region.
    pub(super) fn secrets_manager(&self, region: &Region) -> aws_sdk_secretsmanager::Client {
        let mut clients = self.secrets_manager.lock().unwrap_or_else(PoisonError::into_inner);
        let client = clients.entry(region.clone()).or_insert_with(|| {
            let config = aws_sdk_secretsmanager::config::Builder::from(&self.config)
                .region(aws_config::Region::new(region.as_str().to_owned()))
                .credentials_provider(SharedCredentialsProvider::new(PerCall))
                .retry_config(RetryConfig::disabled())
                .build();
            aws_sdk_secretsmanager::Client::from_conf(config)
        });
        client.clone()
    }

    fn services(&self, region: &Region) -> Services {
        let sdk_region = aws_config::Region::new(region.as_str().to_owned());
        // Each attempt waits for its rate or for room, and `call::patiently` makes them.
        let once = RetryConfig::disabled();
        let provider = SharedCredentialsProvider::new(PerCall);
        let cloudformation = aws_sdk_cloudformation::config::Builder::from(&self.config)
            .region(sdk_region.clone())
            .credentials_provider(provider.clone())
            .retry_config(once.clone())
            .build();
        let ec2 = aws_sdk_ec2::config::Builder::from(&self.config)
            .region(sdk_region.clone())
            .credentials_provider(provider.clone())
            .retry_config(once.clone())
            .build();
        let sts = aws_sdk_sts::config::Builder::from(&self.config)
            .region(sdk_region)
            .credentials_provider(provider)
            .retry_config(once)
            .build();
        Services {
            cloudformation: aws_sdk_cloudformation::Client::from_conf(cloudformation),
            ec2: aws_sdk_ec2::Client::from_conf(ec2),
            sts: aws_sdk_sts::Client::from_conf(sts),
        }
    }
}

/// What signs a call.
struct Signer {
    credentials: Signing,
    /// When they were last asked for: an attempt may be one of several that the SDK makes within one call.
    asked: Cell<Instant>,
}

#[derive(Clone)]
enum Signing {
    /// Somebody's credentials, as they are when they are asked for.
    Kept(Arc<Kept>),
    /// These.
    Given(Credentials),
}

tokio::task_local! {
    /// Who signs the calls that are being made.
    static SIGNER: Signer;
}

/// Makes a call of a client of [`Clients`] with somebody's credentials. `asked` is when they were last asked for: what AWS
/// says of them when it answers is true of those, and not of what was fetched since.
pub(super) async fn on_behalf_of<F: Future>(credentials: &Arc<Kept>, asked: &Mutex<Instant>, call: F) -> F::Output {
    let signer = Signer { credentials: Signing::Kept(Arc::clone(credentials)), asked: Cell::new(Instant::now()) };
    let call = async {
        let answer = call.await;
        *asked.lock().unwrap_or_else(PoisonError::into_inner) = SIGNER.with(|signer| signer.asked.get());
        answer
    };
    SIGNER.scope(signer, call).await
}

/// Makes a call of a client of [`Clients`] with these credentials, so that it waits for no other call.
pub(super) async fn signed_by<F: Future>(credentials: Credentials, call: F) -> F::Output {
    let signer = Signer { credentials: Signing::Given(credentials), asked: Cell::new(Instant::now()) };
    SIGNER.scope(signer, call).await
}

/// Gives the credentials of whoever a call is made on behalf of. The SDK asks for them within the call's own future, and
/// keeps none of them: `Environment::config` sees to that.
#[derive(Debug)]
struct PerCall;

impl ProvideCredentials for PerCall {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        match SIGNER.try_with(|signer| signer.credentials.clone()) {
            Ok(Signing::Given(credentials)) => future::ProvideCredentials::ready(Ok(credentials)),
            Ok(Signing::Kept(credentials)) => future::ProvideCredentials::new(async move {
                let given = credentials.provide_credentials().await;
                SIGNER.with(|signer| signer.asked.set(Instant::now()));
                given
            }),
            Err(_) => {
                future::ProvideCredentials::ready(Err(CredentialsError::not_loaded("the call is on nobody's behalf")))
            }
        }
    }
}
