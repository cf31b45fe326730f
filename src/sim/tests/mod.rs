//! The embedded AWS as the real SDK clients see it.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::config::{BehaviorVersion, Region};
use aws_sdk_ec2::error::ProvideErrorMetadata;

use super::Sim;

const HUB: &str = "111111111111";
const SPOKE: &str = "222222222222";
const EAST: &str = "us-east-1";
const WEST: &str = "us-west-2";

/// A client of a service as the program sets one up, with these credentials.
macro_rules! client {
    ($service:ident, $sim:expr, $credentials:expr, $region:expr) => {
        $service::Client::from_conf(
            $service::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .http_client($sim.http_client())
                .time_source($sim.time_source())
                .sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
                .retry_config(RetryConfig::standard().with_use_static_exponential_base(true))
                .credentials_provider($credentials)
                .region(Region::new($region.to_owned()))
                .build(),
        )
    };
}

mod ec2;
mod faults;
mod file;
mod form_2;
mod peering;
mod sts;

impl Sim {
    fn ec2(&self, account: &str, region: &str) -> aws_sdk_ec2::Client {
        client!(aws_sdk_ec2, self, self.credentials(account), region)
    }

    fn sts(&self, credentials: Credentials) -> aws_sdk_sts::Client {
        client!(aws_sdk_sts, self, credentials, EAST)
    }
}

fn ec2_with(sim: &Sim, credentials: Credentials) -> aws_sdk_ec2::Client {
    client!(aws_sdk_ec2, sim, credentials, EAST)
}

/// The code of an error that a service has answered with.
fn code<T: std::fmt::Debug, E: ProvideErrorMetadata>(result: Result<T, E>) -> String {
    result.unwrap_err().code().unwrap_or("no code").to_owned()
}

/// A new VPC of an account.
async fn vpc(client: &aws_sdk_ec2::Client, range: &str) -> String {
    let made = client.create_vpc().cidr_block(range).send().await.unwrap();
    made.vpc().and_then(|vpc| vpc.vpc_id()).unwrap().to_owned()
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}
