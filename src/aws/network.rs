//! The network: one pool of connections for all clients of a process, which stay warm while stacks are waited for.

use std::time::Duration;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// How long a connection that nobody uses is kept: longer than two looks at stacks are apart, and well below the 350 seconds
/// after which NAT gateways forget it without a word, so that nothing is sent into one that is dead.
const WARM: Duration = Duration::from_secs(90);

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

/// HTTPS by the system's certificates and those of a bundle in PEM format, by way of a proxy where one is set.
/// Of each endpoint so many connections are kept that nobody uses.
///
/// # Errors
///
/// The bundle cannot be used.
pub(super) fn network(ca_bundle: Option<&[u8]>, warm: usize) -> Result<SharedHttpClient, BadBundle> {
    let mut trust = TrustStore::default();
    if let Some(bundle) = ca_bundle {
        check_bundle(bundle)?;
        trust.add_pem_certificate(bundle);
    }
    Ok(sharing(move |settings, components| {
        // Off in the SDK's own client, and users behind a proxy expect it.
        connector(&trust, warm, ProxyConfig::from_env(), settings, components)
    }))
}

/// A client that makes a connector once for all clients that have the same timeouts.
fn sharing(
    connector: impl Fn(Option<&HttpConnectorSettings>, Option<&RuntimeComponents>) -> Connector + Send + Sync + 'static,
) -> SharedHttpClient {
    SharedHttpClient::new(Once(Builder::new().build_with_connector_fn(connector)))
}

fn connector(
    trust: &TrustStore,
    warm: usize,
    proxy: ProxyConfig,
    settings: Option<&HttpConnectorSettings>,
    components: Option<&RuntimeComponents>,
) -> Connector {
    let mut builder = Connector::builder();
    builder.set_connector_settings(settings.cloned());
    builder.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
    builder.set_pool_idle_timeout(Some(Some(WARM)));
    builder.set_pool_max_idle_per_host(Some(warm));
    let mut builder = builder.proxy_config(proxy).tls_provider(Provider::Rustls(CryptoMode::AwsLc));
    if let Ok(context) = TlsContext::builder().with_trust_store(trust.clone()).build() {
        builder.set_tls_context(context);
    }
    builder.build()
}

/// The SDK's client without what that does whenever a client of a service is made: to make a connector and throw it away,
/// so that the certificates are read before the first request. They would be read for each account, region and service.
#[derive(Debug)]
struct Once(SharedHttpClient);

impl HttpClient for Once {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        self.0.http_connector(settings, components)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
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
#[path = "network_tests.rs"]
mod tests;
