use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

#[test]
fn a_bundle_that_cannot_be_used_is_an_error_and_no_panic() {
    assert!(matches!(check_bundle(b""), Err(BadBundle::Empty)));
    assert!(matches!(check_bundle(b"hello"), Err(BadBundle::Empty)));
    let torn = b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
    assert!(matches!(check_bundle(torn), Err(BadBundle::NotPem(_))));
    let other = b"-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
    assert!(matches!(check_bundle(other), Err(BadBundle::BadCertificate { number: 1, .. })));
    assert!(network(Some(b"hello"), 32).is_err());
}

/// Whether a request has arrived with all of its body.
fn is_whole(asked: &[u8]) -> bool {
    let text = String::from_utf8_lossy(asked);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    let length = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    length.is_some_and(|(_, length)| length.trim().parse() == Ok(body.len()))
}

/// Answers every request with 404, and counts the connections.
async fn listening(connections: Arc<AtomicUsize>) -> String {
    const ANSWER: &str = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            connections.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let mut asked = Vec::new();
                let mut part = [0; 4096];
                while let Ok(read @ 1..) = stream.read(&mut part).await {
                    asked.extend_from_slice(&part[..read]);
                    if is_whole(&asked) {
                        asked.clear();
                        stream.write_all(ANSWER.as_bytes()).await.unwrap();
                    }
                }
            });
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn all_clients_share_one_connector_whose_connections_stay_warm() {
    let (connectors, connections) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let made = Arc::clone(&connectors);
    let http_client = sharing(move |settings, components| {
        made.fetch_add(1, Ordering::Relaxed);
        connector(&TrustStore::default(), 32, ProxyConfig::disabled(), settings, components)
    });
    let address = listening(Arc::clone(&connections)).await;
    let keys = SharedCredentialsProvider::new(Credentials::new("AKIATEST", "secret", None, None, "test"));
    let ask = async |account: &str| {
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(http_client.clone())
            .endpoint_url(&address)
            .region(Region::new("us-east-1"))
            .credentials_provider(keys.clone())
            .build();
        let client = aws_sdk_cloudformation::Client::new(&config);
        client.delete_stack().stack_name(account).send().await.unwrap_err().raw_response().unwrap().status().as_u16()
    };
    for account in 0..20 {
        assert_eq!(ask(&account.to_string()).await, 404);
    }
    let counted = || (connectors.load(Ordering::Relaxed), connections.load(Ordering::Relaxed));
    assert_eq!(counted(), (1, 1), "connectors and connections");
    for (pause, expected) in [(WARM.mul_f64(0.95), 1), (WARM.mul_f64(1.05), 2)] {
        tokio::time::pause();
        tokio::time::advance(pause).await;
        tokio::time::resume();
        assert_eq!(ask("late").await, 404);
        assert_eq!(counted(), (1, expected), "after {pause:?}");
    }
}
