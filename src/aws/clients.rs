//! The SDK's clients, one of each service for a region.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_config::SdkConfig;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};

use super::credentials::Kept;
use super::environment::retries_apart;
use crate::ids::Region;

/// The clients of all regions, made when they are first asked for. A client is worth some tens of kilobytes, and a fleet has
/// thousands of accounts: so all accounts share them, and each call says on whose behalf it is made, see [`on_behalf_of`].
pub(super) struct Clients {
    config: SdkConfig,
    regions: Mutex<BTreeMap<Region, Arc<Local>>>,
}

/// The clients of one region.
pub(super) struct Local {
    pub(super) cloudformation: aws_sdk_cloudformation::Client,
    pub(super) ec2: aws_sdk_ec2::Client,
    pub(super) sts: aws_sdk_sts::Client,
}

impl Clients {
    /// Clients of a configuration that has neither a region nor credentials of its own.
    pub(super) fn new(config: SdkConfig) -> Self {
        Self { config, regions: Mutex::default() }
    }

    /// What clients are made of.
    pub(super) fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// The clients of a region.
    pub(super) fn of(&self, region: &Region) -> Arc<Local> {
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(regions.entry(region.clone()).or_insert_with(|| Arc::new(self.local(region))))
    }

    fn local(&self, region: &Region) -> Local {
        let sdk_region = aws_config::Region::new(region.as_str().to_owned());
        // Retries never use up a bucket of tokens, so that those of one account take nothing from another's.
        let retries = retries_apart("all", region);
        let caller = SharedCredentialsProvider::new(Caller);
        let cloudformation = aws_sdk_cloudformation::config::Builder::from(&self.config)
            .region(sdk_region.clone())
            .credentials_provider(caller.clone())
            .retry_partition(retries.clone())
            .build();
        let ec2 = aws_sdk_ec2::config::Builder::from(&self.config)
            .region(sdk_region.clone())
            .credentials_provider(caller.clone())
            .retry_partition(retries.clone())
            .build();
        let sts = aws_sdk_sts::config::Builder::from(&self.config)
            .region(sdk_region)
            .credentials_provider(caller)
            .retry_partition(retries)
            .build();
        Local {
            cloudformation: aws_sdk_cloudformation::Client::from_conf(cloudformation),
            ec2: aws_sdk_ec2::Client::from_conf(ec2),
            sts: aws_sdk_sts::Client::from_conf(sts),
        }
    }
}

tokio::task_local! {
    /// Whose credentials sign the calls that are being made.
    static CALLER: Arc<Kept>;
}

/// Makes a call of a client of [`Clients`] with somebody's credentials.
pub(super) async fn on_behalf_of<F: Future>(credentials: &Arc<Kept>, call: F) -> F::Output {
    CALLER.scope(Arc::clone(credentials), call).await
}

/// Gives the credentials of whoever a call is made on behalf of. The SDK asks for them within the call's own future, and
/// keeps none of them: `Environment::config` sees to that.
#[derive(Debug)]
struct Caller;

impl ProvideCredentials for Caller {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        match CALLER.try_with(Arc::clone) {
            Ok(credentials) => future::ProvideCredentials::new(async move { credentials.provide_credentials().await }),
            Err(_) => {
                future::ProvideCredentials::ready(Err(CredentialsError::not_loaded("the call is on nobody's behalf")))
            }
        }
    }
}
